"""What the compaction screen asks for and is told, and how it is made of the engine's counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from afk.core.schedule import Every as Every
from afk.memory.compaction_detail import CompactionDetail, RecordCount, RecordKind
from afk.memory.records import CompactionRecord, ThreadRecord
from afk.memory.retention import MemoryCompactionResult, Retention, RetentionPolicy, StateRetentionPolicy
from afk_tui.gateway.clean import clean_line

DAY_MS = 86_400_000
# (done, total, "events" | "states" | "space" | "counting")
Progress = Callable[[int, int, str], None]
PARTS_SHOWN = 12


@dataclass(frozen=True, slots=True)
class CompactionForm:
    """What to keep; None is no limit. A dimension with no limit at all is left alone."""

    event_age_ms: int | None = DAY_MS
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


PRESETS: Mapping[str, CompactionForm] = {
    "a day": CompactionForm(),
    "a week": CompactionForm(event_age_ms=7 * DAY_MS),
    "newest 50": CompactionForm(event_age_ms=None, event_count=50),
}
CUSTOM = "custom"


def preset_of(form: CompactionForm) -> str:
    """The preset that says the same as a form, or "custom"."""
    return next((name for name, preset in PRESETS.items() if preset == form), CUSTOM)


@dataclass(frozen=True, slots=True)
class DimensionView:
    """The counts of one dimension, or of one kind in it, in rows."""

    before: int = 0
    removed: int = 0
    protected: int = 0
    after: int = 0


@dataclass(frozen=True, slots=True)
class PartView:
    """What a compaction does to one run of a thread, or to one thread of all. `name` is a run's id or a thread's title,
    "" what belongs to no run; `state` and `at_ms` are a run's."""

    name: str
    state: str
    at_ms: int
    kinds: Mapping[RecordKind, DimensionView]
    protected_by: Mapping[str, int]

    @property
    def removed(self) -> int:
        """How many rows of it go."""
        return sum(view.removed for view in self.kinds.values())


@dataclass(frozen=True, slots=True)
class CompactionView:
    """What a compaction removed, or (`dry`) would remove. `protected_by`: reason and count; `parts`: the runs, or the
    threads, that it touches most, of which there are `other_parts` more."""

    events: DimensionView
    states: DimensionView
    bytes_reclaimed: int
    dry: bool
    protected_by: dict[str, int] = field(default_factory=dict[str, int])
    kinds: Mapping[RecordKind, DimensionView] = field(default_factory=dict[RecordKind, DimensionView])
    parts: tuple[PartView, ...] = ()
    other_parts: int = 0
    threads: int = 1


@dataclass(frozen=True, slots=True)
class PastCompaction:
    """One of before. `why` is "hand", "schedule" or "resume". `view` is None where it did not come to its end: `ended`
    is "going on", "cancelled", "live" (a run of the thread began) or "died", and `removed` what it had removed, where
    that is known."""

    at_ms: int
    policies: dict[str, Any]
    view: CompactionView | None
    why: str = "hand"
    ended: str = ""
    removed: int | None = None
    title: str = ""


@dataclass(frozen=True, slots=True)
class SpaceRow:
    """What one sort of rows takes; `exact`: of the file, else of the texts alone."""

    what: str
    size_bytes: int
    exact: bool


def form_of(retention: Retention) -> CompactionForm:
    """The engine's policies as a form."""
    events, states = retention.events, retention.states
    return CompactionForm(
        events.max_age_ms if events else None,
        events.max_events if events else None,
        states.max_entries if states else None,
        states.max_age_ms if states else None,
    )


def past_of(record: CompactionRecord) -> PastCompaction:
    """A stored compaction."""
    ended, removed = "", None
    if record.result is None:
        ended = "going on" if record.is_going_on else "died"
        if record.stopped is not None:
            ended = record.stopped["why"]
            removed = record.stopped["events_removed"] + record.stopped["states_removed"]
    view = _view_of_result(MemoryCompactionResult(**record.result)) if record.result else None
    return PastCompaction(
        record.created_at_ms,
        record.policies,
        view,
        record.why,
        ended,
        removed,
        clean_line(record.thread_title),
    )


def _view_of_result(result: MemoryCompactionResult) -> CompactionView:
    return CompactionView(
        events=DimensionView(
            result.events_before, result.events_removed, result.events_protected, result.events_after
        ),
        states=DimensionView(
            result.states_before, result.states_removed, result.states_protected, result.states_after
        ),
        bytes_reclaimed=result.bytes_reclaimed,
        dry=False,
        protected_by=dict(result.protected_by),
    )


def view_of(kinds: Mapping[RecordKind, RecordCount], reasons: Mapping[str, int]) -> CompactionView:
    """What would go, by kind."""
    views = _views(kinds)
    return CompactionView(
        events=views["events"],
        states=_total([view for kind, view in views.items() if kind != "events"]),
        bytes_reclaimed=0,
        dry=True,
        protected_by=dict(reasons),
        kinds=views,
    )


def view_of_thread(found: CompactionDetail) -> CompactionView:
    """What would go of a thread, and of its runs."""
    parts = [
        PartView(
            run.run_id,
            run.state,
            run.created_at_ms,
            _views(run.kinds),
            run.protected_by,
        )
        for run in found.runs
    ]
    view = view_of(found.kinds, found.protected_by)
    return replace(
        view,
        parts=tuple(parts[:PARTS_SHOWN]),
        other_parts=found.other_runs + max(0, len(parts) - PARTS_SHOWN),
    )


def part_of_thread(thread: ThreadRecord, found: CompactionDetail) -> PartView:
    """What would go of one thread of all."""
    title, views = clean_line(thread.title), _views(found.kinds)
    return PartView(title, "", thread.updated_at_ms, views, found.protected_by)


def view_after(
    would: CompactionView, after: CompactionView, results: list[MemoryCompactionResult]
) -> CompactionView:
    """What went: events and states as they were counted while they went, the kinds of states by what is left."""
    kinds: dict[RecordKind, DimensionView] = {}
    for kind, now in after.kinds.items():
        kinds[kind] = _before(now, max(0, would.kinds[kind].before - now.before))
    events = sum(result.events_removed for result in results)
    states = sum(result.states_removed for result in results)
    kinds["events"] = _before(after.events, events)
    return replace(
        after,
        events=kinds["events"],
        states=_before(after.states, states),
        bytes_reclaimed=sum(result.bytes_reclaimed for result in results),
        dry=False,
        kinds=kinds,
        parts=would.parts,
        other_parts=would.other_parts,
    )


def _before(now: DimensionView, removed: int) -> DimensionView:
    return DimensionView(now.before + removed, removed, now.protected, now.before)


def _views(counts: Mapping[RecordKind, RecordCount]) -> dict[RecordKind, DimensionView]:
    return {kind: _dimension(count) for kind, count in counts.items()}


def _dimension(count: RecordCount) -> DimensionView:
    return DimensionView(count.there, count.going, count.protected, count.there - count.going)


def plus(one: RecordCount, other: RecordCount) -> RecordCount:
    """The counts of both together."""
    return RecordCount(one.there + other.there, one.going + other.going, one.protected + other.protected)


def _total(views: list[DimensionView]) -> DimensionView:
    return DimensionView(
        sum(v.before for v in views),
        sum(v.removed for v in views),
        sum(v.protected for v in views),
        sum(v.after for v in views),
    )
