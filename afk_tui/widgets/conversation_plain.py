"""Text drawn as rows of segments, through Rich: plain text here, Markdown and code in a file of their own."""

from __future__ import annotations

import io
from functools import lru_cache

from rich.console import Console, RenderableType
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from rich.theme import Theme

from afk_tui.widgets.conversation_palette import Palette
from afk_tui.widgets.conversation_safe import safe

Line = list[Segment]


def draw_plain(text: str, width: int, palette: Palette, part: str) -> list[Line]:
    """Rows of `text` as it is, wrapped; nothing in it is interpreted."""
    return draw(Text(text, style=palette[part], overflow="fold"), width, palette)


def draw(renderable: RenderableType, width: int, palette: Palette) -> list[Line]:
    """Rows of anything that Rich can render, at most `width` columns, without links and control characters."""
    console = _console(palette)
    # a character two columns wide never fits into one, and Rich folds it for ever
    options = console.options.update(width=max(2, width), height=None)
    lines = console.render_lines(renderable, options, pad=False)
    return [[_safe(segment) for segment in line if not segment.control] for line in lines]


def _safe(segment: Segment) -> Segment:
    text, style, _ = segment
    if style is not None and style.link:
        style = style.update_link(None)
    return Segment(safe(text), style)


@lru_cache(maxsize=4)
def _console(palette: Palette) -> Console:
    heading, code, link = palette["heading"], palette["inline-code"], palette["link"]
    styles: dict[str, Style] = {f"markdown.h{level}": heading for level in range(1, 7)}
    styles["markdown.h1"] = heading + Style(underline=True)
    styles |= {
        "markdown.paragraph": Style(),
        "markdown.code": code,
        "markdown.code_block": palette["code"],
        "markdown.block_quote": palette["quote"],
        "markdown.item": Style(),
        "markdown.item.bullet": palette["bullet"],
        "markdown.item.number": palette["bullet"],
        "markdown.hr": palette["rule"],
        "markdown.link": link,
        "markdown.link_url": palette["footnote"],
        "markdown.table.border": palette["rule"],
        "markdown.table.header": heading,
        "chat.assistant": palette["assistant"],
        "chat.code": palette["code"],
        "chat.bar": palette["rule"],
    }
    return Console(
        file=io.StringIO(),
        width=80,
        color_system="truecolor",
        force_terminal=True,
        legacy_windows=False,
        markup=False,
        emoji=False,
        highlight=False,
        theme=Theme(styles),
        _environ={},
    )
