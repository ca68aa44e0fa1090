"""Messages and calls, as a conversation shows them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from afk.memory.records import (
    ApprovalRecord,
    ApprovalStatus,
    EffectPhase,
    EffectRecord,
    MessageHead,
    MessageRecord,
)
from afk_tui.gateway.call_facts import facts_of
from afk_tui.gateway.clean import clean, clean_line
from afk_tui.gateway.views import CallStatus, ConversationItem, ItemHead

ANY_PLACE = 2**62
"""Behind every item of a thread."""

# which argument names a call best, in this order
TELLING = ("command", "pattern", "query", "path", "url", "name", "task")


# how a decision reads, where its name does not say it
DECIDED = {
    "responded": "answered by {}",
    "run_again": "run again by {}",
    "happened": "it happened, says {}",
    "skipped": "left unknown by {}",
}


def key_of(seq: int) -> str:
    """The key of the item at a place of its thread."""
    return f"m{seq}"


def seq_of(key: str) -> int | None:
    """The place that the key of an item stands for; None of one that is of no message."""
    place = key.removeprefix("m")
    return int(place) if place != key and place.isdecimal() else None


def head_of(head: MessageHead) -> ItemHead:
    """A head, for guessing a height."""
    return ItemHead(key_of(head.seq), head.role, head.chars, head.lines)


def items_of(
    messages: Sequence[MessageRecord],
    calls: Sequence[tuple[EffectRecord, ApprovalRecord | None]],
    *,
    run_is_live: bool,
    requests: Mapping[str, Sequence[ApprovalRecord]] | None = None,
) -> list[ConversationItem]:
    """What stands at some places of a thread, in order. `run_is_live`: the last run goes on in some process.
    `requests`: all that were made about a call, where they are to be told."""
    results = {m.seq: m for m in messages if m.role == "tool"}
    items = {
        m.seq: ConversationItem(
            key=key_of(m.seq),
            kind="user" if m.role == "user" else "assistant",
            text=clean(m.text),
            at_ms=m.created_at_ms,
        )
        for m in messages
        if m.role == "user" or (m.role == "assistant" and m.text)
    }
    for effect, approval in calls:
        result = results.get(effect.result_seq)
        items[effect.result_seq] = replace(
            call_item(effect, approval, result, run_is_live=run_is_live),
            facts=facts_of(effect, () if requests is None else requests.get(effect.effect_id, ())),
        )
    return [items[seq] for seq in sorted(items)]


def call_item(
    effect: EffectRecord, approval: ApprovalRecord | None, result: MessageRecord | None, *, run_is_live: bool
) -> ConversationItem:
    """One call, with what the journal knows of it."""
    return ConversationItem(
        key=key_of(effect.result_seq),
        kind="call",
        text=clean(result.text) if result else "",
        title=call_title(effect.tool_name, effect.arguments),
        detail=clean(json.dumps(effect.arguments, ensure_ascii=False, indent=2)),
        status=status_of(effect, approval, run_is_live=run_is_live),
        footnote=_footnote(effect, approval),
        at_ms=effect.started_at_ms or effect.finished_at_ms or 0,
        output_sha=(result.output_sha if result else None) or "",
    )


def call_title(tool_name: str, arguments: dict[str, object]) -> str:
    """A call in one line: the tool, and the argument that tells most."""
    telling = next((arguments[name] for name in TELLING if arguments.get(name)), None)
    return clean_line(tool_name if telling is None else f"{tool_name} {telling}")


def status_of(effect: EffectRecord, approval: ApprovalRecord | None, *, run_is_live: bool) -> CallStatus:
    """What may be said of a call: never "ran" without a record of it."""
    return status_from(effect.phase, approval.status if approval else None, run_is_live=run_is_live)


def status_from(phase: EffectPhase, asked: ApprovalStatus | None, *, run_is_live: bool) -> CallStatus:
    """The same, of a call's phase and of how its newest request stands."""
    match phase:
        case "proposed":
            return "waiting" if asked == "pending" else "proposed"
        case "executing":
            return "running" if run_is_live else "interrupted"
        case "done":
            return "answered" if asked == "responded" else "ran"
        case "failed":
            return "failed"
        case "skipped":
            if asked == "skipped":
                return "unknown"
            return "interrupted" if asked == "closed" else "denied"
        case "uncertain":
            return "unknown"


def _footnote(effect: EffectRecord, approval: ApprovalRecord | None) -> str:
    parts: list[str] = []
    if approval and approval.decided_by:
        edited = ", edited" if approval.edited_sha else ""
        parts.append(
            DECIDED.get(approval.status, f"{approval.status} by {{}}{edited}").format(approval.decided_by)
        )
    elif effect.allowed_by and effect.allowed_by.startswith("grant:"):
        parts.append("always allowed")
    elif effect.allowed_by == "policy":
        parts.append("allowed by the policy")
    if approval and approval.decision_reason:
        parts.append(f"“{approval.decision_reason}”")
    # till a person settled it says nothing; a subagent's call lasts while its requests wait for people
    settled = (
        approval is not None and approval.status in ("happened", "skipped")
    ) or effect.effect == "subagent"
    if effect.started_at_ms and effect.finished_at_ms and not settled:
        parts.append(f"{max(0, effect.finished_at_ms - effect.started_at_ms) / 1000:.1f} s")
    if effect.attempt > 1:
        parts.append(f"attempt {effect.attempt}")
    return clean_line(" · ".join(parts))
