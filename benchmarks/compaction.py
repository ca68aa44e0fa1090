"""Compacting a thread of a million events and 100,000 checkpoints, beside the bare deletes and beside a run."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measuring import PROGRAMS, ROOT, Figures, MeasuringError, json_of, ratio, ratio_by_round
from benchmarks.peers import Peers
from benchmarks.report import Report, Target, number, with_spread

SIZE, QUICK_SIZE = 1_000_000, 2_000
OURS, BARE, BESIDE, ALONE, SMALL = (
    "compact_thread",
    "bare deletes",
    "run beside it",
    "run alone",
    "a tenth of it",
)
ALONE_S = 3.0


def measure(peers: Peers, rounds: int, quick: bool, tell: Callable[[str], None]) -> Report:
    """The table, and what is asked of it."""
    size = QUICK_SIZE if quick else SIZE
    taken = {name: Figures() for name in (OURS, BARE, BESIDE, ALONE, SMALL)}
    with tempfile.TemporaryDirectory(prefix="afk-benchmark-") as folder:
        for events in (size, size // 10):
            tell(f"preparing {events:,} events")
            (Path(folder) / str(events)).mkdir()
            _call(events, Path(folder) / str(events), "prepare")
        for turn in range(rounds):
            tell(f"round {turn + 1} of {rounds}")
            with _copy(folder, size) as copy:
                taken[OURS].add(_call(size, copy, "ours"))
            with _copy(folder, size) as copy:
                taken[BARE].add(_call(size, copy, "bare"))
            with _copy(folder, size // 10) as copy:
                taken[SMALL].add(_call(size // 10, copy, "ours"))
            with _copy(folder, size) as copy, _running(size, copy, taken[ALONE]):
                time.sleep(0.1 if quick else ALONE_S)
            with _copy(folder, size) as copy, _running(size, copy, taken[BESIDE]):
                _call(size, copy, "ours")
    return _report(taken, size)


def _call(size: int, folder: Path, word: str) -> dict[str, float]:
    return json_of([sys.executable, str(PROGRAMS / "compaction.py"), str(size), str(folder), word])


@contextmanager
def _copy(folder: str, size: int) -> Iterator[Path]:
    """The prepared file, to be changed; the page cache then holds it, whichever was read last."""
    with tempfile.TemporaryDirectory(prefix="afk-benchmark-") as copies:
        copy = Path(copies) / "copy"
        shutil.copytree(Path(folder) / str(size), copy)
        yield copy


@contextmanager
def _running(size: int, folder: Path, figures: Figures) -> Iterator[None]:
    """A run takes steps in this file for as long as the block lasts."""
    command = [sys.executable, str(PROGRAMS / "compaction.py"), str(size), str(folder), "run"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    while not (folder / "running").exists():
        if process.poll() is not None:
            raise MeasuringError(f"the run did not begin: {process.communicate()[1][-200:]}")
        time.sleep(0.01)
    yield
    (folder / "stop").touch()
    printed, _ = process.communicate(timeout=60)
    figures.add(json.loads(printed.strip().splitlines()[-1]))


def _report(taken: dict[str, Figures], size: int) -> Report:
    ours, bare, small = taken[OURS], taken[BARE], taken[SMALL]
    report = Report(
        "compaction",
        f"Compaction of {size:,} events and {size // 10:,} checkpoints",
        ("what", "wall s", "CPU s", "rows removed", "given back", "longest write lock ms", "memory grew by"),
    )
    for name, figures in ((OURS, ours), (BARE, bare), (f"{OURS}, {SMALL}", small)):
        lock, grown = figures.median("longest_lock_s"), figures.median("grown_mb")
        report.rows.append(
            (
                name,
                with_spread(figures.median("wall_s"), figures.spread("wall_s")),
                with_spread(figures.median("cpu_s"), figures.spread("cpu_s")),
                f"{figures.median('removed') or 0:,.0f}",
                f"{number((figures.median('given_back') or 0) / 1e6)} MB",
                number(lock * 1e3 if lock is not None else None),
                "–" if grown is None else f"{number(grown)} MB",
            )
        )
    alone, beside = taken[ALONE].median("step_s"), taken[BESIDE].median("step_s")
    lock = ours.median("longest_lock_s")
    report.targets += [
        Target("wall against the bare deletes", ratio_by_round(ours, bare, "wall_s"), 1.5),
        Target("longest write lock", lock * 1e3 if lock is not None else None, 20.0, "ms"),
        Target("a step of a run beside it, against one alone", ratio(beside, alone), 1.1),
        Target(
            "space given back, bare deletes against ours",
            ratio(bare.median("given_back"), ours.median("given_back")),
            1.01,
        ),
        Target("memory it grew by", ours.median("grown_mb"), 16.0, "MB"),
    ]
    report.notes += [
        "Bare: one DELETE a table, one `incremental_vacuum`, one checkpoint of the WAL; a writer beside it waits "
        "for all of each. Both are timed until the space is given back.",
        f"A step of the run alone took {number((alone or 0) * 1e3)} ms, beside the compaction "
        f"{number((beside or 0) * 1e3)} ms.",
    ]
    return report
