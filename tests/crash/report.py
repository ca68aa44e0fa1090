"""What the crash matrix tried and what it found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

LABELS = {
    "begin_run": "S: a run begins",
    "record_answer": "A: the model answered",
    "decide": "D: someone decided",
    "begin_effect": "I: about to act",
    "begin_child": "I and S: a task is given to a subagent",
    "stop_child": "a subagent waits",
    "effect": "the effect",
    "record_result": "B: the tool returned",
    "record_summary": "a summary is recorded",
    "stop_run": "E: the run stops, ownership given up",
    "take_run": "a run is taken",
    "ask_about": "asking about an unknown outcome",
    "verify": "finding out whether it happened",
    "model": "the model answers",
    "hold": "an owner takes its lock",
    "release": "an owner gives its lock up",
    "lifeline": "a call takes its lock",
    "batch": "a compaction batch",
    "vacuum": "an incremental vacuum",
    "compact": "a compaction",
    "migration": "making the tables of a new file",
    "upgrade": "migrating a file of the first version",
    "copy": "the copy before a migration",
    "moment": "any moment",
}
WHENS = {
    "before": "before",
    "amid": "inside, between two statements",
    "inside": "inside, before the commit",
    "after": "after",
    "": "",
}
OWN_WHENS = {
    ("hold", "amid"): "inside, file made and not locked",
    ("hold", "inside"): "inside, locked and no process id written",
    ("release", "inside"): "inside, unlinked and not closed",
    ("lifeline", "amid"): "inside, file made and not locked",
    ("lifeline", "inside"): "inside, locked",
    ("effect", "inside"): "inside, written and not flushed",
    ("model", "inside"): "inside, half an answer streamed",
    ("vacuum", "inside"): "inside, between two pages",
    ("copy", "inside"): "inside, between two pages",
}


def point_name(point: str, when: str) -> str:
    """A point in words."""
    moment = OWN_WHENS.get((point, when), WHENS[when])
    return f"{LABELS[point]}, {moment}" if moment else LABELS[point]


@dataclass
class Report:
    """`kills`: by point. `others`: disturbances that are no plain kill. `rows`: how many kills in a row a story stood.
    `dimensions`: what the disturbed stories were made of."""

    stories: int = 0
    disturbed: int = 0
    kills: Counter[str] = field(default_factory=Counter[str])
    others: Counter[str] = field(default_factory=Counter[str])
    rows: Counter[int] = field(default_factory=Counter[int])
    dimensions: Counter[str] = field(default_factory=Counter[str])
    violations: list[str] = field(default_factory=list[str])
    failed_seeds: set[int] = field(default_factory=set[int])

    def add(self, other: Report) -> None:
        """Take in what another one counted."""
        self.stories += other.stories
        self.disturbed += other.disturbed
        self.kills += other.kills
        self.others += other.others
        self.rows += other.rows
        self.dimensions += other.dimensions
        self.violations += other.violations
        self.failed_seeds |= other.failed_seeds

    def lines(self) -> Iterable[str]:
        """For a person to read."""
        yield f"{self.stories} stories, {self.disturbed} of them disturbed; {self.kills.total()} kills"
        yield "kills, by point:"
        yield from (f"  {n:5}  {name}" for name, n in sorted(self.kills.items()))
        yield "other disturbances:"
        yield from (f"  {n:5}  {name}" for name, n in sorted(self.others.items()))
        yield "killed so many times in a row:"
        yield from (f"  {n:5}  {times}" for times, n in sorted(self.rows.items()))
        yield "disturbed stories with:"
        yield from (f"  {n:5}  {name}" for name, n in sorted(self.dimensions.items()))
        yield f"violations: {len(self.violations)}"
        yield from (f"  {violation}" for violation in self.violations)
