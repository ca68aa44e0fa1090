"""Which colours the app has: each theme is shown as one moves to it."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from afk_tui.styles_folder import styles_folder
from afk_tui.terminal.pacing import PaintsKeys
from afk_tui.widgets.key_hints import frame_hints


class ThemeScreen(PaintsKeys, ModalScreen[str | None]):
    """Dismisses with the name of a theme, which the app then has, or None: it has the one that it had."""

    CSS_PATH = styles_folder() / "themes.tcss"
    AUTO_FOCUS = "#themes"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Close", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._before = ""

    def compose(self) -> ComposeResult:
        """The themes, dark ones first."""
        with Vertical(id="box") as box:
            box.border_title = "Theme"
            box.border_subtitle = frame_hints(("enter", "keep"), ("esc", "back"))
            yield OptionList(*self._options(), id="themes")

    def on_mount(self) -> None:
        """Begin at the theme that the app has."""
        self._before = self.app.theme
        themes = self.query_one(OptionList)
        themes.highlighted = themes.get_option_index(self._before)

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Show what the theme looks like."""
        event.stop()
        if self._before and event.option_id:
            self.app.theme = event.option_id

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Keep it."""
        event.stop()
        if event.option_id:
            self.app.theme = event.option_id
            self.dismiss(event.option_id)

    def action_leave(self) -> None:
        """As it was before."""
        self.app.theme = self._before
        self.dismiss(None)

    def _options(self) -> list[Option]:
        themes = sorted(self.app.available_themes.values(), key=lambda theme: (not theme.dark, theme.name))
        # the word too: the colours say it only to whom they can be seen
        lines = (Content(f"{theme.name:<20} {'dark' if theme.dark else 'light'}") for theme in themes)
        return [Option(line, id=theme.name) for line, theme in zip(lines, themes, strict=True)]
