"""Text cleaned while it arrives has the marks that it would have had whole."""

from __future__ import annotations

import pytest

from afk_tui.cli_stream import CleanStream
from afk_tui.gateway.clean import clean

TEXTS = [
    "plain words\nand another line\n",
    "a\r\nb\rc\r",
    "tabs\tafter\ttext\n\tand\tat a start",
    "family \U0001f468\u200d\U0001f469\u200d\U0001f467 and \u2764\ufe0f, idle a\u200db \ufe0f",
    "\u200d\u200d\u200dstart",
    "\x1b]0;title\x07\x9b31m\u202eevil",
    "نمی\u200cخواهم",
    "",
]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_pieces_give_the_same_as_the_whole(text: str, size: int) -> None:
    stream = CleanStream()
    shown = "".join(stream.feed(text[at : at + size]) for at in range(0, len(text), size)) + stream.end()
    assert shown == clean(text)


def test_no_more_than_the_last_character_waits() -> None:
    stream = CleanStream()
    assert stream.feed("hello") == "hell"
    assert stream.feed(" you") == "o yo"
    assert stream.end() == "u"
