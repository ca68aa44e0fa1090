"""One checkpoint, and what the conversation gained between it and the one before."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal, cast

from afk.memory.records import CheckpointRecord, EffectRecord, MessageRecord
from afk.memory.store import MemoryStore
from afk_tui.gateway.clean import clean, clean_line
from afk_tui.gateway.items import call_title
from afk_tui.gateway.views import CheckpointRow

# a browser shows the beginning of what was said: the conversation has it whole
ADDED_SHOWN = 12
LINES_SHOWN = 8
CHARS_SHOWN = 1_200
PAGE = 200


@dataclass(frozen=True, slots=True)
class AddedMessage:
    """A message between two checkpoints. `title`: the call that a result belongs to, or the calls that an answer
    asks for, one a line. `text` is its beginning; `cut`: there is more of it."""

    kind: Literal["user", "assistant", "result"]
    title: str
    text: str
    cut: bool


@dataclass(frozen=True, slots=True)
class CheckpointDetails:
    """What the browser says of a checkpoint.

    `before` is the number and the run of the checkpoint before it in the thread, None where there is none;
    `is_first`: the thread begins here (else what was before has been removed). `added_count` messages came since,
    of which `added` are the first few. `open_calls`: calls that had no result yet when it was written.
    """

    row: CheckpointRow
    run_state: str
    before: tuple[int, str] | None
    is_first: bool
    added_count: int
    added: tuple[AddedMessage, ...]
    open_calls: tuple[str, ...]


def _open_call(checkpoint: CheckpointRecord, effect: EffectRecord) -> str:
    """A call in one line; of one that a subagent works on, which run that is and how far it was."""
    title = call_title(effect.tool_name, effect.arguments)
    for child in cast("list[dict[str, Any]]", checkpoint.state.get("children", [])):
        if child["call_id"] == effect.call_id:
            return f"{title} (in run {clean_line(child['run_id'])}, checkpoint {child['checkpoint']})"
    return title


async def read_details(
    store: MemoryStore, thread_id: str, row: CheckpointRow, *, near: int = 0
) -> CheckpointDetails | None:
    """The details of a row of `CheckpointSource`, looked for from the `near`-th newest on; None where it is gone."""
    found = await _find_with_former(store, thread_id, row.checkpoint_id, max(0, near - 1))
    if found is None and near:
        found = await _find_with_former(store, thread_id, row.checkpoint_id, 0)
    if found is None:
        return None
    here, former = found
    run = await store.get_run(here.run_id)
    calls = {effect.call_id: effect for effect, _ in await store.read_calls(here.run_id, here.step)}
    first_seq = former.head_seq + 1 if former else _own_place(here, calls)
    messages = await _messages_since(store, here, former, first_seq)
    effects = await _effects_at(store, thread_id, messages)
    is_first = former is None and here.number == 0 and here.message_count == 1
    return CheckpointDetails(
        row=row,
        run_state=run.state if run else "",
        before=None if former is None else (former.number, former.run_id),
        is_first=is_first,
        added_count=here.message_count - former.message_count if former else len(messages),
        added=tuple(_added(message, effects.get(message.seq)) for message in messages[:ADDED_SHOWN]),
        open_calls=tuple(
            _open_call(here, calls[call_id]) for call_id in _open_calls(here) if call_id in calls
        ),
    )


async def _find_with_former(
    store: MemoryStore, thread_id: str, checkpoint_id: str, offset: int
) -> tuple[CheckpointRecord, CheckpointRecord | None] | None:
    """The checkpoint and the one written before it. Pages overlap by one, so that a pair is never torn apart."""
    while page := await store.list_checkpoints(thread_id, offset=offset, limit=PAGE):
        for at, record in enumerate(page):
            if record.checkpoint_id == checkpoint_id and (at + 1 < len(page) or len(page) < PAGE):
                return record, page[at + 1] if at + 1 < len(page) else None
        if len(page) < PAGE:
            return None
        offset += PAGE - 1
    return None


async def _messages_since(
    store: MemoryStore, here: CheckpointRecord, former: CheckpointRecord | None, first_seq: int
) -> list[MessageRecord]:
    """The messages of this checkpoint that the former did not have, in order; enough of them to show.

    A result stands in a place that was reserved with the answer, so a place below the former's head may have been
    filled since, and one below this one's head may still have been empty.
    """
    messages: list[MessageRecord] = []
    still_open = set(_open_calls(here))
    if former:
        settled = set(_open_calls(former)) - (still_open if former.run_id == here.run_id else set())
        for effect, _ in await store.read_calls(former.run_id, former.step):
            if effect.call_id in settled:
                found, _ = await store.read_range(here.thread_id, effect.result_seq, effect.result_seq)
                messages += found
    last_seq = min(here.head_seq, first_seq + ADDED_SHOWN + len(still_open))
    between, _ = await store.read_range(here.thread_id, first_seq, last_seq)
    messages += [m for m in between if not (m.run_id == here.run_id and m.call_id in still_open)]
    return sorted({m.seq: m for m in messages}.values(), key=lambda m: m.seq)


def _own_place(here: CheckpointRecord, calls: dict[str, EffectRecord]) -> int:
    """Where what this very checkpoint records begins, when nothing is known of the one before."""
    if here.phase == "answer" and calls:
        return min(effect.result_seq for effect in calls.values()) - 1
    if here.phase == "result" and calls:
        return min(effect.result_seq for effect in calls.values())
    return here.head_seq


async def _effects_at(
    store: MemoryStore, thread_id: str, messages: list[MessageRecord]
) -> dict[int, EffectRecord]:
    """The calls whose results are among these messages, by place."""
    places = [m.seq for m in messages if m.role == "tool"]
    if not places:
        return {}
    _, calls = await store.read_range(thread_id, min(places), max(places))
    return {effect.result_seq: effect for effect, _ in calls}


def _open_calls(checkpoint: CheckpointRecord) -> list[str]:
    return [str(call_id) for call_id in checkpoint.state.get("open_calls", ())]


def _added(message: MessageRecord, effect: EffectRecord | None) -> AddedMessage:
    beginning = "\n".join(message.text[:CHARS_SHOWN].strip("\n").split("\n")[:LINES_SHOWN])
    cut = len(beginning) < len(message.text.strip("\n"))
    if message.role == "tool":
        title = call_title(effect.tool_name, effect.arguments) if effect else ""
        return AddedMessage("result", title, clean(beginning), cut)
    title = "\n".join(_asked(call) for call in message.tool_calls)
    return AddedMessage(message.role, title, clean(beginning), cut)


def _asked(call: dict[str, str]) -> str:
    name = call.get("name", "")
    try:
        arguments: Any = json.loads(call.get("arguments", ""))
    except ValueError:  # a model may write anything there
        arguments = None
    return call_title(name, cast("dict[str, object]", arguments) if isinstance(arguments, dict) else {})
