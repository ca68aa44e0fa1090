"""The scripted model on loopback, in a process of its own, and what it notes about its answers."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measuring import PROGRAMS, MeasuringError
from benchmarks.sessions import Session


class Model:
    """`url`: its base URL."""

    def __init__(self, url: str, notes: Path) -> None:
        self.url, self._notes = url, notes

    def told(self) -> dict[str, float]:
        """Of its latest answer `began`, `ended` (seconds, monotonic) and `pieces`; and `answers`, how many it gave."""
        try:
            return json.loads(self._notes.read_text())
        except FileNotFoundError:
            return {"began": 0, "ended": 0, "pieces": 0, "answers": 0}

    def wait(self, session: Session, answers: int, deadline_s: float) -> None:
        """Read what the program paints until so many answers were given. Raises MeasuringError."""
        deadline = time.monotonic() + deadline_s
        while self.told()["answers"] < answers:
            if time.monotonic() > deadline:
                raise MeasuringError(f"it did not ask for an answer within {deadline_s:g} s")
            session.rest(0.02)


@contextmanager
def serving(kind: str, number: int, per_s: float, folder: Path) -> Iterator[Model]:
    """A model that answers like this while the block runs. See programs/streaming_server.py."""
    notes = folder / "notes.json"
    words = [str(PROGRAMS / "streaming_server.py"), kind, str(number), str(per_s), str(notes)]
    with subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield Model(server.stdout.readline().strip(), notes)
        finally:
            server.kill()
