"""A whole thread as one document: JSON for programs, in which nothing is cut, and Markdown for people, in which long
results stand as the model was shown them."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import re
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from afk.agents.errors import StoreError
from afk.memory.records import ApprovalRecord, EffectRecord, MessageRecord, RunRecord, ThreadRecord
from afk.memory.store import MemoryStore
from afk_tui.gateway.clean import clean, clean_line
from afk_tui.gateway.script import Doc, opened_store, require_thread, run_doc
from afk_tui.gateway.settings import Settings

FORMAT = 1
_SPECIAL = re.compile(r"([\\`*_\[\]<>#|~&])")
_DECISIONS = {
    "allowed": "allowed",
    "denied": "denied",
    "responded": "answered in its place",
    "run_again": "to be run again",
    "happened": "settled as happened",
    "skipped": "skipped",
    "expired": "expired undecided",
    "closed": "closed undecided",
    "pending": "waiting for a decision",
}


async def read_thread(settings: Settings, thread_id: str, *, whole_outputs: bool) -> Doc:
    """Everything of a conversation, as it is stored: the thread, its runs (oldest first), its messages in order, and
    its calls in the order of their results, each with its requests; `inside`: the same of each run of a subagent, with
    the call that it worked for; `outputs`: what is known of each long result, by the `output_sha` of its messages, with
    `whole_outputs` its `text` too. Raises GatewayError."""
    async with opened_store(settings) as store:
        return await read_thread_of(store, thread_id, whole_outputs=whole_outputs)


async def read_thread_of(store: MemoryStore, thread_id: str, *, whole_outputs: bool = False) -> Doc:
    """The same, from a store that is open."""
    await require_thread(store, thread_id)
    thread = await store.get_thread(thread_id)
    assert thread is not None
    runs = await store.list_runs(thread_id, limit=2**62)
    messages = await store.messages(thread_id)
    _, calls = await store.read_range(thread_id, 0, 2**62)
    requests = await store.list_approvals(thread_id=thread_id, pending_only=False)
    inside = [
        (run, *await store.read_range(run.transcript_id, 0, 2**62))
        for run in reversed(runs)
        if run.parent_run_id is not None
    ]
    # of a long thread it takes long, and somebody may be typing
    doc = await asyncio.to_thread(_document, thread, runs, messages, calls, requests, inside)
    doc["outputs"] = await _outputs(store, [messages, *(part for _, part, _ in inside)], whole=whole_outputs)
    return doc


async def _outputs(
    store: MemoryStore, conversations: Iterable[Iterable[MessageRecord]], *, whole: bool
) -> dict[str, Doc]:
    """`problem` in place of a text that can't be read."""
    shas = dict.fromkeys(m.output_sha for messages in conversations for m in messages if m.output_sha)
    outputs: dict[str, Doc] = {}
    for sha in shas:
        known = await store.get_output(sha)
        if known is None:
            outputs[sha] = {"problem": "It is missing. See: afk-tui doctor"}
            continue
        outputs[sha] = dataclasses.asdict(known)
        try:
            if whole:
                outputs[sha]["text"] = (await store.read_output(sha, 0, known.chars)).text
        except StoreError as error:
            outputs[sha]["problem"] = str(error)
    return outputs


_Calls = Sequence[tuple[EffectRecord, ApprovalRecord | None]]


def _document(
    thread: ThreadRecord,
    runs: Sequence[RunRecord],
    messages: Sequence[MessageRecord],
    calls: _Calls,
    approvals: Sequence[ApprovalRecord],
    inside: Sequence[tuple[RunRecord, Sequence[MessageRecord], _Calls]],
) -> Doc:
    requests: dict[str, list[ApprovalRecord]] = defaultdict(list)
    for request in approvals:
        requests[request.effect_id].append(request)
    live = {run.run_id for run in runs if run.state == "running"}
    return {
        "format": FORMAT,
        "thread": dataclasses.asdict(thread),
        "runs": [run_doc(run) for run in reversed(runs)],
        "messages": [message._asdict() for message in messages],
        "calls": [
            # of a call that a fork reads in its source, the request that decided it
            _call_doc(
                effect,
                requests[effect.effect_id] or ([request] if request else []),
                is_live=effect.run_id in live,
            )
            for effect, request in calls
        ],
        "inside": [
            {
                "run_id": run.run_id,
                "parent_run_id": run.parent_run_id,
                "parent_call_id": run.parent_call_id,
                "agent_name": run.agent_name,
                "messages": [message._asdict() for message in messages_of],
                "calls": [
                    _call_doc(effect, requests[effect.effect_id], is_live=effect.run_id in live)
                    for effect, _ in calls_of
                ],
            }
            for run, messages_of, calls_of in inside
        ],
    }


def to_markdown(doc: Doc) -> str:
    """The document of `read_thread` for people. Messages stand in quotes and results in fences, so that nothing in
    them can pass for a heading of this text; control characters are visible marks."""
    thread = doc["thread"]
    parts = [f"# {_inline(thread['title']) or 'Untitled'}"]
    parts.append(
        f"- thread: {_code(thread['thread_id'])}\n- agent: {_code(thread['agent_name'])}\n"
        f"- folder: {_code(thread['workspace'])}\n- state: {thread['state'].replace('_', ' ')}\n"
        f"- begun: {_moment(thread['created_at_ms'])}"
    )
    inside = {(part["parent_run_id"], part["parent_call_id"]): part for part in doc["inside"]}
    parts += _conversation_markdown(doc, inside, "", doc["outputs"])
    return "\n\n".join(parts) + "\n"


