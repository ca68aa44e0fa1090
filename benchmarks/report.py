"""What was measured, as a person reads it: tables, targets reached and missed, and the machine it was taken on."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Target:
    """One promise: `measured` must not be above `limit`. None was not measured in this run."""

    what: str
    measured: float | None
    limit: float
    unit: str = "×"

    @property
    def verdict(self) -> str:
        if self.measured is None:
            return "not measured"
        return "reached" if self.measured <= self.limit else "MISSED"


@dataclass(slots=True)
class Report:
    """One benchmark's tables and targets. `notes`: what a reader must know to read them."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list[tuple[str, ...]])
    targets: list[Target] = field(default_factory=list[Target])
    notes: list[str] = field(default_factory=list[str])

    def as_json(self) -> dict[str, Any]:
        """JSON-safe values."""
        targets = [{**asdict(target), "verdict": target.verdict} for target in self.targets]
        return {
            "name": self.name,
            "title": self.title,
            "columns": list(self.columns),
            "rows": [list(row) for row in self.rows],
            "targets": targets,
            "notes": self.notes,
        }

    def markdown(self) -> str:
        """A section of RESULTS.md, which is also what the terminal shows."""
        lines = [f"## {self.title}", "", *_table(self.columns, self.rows), ""]
        if self.targets:
            rows = [
                (t.what, number(t.measured, t.unit), number(t.limit, t.unit), t.verdict) for t in self.targets
            ]
            lines += [*_table(("target", "measured", "at most", ""), rows), ""]
        return "\n".join([*lines, *(f"- {note}" for note in self.notes), *([""] if self.notes else [])])


def merged(results: str, reports: Sequence[Report], taken: str) -> str:
    """RESULTS.md with the sections of these reports in the place of what they were, each with where it was `taken`.

    Sections that are new come before the last one, which is written by hand.
    """
    head, *sections = re.split(r"^(?=## )", results, flags=re.MULTILINE)
    for report in reports:
        heading, _, rest = report.markdown().partition("\n")
        section = f"{heading}\n\n{taken}\n{rest.rstrip()}\n\n"
        places = [at for at, old in enumerate(sections) if old.startswith(f"{heading}\n")]
        if places:
            sections[places[0]] = section
        else:
            sections.insert(max(0, len(sections) - 1), section)
    return f"{head}{''.join(sections)}".rstrip() + "\n"


def number(value: float | None, unit: str = "") -> str:
    """Three digits that count."""
    if value is None:
        return "–"
    digits = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{digits} {unit}".strip()


def with_spread(value: float | None, spread: tuple[float, float] | None) -> str:
    """The median, and in brackets the smallest and the largest of the rounds."""
    if value is None or spread is None:
        return "–"
    return f"{number(value)} ({number(spread[0])} to {number(spread[1])})"


def machine() -> str:
    """What the figures were taken on, and how busy it was."""
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as info:
            model = next(
                (line.split(":", 1)[1].strip() for line in info if line.startswith("model name")), model
            )
    except OSError:
        pass  # not Linux: the name of the platform says enough
    return (
        f"Taken on {datetime.now(UTC):%Y-%m-%d} with {os.cpu_count()} cores of {model}, "
        f"{platform.system()} {platform.machine()}, Python {sys.version.split()[0]}, SQLite {sqlite3.sqlite_version}; "
        f"load {os.getloadavg()[0]:.1f} at the end. Each figure is the median of the rounds, all subjects "
        "interleaved; ratios travel to other machines, times do not."
    )


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    cells = [list(columns), *([*row] for row in rows)]
    widths = [max(len(row[n]) for row in cells) for n in range(len(columns))]
    lines = ["| " + " | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) + " |" for row in cells]
    return [lines[0], "|" + "|".join("-" * (w + 2) for w in widths) + "|", *lines[1:]]
