"""What a compaction would do, kind by kind and run by run; and what takes the space."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

RecordKind = Literal["events", "checkpoints", "summaries", "metadata"]
RECORD_KINDS: tuple[RecordKind, ...] = ("events", "checkpoints", "summaries", "metadata")


@dataclass(frozen=True, slots=True)
class RecordCount:
    """Rows of one kind: how many there are, and of those that the policies say should go, how many do and how many are
    protected."""

    there: int = 0
    going: int = 0
    protected: int = 0


@dataclass(frozen=True, slots=True)
class RunDetail:
    """The rows that belong to one run ("": to none), by kind, and why some of them are protected: reason and count."""

    run_id: str
    state: str
    created_at_ms: int
    kinds: Mapping[RecordKind, RecordCount]
    protected_by: Mapping[str, int] = field(default_factory=dict[str, int])


@dataclass(frozen=True, slots=True)
class CompactionDetail:
    """What a compaction of a thread would do now. `runs` are those with the most to remove, or with something
    protected; `other_runs` how many more have rows."""

    kinds: Mapping[RecordKind, RecordCount]
    protected_by: Mapping[str, int]
    runs: tuple[RunDetail, ...]
    other_runs: int


@dataclass(frozen=True, slots=True)
class SpaceTaken:
    """What rows of one sort take: bytes of the file with their indexes where `exact`, else of their texts alone."""

    what: str
    size_bytes: int
    exact: bool
