"""What the compaction screen says, made of counts."""

from __future__ import annotations

from typing import Any, cast

from textual.content import Content

from afk_tui.gateway.compaction_views import (
    CompactionForm,
    CompactionView,
    DimensionView,
    PartView,
    PastCompaction,
)
from afk_tui.screens.words import age_of, count, size, when
from afk_tui.widgets.status_line import shorten_middle

MUTED = "$foreground 60%"
PAST_SHOWN = 10
STAGES = {"events": "removing events", "states": "removing states", "space": "giving the space back"}
WHY = {"hand": "by hand", "schedule": "by the schedule", "resume": "before a resume"}
SIGNS = {
    "running": "●",
    "awaiting_approval": "◆",
    "interrupted": "■",
    "cancelled": "■",
    "completed": "✓",
    "failed": "✗",
    "degraded": "!",
}
KINDS = ("events", "checkpoints", "summaries", "metadata")
SHORT = ("events", "checkp.", "summar.", "meta")
NAME = 13


def table(view: CompactionView) -> Content:
    """A line for each kind of record: before, removed, protected, after."""
    rows = [(kind, view.kinds.get(kind, DimensionView())) for kind in KINDS]
    widths = [
        max(len(head), *(len(f"{number:,}") for number in column))
        for head, column in zip(
            _heads(view), zip(*(_numbers(counts) for _, counts in rows), strict=True), strict=True
        )
    ]
    heads = zip(_heads(view), widths, strict=True)
    lines = [Content.styled(" " * NAME + "".join(f"{head:>{width + 2}}" for head, width in heads), MUTED)]
    for kind, counts in rows:
        styles = ("", "bold $text-warning" if counts.removed else "", "", "bold")
        cells = [
            (f"{number:>{width + 2},}", style)
            for number, width, style in zip(_numbers(counts), widths, styles, strict=True)
        ]
        lines.append(Content.assemble((f"{kind:<{NAME}}", MUTED), *cells))
    return Content("\n").join(lines)


def _heads(view: CompactionView) -> tuple[str, str, str, str]:
    return "before", "would go" if view.dry else "removed", "protected", "after"


def _numbers(counts: DimensionView) -> tuple[int, int, int, int]:
    return counts.before, counts.removed, counts.protected, counts.after


def parts(view: CompactionView, now_ms: int, *, of_threads: bool) -> Content:
    """A line for each run, or thread: what goes of it, by kind; and below it what stays, and why."""
    shown = [part for part in view.parts if part.removed or part.protected_by]
    if not shown:
        return Content()
    title = ("would go" if view.dry else "removed") + (" by thread" if of_threads else " by run")
    head = f"{title:<{NAME + 5}}" + "".join(f"{name:>9}" for name in SHORT)
    lines = [Content.styled(head, MUTED)]
    for part in shown:
        numbers = "".join(f"{part.kinds.get(kind, DimensionView()).removed:>9,}" for kind in KINDS)
        name = _name_of(part, now_ms, of_threads=of_threads)
        lines.append(Content.assemble(f"{name:<{NAME + 5}}", (numbers, "" if part.removed else MUTED)))
        lines += [
            Content.styled(f"  {number:,} stay: {reason}", MUTED)
            for reason, number in part.protected_by.items()
        ]
    if view.other_parts:
        more = count(view.other_parts, "more thread" if of_threads else "more run")
        lines.append(Content.styled(f"and {more}", MUTED))
    return Content("\n").join(lines)


def _name_of(part: PartView, now_ms: int, *, of_threads: bool) -> str:
    if of_threads:
        return shorten_middle(part.name, NAME + 4)
    if not part.name:
        return "of no run"
    return f"{SIGNS.get(part.state, '?')} {when(part.at_ms, now_ms)}"


def reasons(view: CompactionView) -> Content:
    """Why rows are protected that the limits say should go; empty when none are."""
    lines = [f"{number:,} protected: {reason}" for reason, number in view.protected_by.items()]
    return Content("\n").join(Content.styled(line, MUTED) for line in lines)


def what_goes(view: CompactionView) -> str:
    """ "80 events and 10 states"."""
    return f"{count(view.events.removed, 'event')} and {count(view.states.removed, 'state')}"


def limits(form: CompactionForm) -> str:
    """The form in words."""
    return _limits(form.event_age_ms, form.event_count, form.state_age_ms, form.state_count)


def past(compactions: list[PastCompaction], now_ms: int, *, of_threads: bool) -> Content:
    """Compactions of before, the newest first."""
    if not compactions:
        return Content.styled("None yet." if of_threads else "None of this thread yet.", MUTED)
    lines: list[Content] = []
    for one in compactions[:PAST_SHOWN]:
        lines.append(Content.assemble((f"{when(one.at_ms, now_ms)}  ", MUTED), _outcome(one)))
        about = f"{WHY.get(one.why, one.why)}: {_of_policies(one.policies)}"
        if of_threads:
            about = f"{shorten_middle(one.title, 24) or 'a thread that is gone'}, {about}"
        lines.append(Content.styled(f"  {about}", MUTED))
    if len(compactions) > PAST_SHOWN:
        lines.append(Content.styled(f"and {len(compactions) - PAST_SHOWN} more", MUTED))
    return Content("\n").join(lines)


def _outcome(one: PastCompaction) -> str:
    if one.view is not None:
        return f"{what_goes(one.view)} removed, {size(one.view.bytes_reclaimed)} given back"
    removed = f", {count(one.removed, 'record')} removed" if one.removed is not None else ""
    match one.ended:
        case "going on":
            return "unfinished: it goes on now"
        case "live":
            return f"unfinished: a run of the thread began{removed}"
        case "cancelled":
            return f"unfinished: stopped before its end{removed}"
        case _:
            return "unfinished: its program ended before it"


def _of_policies(policies: dict[str, Any]) -> str:
    events = cast("dict[str, Any]", policies.get("events") or {})
    states = cast("dict[str, Any]", policies.get("states") or {})
    return _limits(
        events.get("max_age_ms"),
        events.get("max_events"),
        states.get("max_age_ms"),
        states.get("max_entries"),
    )


def _limits(
    event_age_ms: int | None, event_count: int | None, state_age_ms: int | None, state_count: int | None
) -> str:
    said: list[str] = []
    for what, age_ms, newest in (
        ("events", event_age_ms, event_count),
        ("states", state_age_ms, state_count),
    ):
        parts = [
            *([f"older than {age_of(age_ms)}"] if age_ms else []),
            *([f"all but the newest {newest:,}"] if newest else []),
        ]
        if parts:
            said.append(f"{what} {' or '.join(parts)}")
    return "; ".join(said) or "no limits"
