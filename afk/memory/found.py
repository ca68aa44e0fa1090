"""What a search of the store finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class FoundText:
    """A title (`role` "thread", `seq` None) or a message that holds the text. `excerpt` is raw, a little before the
    text and somewhat more after it; `cut_before`: it does not begin where the message does. `by_words`: nothing holds
    the text as it was typed, this one holds all of its words."""

    thread_id: str
    title: str
    role: Literal["thread", "user", "assistant", "tool"]
    seq: int | None
    excerpt: str
    cut_before: bool
    at_ms: int
    is_archived: bool = False
    by_words: bool = False
