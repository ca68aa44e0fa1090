"""The last net before the terminal: no control or direction character of a text is ever written.

Text is cleaned at the gateway (`gateway/clean.py`), with marks that a person sees. This filter is for what
slipped past that: it stands behind every widget, border title, tooltip and notification, and deletes without
a trace.
"""

from __future__ import annotations

import re
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.app import App
from textual.color import Color
from textual.filter import LineFilter

# Joiners and variation selectors stay: `clean` keeps those that join emoji, and none of them moves anything.
_DANGEROUS = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)


def _harmless(segment: Segment) -> Segment:
    text, style, control = segment
    if not text.isprintable() and _DANGEROUS.search(text):
        # The strip keeps its width, so what is taken from a segment has to be made up for in it.
        text = set_cell_size(_DANGEROUS.sub("", text), cell_len(text))
    link = style.link if style is not None else None
    if style is not None and link and not link.isprintable():
        # The target of a link is written inside an escape sequence, which it could end.
        style = style.update_link(None)
    return Segment(text, style, control)


class LastNet(LineFilter):
    """Deletes control, direction and invisible characters and lone surrogates from everything painted."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """`segments` with the same widths and without what a terminal would obey."""
        return [_harmless(segment) for segment in segments]


def install(app: App[Any]) -> None:
    """Put the net behind everything that `app` paints. Call it once, in the app's `__init__`; again does
    nothing."""
    if not any(isinstance(line_filter, LastNet) for line_filter in app._filters):
        app._filters.append(LastNet())
