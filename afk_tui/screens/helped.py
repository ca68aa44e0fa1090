"""The help, from any screen."""

from __future__ import annotations

from typing import Any, cast

from textual.binding import Binding
from textual.dom import DOMNode

from afk_tui.keys import key_of
from afk_tui.widgets.key_hints import Hint

HELP_KEY = Binding("f1", "help", "Help", show=False, id="help")


class Helped:
    """For a screen with `HELP_KEY` among its bindings."""

    def action_help(self) -> None:
        """Show every key and command."""
        from afk_tui.screens.help import HelpScreen

        cast("DOMNode", self).app.push_screen(HelpScreen())


def all_keys_hint(app: Any) -> Hint:
    """What stands in the place of hints that have no room."""
    return key_of(app, "help"), "all keys"
