"""What the compaction screen says, made of counts."""

from __future__ import annotations

from typing import Any, cast

from textual.content import Content

from afk_tui.gateway.compaction import CompactionForm, CompactionView, PastCompaction
from afk_tui.screens.words import age_of, count, size, when

MUTED = "$foreground 60%"
PAST_SHOWN = 10
STAGES = {"events": "removing events", "states": "removing states", "space": "giving the space back"}


def table(view: CompactionView) -> Content:
    """Both dimensions beside each other: before, removed, protected and why, after."""
    rows = (
        ("before", view.events.before, view.states.before, ""),
        (
            "would be removed" if view.dry else "removed",
            view.events.removed,
            view.states.removed,
            "bold $text-warning",
        ),
        ("protected", view.events.protected, view.states.protected, ""),
        ("after", view.events.after, view.states.after, "bold"),
    )
    numbers = [f"{number:,}" for _, events, states, _ in rows for number in (events, states)]
    column = max(8, *(len(number) + 2 for number in numbers))
    head = Content.styled(f"{'':<17}{'events':>{column}}{'states':>{column}}", MUTED)
    lines = [head]
    for name, events, states, style in rows:
        lines.append(
            Content.assemble(
                (f"{name:<17}", MUTED),
                (f"{events:>{column},}", style if events or name == "after" else ""),
                (f"{states:>{column},}", style if states or name == "after" else ""),
            )
        )
    return Content("\n").join(lines)


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


def past(compactions: list[PastCompaction], now_ms: int) -> Content:
    """Compactions of before, the newest first."""
    if not compactions:
        return Content.styled("None of this thread yet.", MUTED)
    lines: list[Content] = []
    for one in compactions[:PAST_SHOWN]:
        if one.view is None:
            what = "stopped before its end"
        else:
            what = f"{what_goes(one.view)} removed, {size(one.view.bytes_reclaimed)} given back"
        lines.append(Content.assemble((f"{when(one.at_ms, now_ms)}  ", MUTED), what))
        lines.append(Content.styled(f"  {_of_policies(one.policies)}", MUTED))
    if len(compactions) > PAST_SHOWN:
        lines.append(Content.styled(f"and {len(compactions) - PAST_SHOWN} more", MUTED))
    return Content("\n").join(lines)


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
