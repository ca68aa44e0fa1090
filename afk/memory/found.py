"""What a search of the store finds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

# more are not looked for
MOST_WORDS = 12
_WORD = re.compile(r'"([^"]+)"?|(\S+)')


def words_of(text: str) -> tuple[str, ...]:
    """The words of what a person looks for; what stands in quotes is one."""
    return tuple(dict.fromkeys(quoted or plain for quoted, plain in _WORD.findall(text)))[:MOST_WORDS]


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
