"""The record of a conversation, as a model reads it."""

from __future__ import annotations

from collections.abc import Iterable

from afk.llms.protocol import ChatMessage, ToolCall
from afk.memory.records import TranscriptMessage

# faster than by name, and a resume makes thousands
_chat_message, _tool_call = ChatMessage._make, ToolCall._make


def sendable(messages: Iterable[TranscriptMessage]) -> tuple[list[int], list[ChatMessage]]:
    """The places of the messages, and the messages; but for results whose call is not there, in what was saved of a
    damaged database: no server takes one."""
    asked: set[str | None] = set()
    places: list[int] = []
    chat: list[ChatMessage] = []
    for seq, role, text, made, call_id, _ in messages:
        calls = ()
        if made:
            calls = tuple([_tool_call((call["id"], call["name"], call["arguments"])) for call in made])
            asked.update([call.id for call in calls])
        elif role == "tool" and call_id not in asked:
            continue
        places.append(seq)
        chat.append(_chat_message((role, text, calls, call_id)))
    return places, chat


def title_of(user_message: str) -> str:
    """A thread's title: the first line with something in it, 80 characters at the most."""
    line = next((line.strip() for line in user_message.splitlines() if line.strip()), "(empty)")
    return line if len(line) <= 80 else line[:79] + "…"
