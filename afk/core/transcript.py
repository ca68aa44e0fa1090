"""The record of a conversation, as a model reads it."""

from __future__ import annotations

from collections.abc import Iterable

from afk.llms.protocol import ChatMessage, ToolCall
from afk.memory.records import MessageRecord


def to_chat(instructions: str, messages: Iterable[MessageRecord]) -> list[ChatMessage]:
    """Instructions first, then every message in its place; results stand in the order of their calls. A result whose
    call is not there, in what was saved of a damaged database, is left out: no server takes one."""
    chat = [ChatMessage("system", instructions)] if instructions else []
    asked: set[str] = set()
    for message in messages:
        if message.role == "tool" and message.call_id not in asked:
            continue
        asked.update(c["id"] for c in message.tool_calls)
        calls = tuple(ToolCall(c["id"], c["name"], c["arguments"]) for c in message.tool_calls)
        chat.append(ChatMessage(message.role, message.text, calls, message.call_id))
    return chat


def title_of(user_message: str) -> str:
    """A thread's title: the first line with something in it, 80 characters at the most."""
    line = next((line.strip() for line in user_message.splitlines() if line.strip()), "(empty)")
    return line if len(line) <= 80 else line[:79] + "…"
