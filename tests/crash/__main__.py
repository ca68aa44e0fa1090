"""`python -m tests.crash --seeds N`: the crash matrix, and how it went. Ends with 1 where a promise was broken."""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import get_args

from tests.crash.matrix import Disturbance, Matrix, Stage
from tests.crash.report import Report
from tests.crash.sabotage import Sabotage

SHOW_EVERY_S = 15


def main() -> int:
    given = _arguments()
    began = time.monotonic()
    deadline = None if given.seconds is None else began + given.seconds
    seeds = _Seeds(given.first, given.seeds, deadline)

    def work() -> Report:
        with closing(Stage()) as stage:
            matrix = Matrix(stage, without=given.without, only=given.only, point=given.point, keep=given.keep)
            return matrix.tell(seeds, until=seeds.note)

    report = Report()
    if given.folder:
        given.folder.mkdir(parents=True, exist_ok=True)
    # the work is done by child processes; a thread for each only gives orders and looks what is left
    with ThreadPoolExecutor(given.jobs) as pool:
        for done in [pool.submit(work) for _ in range(given.jobs)]:
            report.add(done.result())
    print("\n".join(report.lines()))
    print(f"{time.monotonic() - began:.0f} s with {given.jobs} jobs; load {os.getloadavg()[0]:.1f}")
    narrowed = "".join(
        f" --{name} {value}"
        for name in ("only", "point", "without")
        if (value := getattr(given, name)) is not None
    )
    for seed in sorted(report.failed_seeds):
        print(f"again: python -m tests.crash --first {seed} --seeds 1 --jobs 1{narrowed} --keep FOLDER")
    return 1 if report.violations else 0


class _Seeds:
    """Seeds for all jobs; tells how far they are."""

    def __init__(self, first: int, count: int, deadline: float | None) -> None:
        self._next, self._end, self._deadline = first, first + count, deadline
        self._count = count
        self._lock = threading.Lock()
        self._began = self._shown = time.monotonic()
        self._done = 0

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        with self._lock:
            if self._next >= self._end or (self._deadline and time.monotonic() > self._deadline):
                raise StopIteration
            self._next += 1
            return self._next - 1

    def note(self, report: Report) -> bool:
        """One more is told, by the job of this report."""
        with self._lock:
            self._done += 1
            now = time.monotonic()
            if now - self._shown > SHOW_EVERY_S:
                self._shown = now
                failed = f", failed in this job: {sorted(report.failed_seeds)}" if report.failed_seeds else ""
                told = f"{self._done}/{self._count} stories in {now - self._began:.0f} s{failed}"
                print(told, file=sys.stderr, flush=True)
        return False


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.crash", description="Kill runs, and look what is left."
    )
    parser.add_argument("--seeds", type=int, default=100, help="how many stories")
    parser.add_argument("--first", type=int, default=0, help="the first story")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="stories at once")
    parser.add_argument("--seconds", type=float, help="stop after so many seconds")
    parser.add_argument("--only", choices=get_args(Disturbance), help="one way to disturb")
    parser.add_argument("--point", help="one point to disturb at, as in points.py: begin_effect, copy, ...")
    parser.add_argument("--folder", type=Path, help="where stories have their files (default: in memory)")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="where the files of failed stories go")
    parser.add_argument(
        "--without", choices=get_args(Sabotage), help="a mechanism to take out: must be noticed"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
