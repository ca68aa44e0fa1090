"""Builds one answer out of the chunks of a stream, whatever shape a server gives them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, cast

from afk.llms.call_ids import CallIds
from afk.llms.protocol import Answer, ChatMessage, FinishReason, ToolCall, Usage

_FINISH_REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "length": "length",
    "content_filter": "content_filter",
}


class MalformedAnswerError(ValueError):
    """A chunk that belongs to no chat completion; the message says what it was."""


@dataclass(slots=True)
class _PartialCall:
    id: str = ""
    name: str = ""
    pieces: list[str] = field(default_factory=list[str])

    @property
    def arguments(self) -> str:
        return "".join(self.pieces)

    def is_whole(self) -> bool:
        try:
            return isinstance(json.loads(self.arguments), dict)
        except ValueError:
            return False


class AnswerBuilder:
    """Feed it chunks, then ask for the `answer`. It is `finished` once a finish_reason came."""

    def __init__(self, messages: Iterable[ChatMessage]) -> None:
        self._messages = tuple(messages)
        self._text: list[str] = []
        self._calls: list[_PartialCall] = []
        self._by_index: dict[int, _PartialCall] = {}
        self._finish: FinishReason | None = None
        self._refused = False
        self._usage = Usage()
        self.chunks = 0

    @property
    def finished(self) -> bool:
        return self._finish is not None

    def feed(self, chunk: object) -> str:
        """Take in one chunk; returns the text it adds, often "". Raises `MalformedAnswerError`."""
        if not isinstance(chunk, dict):
            raise MalformedAnswerError(f"a chunk that is no object: {str(chunk)[:80]!r}")
        self.chunks += 1
        data = cast("dict[str, Any]", chunk)
        self._take_usage(data.get("usage"))
        choices: Any = data.get("choices")
        added: list[str] = []
        for choice in cast("list[Any]", choices) if isinstance(choices, list) else []:
            if isinstance(choice, dict):
                added.append(self._take_choice(cast("dict[str, Any]", choice)))
        text = "".join(added)
        if text:
            self._text.append(text)
        return text

    def answer(self) -> Answer:
        """The whole answer. Raises `MalformedAnswerError` if a call has no name."""
        ids = CallIds(self._messages)
        calls: list[ToolCall] = []
        for index, call in enumerate(self._calls):
            if not call.name:
                raise MalformedAnswerError("a tool call without a name")
            calls.append(ToolCall(ids.settle(index, call.id), call.name, call.arguments.strip() or "{}"))
        reason: FinishReason = self._finish or "stop"
        if reason in ("stop", "tool_calls"):  # servers disagree on which of the two it is
            reason = "tool_calls" if calls else "stop"
        return Answer("".join(self._text), tuple(calls), reason, self._refused, self._usage)

    def _take_choice(self, choice: dict[str, Any]) -> str:
        if choice.get("index"):  # only one answer was asked for
            return ""
        reason = choice.get("finish_reason")
        if reason:
            self._finish = _FINISH_REASONS.get(str(reason), "stop")
        raw: Any = choice.get("delta")
        if not isinstance(raw, dict):
            return ""
        delta = cast("dict[str, Any]", raw)
        text = _text_of(delta.get("content"))
        refusal = _text_of(delta.get("refusal"))
        self._refused = self._refused or bool(refusal)
        fragments: Any = delta.get("tool_calls")
        if isinstance(fragments, list):
            for fragment in cast("list[Any]", fragments):
                self._take_fragment(fragment)
        if isinstance(delta.get("function_call"), dict):  # the protocol's first form, still spoken by some
            self._take_fragment({"index": 0, "function": delta["function_call"]})
        return text + refusal

    def _take_fragment(self, raw: Any) -> None:
        if not isinstance(raw, dict):
            raise MalformedAnswerError(f"a tool call that is no object: {str(raw)[:80]!r}")
        fragment = cast("dict[str, Any]", raw)
        found: Any = fragment.get("function")
        function = cast("dict[str, Any]", found) if isinstance(found, dict) else {}
        name = str(function.get("name") or "")
        identity = str(fragment.get("id") or "")
        call = self._call_for(fragment.get("index"), identity, name)
        call.id = call.id or identity
        call.name = call.name or name  # some servers repeat it in every fragment
        arguments: Any = function.get("arguments")
        if isinstance(arguments, str):
            call.pieces.append(arguments)
        elif arguments is not None:
            call.pieces.append(json.dumps(arguments))

    def _call_for(self, index: Any, identity: str, name: str) -> _PartialCall:
        """The call that a fragment continues, or a new one.

        With an index, that decides, unless another call came under the same index: another id, a name, and
        the former call's arguments are whole (an id alone says nothing: there are servers that make a new one
        for every fragment). Without an index, the id decides, and without both the last call goes on until it
        is whole.
        """
        if isinstance(index, int):
            call = self._by_index.get(index)
            if call is not None:
                other = bool(identity and call.id and identity != call.id and name)
                if not (other and call.is_whole()):
                    return call
            self._by_index[index] = call = self._new_call()
            return call
        if identity:
            same = next((call for call in self._calls if call.id == identity), None)
            return same or self._new_call()
        last = self._calls[-1] if self._calls else None
        if last is None or (name and last.is_whole()):
            return self._new_call()
        return last

    def _new_call(self) -> _PartialCall:
        self._calls.append(_PartialCall())
        return self._calls[-1]

    def _take_usage(self, usage: Any) -> None:
        if isinstance(usage, dict):
            counts = cast("dict[str, Any]", usage)
            self._usage = Usage(_count(counts.get("prompt_tokens")), _count(counts.get("completion_tokens")))


def _count(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def _text_of(content: Any) -> str:
    """Text of a delta: a string, null, or a list of parts as some servers send it."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        parts = [
            cast("dict[str, Any]", part) for part in cast("list[Any]", content) if isinstance(part, dict)
        ]
        return "".join(part["text"] for part in parts if isinstance(part.get("text"), str))
    return ""
