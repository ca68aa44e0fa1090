"""What the compaction screen asks for and is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from afk.memory.records import CompactionRecord
from afk.memory.retention import MemoryCompactionResult, RetentionPolicy, StateRetentionPolicy

# (done, total, "events" | "states" | "space")
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class CompactionForm:
    """What to keep; None is no limit. A dimension with no limit at all is left alone."""

    event_age_ms: int | None = 86_400_000
    event_count: int | None = None
    state_count: int | None = 50
    state_age_ms: int | None = None

    def policies(self) -> tuple[RetentionPolicy | None, StateRetentionPolicy | None]:
        """The same for the engine. Raises ValueError for zero or less."""
        events = states = None
        if self.event_age_ms is not None or self.event_count is not None:
            events = RetentionPolicy(max_age_ms=self.event_age_ms, max_events=self.event_count)
        if self.state_count is not None or self.state_age_ms is not None:
            states = StateRetentionPolicy(max_entries=self.state_count, max_age_ms=self.state_age_ms)
        return events, states


@dataclass(frozen=True, slots=True)
class DimensionView:
    """The counts of one dimension, in rows."""

    before: int
    removed: int
    protected: int
    after: int


@dataclass(frozen=True, slots=True)
class CompactionView:
    """What a compaction removed, or (`dry`) would remove. `protected_by`: reason and count."""

    events: DimensionView
    states: DimensionView
    bytes_reclaimed: int
    dry: bool
    protected_by: dict[str, int] = field(default_factory=dict[str, int])


@dataclass(frozen=True, slots=True)
class PastCompaction:
    """One of before; `view` is None where it was stopped before its end."""

    at_ms: int
    policies: dict[str, Any]
    view: CompactionView | None


def view_of(result: MemoryCompactionResult, *, dry: bool) -> CompactionView:
    """The engine's counts, by dimension."""
    return CompactionView(
        events=DimensionView(
            result.events_before, result.events_removed, result.events_protected, result.events_after
        ),
        states=DimensionView(
            result.states_before, result.states_removed, result.states_protected, result.states_after
        ),
        bytes_reclaimed=result.bytes_reclaimed,
        dry=dry,
        protected_by=dict(result.protected_by),
    )


def past_of(record: CompactionRecord) -> PastCompaction:
    """A stored compaction."""
    view = view_of(MemoryCompactionResult(**record.result), dry=False) if record.result else None
    return PastCompaction(record.created_at_ms, record.policies, view)
