"""What is said in a conversation, as a model reads it. The rooms share it: what keeps conversations makes it, and what
asks models sends it."""

from __future__ import annotations

from typing import Literal, NamedTuple

Role = Literal["system", "user", "assistant", "tool"]

# tuples: a resume makes thousands of them, and a frozen dataclass takes five times as long


class ToolCall(NamedTuple):
    """One call as the model wrote it. `arguments` is the raw text, which may not be valid JSON."""

    id: str
    name: str
    arguments: str


class ChatMessage(NamedTuple):
    """One message of a request. `content` is never None: some servers refuse null."""

    role: Role
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None


class Transcript(NamedTuple):
    """The messages of a conversation, the place of each, and the ids of all calls in them. `stored`: how many there
    are, with those that no server takes and that are therefore left out. `has_outputs`: some show a part of a longer
    whole."""

    places: list[int]
    messages: list[ChatMessage]
    call_ids: set[str]
    stored: int
    has_outputs: bool = False
