"""The real app in a real terminal: a tmux server of its own for each test."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import pytest

DEADLINE_S = 30.0
LOOK_EVERY_S = 0.05

needs_tmux = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


class Terminal:
    """`afk-tui` under tmux in `folder`, with its database there too. Keys are sent, the screen is read."""

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        size: tuple[int, int] = (120, 36),
        env: Mapping[str, str] | None = None,
        name: str = "",
        in_shell: bool = False,
    ) -> None:
        """`name` tells a second terminal on the same folder and database from the first. `in_shell`: a shell starts
        the app, and says afterwards how it ended and what it left of the terminal; tmux does not wake it either, as
        it does a stopped process of its own."""
        self.folder = folder
        self.socket = str(folder.parent / f"{folder.name}{name}.tmux")
        self.size = size
        self.in_shell = in_shell
        self.arguments = arguments
        self.env = {
            "AFK_DB": str(folder.parent / f"{folder.name}.db"),
            "HOME": str(folder.parent),
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "TERM": "tmux-256color",
            "PYTHONPATH": str(Path(__file__).parents[2]),
            **(env or {}),
        }

    def __enter__(self) -> Terminal:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._tmux("kill-server", check=False)

    def start(self) -> None:
        """Start the app (again)."""
        command = [sys.executable, "-m", "afk_tui", *self.arguments]
        if self.in_shell:
            command = ["sh", "-c", '"$@"; echo "ended with $?"; stty -a; exec sleep 600', "sh", *command]
        settings = [part for name, value in self.env.items() for part in ("-e", f"{name}={value}")]
        width, height = self.size
        self._tmux(
            "-f", "/dev/null", "new-session", "-d", "-x", str(width), "-y", str(height),
            "-c", str(self.folder), *settings, *command, ";", "set-option", "-g", "remain-on-exit", "on",
        )  # fmt: skip

    def restart(self) -> None:
        """Start the app again, in a new session of the same server."""
        self._tmux("kill-server", check=False)
        # a client that meets a server on its way out fails
        self.until(lambda: not self._tmux("list-sessions", check=False), "the terminal to be gone")
        self.start()

    def kill(self) -> None:
        """SIGKILL the app and whatever it started, as a crash would."""
        os.kill(self.pid, signal.SIGKILL)
        if self.in_shell:
            self.wait_for("ended with")
        else:
            self.until(lambda: self.is_dead, "the app to be dead")

    @property
    def pid(self) -> int:
        """The app's process."""
        pane = int(self._tmux("display", "-p", "#{pane_pid}"))
        if not self.in_shell:
            return pane
        return int(Path(f"/proc/{pane}/task/{pane}/children").read_text().split()[0])

    @property
    def is_dead(self) -> bool:
        """Whether the app has ended."""
        return self._tmux("display", "-p", "#{pane_dead}").strip() == "1"

    @property
    def modes(self) -> str:
        """Alternate screen, mouse reports: "0 0 0" in a terminal that nothing has been asked of."""
        return self._tmux("display", "-p", "#{alternate_on} #{mouse_any_flag} #{mouse_sgr_flag}").strip()

    def screen(self) -> str:
        """What is on the screen now."""
        return self._tmux("capture-pane", "-p")

    def press(self, *keys: str) -> None:
        """Press keys, by tmux's names for them (Enter, C-n, F4, a)."""
        for key in keys:
            self._tmux("send-keys", key)

    def press_until(self, key: str, pattern: str) -> None:
        """Press a key until the screen shows the pattern: for what is deaf at first."""

        def shown() -> bool:
            if re.search(pattern, self.screen()):
                return True
            self.press(key)
            time.sleep(0.6)  # deaf until half a second without any key
            return bool(re.search(pattern, self.screen()))

        self.until(shown, f"{pattern!r} after {key}")

    def type(self, text: str, end: str | None = None) -> None:
        """Type text, and wait until it is on the screen: an enter in the same burst would be a paste. `end`: what to
        wait for where the last thirty characters stand in it before, or on two lines."""
        self._tmux("send-keys", "-l", text)
        self.wait_for(re.escape(end or text[-30:]))

    def wait_for(self, pattern: str, *, gone: bool = False) -> str:
        """The screen, as soon as it shows (or, `gone`, no longer shows) the pattern."""
        found = ""

        def shown() -> bool:
            nonlocal found
            found = self.screen()
            return bool(re.search(pattern, found)) != gone

        self.until(shown, f"{'no ' if gone else ''}{pattern!r} on the screen", lambda: found)
        return found

    def resize(self, width: int, height: int) -> None:
        """Change the terminal's size."""
        self._tmux("resize-window", "-x", str(width), "-y", str(height))

    def until(self, condition, what: str, last=lambda: "") -> None:
        """Wait for a condition that can be observed."""
        deadline = time.monotonic() + DEADLINE_S
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(
                    f"waited {DEADLINE_S:g} s for {what}; the screen:\n{last() or self.screen()}"
                )
            time.sleep(LOOK_EVERY_S)

    def _tmux(self, *arguments: str, check: bool = True) -> str:
        done = subprocess.run(
            ["tmux", "-S", self.socket, *arguments],
            env=self.env,  # not the tests' own: COLUMNS and LINES would be taken for the terminal's size
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
        )
        if check and done.returncode:
            raise AssertionError(f"tmux {arguments}: {done.stderr}")
        return done.stdout
