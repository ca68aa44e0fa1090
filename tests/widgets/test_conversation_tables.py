"""Tables of an answer, drawn by our own hand where they fit and by Rich where they don't."""

from __future__ import annotations

import random

import pytest
from rich.segment import Segment

from afk_tui.widgets import conversation_markdown
from afk_tui.widgets.conversation_markdown import draw_markdown
from afk_tui.widgets.conversation_palette import palette_of
from afk_tui.widgets.conversation_plain import Line
from tests.widgets.conversation_kit import running

CELLS = (
    "a",
    "",
    "**b** c",
    "`x`",
    "漢字",
    "e\u0301e\u0301",
    "[a](http://b)",
    "~~d~~ long words here",
    "x<br>y",
    "a  b",
)
MARKS = ("---", ":---:", "---:", ":---")


def some_tables(number: int) -> list[str]:
    """Tables of up to five columns and four rows, some of them with cells missing at the end."""
    chance = random.Random(7)
    made: list[str] = []
    for _ in range(number):
        columns = chance.randint(1, 5)
        lines = [
            [chance.choice(CELLS) for _ in range(columns)],
            [chance.choice(MARKS) for _ in range(columns)],
        ]
        lines += [
            [chance.choice(CELLS) for _ in range(chance.randint(1, columns))]
            for _ in range(chance.randint(0, 4))
        ]
        made.append("".join(f"| {' | '.join(line)} |\n" for line in lines))
    return made


def looks(lines: list[Line]) -> list[list[tuple[str, object]]]:
    """Each character of each line with how it looks; of a blank, only that it is there, and none at the end."""
    return [
        [
            (c, None if c == " " else s.style and (s.style.color, s.style.bold, s.style.strike))
            for s in line
            for c in s.text
        ]
        for line in (list(Segment.simplify(line)) for line in lines)
    ]


def trimmed(line: list[tuple[str, object]]) -> list[tuple[str, object]]:
    end = len(line)
    while end and line[end - 1][0] == " ":
        end -= 1
    return line[:end]


@pytest.mark.parametrize("width", [20, 78])
async def test_a_table_that_fits_looks_as_rich_draws_it(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running((80, 20)) as (_pilot, app):
        palette = palette_of(app.conversation)
    tables = some_tables(150)
    ours = [draw_markdown(table, width, palette) for table in tables]
    monkeypatch.setattr(conversation_markdown, "_GAP", " " * 1_000)  # nothing fits
    for table, drawn in zip(tables, ours, strict=True):
        by_rich = draw_markdown(table, width, palette)
        assert [trimmed(line) for line in looks(drawn)] == [trimmed(line) for line in looks(by_rich)], table
