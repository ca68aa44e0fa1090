"""Keeping threads in order: titles, pins, the archive, which of them are listed, and which are new."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import events, on, work
from textual.content import Content
from textual.widgets import Static

from afk_tui.gateway.errors import GatewayError
from afk_tui.screens.dialogs import DIALOG, ask, keep_on
from afk_tui.screens.main_deleting import MainDeleting
from afk_tui.telling import tell_error, telling
from afk_tui.widgets.thread_list import ThreadList

if TYPE_CHECKING:
    from afk_tui.gateway.threads import ThreadFilter
    from afk_tui.gateway.views import ThreadRow

EMPTY: dict[ThreadFilter, str] = {
    "current": "No threads here yet.\nWrite a message and press enter.",
    "waiting": "Nothing waits for you.\nf shows other threads.",
    "running": "Nothing is running.\nf shows other threads.",
    "interrupted": "Nothing was interrupted.\nf shows other threads.",
    "done": "Nothing is done yet.\nf shows other threads.",
    "archived": "Nothing is archived.\nf shows other threads; a archives one.",
    "all": "No threads here yet.\nWrite a message and press enter.",
}
NOT_LISTED = "A new conversation is in no list yet: send something first."


class MainThreads(MainDeleting):
    """The main screen's list of threads, and what is done to one in it."""

    listed: ThreadFilter = "current"
    """Which threads the list shows."""

    async def list_threads(self) -> None:
        """Show the threads that are asked for, the one that is open under the cursor."""
        threads = self.threads
        threads.show_workspaces = self.everywhere
        threads.empty_text = EMPTY[self.listed]
        title = "Threads of every folder" if self.everywhere else "Threads"
        if self.listed != "current":
            title = f"{'Every folder' if self.everywhere else 'Threads'} · {self.listed}"
        self.query_one("#side-title", Static).update(Content(title))
        source = self.gateway.threads(everywhere=self.everywhere, show=self.listed)
        await threads.set_source(source, select_key=self.thread_id)

    @telling
    async def action_all_threads(self) -> None:
        """All workspaces, or this one."""
        self.everywhere = not self.everywhere
        await self.list_threads()
        self.notify("Threads of every folder" if self.everywhere else "Threads of this folder", markup=False)

    @work(exclusive=True, group=DIALOG, exit_on_error=False)
    async def action_filter_threads(self) -> None:
        """Choose which are listed."""
        from afk_tui.screens.thread_filter import ThreadFilterScreen

        try:
            counts = await self.gateway.keeping.counts(everywhere=self.everywhere)
            chosen = await ask(self, ThreadFilterScreen(counts, self.listed))
            if chosen is None:
                return
            self.listed = chosen
            await self.list_threads()
        except GatewayError as error:
            tell_error(self, error)
            return
        self.add_class("-list")
        self.threads.focus()

    @on(events.Click, "#side-title")
    def filter_by_click(self) -> None:
        """The title says what is listed: a click on it changes that."""
        self.action_filter_threads()

    # what is done to a thread: the one that is shown, or the one under the list's cursor

    def action_rename_thread(self) -> None:
        """Give the thread that is shown another title."""
        self._with_shown("rename")

    def action_pin_thread(self) -> None:
        """Pin the thread that is shown, or unpin it."""
        self._with_shown("pin")

    def action_archive_thread(self) -> None:
        """Archive the thread that is shown, or bring it back."""
        self._with_shown("archive")

    def _with_shown(self, what: ThreadList.Change) -> None:
        if self.thread_id is None:
            self.notify(NOT_LISTED, markup=False)
        else:
            self._change(what, self.thread_id)

    @on(ThreadList.ChangeAsked)
    def change_listed(self, event: ThreadList.ChangeAsked) -> None:
        """Do it to the thread under the cursor."""
        self._change(event.what, event.row.thread_id)

    @work(exclusive=True, group=DIALOG, exit_on_error=False)
    async def _change(self, what: ThreadList.Change, thread_id: str) -> None:
        try:
            row = await self.gateway.thread(thread_id)
            if row is None:
                self.notify("That thread is not there any more.", severity="warning", markup=False)
                return
            match what:
                case "rename":
                    said = await self._rename(row)
                case "pin":
                    keep_on()
                    pinned = await self.gateway.keeping.toggle_pin(thread_id)
                    said = "Pinned: it comes first in every list." if pinned else "No longer pinned."
                case "archive":
                    keep_on()
                    archived = await self.gateway.keeping.toggle_archive(thread_id)
                    said = (
                        "Archived. /archive, or a in the list of archived ones (f), brings it back."
                        if archived
                        else "Out of the archive."
                    )
        except GatewayError as error:
            tell_error(self, error)
            return
        if said:
            self.notify(f"{row.title}\n{said}", markup=False)
            self.sync()

    async def _rename(self, row: ThreadRow) -> str:
        from afk_tui.screens.ask_text import AskTextScreen

        title = await ask(self, AskTextScreen("The title of this thread", "A title", row.title))
        if title is None or title == row.title:
            return ""
        await self.gateway.keeping.rename(row.thread_id, title)
        return f"Renamed: {title}"

    # keys that act in the list are named while it has the focus

    def on_descendant_focus(self) -> None:
        """Name them."""
        self.show_hints()

    def on_descendant_blur(self) -> None:
        """And no longer."""
        self.show_hints()
