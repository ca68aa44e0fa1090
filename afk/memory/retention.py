"""How much of a thread's records to keep, and what a compaction removed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


def _positive(name: str, value: int | None) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        raise ValueError(f"{name} must be a whole number above zero, or None for no limit; got {value!r}.")


@dataclass(frozen=True, slots=True)
class RetentionPolicy:
    """What to keep of the events (telemetry). None is no limit; an event goes when *any* limit says so.

    `max_age_ms`: milliseconds; `max_events`: the newest so many; `keep_event_types`: types never removed.
    Zero, negative or non-integer limits: ValueError.
    """

    max_age_ms: int | None = None
    max_events: int | None = None
    keep_event_types: Sequence[str] = ()

    def __post_init__(self) -> None:
        _positive("max_age_ms", self.max_age_ms)
        _positive("max_events", self.max_events)


@dataclass(frozen=True, slots=True)
class StateRetentionPolicy:
    """What to keep of the states: checkpoints, conversation summaries and metadata, counted together, newest kept.

    None is no limit; a state goes when *any* limit says so, unless it is protected. Zero, negative or non-integer
    limits: ValueError.
    """

    max_entries: int | None = None
    max_age_ms: int | None = None

    def __post_init__(self) -> None:
        _positive("max_entries", self.max_entries)
        _positive("max_age_ms", self.max_age_ms)


@dataclass(frozen=True, slots=True)
class MemoryCompactionResult:
    """What a compaction removed (or, dry, would remove), counted in rows.

    `states_protected` counts what the policy would have removed but for its being needed, `events_protected` what it
    would have removed but for its type; `protected_by` says why: a reason and its count. `bytes_reclaimed` is what
    the database file shrank by (0 for a dry run).
    """

    events_removed: int
    states_removed: int
    events_before: int
    events_after: int
    states_before: int
    states_after: int
    states_protected: int
    bytes_reclaimed: int
    events_protected: int = 0
    protected_by: Mapping[str, int] = field(default_factory=dict[str, int])