def _conversation_markdown(
    part: Doc, inside: dict[tuple[str, str], Doc], path: str, outputs: dict[str, Doc]
) -> list[str]:
    """Messages and calls in order; under a call what a subagent did for it."""
    parts: list[str] = []
    by_place = {call["result_seq"]: call for call in part["calls"]}
    texts = {message["seq"]: message for message in part["messages"]}
    for seq in sorted({*by_place, *texts}):
        if seq in by_place:
            call = by_place[seq]
            parts.append(_call_markdown(call, texts.get(seq), path, outputs))
            if below := inside.get((call["run_id"], call["call_id"])):
                below_path = f"{path}{_inline(below['agent_name'])} › "
                parts += _conversation_markdown(below, inside, below_path, outputs)
        elif texts[seq]["text"] or texts[seq]["role"] == "user":
            parts.append(_message_markdown(texts[seq], path))
    return parts


def _call_doc(effect: EffectRecord, requests: list[ApprovalRecord], *, is_live: bool) -> Doc:
    return {
        "call_id": effect.call_id,
        "run_id": effect.run_id,
        "step": effect.step,
        "tool_name": effect.tool_name,
        "effect": effect.effect,
        "arguments": effect.arguments,
        "phase": effect.phase,
        "status": _status(effect, requests[-1] if requests else None, is_live),
        "attempts": effect.attempt,
        "allowed_by": effect.allowed_by,
        "result_seq": effect.result_seq,
        "started_at_ms": effect.started_at_ms,
        "finished_at_ms": effect.finished_at_ms,
        "requests": [_request_doc(request) for request in requests],
    }


def _request_doc(request: ApprovalRecord) -> Doc:
    return {
        "approval_id": request.approval_id,
        "kind": request.kind,
        "asked_because": request.reason,
        "requested_at_ms": request.requested_at_ms,
        "args_sha": request.args_sha,
        "status": request.status,
        "edited_arguments": request.edited_arguments,
        "reason": request.decision_reason,
        "scope": request.scope,
        "decided_by": request.decided_by,
        "decided_at_ms": request.decided_at_ms,
    }


def _status(effect: EffectRecord, request: ApprovalRecord | None, is_live: bool) -> str:
    """What the journal knows of a call, in the app's words; never "ran" without a record."""
    asked = request.status if request else None
    match effect.phase:
        case "done":
            return "answered" if asked == "responded" else "ran"
        case "failed":
            return "failed"
        case "skipped":
            return "denied" if asked == "denied" else "not executed"
        case "uncertain":
            return "outcome unknown"
        case "executing":
            return "running" if is_live else "interrupted"
        case "proposed":
            return "waiting" if asked == "pending" else "not begun"


def _message_markdown(message: dict[str, Any], path: str) -> str:
    who = "User" if message["role"] == "user" else "Assistant"
    if path:
        who = f"{path}{'Task' if message['role'] == 'user' else who}"
    return f"## {who} ({_moment(message['created_at_ms'])})\n\n{_quoted(message['text'])}"


def _call_markdown(call: Doc, result: dict[str, Any] | None, path: str, outputs: dict[str, Doc]) -> str:
    lines = [f"### {path}Call: {_code(call['tool_name'])}", "", f"- status: {call['status']}"]
    if call["attempts"] > 1:
        lines.append(f"- attempts: {call['attempts']}")
    if call["allowed_by"] and not call["requests"]:
        lines.append(f"- allowed by: {_code(call['allowed_by'])}")
    for request in call["requests"]:
        said = f"- {_DECISIONS.get(request['status'], request['status'])}"
        if request["decided_by"]:
            said += f" by {_inline(request['decided_by'])}, {_moment(request['decided_at_ms'])}"
        if request["reason"]:
            said += f": {_inline(request['reason'])}"
        lines.append(said)
    arguments = json.dumps(call["arguments"], indent=2, ensure_ascii=False)
    parts = ["\n".join(lines), "Arguments:", _fenced(arguments, "json")]
    for request in call["requests"]:
        if request["edited_arguments"] is not None:
            edited = json.dumps(request["edited_arguments"], indent=2, ensure_ascii=False)
            parts += ["Arguments as edited:", _fenced(edited, "json")]
    if result is not None:
        parts += [_result_title(result, outputs), _fenced(result["text"])]
    return "\n\n".join(parts)


def _result_title(result: dict[str, Any], outputs: dict[str, Doc]) -> str:
    sha = result["output_sha"]
    if sha is None:
        return "Result:"
    known = outputs[sha]
    size = f" of {known['size_bytes']:,} bytes in {known['lines']:,} lines" if "size_bytes" in known else ""
    return f"Result{size}, as the model was shown it (the export as JSON has all of it, under {_code(sha[:12])}):"


def _fenced(text: str, language: str = "") -> str:
    shown = clean(text).rstrip("\n")
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{shown}\n{fence}"


def _code(text: str) -> str:
    shown = clean_line(text).strip()
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    if not longest:
        return f"`{shown}`" if shown else "(none)"
    ticks = "`" * (longest + 1)
    return f"{ticks} {shown} {ticks}"


def _quoted(text: str) -> str:
    lines = clean(text).rstrip("\n").split("\n")
    return "\n".join(f"> {line}" if line else ">" for line in lines)


def _inline(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", clean_line(text).strip())


def _moment(at_ms: int | None) -> str:
    if not at_ms:
        return "time unknown"
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(at_ms / 1000))
