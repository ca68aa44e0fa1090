"""What takes the space, as bars."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from afk_tui.gateway.compaction_views import SpaceRow
from afk_tui.screens.compaction_words import MUTED
from afk_tui.screens.words import size
from afk_tui.widgets.bar_chart import Bar, BarChart


class SpacePanel(Vertical):
    """A heading with the sum, and a bar for each sort of records."""

    def compose(self) -> ComposeResult:
        """Both."""
        yield Static(classes="heading")
        yield BarChart()

    def show(self, rows: Sequence[SpaceRow]) -> None:
        """These, the largest first."""
        total = size(sum(row.size_bytes for row in rows))
        about = f": {total} of the file" if rows and rows[0].exact else f": about {total} of text"
        self._head(Content.assemble(("What takes the space", "bold"), (about, MUTED)))
        bars = [Bar(row.what, row.size_bytes, size(row.size_bytes)) for row in rows]
        self.query_one(BarChart).bars = tuple(bars)

    def tell(self, error: str) -> None:
        """They could not be read."""
        self._head(Content.styled(f"What takes the space could not be read. {error}", "$text-error"))
        self.query_one(BarChart).bars = ()

    def _head(self, heading: Content) -> None:
        self.query_one(".heading", Static).update(heading)
