"""Rows to records, and values to the text that stands in a column."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, cast

from afk.agents.errors import AgentCheckpointCorruptionError
from afk.chat import ChatMessage, ToolCall, Transcript
from afk.memory.records import (
    ApprovalRecord,
    CheckpointRecord,
    EffectRecord,
    EventRecord,
    GrantRecord,
    MessageRecord,
    RunKey,
    RunRecord,
)
from afk.memory.sqlite.naming import name_of_call

# made once: `json.dumps` makes another for each value
_ENCODER = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def dump(value: Any) -> str:
    """JSON, the same text for the same value. Raises TypeError for what JSON can't hold: nothing is lost silently."""
    text = _ENCODER.encode(value)
    try:
        text.encode()
    except UnicodeEncodeError:  # half a character: JSON can escape it, UTF-8 can't hold it
        return json.dumps(value, sort_keys=True, separators=(",", ":"))
    return text


def dump_or_null(value: Any | None) -> str | None:
    """Like `dump`, but None is an SQL NULL."""
    return None if value is None else dump(value)


def load_or_none(text: str | None) -> Any | None:
    """The inverse of `dump_or_null`."""
    return None if text is None else json.loads(text)


_HEXADECIMAL = re.compile(r"(?:[0-9a-f]{2})+")


def packed(text: str, prefix: str = "") -> bytes | str:
    """A hexadecimal text as the bytes that it says, without its prefix; any other as it is, and what damage made of
    one. The views of the tables that hold it say it as it was."""
    if not isinstance(text, str):
        return text
    digits = text.removeprefix(prefix)
    is_ours = text.startswith(prefix) and _HEXADECIMAL.fullmatch(digits)
    return bytes.fromhex(digits) if is_ours else text


def run_of(row: sqlite3.Row) -> RunRecord:
    """A row of `run`."""
    return RunRecord(
        run_id=row["id"],
        thread_id=row["thread_id"],
        agent_name=row["agent_name"],
        model=row["model"],
        fingerprint=json.loads(row["fingerprint"]),
        workspace=row["workspace"],
        state=row["state"],
        interruption=cast("dict[str, Any] | None", load_or_none(row["interruption"])),
        step=row["step"],
        context=json.loads(row["context"]),
        usage=json.loads(row["usage"]),
        budget=json.loads(row["budget"]),
        result=cast("dict[str, Any] | None", load_or_none(row["result"])),
        epoch=row["epoch"],
        owner=row["owner"],
        root_run_id=row["root_run_id"],
        parent_run_id=row["parent_run_id"],
        parent_call_id=row["parent_call_id"],
        created_at_ms=row["created_at_ms"],
        updated_at_ms=row["updated_at_ms"],
        transcript_id=row["transcript_id"],
    )


MESSAGE = (
    "m.thread_id, m.run_id, m.seq, m.role, m.text, m.tool_calls, m.call_id, m.created_at_ms, m.output_sha"
)
"""What `messages_of` takes, of `message m`: the fields of a MessageRecord in their order."""

TRANSCRIPT = "m.seq, m.role, m.text, m.tool_calls, m.call_id, m.output_sha"
"""The same for `transcript_of`."""

# faster than by name
_message, _chat_message, _tool_call = MessageRecord._make, ChatMessage._make, ToolCall._make


def messages_of(rows: Sequence[Sequence[Any]]) -> list[MessageRecord]:
    """Rows of MESSAGE."""
    made = map(tuple, _calls_of([row[5] for row in rows if row[5] is not None]))
    return [_message((*row[:5], () if row[5] is None else next(made), *row[6:])) for row in rows]


def transcript_of(rows: Sequence[Sequence[Any]]) -> Transcript:
    """Rows of TRANSCRIPT, in order, of which a resume reads thousands."""
    made = iter(_calls_of([row[3] for row in rows if row[3] is not None]))
    messages = [
        _chat_message((role, text, () if calls is None else _tool_calls(next(made)), call_id))
        for _, role, text, calls, call_id, _ in rows
    ]
    places = [row[0] for row in rows]
    there, call_ids = _sendable(messages)
    if len(there) < len(rows):
        places, messages = [places[n] for n in there], [messages[n] for n in there]
    return Transcript(places, messages, call_ids, len(rows), any(row[5] is not None for row in rows))


def _tool_calls(made: Sequence[Mapping[str, str]]) -> tuple[ToolCall, ...]:
    return tuple([_tool_call((call["id"], call["name"], call["arguments"])) for call in made])


def _sendable(messages: Sequence[ChatMessage]) -> tuple[list[int], set[str]]:
    """The messages but for results whose call was not made before, in what was saved of a damaged database: no server
    takes those. And the ids of all calls."""
    call_ids: set[str] = set()
    there: list[int] = []
    for n, (role, _, calls, call_id) in enumerate(messages):
        if calls:
            call_ids.update([call[0] for call in calls])
        elif role == "tool" and call_id not in call_ids:
            continue
        there.append(n)
    return there, call_ids


def _calls_of(texts: Sequence[str]) -> list[list[dict[str, str]]]:
    """The calls of messages. All are read as one text, in half the time of one by one."""
    calls = json.loads(f"[{','.join(texts)}]")
    if len(calls) != len(texts):  # damaged such that two of them are one
        raise json.JSONDecodeError("the calls of a message are damaged", ",".join(texts), 0)
    return calls


def checksum_of(
    run_id: str, number: int, step: int, phase: str, head_seq: int, message_count: int, state: str
) -> bytes:
    """What a checkpoint's row is checked against when it is read."""
    fields = dump([run_id, number, step, phase, head_seq, message_count, state])
    return hashlib.sha256(fields.encode()).digest()[:16]


