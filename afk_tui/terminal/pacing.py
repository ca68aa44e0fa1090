"""Frames that a slow terminal would only show later are not painted; once it has caught up, the whole screen is."""

from __future__ import annotations

from rich.console import RenderableType
from textual.app import App, ReturnType
from textual.screen import Screen

from afk_tui.terminal.driver import TerminalDriver


class PacedApp(App[ReturnType]):
    """An app that paints no faster than its terminal takes it."""

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        driver = self._driver
        if renderable is not None and isinstance(driver, TerminalDriver) and driver.leaves_out_frame():
            return
        super()._display(screen, renderable)

    def on_caught_up(self) -> None:
        """What was left out is on the screen now."""
        if self._running and self.screen_stack:
            self.screen.refresh(layout=True)
