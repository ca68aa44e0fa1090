"""The app as a job of a shell, inside `screen`, and over a connection from elsewhere."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from tests.support.terminal import Terminal, needs_tmux

pytestmark = needs_tmux

PROMPT = "env PS1='shell> ' bash --norc --noprofile"
APP = f"{sys.executable} -m afk_tui --demo --trust"
# of a terminal that is a shell's: no line is eaten, and what is typed is shown
COOKED = r"(?s) icanon .* echo "


class Shell(Terminal):
    """A shell, or another program, in place of the app."""

    program = PROMPT

    def start(self) -> None:
        settings = [part for name, value in self.env.items() for part in ("-e", f"{name}={value}")]
        width, height = self.size
        self._tmux(
            *("-f", "/dev/null", "new-session", "-d", "-x", str(width), "-y", str(height)),
            *("-c", str(self.folder), *settings, self.program),
        )


def begin(terminal: Shell) -> None:
    """The app in the shell, with a message that is not sent yet."""
    terminal.wait_for("shell>")
    terminal.type(APP)
    terminal.press("Enter")
    terminal.wait_for("○ ready")
    terminal.type("write a.txt: hi")
    terminal.wait_for("│ write a.txt: hi")


def test_ctrl_z_gives_the_shell_its_terminal_and_fg_brings_everything_back(folder: Path) -> None:
    with Shell(folder) as terminal:
        begin(terminal)
        terminal.press("C-z")
        terminal.wait_for("Stopped")
        terminal.type("stty -a")
        terminal.press("Enter")
        terminal.wait_for(COOKED)
        terminal.resize(90, 30)
        terminal.type("fg")
        terminal.press("Enter")
        terminal.wait_for("│ write a.txt: hi")
        terminal.wait_for("f2 menu")
        terminal.press("Enter")
        terminal.wait_for("1 call waits")
        terminal.press("C-z")
        terminal.wait_for(r"shell>\s*\Z")
        terminal.type("kill %1; fg; echo over")
        terminal.press("Enter")
        terminal.wait_for("(?m)^over")
    assert not (folder / "a.txt").exists()


@pytest.mark.skipif(shutil.which("screen") is None, reason="screen is not installed")
def test_inside_screen_it_is_seen_and_used_as_anywhere(folder: Path) -> None:
    class Screen(Shell):
        program = f"screen -q -c /dev/null {PROMPT}"

    with Screen(folder, env={"SCREENDIR": str(folder.parent / "screens"), "TERM": "screen"}) as terminal:
        begin(terminal)
        terminal.press("Enter")
        terminal.wait_for("1 call waits")
        terminal.press("F4")
        terminal.wait_for("a allow once")
        terminal.press_until("d", "denied")
        # screen may keep ctrl+q to itself
        terminal.type("/quit")
        terminal.wait_for("│ /quit")
        terminal.press("Enter")
        terminal.wait_for(r"shell>\s*\Z")
    assert not (folder / "a.txt").exists()


def test_over_ssh_what_is_copied_goes_to_the_terminal_and_nothing_needs_a_display(folder: Path) -> None:
    environment = {"SSH_CONNECTION": "192.0.2.1 50000 192.0.2.2 22", "SSH_TTY": "/dev/pts/9", "DISPLAY": ""}
    with Terminal(folder, "--demo", "--trust", env=environment) as terminal:
        terminal._tmux("set-option", "-g", "set-clipboard", "on")
        terminal.wait_for("○ ready")
        terminal.type("hello there")
        terminal.wait_for("│ hello there")
        terminal.press("Enter")
        terminal.wait_for("✓ done")
        terminal.type("/copy-all")
        terminal.wait_for("│ /copy-all")
        terminal.press("Enter")
        terminal.until(lambda: terminal._tmux("list-buffers", check=False) != "", "tmux to have it")
        assert "hello there" in terminal._tmux("show-buffer")
