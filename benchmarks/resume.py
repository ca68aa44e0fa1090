"""Resuming: from a new process to its model's first request, after 50 to 8,000 steps that a killed one has made."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.measuring import PROGRAMS, Figures, MeasuringError, Subject, json_of, ratio_by_round
from benchmarks.peers import Peers
from benchmarks.report import Report, Target, number, with_spread

SIZES = (50, 200, 800, 8000)
QUICK_SIZES = (5, 10)
OURS, LANGGRAPH, DBOS = "afk", "langgraph", "dbos"


def subjects(peers: Peers) -> list[Subject]:
    """All that are compared; the peers only as far as they can be installed."""
    found = [Subject(OURS, "afk_steps.py")]
    for name, program in ((LANGGRAPH, "langgraph_steps.py"), (DBOS, "dbos_steps.py")):
        if python := peers.python_of(name):
            found.append(Subject(name, program, python, largest=800))
    return found


def measure(peers: Peers, rounds: int, quick: bool, tell: Callable[[str], None]) -> Report:
    """The table, and what is asked of it."""
    sizes = QUICK_SIZES if quick else SIZES
    compared = subjects(peers)
    taken: dict[tuple[str, int], Figures] = {}
    with tempfile.TemporaryDirectory(prefix="afk-benchmark-") as kept:
        for size in sizes:
            for subject in compared:
                if subject.largest is None or size <= subject.largest:
                    tell(f"preparing {subject.name}, {size:,}")
                    taken[subject.name, size] = figures = Figures()
                    try:
                        _prepare(subject, size, Path(kept))
                    except MeasuringError as error:
                        figures.failure = str(error)
        for turn in range(rounds):
            for (name, size), figures in taken.items():
                if not figures.failure:
                    tell(f"round {turn + 1} of {rounds}: {name}, {size:,}")
                    subject = next(s for s in compared if s.name == name)
                    figures.add(_resume(subject, size, Path(kept)))
    report = Report(
        "resume",
        "Resuming",
        ("system", "steps", "load ms", "process start to first request, ms"),
    )
    for (name, size), figures in taken.items():
        if figures.failure:
            report.rows.append((name, f"{size:,}", figures.failure, "–"))
            continue
        report.rows.append((name, f"{size:,}", _ms(figures, "load_s"), _ms(figures, "start_s")))
    at = 800 if 800 in sizes else sizes[-1]

    def compare(name: str, peer: str) -> float | None:
        return ratio_by_round(taken[OURS, at], taken.get((peer, at), Figures()), name)

    report.targets += [
        Target(f"load at {at:,} steps against LangGraph", compare("load_s", LANGGRAPH), 1 / 3),
        Target(
            f"process start to first request at {at:,} steps against DBOS", compare("start_s", DBOS), 1 / 3
        ),
    ]
    report.notes += [
        "*Load* is from the call that resumes (for DBOS: its launch) to the first request of the model, in a new "
        "process, with the file as a killed one left it; imports and the schema of the tool come before.",
        *peers.notes_of("langgraph", "dbos"),
    ]
    return report


def _ms(figures: Figures, name: str) -> str:
    median, spread = figures.median(name), figures.spread(name)
    if median is None or spread is None:
        return number(None)
    return with_spread(median * 1e3, (spread[0] * 1e3, spread[1] * 1e3))


def _folder(subject: Subject, size: int, kept: Path) -> Path:
    return kept / f"{subject.name}-{size}"


def _prepare(subject: Subject, size: int, kept: Path) -> None:
    """Have a process make all its steps, and end as if it were killed while it asks for the next answer."""
    folder = _folder(subject, size, kept)
    folder.mkdir()
    json_of([subject.python, str(PROGRAMS / subject.program), str(size), str(folder), "sync", "prepare"])


def _resume(subject: Subject, size: int, kept: Path) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="afk-benchmark-") as folder:
        # in place, so that names of the folder that are kept in the file still fit: it is put back afterwards
        original = _folder(subject, size, kept)
        aside = Path(folder) / "aside"
        shutil.copytree(original, aside)
        try:
            began = time.monotonic()
            command = [subject.python, str(PROGRAMS / subject.program), str(size), str(original)]
            return json_of([*command, "sync", "resume", repr(began)])
        finally:
            shutil.rmtree(original)
            shutil.copytree(aside, original)
