"""Markdown and code drawn as rows of segments, through Rich.

Imported when the first of them is drawn: Rich's Markdown costs 30 ms to import.
"""

from __future__ import annotations

import io
from contextlib import suppress
from functools import lru_cache
from typing import cast

from markdown_it import MarkdownIt
from rich.box import Box
from rich.console import Console, ConsoleOptions, JustifyMethod, RenderResult
from rich.errors import ConsoleError
from rich.markdown import (
    BlockQuote,
    CodeBlock,
    Heading,
    HorizontalRule,
    ListElement,
    ListItem,
    Markdown,
    TableElement,
)
from rich.segment import Segment
from rich.style import Style
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from afk_tui.widgets.conversation_palette import Palette
from afk_tui.widgets.conversation_plain import Line, draw, draw_plain

# asserts and lookups on nonsense, arithmetic on widths; RuntimeError is also too deep a recursion
_RICH_FAILS_WITH = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    ConsoleError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)
_BORDERS = Box("    \n    \n ── \n    \n    \n ── \n    \n    \n")


class _LeftHeading(Heading):
    LEVEL_ALIGN = dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), "left")  # pyright: ignore[reportAssignmentType]


class _CompactCode(CodeBlock):
    """No blank lines above and below: the parts of a fence that was cut then join without a seam."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        background = console.get_style("chat.code").bgcolor
        yield Syntax(
            str(self.text).rstrip("\n"),
            self.lexer_name,
            theme=self.theme,
            word_wrap=True,
            padding=(0, 1) if options.max_width > 8 else 0,
            background_color=background.name if background is not None else "default",
        )


class _PlainRule(HorizontalRule):
    new_line = True

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text("─" * min(options.max_width, 40), style=console.get_style("markdown.hr"))


class _Quote(BlockQuote):
    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        inner = options.update(width=max(1, options.max_width - 2))
        bar = Segment("▎ ", console.get_style("chat.bar"))
        for line in console.render_lines(self.elements, inner, style=self.style, pad=False):
            yield bar
            yield from line
            yield Segment.line()


class _Item(ListItem):
    def render_bullet(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from self._render(console, options, " • ", "markdown.item.bullet")

    def render_number(
        self, console: Console, options: ConsoleOptions, number: int, last_number: int
    ) -> RenderResult:
        # the same margin up to 99, so that the items of a list that was cut still line up
        width = max(2, len(str(last_number))) + 2
        yield from self._render(console, options, f"{number}. ".rjust(width), "markdown.item.number")

    def _render(self, console: Console, options: ConsoleOptions, mark: str, style_name: str) -> RenderResult:
        inner = options.update(width=max(1, options.max_width - len(mark)))
        style = console.get_style(style_name)
        lines = console.render_lines(self.elements, inner, style=self.style, pad=False)
        for index, line in enumerate(lines or [[]]):
            yield Segment(mark if index == 0 else " " * len(mark), style)
            yield from line
            yield Segment.line()


class _CompactTable(TableElement):
    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        header = self.header.row.cells if self.header is not None and self.header.row is not None else []
        rows = self.body.rows if self.body is not None else []
        # a table wider than the screen has columns becomes lines: Rich would draw columns of no width
        if 3 * len(header) > options.max_width:
            for row in rows:
                yield Text(" | ").join([cell.content for cell in row.cells])
            return
        table = Table(box=_BORDERS, pad_edge=False, style="markdown.table.border", show_edge=False)
        for cell in header:
            heading = cell.content.copy()
            heading.stylize("markdown.table.header")
            table.add_column(heading, justify=cast("JustifyMethod", cell.justify), overflow="fold")
        for row in rows:
            table.add_row(*[cell.content for cell in row.cells])
        yield table


class _ChatMarkdown(Markdown):
    """Rich's Markdown with our elements. Raw HTML is shown as the text it is; Rich would leave it out."""

    elements = {  # noqa: RUF012  (a ClassVar there)
        **Markdown.elements,
        "heading_open": _LeftHeading,
        "fence": _CompactCode,
        "code_block": _CompactCode,
        "hr": _PlainRule,
        "blockquote_open": _Quote,
        "list_item_open": _Item,
        "bullet_list_open": ListElement,
        "table_open": _CompactTable,
    }

    def __init__(self, markup: str, code_theme: str) -> None:
        self.markup = markup
        self.parsed = _parser().parse(markup)
        self.code_theme = code_theme
        self.justify = None
        self.style = "chat.assistant"
        self.hyperlinks = False
        self.inline_code_lexer = None
        self.inline_code_theme = code_theme


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable(["strikethrough", "table"])


def draw_markdown(text: str, width: int, palette: Palette) -> list[Line]:
    """Rows of `text` as Markdown, at most `width` columns; as plain text where Rich fails."""
    try:
        lines = draw(_ChatMarkdown(text, palette.code_theme), width, palette)
    except _RICH_FAILS_WITH:
        return draw_plain(text, width, palette, "assistant")
    # Rich puts an empty line above a list, a quote or a table, also above the first one
    while lines and not any(segment.text for segment in lines[0]):
        del lines[0]
    return lines


def warm_up() -> None:
    """Load what the first message with code would load, for the languages that are met most. May run in a thread."""
    console = Console(file=io.StringIO(), width=80, markup=False)
    text = "".join(f"```{language}\nx = 1\n```\n" for language in ("python", "bash", "json", "text"))
    with suppress(*_RICH_FAILS_WITH):
        for theme in ("github-dark", "ansi_dark"):
            console.print(Markdown(text, code_theme=theme))


def draw_code(text: str, lexer: str, width: int, palette: Palette) -> list[Line]:
    """Rows of `text` highlighted as `lexer` ("json", "bash")."""
    code = Syntax(
        text,
        lexer,
        theme=palette.code_theme,
        word_wrap=True,
        background_color="default",
    )
    return [_strip_end([_on_base(segment) for segment in line]) for line in draw(code, width, palette)]


def _on_base(segment: Segment) -> Segment:
    text, style, _ = segment
    return Segment(text, style and Style(color=style.color, bold=style.bold, italic=style.italic))


def _strip_end(line: Line) -> Line:
    while line and not line[-1].text.strip():
        line = line[:-1]
    return line
