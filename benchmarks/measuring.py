"""Figures of many rounds, and the programs that take them: each measurement is a process of its own."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROGRAMS = Path(__file__).parent / "programs"
ROOT = Path(__file__).parent.parent
# a measurement that takes longer is a miss of its own kind, and is reported as one
TIMEOUT_S = 900.0


@dataclass(frozen=True, slots=True)
class Subject:
    """Something that is measured: a program under `programs/`, and the Python that runs it.

    `largest`: the size beyond which it is not run, because it would take longer, or more disk, than anybody waits for.
    """

    name: str
    program: str
    python: str = sys.executable
    arguments: tuple[str, ...] = ()
    largest: int | None = None


@dataclass(slots=True)
class Figures:
    """What the rounds of one subject at one size said, by the name of the figure."""

    values: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    failure: str | None = None

    def add(self, measured: dict[str, float]) -> None:
        """One more round."""
        for name, value in measured.items():
            self.values.setdefault(name, []).append(value)

    def median(self, name: str) -> float | None:
        """None where it was never measured."""
        return statistics.median(self.values[name]) if self.values.get(name) else None

    def spread(self, name: str) -> tuple[float, float] | None:
        """The smallest and the largest."""
        return (min(self.values[name]), max(self.values[name])) if self.values.get(name) else None


Taken = dict[tuple[str, int], Figures]


def take(
    subjects: Sequence[Subject], sizes: Sequence[int], rounds: int, tell: Callable[[str], None]
) -> Taken:
    """Every subject at every size, `rounds` times, interleaved: what the machine does in the meantime meets all."""
    taken: Taken = {}
    for turn in range(rounds):
        for size in sizes:
            for subject in subjects:
                figures = taken.setdefault((subject.name, size), Figures())
                if figures.failure or (subject.largest is not None and size > subject.largest):
                    continue
                tell(f"round {turn + 1} of {rounds}: {subject.name}, {size:,}")
                add(figures, lambda s=subject, n=size: run(s, n))
    return taken


class MeasuringError(Exception):
    """A program did not do what it was to measure; the message says how it ended."""


def run(subject: Subject, size: int) -> dict[str, float]:
    """One measurement, in a folder of its own. Raises MeasuringError."""
    with tempfile.TemporaryDirectory(prefix="afk-benchmark-") as folder:
        command = [subject.python, str(PROGRAMS / subject.program), str(size), folder, *subject.arguments]
        return json_of(command)


def add(figures: Figures, take_one: Callable[[], dict[str, float]], counts: bool = True) -> None:
    """One more round, unless one before failed; `counts`: or only run, so that what it reads is warm."""
    if figures.failure:
        return
    try:
        measured = take_one()
    except MeasuringError as error:
        figures.failure = str(error)
        return
    if counts:
        figures.add(measured)


def json_of(command: Sequence[str], **options: Any) -> dict[str, float]:
    """Run a command and read the JSON object that is its last line. Raises MeasuringError."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=TIMEOUT_S, cwd=ROOT, check=False, **options
        )
    except subprocess.TimeoutExpired as error:
        raise MeasuringError(f"not done after {TIMEOUT_S:g} s") from error
    lines = done.stdout.strip().splitlines()
    if done.returncode != 0 or not lines:
        last = (done.stderr.strip().splitlines() or ["it printed nothing"])[-1]
        raise MeasuringError(f"exit {done.returncode}: {last[:200]}")
    return json.loads(lines[-1])


def ratio(above: float | None, below: float | None) -> float | None:
    """None where one of the two was not measured."""
    return above / below if above is not None and below else None


def ratio_by_round(above: Figures, below: Figures, name: str) -> float | None:
    """The median of the ratios of each round: a slow minute of the machine meets both sides of one."""
    pairs = list(zip(above.values.get(name, ()), below.values.get(name, ()), strict=False))
    return statistics.median(a / b for a, b in pairs) if pairs and all(b for _, b in pairs) else None


def only(subjects: Iterable[Subject], names: Sequence[str]) -> list[Subject]:
    """Those of these names; all where none is given."""
    return [s for s in subjects if not names or s.name in names]