# of a row beside its state, with its places in the indexes
CHECKPOINT_BYTES = 80


def checkpoint_of(row: sqlite3.Row) -> CheckpointRecord:
    """A row of `checkpoint`. Raises AgentCheckpointCorruptionError where it is not what was written."""
    values = (row["step"], row["phase"], row["head_seq"], row["message_count"], row["state"])
    if checksum_of(row["run_id"], row["number"], *values).hex() != row["checksum"]:
        raise AgentCheckpointCorruptionError(
            f"Checkpoint {row['number']} of run {row['run_id']} is damaged: its checksum does not fit. "
            "The run was left as it is. Fork from an earlier one (/checkpoints in the app, or Runner.fork), or see: "
            "afk-tui doctor"
        )
    return CheckpointRecord(
        checkpoint_id=f"{row['run_id']}.{row['number']}",
        run_id=row["run_id"],
        thread_id=row["thread_id"],
        number=row["number"],
        step=row["step"],
        phase=row["phase"],
        head_seq=row["head_seq"],
        message_count=row["message_count"],
        state=state_of(row["state"]),
        size_bytes=len(row["state"].encode()) + CHECKPOINT_BYTES,
        created_at_ms=row["created_at_ms"],
    )


SPENT = ("input_tokens", "output_tokens", "tool_calls")


def state_text(state: Mapping[str, Any], spent: Sequence[int]) -> str:
    """What stands in a checkpoint's column: the version, what was spent by then (in the order of SPENT), the open
    calls, and whatever else there is. There are two for each step of a run, so neither names nor what is empty."""
    rest = dict(state)
    kept = [list(spent) if any(spent) else [], rest.pop("open_calls", []), rest]
    while kept and not kept[-1]:
        kept.pop()
    return dump([2, *kept])


def state_of(text: str) -> dict[str, Any]:
    """The inverse of `state_text`, and of what the first version wrote: an object with all the names."""
    state: Any = json.loads(text)
    if isinstance(state, dict):
        return cast("dict[str, Any]", state)
    kept = dict(zip(("v", "spent", "open_calls", "rest"), state, strict=False))
    spent = {name: count for name, count in zip(SPENT, kept.get("spent", ()), strict=False) if count}
    found = {"open_calls": kept.get("open_calls", []), **kept.get("rest", {})}
    return {**found, "spent": spent} if spent else found


def effect_of(row: sqlite3.Row) -> EffectRecord:
    """A row of `effect`."""
    return _effect(row, row["run_id"], row["thread_id"], row["args_sha"], row["idempotency_key"])


def effect_row_of(row: sqlite3.Row, key: RunKey) -> EffectRecord:
    """A row of `effect_row`, of this run."""
    args_sha, idempotency_key = row["args_sha"], row["idempotency_key"]
    return _effect(
        row,
        key.run_id,
        key.transcript_id,
        args_sha.hex() if isinstance(args_sha, bytes) else args_sha,
        f"idem_{idempotency_key.hex()}" if isinstance(idempotency_key, bytes) else idempotency_key,
    )


def _effect(
    row: sqlite3.Row, run_id: str, thread_id: str, args_sha: str, idempotency_key: str
) -> EffectRecord:
    return EffectRecord(
        effect_id=name_of_call(run_id, row["step"], row["position"]),
        run_id=run_id,
        thread_id=thread_id,
        call_id=row["call_id"],
        step=row["step"],
        position=row["position"],
        tool_name=row["tool_name"],
        effect=row["effect"],
        arguments=json.loads(row["arguments"]),
        args_sha=args_sha,
        idempotency_key=idempotency_key,
        phase=row["phase"],
        attempt=row["attempt"],
        epoch=row["epoch"],
        result_seq=row["result_seq"],
        approval_id=row["approval_id"],
        allowed_by=row["allowed_by"],
        started_at_ms=row["started_at_ms"],
        finished_at_ms=row["finished_at_ms"],
    )


def approval_of(row: sqlite3.Row) -> ApprovalRecord:
    """A row of `approval`."""
    return ApprovalRecord(
        approval_id=row["id"],
        run_id=row["run_id"],
        thread_id=row["thread_id"],
        call_id=row["call_id"],
        effect_id=row["effect_id"],
        kind=row["kind"],
        tool_name=row["tool_name"],
        arguments=json.loads(row["arguments"]),
        args_sha=row["args_sha"],
        schema=json.loads(row["tool_schema"]),
        reason=row["reason"],
        agent_path=row["agent_path"],
        status=row["status"],
        requested_at_ms=row["requested_at_ms"],
        expires_at_ms=row["expires_at_ms"],
        edited_arguments=cast("dict[str, Any] | None", load_or_none(row["edited_arguments"])),
        edited_sha=row["edited_sha"],
        decision_reason=row["decision_reason"],
        output=row["output"],
        scope=row["scope"],
        decided_by=row["decided_by"],
        decided_at_ms=row["decided_at_ms"],
        consumed_at_ms=row["consumed_at_ms"],
        shown=row["shown"],
    )


def grant_of(row: sqlite3.Row) -> GrantRecord:
    """A row of `approval_grant`."""
    return GrantRecord(
        grant_id=row["id"],
        tool_name=row["tool_name"],
        args_sha=row["args_sha"],
        scope=row["scope"],
        scope_key=row["scope_key"],
        created_at_ms=row["created_at_ms"],
    )


def event_of(row: sqlite3.Row) -> EventRecord:
    """A row of `event`."""
    return EventRecord(
        event_id=row["id"],
        thread_id=row["thread_id"],
        run_id=row["run_id"],
        type=row["type"],
        body=json.loads(row["body"]),
        created_at_ms=row["created_at_ms"],
    )
