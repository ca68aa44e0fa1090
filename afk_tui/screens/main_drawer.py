"""In a narrow terminal the list of threads is a drawer over the conversation."""

from __future__ import annotations

from textual import events, on

from afk_tui.screens.main_threads import MainThreads
from afk_tui.widgets.thread_list import ThreadList


class MainDrawer(MainThreads):
    """Opened by its key or a click on the title; closed by that again, escape, a choice, or going on elsewhere."""

    def action_focus_threads(self) -> None:
        """Go to the list of threads; in a narrow terminal, open or close it."""
        if self.is_drawer_open:
            self.close_drawer()
            return
        self.add_class("-list")
        self.threads.focus()

    @property
    def is_drawer_open(self) -> bool:
        """Whether the list covers the conversation."""
        return self.has_class("-narrow", "-list")

    def close_drawer(self) -> None:
        """Back to writing."""
        self.remove_class("-list")
        self.composer.focus()

    def on_resize(self) -> None:
        """What was a list beside the conversation becomes a drawer that is open only for whom is in it."""
        was_narrow = self.has_class("-narrow")
        super().on_resize()
        if self.has_class("-narrow") and not was_narrow:
            self.set_class(isinstance(self.focused, ThreadList), "-list")

    def on_descendant_focus(self) -> None:
        """Whoever goes on elsewhere, by tab or by mouse, is done with the drawer."""
        super().on_descendant_focus()
        if self.is_drawer_open and not isinstance(self.focused, ThreadList):
            self.remove_class("-list")

    @on(events.Click, "#title")
    def work_by_click(self) -> None:
        """The title stands where the drawer comes out."""
        if self.has_class("-narrow"):
            self.action_focus_threads()
