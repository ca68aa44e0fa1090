"""One checkpoint, and what the conversation gained between it and the one before."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from afk.memory.records import ApprovalRecord, CheckpointRecord, EffectRecord, MessageRecord
from afk.memory.store import MemoryStore
from afk_tui.gateway.clean import clean, clean_line
from afk_tui.gateway.items import call_title, status_of
from afk_tui.gateway.views import CheckpointRow

# a browser shows the beginning of what was said: the conversation has it whole
ADDED_SHOWN = 12
LINES_SHOWN = 8
CHARS_SHOWN = 1_200


@dataclass(frozen=True, slots=True)
class AddedMessage:
    """A message between two checkpoints. `title`: the call that a result belongs to, or the calls that an answer
    asks for, one a line. `text` is its beginning; `cut`: there is more of it."""

    kind: Literal["user", "assistant", "result"]
    title: str
    text: str
    cut: bool


@dataclass(frozen=True, slots=True)
class ChangedCall:
    """A call that stood otherwise at the checkpoint before; `before` is "" where it was not there yet."""

    title: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Spent:
    """What a run had used up at a checkpoint."""

    steps: int
    input_tokens: int
    output_tokens: int
    tool_calls: int


@dataclass(frozen=True, slots=True)
class CheckpointDetails:
    """What the browser says of a checkpoint.

    `before` is the number and the run of the checkpoint before it in the thread, None where there is none;
    `is_first`: the thread begins here (else what was before has been removed). `added_count` messages came since,
    of which `added` are the first few. `open_calls`: calls that had no result yet when it was written. `spent` is None
    for one that an earlier version wrote, `spent_before` (of the same run) also where there is none before it.
    """

    row: CheckpointRow
    run_state: str
    before: tuple[int, str] | None
    is_first: bool
    added_count: int
    added: tuple[AddedMessage, ...]
    open_calls: tuple[str, ...]
    calls: tuple[ChangedCall, ...] = ()
    spent: Spent | None = None
    spent_before: Spent | None = None


def _open_call(checkpoint: CheckpointRecord, effect: EffectRecord) -> str:
    """A call in one line; of one that a subagent works on, which run that is and how far it was."""
    title = call_title(effect.tool_name, effect.arguments)
    for child in cast("list[dict[str, Any]]", checkpoint.state.get("children", [])):
        if child["call_id"] == effect.call_id:
            return f"{title} (in run {clean_line(child['run_id'])}, checkpoint {child['checkpoint']})"
    return title


async def read_details(store: MemoryStore, row: CheckpointRow) -> CheckpointDetails | None:
    """The details of a row of the timeline; None where it is gone."""
    found = await store.checkpoint_with_former(row.run_id, row.number)
    if found is None:
        return None
    here, former = found
    run = await store.get_run(here.run_id)
    conversation_id = run.transcript_id if run else here.thread_id
    step = await store.read_calls(here.run_id, here.step)
    calls = {effect.call_id: effect for effect, _ in step}
    first_seq = former.head_seq + 1 if former else _own_place(here, calls)
    messages = await _messages_since(store, conversation_id, here, former, first_seq)
    effects = await _effects_at(store, conversation_id, messages)
    is_first = former is None and here.number == 0 and here.message_count == 1
    same_run = former is not None and former.run_id == here.run_id
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
        calls=tuple(_changed_calls(step, here, former if same_run else None)),
        spent=_spent(here),
        spent_before=_spent(former) if same_run and former else None,
    )


def _spent(checkpoint: CheckpointRecord) -> Spent | None:
    spent = cast("dict[str, int] | None", checkpoint.state.get("spent"))
    if spent is None:
        return Spent(0, 0, 0, 0) if checkpoint.phase == "start" else None
    return Spent(
        checkpoint.step,
        spent.get("input_tokens", 0),
        spent.get("output_tokens", 0),
        spent.get("tool_calls", 0),
    )


def _changed_calls(
    step: Sequence[tuple[EffectRecord, ApprovalRecord | None]],
    here: CheckpointRecord,
    former: CheckpointRecord | None,
) -> list[ChangedCall]:
    """The calls of this checkpoint's step that stood otherwise at the one before, in their order."""
    if here.phase in ("start", "final", "fork"):
        return []
    known_before = former is not None and former.step == here.step
    open_before = set(_open_calls(former)) if former is not None and known_before else set[str]()
    handed_before = _handed(former) if former is not None and known_before else set[str]()
    open_now, handed_now = set(_open_calls(here)), _handed(here)
    changed: list[ChangedCall] = []
    for effect, request in step:
        call_id = effect.call_id
        before = "with a subagent" if call_id in handed_before else "open" if call_id in open_before else ""
        if known_before and not before:  # it was settled already
            continue
        if call_id in handed_now:
            after = "with a subagent"
        elif call_id in open_now:
            after = "open"
        else:
            after = str(status_of(effect, request, run_is_live=False))
        if before != after:
            changed.append(ChangedCall(call_title(effect.tool_name, effect.arguments), before, after))
    return changed


def _handed(checkpoint: CheckpointRecord) -> set[str]:
    return {child["call_id"] for child in checkpoint.state.get("children", ())}


async def _messages_since(
    store: MemoryStore,
    conversation_id: str,
    here: CheckpointRecord,
    former: CheckpointRecord | None,
    first_seq: int,
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
                found, _ = await store.read_range(conversation_id, effect.result_seq, effect.result_seq)
                messages += found
    last_seq = min(here.head_seq, first_seq + ADDED_SHOWN + len(still_open))
    between, _ = await store.read_range(conversation_id, first_seq, last_seq)
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
    store: MemoryStore, conversation_id: str, messages: list[MessageRecord]
) -> dict[int, EffectRecord]:
    """The calls whose results are among these messages, by place."""
    places = [m.seq for m in messages if m.role == "tool"]
    if not places:
        return {}
    _, calls = await store.read_range(conversation_id, min(places), max(places))
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
