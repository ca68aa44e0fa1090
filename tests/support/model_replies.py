"""What the loopback model server can answer: each reply is a value, made by a small constructor.

    text("Hello")                                    an answer in deltas of eight characters
    text("Hello", hold_after=1)                      stops after one delta until `server.release()`
    calls(("read_file", {"path": "a.txt"}))          tool calls, their arguments in fragments
    refusal("I can't help with that")
    status(429, retry_after=1)                       an HTTP error
    cut_after(2), end_after(2), stall_after(2)       the connection dies, ends cleanly, or falls silent
    malformed_after(1), error_after(1, {...})        a chunk that is no JSON; an error object in a 200 stream
    html()                                           a proxy's page with status 200

Every constructor takes the fields of `Reply` as keywords, and `dataclasses.replace` changes one afterwards.
A script in a file is a JSON list of objects with the same fields (`{"text": "Hi"}`,
`{"calls": [{"name": "read_file", "arguments": {"path": "a.txt"}}]}`, `{"status": 500}`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, cast


@dataclass(frozen=True, slots=True)
class Call:
    """One tool call. `arguments` may be raw text, which need not be JSON. `id` None: the server makes one."""

    name: str
    arguments: dict[str, Any] | str = field(default_factory=dict[str, Any])
    id: str | None = None

    @property
    def raw_arguments(self) -> str:
        return self.arguments if isinstance(self.arguments, str) else json.dumps(self.arguments)


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. Positions (`*_after`) count the events already written, the opening one included."""

    text: str = ""
    calls: tuple[Call, ...] = ()
    refusal: str | None = None
    finish_reason: str | None = "auto"  # None: never given
    usage: tuple[int, int] | None = (11, 7)  # input, output tokens; sent when the request asks for it
    done: bool = True  # whether [DONE] closes the stream

    chunk_chars: int = 8
    delay_s: float = 0.0  # before each event
    hold_after: int | None = None  # wait there for server.release()
    stall_after: int | None = None  # say nothing more until the client leaves
    cut_after: int | None = None  # drop the connection there, inside the body
    end_after: int | None = None  # end the body there, cleanly
    insert_after: Mapping[int, str] = field(default_factory=dict[int, str])  # raw event data put there

    call_chunk_chars: int = 6  # size of a fragment of arguments
    interleave: bool = True  # fragments of several calls take turns
    repeat_name: bool = False  # the function's name stands in every fragment
    call_ids: bool = True  # False: calls come without an id
    call_indexes: bool = True  # False: fragments come without an index
    null_content: bool = False  # `content: null` beside every delta, and chunks with empty `choices`

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: str | None = None  # sent as it is, in place of a stream
    content_type: str = "application/json"

    def events(self, model: str, message_count: int, *, with_usage: bool) -> list[str]:
        """The data of each server-sent event, [DONE] included."""
        deltas: list[dict[str, Any]] = [{"role": "assistant", "content": None if self.null_content else ""}]
        for key, value in (("content", self.text), ("refusal", self.refusal or "")):
            deltas.extend({key: part} for part in _pieces(value, self.chunk_chars))
        deltas.extend({"tool_calls": [fragment]} for fragment in self._fragments(message_count))
        if self.null_content:
            deltas = [{"content": None, **delta} for delta in deltas]

        def chunk(choices: list[dict[str, Any]], **more: Any) -> str:
            head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 0, "model": model}
            return json.dumps({**head, "choices": choices, **more})

        events: list[str] = []
        for delta in deltas:
            events.append(chunk([{"index": 0, "delta": delta, "finish_reason": None}]))
            if self.null_content:
                events.append(chunk([]))
        finish = self.finish_reason
        if finish == "auto":
            finish = "tool_calls" if self.calls else "stop"
        if finish is not None:
            events.append(chunk([{"index": 0, "delta": {}, "finish_reason": finish}]))
        if with_usage and self.usage is not None:
            prompt, completion = self.usage
            counts = {"prompt_tokens": prompt, "completion_tokens": completion}
            events.append(chunk([], usage={**counts, "total_tokens": prompt + completion}))
        if self.done:
            events.append("[DONE]")
        for position in sorted(self.insert_after):
            events.insert(position, self.insert_after[position])
        return events

    def _fragments(self, message_count: int) -> Iterator[dict[str, Any]]:
        queues: list[list[dict[str, Any]]] = []
        for index, call in enumerate(self.calls):
            pieces = ["", *_pieces(call.raw_arguments, self.call_chunk_chars)]
            queue: list[dict[str, Any]] = []
            for number, piece in enumerate(pieces):
                function: dict[str, Any] = {"arguments": piece}
                fragment: dict[str, Any] = {"function": function}
                if self.call_indexes:
                    fragment["index"] = index
                if number == 0 or self.repeat_name:
                    function["name"] = call.name
                if number == 0:
                    fragment["type"] = "function"
                    if self.call_ids:
                        fragment["id"] = call.id or f"call_{message_count}_{index}"
                queue.append(fragment)
            queues.append(queue)
        if not self.interleave:
            for queue in queues:
                yield from queue
            return
        for turn in range(max((len(queue) for queue in queues), default=0)):
            for queue in queues:
                if turn < len(queue):
                    yield queue[turn]


