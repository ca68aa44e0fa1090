"""Markdown and code drawn as rows of segments, through Rich.

Imported when the first of them is drawn: Rich's Markdown costs 30 ms to import.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from itertools import zip_longest
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
_GAP = "   "  # between two columns of a table
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
        headings = [cell.content.copy() for cell in header]
        for heading in headings:
            heading.stylize("markdown.table.header")
        justify: list[JustifyMethod] = [cast("JustifyMethod", cell.justify) for cell in header]
        cells = [[cell.content for cell in row.cells] for row in rows]
        widths = [max(map(_cells_of, column)) for column in zip_longest(headings, *cells, fillvalue=Text())]
        if sum(widths) + len(_GAP) * (len(widths) - 1) <= options.max_width:
            yield from _table_that_fits(console, [headings, *cells], widths, justify)
            return
        table = Table(box=_BORDERS, pad_edge=False, style="markdown.table.border", show_edge=False)
        for heading, how in zip(headings, justify, strict=True):
            table.add_column(heading, justify=how, overflow="fold")
        for row in cells:
            table.add_row(*row)
        yield table


def _cells_of(text: Text) -> int:
    return text.cell_len


def _table_that_fits(
    console: Console, rows: Sequence[Sequence[Text]], widths: Sequence[int], justify: Sequence[JustifyMethod]
) -> Iterator[Segment]:
    """As Rich's `Table` draws it where nothing is wrapped, in a third of the time: it is drawn again at each row that
    arrives. The first row is the header's."""
    for number, row in enumerate(rows):
        style = console.get_style("table.header") if number == 0 else None
        for column, width in enumerate(widths):
            cell = row[column] if column < len(row) else None
            room = width - (cell.cell_len if cell is not None else 0)
            how = justify[column]
            before = room if how == "right" else room // 2 if how == "center" else 0
            yield Segment((_GAP if column else "") + " " * before)
            if cell is not None:
                yield from Segment.apply_style(cell.render(console), style)
            yield Segment(" " * (room - before))
        yield Segment.line()
        if number == 0:
            rule = "─" * (sum(widths) + len(_GAP) * (len(widths) - 1))
            yield Segment(rule, console.get_style("markdown.table.border"))
            yield Segment.line()


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
