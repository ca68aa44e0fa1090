"""How much of a thread's records to keep, and what a compaction removed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

# why a compaction was made: by hand, by the schedule, before a resume
CompactionReason = Literal["hand", "schedule", "resume"]


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
class Retention:
    """What to keep of both dimensions; None leaves that one alone."""

    events: RetentionPolicy | None = None
    states: StateRetentionPolicy | None = None

    def to_json(self) -> dict[str, Any]:
        """As it is kept on disk."""
        return {
            "events": asdict(self.events) if self.events else None,
            "states": asdict(self.states) if self.states else None,
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Retention:
        """The inverse. Raises KeyError, TypeError or ValueError for what `to_json` never wrote."""
        events: dict[str, Any] | None = kept["events"]
        states: dict[str, Any] | None = kept["states"]
        kept_events = kept_states = None
        if events is not None:
            types = tuple(events["keep_event_types"])
            kept_events = RetentionPolicy(events["max_age_ms"], events["max_events"], types)
        if states is not None:
            kept_states = StateRetentionPolicy(states["max_entries"], states["max_age_ms"])
        return cls(kept_events, kept_states)


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


@dataclass(frozen=True, slots=True)
class UnattendedCompaction:
    """What became of a compaction that nobody stands beside.

    `why_not` says why none was begun: a run of the thread is `live` in some process, another process has `claimed` it,
    it is too `early`, there is `nothing` to remove, or the thread is `gone`. Else `result` says what was removed, and
    `stopped` is "live" where it ended before its end because a run of the thread began.
    """

    result: MemoryCompactionResult | None
    why_not: Literal["", "live", "claimed", "early", "nothing", "gone"] = ""
    stopped: Literal["", "live"] = ""
