"""What a subagent did for a call: its own conversation, to be folded under that call."""

from __future__ import annotations

from dataclasses import replace

from afk.memory.records import EffectRecord, RunRecord
from afk.memory.store import MemoryStore
from afk_tui.gateway.clean import clean_line
from afk_tui.gateway.items import items_of
from afk_tui.gateway.views import CallStatus, ConversationItem, InsideItem

# of a long conversation the end is shown; `afk-tui export` has it whole
SHOWN = 200


async def with_inside(
    store: MemoryStore, item: ConversationItem, effect: EffectRecord, *, run_is_live: bool
) -> ConversationItem:
    """The item of a call to a subagent, with what its run did so far and how it stands."""
    child = await store.child_run(effect.effect_id)
    if child is None:
        return item
    inside, earlier = await _read(store, child, 0, run_is_live=run_is_live)
    status = item.status
    if effect.phase == "executing":
        status = _standing(child, run_is_live=run_is_live)
    calls = sum(1 for one in inside if one.item.kind == "call")
    parts = [_now(inside, status) if status in ("running", "waiting") else "", item.footnote]
    parts.append(f"{calls} call{'' if calls == 1 else 's'}" if calls else "")
    return replace(
        item,
        status=status,
        inside=inside,
        inside_earlier=earlier,
        footnote=" · ".join(part for part in parts if part),
    )


async def _read(
    store: MemoryStore, child: RunRecord, depth: int, *, run_is_live: bool
) -> tuple[tuple[InsideItem, ...], int]:
    heads = await store.message_heads(child.transcript_id)
    # the task is shown as the call's argument
    shown = [head for head in heads if not (head.role == "user" and head.seq == 1)][-SHOWN:]
    earlier = max(0, len(heads) - 1 - len(shown))
    if not shown:
        return (), earlier
    messages, calls = await store.read_range(child.transcript_id, shown[0].seq, shown[-1].seq)
    effects = {effect.result_seq: effect for effect, _ in calls}
    found: list[InsideItem] = []
    for item in items_of(messages, calls, run_is_live=run_is_live):
        effect = effects.get(int(item.key[1:]))
        if effect is None or effect.effect != "subagent":
            # an answer of the end is the call's result, and is shown there
            found.append(InsideItem(depth, item))
            continue
        grandchild = await store.child_run(effect.effect_id)
        status = item.status
        below: tuple[InsideItem, ...] = ()
        if grandchild is not None:
            below, _ = await _read(store, grandchild, depth + 1, run_is_live=run_is_live)
            if effect.phase == "executing":
                status = _standing(grandchild, run_is_live=run_is_live)
        found += [InsideItem(depth, replace(item, status=status)), *below]
    if child.state in ("completed", "degraded") and found and found[-1].item.kind == "assistant":
        found.pop()
    return tuple(found), earlier


def _standing(child: RunRecord, *, run_is_live: bool) -> CallStatus:
    if child.state == "awaiting_approval":
        return "waiting"
    return "running" if run_is_live else "interrupted"


def _now(inside: tuple[InsideItem, ...], status: str) -> str:
    """What the subagent is at, in a few words."""
    at = next(
        (one.item for one in reversed(inside) if one.item.kind == "call" and one.item.status == status), None
    )
    if at is None:
        return ""
    return clean_line(f"asks: {at.title}" if status == "waiting" else f"now: {at.title}")
