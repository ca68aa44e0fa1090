"""One story in one folder: its processes, what they leave there, and what is wrong with that."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.crash.children import Nursery
from tests.crash.older_file import Rows, make_older_file
from tests.crash.plot import plot_of
from tests.crash.report import Report
from tests.crash.sabotage import Sabotage
from tests.crash.story import Chapter

Kill = tuple[str, str, int]


class Telling:
    """`history`: how it was disturbed, for a person to read. `older`: the rows that stood in the file before it.
    `known_requests`: each request as it was first seen on disk."""

    def __init__(
        self,
        seed: int,
        folder: Path,
        nursery: Nursery,
        report: Report,
        *,
        base_url: str,
        without: Sabotage | None = None,
    ) -> None:
        folder.mkdir()
        self.seed = seed
        self.folder = folder
        self.db = folder / "afk.db"
        self.plot = plot_of(seed)
        self.kills = 0
        self.taken_over = False
        self.history: list[str] = []
        self.met: list[tuple[str, str]] = []
        self.took_s = 0.0
        self.known_requests: dict[str, tuple[Any, ...]] = {}
        self.older: Rows | None = make_older_file(self.db) if self.plot.older_file else None
        self._nursery = nursery
        self._report = report
        self._base_url = base_url if self.plot.over_http else None
        self._without: Sabotage | None = without
        self._started = 0

    def start(
        self, nursery: Nursery, *, nursery_kill_after_s: float | None = None, **fields: Any
    ) -> tuple[int, Path]:
        """A process that tells on, its id, and where it says what came of it."""
        self._started += 1
        output = self.folder / f"output-{self._started}.json"
        chapter = Chapter(
            self.seed, str(self.folder), base_url=self._base_url, without=self._without, **fields
        )
        return nursery.start(chapter, output, kill_after_s=nursery_kill_after_s), output

    def play(self, *, kill_after_s: float | None = None, **fields: Any) -> int | None:
        """Such a process to its end."""
        self.start(self._nursery, nursery_kill_after_s=kill_after_s, **fields)
        return self._nursery.wait()

    def tell_on(self, nursery: Nursery | None = None, **fields: Any) -> str | None:
        """Tell it with nothing in the way: as what it ended. None: it did not, and was blamed."""
        nursery = nursery or self._nursery
        _, output = self.start(nursery, **fields)
        if (ended := nursery.wait()) != 0:
            self.blame(f"the last process {ended_as(ended)}")
            return None
        said = json.loads(output.read_text())
        self.met = [(point, when) for point, when in said["met"]]
        self.took_s = said["took_s"]
        return said["outcome"]

    def finish(self, nursery: Nursery | None = None, **fields: Any) -> bool:
        """Tell it to its end, with nothing in the way."""
        outcome = self.tell_on(nursery, **fields)
        if outcome not in (None, "completed"):
            self.blame(f"it ended as {outcome}")
        return outcome == "completed"

    def blame(self, what: str) -> bool:
        """A violation; False."""
        how = f" [{', '.join(self.history)}]" if self.history else ""
        self._report.violations.append(f"seed {self.seed}: {what}{how}")
        self._report.failed_seeds.add(self.seed)
        return False

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.db)) as db:
            return db.execute(sql).fetchall()

    def lines(self, name: str) -> list[str]:
        path = self.folder / name
        return path.read_text().splitlines() if path.exists() else []

    @property
    def ledger(self) -> list[tuple[str, str, str]]:
        """The effects in their order: the tool, its argument, the key."""
        return [(name, what, key) for name, what, key in (line.split() for line in self.lines("ledger"))]


def ended_as(ended: int | None) -> str:
    """The end of a process in words."""
    if ended == -14:
        return "did not come to an end, and was given up"
    return f"ended with {ended}"
