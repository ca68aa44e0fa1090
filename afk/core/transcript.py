"""The record of a conversation, as a model reads it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from afk.llms.protocol import ChatMessage, ToolCall
from afk.memory.records import MessageRecord


def chat_message(message: MessageRecord) -> ChatMessage:
    """One message, with the calls that it makes."""
    calls: tuple[ToolCall, ...] = ()
    if message.tool_calls:
        calls = tuple([ToolCall(c["id"], c["name"], c["arguments"]) for c in message.tool_calls])
    return ChatMessage(message.role, message.text, calls, message.call_id)


def sendable(messages: Iterable[MessageRecord]) -> Iterator[MessageRecord]:
    """Every message, but for results whose call is not there, in what was saved of a damaged database: no server takes
    one."""
    asked: set[str] = set()
    for message in messages:
        if message.role != "tool" or message.call_id in asked:
            for call in message.tool_calls:
                asked.add(call["id"])
            yield message


def title_of(user_message: str) -> str:
    """A thread's title: the first line with something in it, 80 characters at the most."""
    line = next((line.strip() for line in user_message.splitlines() if line.strip()), "(empty)")
    return line if len(line) <= 80 else line[:79] + "…"
