"""What the gateway tells the app: past facts, with clean text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from afk_tui.gateway.views import ConversationItem


@dataclass
class RunBegan(Message):
    """A run of this thread goes on in this app."""

    thread_id: str
    run_id: str


@dataclass
class AnswerBegan(Message):
    """The model was asked, for the `step`-th time in this run."""

    thread_id: str
    step: int


@dataclass
class AnswerGrew(Message):
    """`text` is to be appended to the answer that is streamed."""

    thread_id: str
    text: str


@dataclass
class AnswerRestarted(Message):
    """What was streamed is void; the model is asked again in `delay_s` seconds."""

    thread_id: str
    attempt: int
    delay_s: float
    reason: str


@dataclass
class AnswerEnded(Message):
    """The answer is on disk. `item` is None when it has no text of its own, only calls."""

    thread_id: str
    item: ConversationItem | None


@dataclass
class ItemChanged(Message):
    """An item is new, or is not as it was."""

    thread_id: str
    item: ConversationItem


@dataclass
class RequestsChanged(Message):
    """A request for a decision came, or was decided."""

    thread_id: str


@dataclass
class RunTaken(Message):
    """Another process took the run away from this app, which can record nothing more of it."""

    thread_id: str
    run_id: str


@dataclass
class OutcomeKept(Message):
    """A call (`title`) has ended, and its outcome can't be written now: it is kept, and tried again."""

    thread_id: str
    title: str
    reason: str


@dataclass
class SummaryBegan(Message):
    """The older part of a conversation is being summarised."""

    thread_id: str
    messages: int


@dataclass
class SummaryEnded(Message):
    """A summary of that many messages is on disk, and in use."""

    thread_id: str
    messages: int


@dataclass
class ThreadCompacted(Message):
    """The schedule compacted a thread, here."""

    thread_id: str


@dataclass
class Warned(Message):
    """Something a person should know."""

    thread_id: str
    text: str


@dataclass
class RunEnded(Message):
    """A run of this thread stopped; how it stands is on disk. `reason` is a sentence, or ""."""

    thread_id: str
    run_id: str
    state: str
    reason: str


class StoreChanged(Message):
    """Somebody, here or in another process, recorded something."""


@dataclass
class StoreFailed(Message):
    """The store can't be read or written any more; `text` says what to do."""

    text: str


@dataclass
class BugFound(Message):
    """Work beside the screen ended with an error that nobody expected."""

    error: BaseException
