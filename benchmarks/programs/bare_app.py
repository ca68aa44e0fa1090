"""The least that a Textual app with a header, an input and a footer is; what the start of afk-tui is compared with."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.widgets import Footer, Header, Input


class BareApp(App[None]):
    """Nothing else."""

    def compose(self) -> ComposeResult:
        """Header, input, footer."""
        yield Header()
        yield Input()
        yield Footer()


if __name__ == "__main__":
    BareApp().run()
