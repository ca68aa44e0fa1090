"""A terminal too small for anything: one line says so, and what was there stays as it was.

This is no screen on the stack of screens. There it would have to stay on top of what opens by itself, and
what closes by itself could not close under it. So the app goes on in the size that it had before, unseen and
deaf; only what is painted is another thing.
"""

from __future__ import annotations

from rich.console import RenderableType
from textual import events
from textual.app import App, ReturnType
from textual.geometry import Size
from textual.screen import Screen

MIN_WIDTH = 30
MIN_HEIGHT = 8
# What the app is laid out for while the terminal never was large enough.
UNSEEN_SIZE = Size(80, 24)
# What still acts: nothing else could be seen to have been answered.
KEYS_HEARD = frozenset({"ctrl+q"})


def fits(size: Size) -> bool:
    """Whether the app can be shown in a terminal of this size."""
    return size.width >= MIN_WIDTH and size.height >= MIN_HEIGHT


def too_small_line(size: Size) -> str:
    """The most telling wording that fits into one line of `size`."""
    needed = f"{MIN_WIDTH}x{MIN_HEIGHT}"
    wordings = (
        f"Too small: {size.width}x{size.height}, needs {needed}",
        f"Too small: needs {needed}",
        f"Too small: {needed}",
        "Too small",
        "small",
    )
    return next((wording for wording in wordings if len(wording) <= size.width), "!"[: size.width])


class SizeGuard(App[ReturnType]):
    """An app that is shown only where it fits. `size` is always one that it fits into."""

    _terminal_size: Size | None = None
    keys_heard: frozenset[str] = KEYS_HEARD

    @property
    def size(self) -> Size:
        """The size that screens are laid out for: the terminal's, or the last one that was large enough."""
        size = super().size
        return size if fits(size) else UNSEEN_SIZE

    @property
    def is_too_small(self) -> bool:
        """Whether one line stands in place of the app now."""
        return not fits(self._real_size)

    @property
    def _real_size(self) -> Size:
        # a size of nothing is false
        return super().size if self._terminal_size is None else self._terminal_size

    def on_resize(self, event: events.Resize) -> None:
        """Keep a size that is too small from the screens."""
        was_too_small = self.is_too_small
        self._terminal_size = event.size
        if self.is_too_small:
            # App's own handler would hand the size on
            event.prevent_default()
            event.stop()
            self._paint_line()
        elif was_too_small:
            # in a size that is the same as before, nothing else would paint over the line
            self.call_after_refresh(self._paint_whole)

    async def on_event(self, event: events.Event) -> None:
        """Hear nothing that answers what cannot be seen."""
        is_input = isinstance(event, events.InputEvent | events.Paste) and not event.is_forwarded
        is_heard = isinstance(event, events.Key) and event.key in self.keys_heard
        if is_input and not is_heard and self.is_too_small:
            event.stop()
            return
        await super().on_event(event)

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        if self.is_too_small:
            self._paint_line()
        else:
            super()._display(screen, renderable)

    def _paint_whole(self) -> None:
        if self.screen_stack:
            self.screen.refresh(layout=True)

    def _paint_line(self) -> None:
        driver = self._driver
        if driver is None or self.is_headless or not self._running or self._closed:
            return
        line = too_small_line(self._real_size)
        # home, the line, and nothing after it: written at once, so that it does not flicker
        driver.write(f"\x1b[0m\x1b[H{line}\x1b[J")
        driver.flush()
