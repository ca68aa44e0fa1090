"""When a frame is painted: a key's effect at once; nothing that a slow terminal would only show later.

Textual paints at the ticks of a timer, sixty a second, and skips one after each: what follows a paint may wait for
33 ms, as each key does that is held down, or typed while an answer streams in.
"""

from __future__ import annotations

import time
from typing import Any, cast

from rich.console import RenderableType
from textual import events
from textual.app import App, ReturnType
from textual.geometry import Size
from textual.screen import Screen

from afk_tui.terminal.driver import TerminalDriver

# a burst of keys, as of a paste without brackets, is not painted key by key
BETWEEN_S = 0.008


class PacedApp(App[ReturnType]):
    """An app that paints no faster than its terminal takes it. Its screens are `PaintsKeys`."""

    is_keyed = False
    """Whether a key, a paste or a click came whose effect was not painted so far."""

    async def on_event(self, event: events.Event) -> None:
        """Remember that a person did something."""
        if isinstance(event, (events.Key, events.Paste, events.MouseDown)):
            self.is_keyed = True
        await super().on_event(event)

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        driver = self._driver
        if renderable is not None and isinstance(driver, TerminalDriver) and driver.leaves_out_frame():
            return
        super()._display(screen, renderable)

    def _end_batch(self) -> None:
        """Textual loses the paint whose tick came while parts of another screen were being mounted, and with it what
        was to be called after it, until something else happens to that screen."""
        super()._end_batch()
        if not self._batch_count:
            for screen in self.screen_stack:
                screen.check_idle()

    def on_caught_up(self) -> None:
        """What was left out is on the screen now."""
        if self._running and self.screen_stack:
            self.screen.refresh(layout=True)


class PaintsKeys:
    """For every screen."""

    _painted_keys_s = float("-inf")

    def _screen_resized(self, size: Size) -> None:
        """Textual stops the ticks of a screen that it lays out for another one, as it does below one that comes; what
        was to be called after the next paint would wait until something else happens to it."""
        super()._screen_resized(size)  # type: ignore[misc]
        cast("Screen[Any]", self).check_idle()

    def on_idle(self) -> None:
        """Paint what a key changed; Textual's own handler, called after this, has the rest painted at a tick."""
        screen = cast("Screen[Any]", self)
        app, focused, changed = screen.app, screen.focused, screen._dirty_widgets
        if not isinstance(app, PacedApp) or not app.is_keyed or app._batch_count or app.screen is not screen:
            return
        # something else may have changed just before, as an answer that streams in does
        if focused is not None and focused not in changed:
            return
        # where nothing has the focus, what the key changes is on its way
        if not changed and not screen._layout_required:
            return
        if time.monotonic() - self._painted_keys_s >= BETWEEN_S:
            app.is_keyed = False
            screen._on_timer_update()
            self._painted_keys_s = time.monotonic()
