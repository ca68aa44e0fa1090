"""The code blocks of a text in Markdown, as they were written."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from markdown_it import MarkdownIt


class CodeBlock(NamedTuple):
    """`language` is the first word after the fence, or ""; `text` has no line end at its end."""

    language: str
    text: str


def code_blocks(markdown: str) -> list[CodeBlock]:
    """Fenced and indented blocks in order, also those inside lists and quotes. Empty ones are left out."""
    found: list[CodeBlock] = []
    for token in _parser().parse(markdown):
        if token.type in ("fence", "code_block") and (text := token.content.rstrip("\n")):
            words = token.info.split() if token.type == "fence" else []
            found.append(CodeBlock(words[0] if words else "", text))
    return found


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").disable("inline")
