"""Summaries that stand for the older messages of a conversation, and the messages that are pinned into it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from afk.chat import Transcript

SummaryMaker = Literal["auto", "person"]


@dataclass(frozen=True, slots=True)
class NewSummary:
    """A summary about to be recorded.

    It stands for the messages at the places `first_seq` to `through_seq` (both included), but for those at `verbatim`,
    which were sent beside it when it was made: `message_count` messages, of `replaced_tokens` tokens. It was made of
    the row `previous` (None: of messages alone) and of what came after it. `expected` is the row that was in effect
    when its making began. `input_tokens` and `output_tokens` are what the making cost, `tokens` is what `text` counts.
    """

    transcript_id: str
    text: str
    first_seq: int
    through_seq: int
    message_count: int
    verbatim: tuple[int, ...] = ()
    previous: int | None = None
    expected: int | None = None
    model: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    tokens: int = 0
    replaced_tokens: int = 0
    made_by: SummaryMaker = "auto"


@dataclass(frozen=True, slots=True)
class SummaryRecord:
    """A row that stands for older messages, append-only; fields as in `NewSummary`.

    `summary_id` is its number in its thread; a newer row has a higher one. `edited`: a person changed the text of the
    row before it. `dropped`: it says that no summary is in effect from here on, and has no text. `thread_id` is the
    root's thread, `transcript_id` the conversation, another one for a subagent's.
    """

    summary_id: int
    thread_id: str
    transcript_id: str
    run_id: str | None
    text: str
    first_seq: int
    through_seq: int
    message_count: int
    verbatim: tuple[int, ...]
    previous: int | None
    model: str
    input_tokens: int
    output_tokens: int
    tokens: int
    replaced_tokens: int
    made_by: SummaryMaker
    edited: bool
    dropped: bool
    created_at_ms: int


@dataclass(frozen=True, slots=True)
class PinRecord:
    """A message of a thread that stays in what is sent, word for word, whatever is summarised around it."""

    thread_id: str
    seq: int
    created_at_ms: int


@dataclass(frozen=True, slots=True)
class StoredContext:
    """What stands for a conversation's older messages at this moment, and what its last request to the model was:
    `sent_tokens` as the server counted them, or as they were estimated where it does not, of a model's
    `window_tokens`; None where it is not known, or no event of it is left."""

    summary: SummaryRecord | None = None
    pins: tuple[int, ...] = ()
    model: str = ""
    sent_tokens: int | None = None
    window_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class StoredConversation:
    """A conversation as it stands at one moment: all its messages, the summary in effect, and the pinned places."""

    transcript: Transcript
    summary: SummaryRecord | None = None
    pins: tuple[int, ...] = field(default=())