def _pieces(value: str, size: int) -> list[str]:
    return [value[at : at + size] for at in range(0, len(value), size)]


def text(value: str, **options: Any) -> Reply:
    """A plain answer."""
    return Reply(text=value, **options)


def calls(*wanted: tuple[str, dict[str, Any] | str] | Call, text: str = "", **options: Any) -> Reply:
    """Tool calls: `(name, arguments)` pairs, or `Call`s; `text` comes before them."""
    made = tuple(call if isinstance(call, Call) else Call(*call) for call in wanted)
    return Reply(text=text, calls=made, **options)


def refusal(value: str, **options: Any) -> Reply:
    """The model declines, in the `refusal` field."""
    return Reply(refusal=value, **options)


def status(
    code: int,
    *,
    message: str = "scripted failure",
    error_code: str | None = None,
    error_type: str | None = None,
    retry_after: float | str | None = None,
    **options: Any,
) -> Reply:
    """An HTTP error with OpenAI's error body. `retry_after`: seconds, or an HTTP date."""
    headers = dict(options.pop("headers", {}))
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    error = {"message": message, "type": error_type, "code": error_code, "param": None}
    return Reply(status=code, headers=headers, body=json.dumps({"error": error}), **options)


def cut_after(events: int, value: str = "An answer that is never finished", **options: Any) -> Reply:
    """The connection dies after `events` events."""
    return Reply(text=value, cut_after=events, **options)


def end_after(events: int, value: str = "An answer that is never finished", **options: Any) -> Reply:
    """The stream ends cleanly after `events` events: no finish_reason, no [DONE]."""
    return Reply(text=value, end_after=events, **options)


def stall_after(events: int, value: str = "An answer that is never finished", **options: Any) -> Reply:
    """Silence after `events` events, for as long as the client waits."""
    return Reply(text=value, stall_after=events, **options)


def malformed_after(events: int, value: str = "Some text", **options: Any) -> Reply:
    """A chunk that is no JSON after `events` events."""
    return Reply(text=value, insert_after={events: '{"choices": [{"delta": {"cont'}, **options)


def error_after(events: int, error: Any, value: str = "Some text", **options: Any) -> Reply:
    """An error object inside a stream of status 200, after `events` events."""
    return Reply(
        text=value, insert_after={events: json.dumps({"error": error})}, end_after=events + 1, **options
    )


def html(page: str = "<html><body>502 Bad Gateway</body></html>", **options: Any) -> Reply:
    """A proxy's page with status 200."""
    return Reply(body=page, content_type="text/html; charset=utf-8", **options)


def replies_from_json(data: Any) -> list[Reply]:
    """The replies of a script file. Raises `ValueError` naming a field that does not exist."""
    if not isinstance(data, list):
        raise ValueError("a script is a JSON list of replies")
    known = {entry.name for entry in fields(Reply)}
    replies: list[Reply] = []
    for item in cast("list[dict[str, Any]]", data):
        values = dict(item)
        if unknown := sorted(set(values) - known - {"retry_after"}):
            raise ValueError(f"unknown fields in a reply: {', '.join(unknown)}")
        if "calls" in values:
            values["calls"] = tuple(Call(**call) for call in values["calls"])
        if "insert_after" in values:
            values["insert_after"] = {int(at): raw for at, raw in values["insert_after"].items()}
        if values.get("status", 200) != 200 and "body" not in values:
            replies.append(status(values.pop("status"), **values))
        else:
            replies.append(Reply(**values))
    return replies
