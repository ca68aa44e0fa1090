"""Children that are forked quickly by a nursery of their own, and how each of them ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.memory.children import environment


class Nursery:
    """One process that has imported everything; it has one child at a time."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(),
        )

    def start(self, scenario: Any, output: Path, *, kill_after_s: float | None = None) -> int:
        """The child's process id; `wait` is due before the next start. A Scenario of `program`, or a Chapter of
        `story`."""
        assert self._process.stdin is not None
        order = {
            "kind": type(scenario).__name__,
            "scenario": asdict(scenario),
            "output": str(output),
            "kill_after_s": kill_after_s,
        }
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return int(self._line())

    def wait(self) -> int | None:
        """How the child ended: its exit code, or minus the signal that killed it. None: it stopped itself (SIGSTOP),
        and has to be waited for again."""
        status = int(self._line())
        return None if os.WIFSTOPPED(status) else os.waitstatus_to_exitcode(status)

    def run(self, scenario: Any, output: Path, *, kill_after_s: float | None = None) -> int | None:
        """`start` and `wait`."""
        self.start(scenario, output, kill_after_s=kill_after_s)
        return self.wait()

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def close(self) -> None:
        """End it; its child, if it has one, ends first."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()
