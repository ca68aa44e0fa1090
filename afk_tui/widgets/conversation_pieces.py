"""What a conversation item looks like: cut into pieces that are drawn and measured one at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from afk_tui.widgets.blocks import Block, split_markdown, split_plain
from afk_tui.widgets.conversation_plain import draw_plain
from afk_tui.widgets.conversation_safe import safe

if TYPE_CHECKING:
    from afk_tui.gateway.views import CallStatus, ConversationItem, InsideItem, ItemKind
    from afk_tui.widgets.conversation_palette import Palette

WHOLE_CHARS = 6_000
"""Markdown up to here is drawn whole, in about 50 ms; longer text block by block."""
WHOLE_KEPT = "the whole result is kept · o or a click here opens it"
CUT_LINES = 12
CUT_CHARS = 2_000
INSIDE_SHOWN = 12
TEXT_WIDTH = 110
"""Prose is hard to follow on longer lines than this, in columns."""

STATUS_WORDS: dict[CallStatus, tuple[str, str]] = {
    "waiting": ("◆", "waiting"),
    "running": ("●", "running"),
    "ran": ("✓", "ran"),
    "failed": ("✗", "failed"),
    "denied": ("⊘", "denied"),
    "answered": ("↩", "answered"),
    "interrupted": ("■", "interrupted"),
    "unknown": ("?", "outcome unknown"),
    "proposed": ("○", "proposed"),
}
_NOTE_MARKS = {"info": "·", "warning": "!", "error": "✗"}

Drawing = Literal[
    "above",
    "user",
    "queued",
    "markdown",
    "note",
    "call",
    "arguments",
    "output",
    "fact",
    "more",
    "footnote",
    "waiting_for_text",
    "failure",
    "inside",
    "whole",
]


class Row(NamedTuple):
    """One line on the screen: what is drawn before it and never copied, the text, and what fills the rest."""

    prefix: tuple[Segment, ...]
    text: Sequence[Segment]
    fill: Style | None = None


@dataclass(slots=True, eq=False)
class Piece:
    """A run of rows of one item. `height` is a guess until `exact`; `rows` may be dropped and drawn again."""

    drawing: Drawing
    text: str
    gap: int = 0
    indent: int = 0
    height: int = 1
    exact: bool = False
    inside: InsideItem | None = None
    rows: list[Row] | None = None
    strips: dict[tuple[int, bool, int], Strip] = field(default_factory=dict[tuple[int, bool, int], Strip])

    @property
    def look(self) -> tuple[str, str, int, int, InsideItem | None]:
        """What it looks like, whatever the width; equal looks need not be drawn twice."""
        return self.drawing, self.text, self.gap, self.indent, self.inside


def estimate_rows(chars: int, lines: int, width: int) -> int:
    """A guess at the height of `chars` characters on `lines` lines, `width` columns wide."""
    return max(1, lines + chars // max(1, min(width, TEXT_WIDTH)))


def estimate_piece(piece: Piece, width: int) -> int:
    """A guess at the height of a piece that was not drawn at this width."""
    if piece.drawing in ("above", "call", "footnote", "more", "whole") or (
        piece.inside and piece.inside.item.kind == "call"
    ):
        return piece.gap + 1
    return piece.gap + estimate_rows(len(piece.text), piece.text.count("\n") + 1, width - 4)


def estimate_head(kind: ItemKind, chars: int, lines: int, width: int) -> int:
    """A guess at the height of an item of which only this is known."""
    return 1 if kind == "call" else estimate_rows(chars, lines, width - 4)


def can_unfold(item: ConversationItem) -> bool:
    """There is something under the line of a call."""
    return item.kind == "call" and bool(item.detail or item.text or item.inside or item.facts)


def next_fold(item: ConversationItem, fold: int) -> int:
    """Folds of a call: 0 closed, 1 the first lines, 2 everything."""
    cut = any(_first_lines(part)[1] for part in (item.detail, item.text)) or len(item.inside) > INSIDE_SHOWN
    if fold == 0:
        return 1
    return 2 if fold == 1 and cut else 0


def pieces_of(item: ConversationItem, fold: int, gap: int) -> list[Piece]:
    """The pieces of an item; `gap` blank lines stand above the first one."""
    match item.kind:
        case "user":
            pieces = [Piece("user", part) for part in split_plain(item.text)]
        case "queued":
            shown, hidden = _first_lines(item.text)
            more = [Piece("footnote", hidden.rpartition(" · ")[0])] if hidden else []
            pieces = [Piece("queued", shown), *more]
        case "assistant":
            pieces = _markdown_pieces(item.text)
        case "note":
            pieces = [Piece("note", part) for part in split_plain(item.text)]
        case "call":
            pieces = [Piece("call", item.title), *(_call_body(item, fold) if fold else [])]
    if item.footnote and item.kind != "call":
        pieces.append(Piece("footnote", item.footnote))
    if item.above:
        pieces[0].gap = 1
        pieces.insert(0, Piece("above", item.above))
    pieces[0].gap = gap
    return pieces


def _markdown_pieces(text: str) -> list[Piece]:
    if not text.strip():
        return [Piece("waiting_for_text", "(no text)")]
    if len(text) <= WHOLE_CHARS:
        return [Piece("markdown", text)]
    return [block_piece(block, first=index == 0) for index, block in enumerate(split_markdown(text))]


def block_piece(block: Block, *, first: bool) -> Piece:
    """A block of Markdown as a piece."""
    return Piece("markdown", block.text, gap=0 if first or block.joined else 1, indent=block.indent)


def _call_body(item: ConversationItem, fold: int) -> list[Piece]:
    pieces: list[Piece] = []
    for drawing, text in (("arguments", item.detail), ("output", item.text)):
        if drawing == "output":
            pieces += _inside_pieces(item, fold)
        if not text:
            continue
        shown, hidden = _first_lines(text) if fold == 1 else (text, "")
        pieces += [Piece("arguments" if drawing == "arguments" else "output", p) for p in split_plain(shown)]
        if hidden:
            pieces.append(Piece("more", hidden))
        if drawing == "arguments":
            pieces += _fact_pieces(item)
    if not item.detail:
        pieces = [*_fact_pieces(item), *pieces]
    if item.output_sha:
        pieces.append(Piece("whole", WHOLE_KEPT))
    if item.status not in ("waiting", "running", "proposed") and not item.text:
        pieces.append(Piece("more", "no output"))
    return pieces


def _fact_pieces(item: ConversationItem) -> list[Piece]:
    return [Piece("fact", f"{word}\n{text}") for word, text in item.facts]


def _inside_pieces(item: ConversationItem, fold: int) -> list[Piece]:
    """What a subagent did for the call: the last few things, or all that were read."""
    shown = item.inside[-INSIDE_SHOWN:] if fold == 1 else item.inside
    hidden = len(item.inside) - len(shown)
    pieces: list[Piece] = []
    if hidden:
        pieces.append(Piece("more", f"… {hidden + item.inside_earlier:,} earlier · enter shows all"))
    elif item.inside_earlier:
        pieces.append(Piece("more", f"… {item.inside_earlier:,} earlier · afk-tui export has them"))
    for one in shown:
        text = one.item.title if one.item.kind == "call" else _first_lines(one.item.text)[0]
        pieces.append(Piece("inside", text, inside=one))
    return pieces


def _first_lines(text: str) -> tuple[str, str]:
    """What a folded text shows, and a line that says what it does not ("" if it is whole)."""
    text = text.rstrip("\n")
    lines = text[: CUT_CHARS + 1].split("\n", CUT_LINES)
    shown = "\n".join(lines[:CUT_LINES])[:CUT_CHARS]
    if len(shown) >= len(text):
        return text, ""
    more = text.count("\n", len(shown) + 1) + 1
    if text[len(shown)] != "\n":
        return shown, f"… {len(text) - len(shown):,} more characters · enter shows all"
    return shown, f"… {more:,} more {'line' if more == 1 else 'lines'} · enter shows all"


def draw_piece(
    piece: Piece, item: ConversationItem | None, fold: int, width: int, palette: Palette
) -> list[Row]:
    """The rows of a piece, its gap included, for a conversation `width` columns wide (the cursor's one included)."""
    room = width - 1
    narrow = room < 24
    text_width = max(1, min(TEXT_WIDTH, room - (1 if narrow else 2)))
    margin = (Segment("" if narrow else " "),)
    rows = [Row((), ()) for _ in range(piece.gap)]
    match piece.drawing:
        case "user":
            bar, fill = palette["user-bar"], palette["user"]
            prefix = (Segment("┃" if narrow else "┃ ", bar + Style(bgcolor=fill.bgcolor)),)
            rows += [Row(prefix, line, fill) for line in draw_plain(piece.text, text_width, palette, "user")]
        case "queued":
            prefix = (Segment("┆" if narrow else "┆ ", palette["placeholder"]),)
            rows += [Row(prefix, line) for line in draw_plain(piece.text, text_width, palette, "placeholder")]
        case "markdown":
            from afk_tui.widgets import conversation_markdown as draw

            pad = (Segment(margin[0].text + " " * min(piece.indent, text_width // 2)),)
            inner = text_width - min(piece.indent, text_width // 2)
            rows += [Row(pad, line) for line in draw.draw_markdown(piece.text, inner, palette)]
        case "above":
            rows.append(Row((), [Segment(_rule_around(piece.text, room), palette["rule"])]))
        case "note":
            tone = item.tone if item is not None else "info"
            part = "note" if tone == "info" else f"note-{tone}"
            lines = draw_plain(piece.text, text_width - 2, palette, part)
            mark = _NOTE_MARKS[tone]
            for index, line in enumerate(lines):
                rows.append(Row((*margin, Segment(f"{mark if index == 0 else ' '} ", palette[part])), line))
        case "call":
            if item is not None:
                rows.append(_call_row(item, fold, room, palette))
        case "arguments" | "output":
            rows += _call_rows(piece, room, palette)
        case "more":
            rows.append(
                Row(_stem(narrow, palette), [Segment(_fit(piece.text, room - 4), palette["footnote"])])
            )
        case "fact":
            word, _, text = piece.text.partition("\n")
            stem = _stem(narrow, palette)
            lines = draw_plain(text, max(1, text_width - 12), palette, "footnote")
            for index, line in enumerate(lines):
                label = Segment(f"{word if index == 0 else '':<8} ", palette["fact"])
                rows.append(Row((*stem, label), line))
        case "whole":
            text = _fit(piece.text, room - 4)
            rows.append(
                Row(_stem(narrow, palette), [Segment(text, palette["call-title"] + Style(underline=True))])
            )
        case "inside":
            rows += _inside_rows(piece, room, palette)
        case "footnote" | "waiting_for_text" | "failure":
            part = "note-error" if piece.drawing == "failure" else "footnote"
            lines = draw_plain(piece.text, text_width, palette, part)
            rows += [Row(margin, line) for line in lines]
    return rows


def _rule_around(text: str, width: int) -> str:
    """A line across the conversation that says something in its middle."""
    said = f" {_fit(text, max(1, width - 8))} "
    left = max(1, (width - cell_len(said)) // 2)
    return f"{'─' * left}{said}{'─' * max(1, width - left - cell_len(said))}"


def _fit(text: str, width: int) -> str:
    text = safe(" ".join(text.split()))
    return text if cell_len(text) <= width else set_cell_size(text, max(0, width - 1)) + "…"


def _call_row(item: ConversationItem, fold: int, room: int, palette: Palette) -> Row:
    status = item.status or "proposed"
    glyph, word = STATUS_WORDS[status]
    fold_mark = ("▾ " if fold else "▸ ") if can_unfold(item) else "  "
    label = f"{glyph} {word:<8}"
    left = max(0, room - len(fold_mark) - len(label) - 2)
    note = item.footnote
    # a task is long, and what a subagent is at or asks for is what one looks for
    title = _fit(item.title, max(left // 3, left - cell_len(note) - 3) if item.inside else left)
    segments = [Segment(label, palette[status]), Segment(" "), Segment(title, palette["call-title"])]
    while note and cell_len(title) + cell_len(note) + 3 > left:  # what was decided outlasts how long it took
        note = note.rpartition(" · ")[0]
    if note:
        segments.append(Segment(f" · {_fit(note, left)}", palette["footnote"]))
    return Row((Segment(fold_mark, palette["footnote"]),), segments)


def _inside_rows(piece: Piece, room: int, palette: Palette) -> list[Row]:
    """A line for a call of a subagent, or what it said, under the call that it works for."""
    assert piece.inside is not None
    item = piece.inside.item
    stem = _stem(room < 24, palette)
    pad = Segment("  " * min(piece.inside.depth, 4))
    width = max(1, min(TEXT_WIDTH, room - 5 - len(pad.text)))
    if item.kind != "call":
        lines = draw_plain(piece.text, width, palette, "note")
        return [Row((*stem, pad), line) for line in lines]
    glyph, word = STATUS_WORDS[item.status or "proposed"]
    label = f"{glyph} {word:<8}"
    left = max(0, width - len(label) - 1)
    title = _fit(item.title, left)
    segments = [
        Segment(label, palette[item.status or "proposed"]),
        Segment(" "),
        Segment(title, palette["call-title"]),
    ]
    if item.footnote and cell_len(title) + cell_len(item.footnote) + 3 <= left:
        segments.append(Segment(f" · {item.footnote}", palette["footnote"]))
    return [Row((*stem, pad), segments)]


def _stem(narrow: bool, palette: Palette) -> tuple[Segment, ...]:
    return (Segment("│" if narrow else "  │ ", palette["rule"]),)


def _call_rows(piece: Piece, room: int, palette: Palette) -> list[Row]:
    width = max(1, min(TEXT_WIDTH, room - 5))
    if piece.drawing == "arguments":
        from afk_tui.widgets import conversation_markdown as draw

        lexer = "json" if piece.text.lstrip()[:1] in ("{", "[", '"') else "bash"
        lines = draw.draw_code(piece.text, lexer, width, palette)
    else:
        lines = draw_plain(piece.text, width, palette, "note")
    return [Row(_stem(room < 24, palette), line) for line in lines]
