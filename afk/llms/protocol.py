"""What the runner asks of a model, and what a model answers. No client and no provider is imported here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from afk.chat import ChatMessage as ChatMessage
from afk.chat import Role as Role
from afk.chat import ToolCall as ToolCall

FinishReason = Literal["stop", "tool_calls", "length", "content_filter"]

ModelErrorKind = Literal[
    "configuration",  # no key, no URL, a value the client refuses: nothing was sent
    "auth",  # 401, 403
    "not_found",  # 404: the model or the path does not exist
    "bad_request",  # any other 4xx: the request as it stands will never be accepted
    "context_length",  # the request is longer than the model's context
    "rate_limit",  # 429
    "timeout",  # no answer, or no next byte, within the time allowed
    "unavailable",  # 408, 409, 5xx, a connection refused or cut
    "protocol",  # the answer was no chat completion stream, or ended before it was finished
]

RETRYABLE: frozenset[ModelErrorKind] = frozenset({"rate_limit", "timeout", "unavailable", "protocol"})


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as offered to the model; `parameters` is a JSON Schema object."""

    name: str
    description: str
    parameters: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One question. `timeout_s` bounds the silence between two bytes, not the whole answer."""

    model: str
    messages: tuple[ChatMessage, ...]
    tools: tuple[ToolSpec, ...] = ()
    timeout_s: float = 120.0


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens, as the server counted them; zero where it does not say."""

    input_tokens: int = 0
    output_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(self.input_tokens + other.input_tokens, self.output_tokens + other.output_tokens)


@dataclass(frozen=True, slots=True)
class TextDelta:
    """Text to append to what was streamed so far."""

    text: str


@dataclass(frozen=True, slots=True)
class Retrying:
    """The attempt failed; what it streamed is void. Attempt number `attempt` begins in `delay_s` seconds."""

    attempt: int
    delay_s: float
    kind: ModelErrorKind
    reason: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The whole answer, always the last event of a stream.

    `text` is everything streamed by the `TextDelta`s since the last `Retrying`. `refusal` is set when the
    model declined to answer (then `text` holds the refusal, so that it is never lost).
    """

    text: str
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: FinishReason = "stop"
    refusal: bool = False
    usage: Usage = field(default_factory=Usage)


ModelEvent = TextDelta | Retrying | Answer


class ModelError(Exception):
    """A model did not answer. `str(error)` says what was asked, what came back, and what to do.

    Of a request that was too long, where the server said so: `window_tokens` is what it takes, `sent_tokens` what it
    was sent.
    """

    def __init__(
        self,
        kind: ModelErrorKind,
        message: str,
        *,
        status: int | None = None,
        retry_after_s: float | None = None,
        window_tokens: int | None = None,
        sent_tokens: int | None = None,
    ) -> None:
        super().__init__(message)
        self.kind: ModelErrorKind = kind
        self.window_tokens = window_tokens
        self.sent_tokens = sent_tokens
        self.status = status
        self.retry_after_s = retry_after_s

    @property
    def retryable(self) -> bool:
        """Whether the same request may succeed later."""
        return self.kind in RETRYABLE


class LLM(Protocol):
    """Who answers. One object serves any number of requests, one after another or at once."""

    @property
    def label(self) -> str:
        """Who this is, for a person: a host name, or "demo model (offline)"."""
        ...

    def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        """Answer `request`: deltas, then exactly one `Answer`. Raises `ModelError`. Closing the iterator
        early closes the connection."""
        ...

    async def close(self) -> None:
        """Close connections. May be called twice."""
        ...
