import random

import pytest

from afk_tui.widgets.blocks import STREAMING, Block, BlockSplitter, Limits, split_markdown, split_plain

DOCUMENT = """\
# Title

A paragraph
of two lines with `code`.

Setext
------

- one
- two
  continued

  second paragraph
  ```python
  - not an item
  ```
- three

1. first
2. second

```sh
# not a heading

- not an item
```
> quoted
lazily

| a | b |
|---|---|
| 1 | 2 |

    indented code

***
Last words"""


def texts(blocks: list[Block]) -> list[str]:
    return [block.text for block in blocks]


def test_a_document_is_cut_at_its_top_level_blocks():
    assert texts(split_markdown(DOCUMENT)) == [
        "# Title",
        "A paragraph\nof two lines with `code`.",
        "Setext\n------",
        "- one",
        "- two\n  continued\n\n  second paragraph\n  ```python\n  - not an item\n  ```",
        "- three",
        "1. first",
        "2. second",
        "```sh\n# not a heading\n\n- not an item\n```",
        "> quoted\n> lazily",
        "| a | b |\n|---|---|\n| 1 | 2 |",
        "    indented code",
        "***",
        "Last words",
    ]
    joined = [block.text for block in split_markdown(DOCUMENT) if block.joined]
    assert [text[:3] for text in joined] == ["- t", "- t", "2. "]


@pytest.mark.parametrize("seed", range(5))
def test_how_the_text_was_cut_into_portions_makes_no_difference(seed: int):
    chance = random.Random(seed)
    splitter, blocks, rest = BlockSplitter(STREAMING), [], DOCUMENT * 3
    while rest:
        size = chance.randint(1, 9)
        blocks += splitter.feed(rest[:size])
        splitter.open()
        rest = rest[size:]
    assert blocks + splitter.close() == split_markdown(DOCUMENT * 3, STREAMING)


LIMITS = Limits(fence_lines=4, table_rows=3, chars=200)


def test_a_long_fence_is_cut_and_opened_again():
    blocks = split_markdown("```py\n" + "x = 1\n" * 10 + "```\n", LIMITS)
    assert texts(blocks) == ["```py\n" + "\n".join(["x = 1"] * 4)] * 2 + ["```py\nx = 1\nx = 1\n```"]
    assert [block.joined for block in blocks] == [False, True, True]


def test_a_fence_that_ends_at_the_cut_leaves_no_empty_block():
    blocks = split_markdown("```py\n" + "x = 1\n" * 8 + "```\nafter\n", LIMITS)
    assert len(blocks) == 3
    assert blocks[-1].text == "after"


def test_a_long_table_is_cut_with_its_header_repeated():
    blocks = split_markdown("|a|b|\n|-|-|\n" + "|1|2|\n" * 7, LIMITS)
    assert [block.text.count("|1|2|") for block in blocks] == [3, 3, 1]
    assert all(block.text.startswith("|a|b|\n|-|-|\n") for block in blocks)


def test_a_long_list_item_goes_on_without_its_marker_at_its_margin():
    first, *rest = split_markdown("- " + "word word\n  " * 60, LIMITS)
    assert first.text.startswith("- word")
    assert all(block.joined and block.indent == 2 and block.text.startswith("word") for block in rest)


@pytest.mark.parametrize(
    "text",
    [
        "x" * 10_000,
        "word " * 2_000,
        "- " + "word " * 2_000,
        "> " + "word " * 2_000,
        "```\n" + "word " * 2_000,
        "| " + "word " * 2_000,
        "# " + "word " * 2_000,
        "- a\n" + "  - b\n" * 1_000,
        "line\n" * 1_000,
        "> line\n" * 1_000,
        "    code\n" * 1_000,
        "|a|b|\n|-|-|\n" + "|1|2|\n" * 1_000,
    ],
)
def test_the_open_block_stays_small_whatever_arrives(text: str):
    splitter, count, largest = BlockSplitter(LIMITS), 0, 0
    for start in range(0, len(text), 7):
        count += len(splitter.feed(text[start : start + 7]))
        block = splitter.open()
        largest = max(largest, len(block.text) if block is not None else 0)
    assert count > 5
    assert largest <= 3 * LIMITS.chars


def test_nothing_is_lost_where_paragraphs_are_cut():
    text = "some words here " * 500
    assert "".join(block.text for block in split_markdown(text, LIMITS)).split() == text.split()
    assert "".join(split_plain(text, 100)) == text


def test_what_may_become_something_else_is_not_shown_yet():
    splitter = BlockSplitter()
    splitter.feed("A paragraph\n--")
    block = splitter.open()
    assert block is not None
    assert block.text == "A paragraph"


def test_feeding_costs_the_new_text_only(monkeypatch: pytest.MonkeyPatch):
    looked_at = 0
    original = BlockSplitter._line

    def counting(self: BlockSplitter, line: str) -> None:
        nonlocal looked_at
        looked_at += len(line)
        original(self, line)

    monkeypatch.setattr(BlockSplitter, "_line", counting)
    splitter = BlockSplitter()
    for _ in range(2_000):
        splitter.feed("some words and\nmore ")
        splitter.open()
    assert looked_at <= 2_000 * 20
