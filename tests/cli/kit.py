"""The command line as other programs see it: real processes on a real file."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
_OURS = ("OPENAI_", "AFK_", "XDG_", "PYTHON", "COLORTERM", "NO_COLOR", "COLUMNS", "LINES")


@dataclass(frozen=True, slots=True)
class Done:
    """How a process ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, which must be one JSON document."""
        return json.loads(self.out)

    def expect(self, code: int) -> Done:
        """The same, if it ended with this code and without a traceback."""
        assert self.code == code, f"exit {self.code}, not {code}\n{self.out}\n{self.err}"
        assert "Traceback" not in self.err, self.err
        return self


@dataclass(slots=True)
class Cli:
    """`afk-tui` in a folder of its own. `before` are its global options."""

    home: Path
    before: tuple[str, ...] = ("--demo",)
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    package_root: Path = ROOT
    started: list[subprocess.Popen[str]] = field(default_factory=list[subprocess.Popen[str]])

    def __post_init__(self) -> None:
        self.workspace.mkdir(parents=True, exist_ok=True)

    @property
    def workspace(self) -> Path:
        return self.home / "workspace"

    @property
    def db(self) -> Path:
        return self.home / "data" / "afk.db"

    def start(
        self, *arguments: str, before: tuple[str, ...] | None = None, **more: Any
    ) -> subprocess.Popen[str]:
        """A process that runs beside the test; `close` ends it. `through`: a command that starts it."""
        command = [
            *more.pop("through", ()),
            sys.executable,
            "-m",
            "afk_tui",
            *(self.before if before is None else before),
            *arguments,
        ]
        process = subprocess.Popen(
            command,
            cwd=more.pop("cwd", self.workspace),
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=more.pop("stdout", subprocess.PIPE),
            stderr=more.pop("stderr", subprocess.PIPE),
            text=True,
            encoding="utf-8",
            start_new_session=True,
            **more,
        )
        self.started.append(process)
        return process

    def __call__(self, *arguments: str, before: tuple[str, ...] | None = None, **more: Any) -> Done:
        """Run to the end."""
        return self.finish(self.start(*arguments, before=before, **more))

    def finish(self, process: subprocess.Popen[str]) -> Done:
        """Wait for its end."""
        out, err = process.communicate(timeout=40)
        return Done(process.returncode, out, err)

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        return {
            **kept,
            "HOME": str(self.home),
            "AFK_DB": str(self.db),
            "PYTHONPATH": str(self.package_root),
            "TERM": "xterm-256color",
            **self.env,
        }

    def waiting(self) -> list[dict[str, Any]]:
        """The requests that wait."""
        return self("approvals", "--json").expect(0).json

    def close(self) -> None:
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.wait()
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()


def wait_for(condition: Callable[[], object], *, timeout_s: float = 20.0) -> None:
    """Return when the condition holds."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.02)


def kill_hard(process: subprocess.Popen[str]) -> None:
    """SIGKILL to the process alone, as the kernel does when memory runs out."""
    os.kill(process.pid, signal.SIGKILL)
    process.wait(timeout=10)
