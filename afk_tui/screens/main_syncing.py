"""Keeping in step with what is on disk, whoever recorded it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual import work

from afk_tui.gateway.errors import GatewayError
from afk_tui.screens.main_view import MainView
from afk_tui.telling import tell_error

if TYPE_CHECKING:
    from afk_tui.gateway.views import ConversationItem

# items at the end among which one that was told of early may stand
LATEST = 50


class MainSyncing(MainView):
    """The main screen, where something changed on disk."""

    def __init__(self, *, cursor_blink: bool = True) -> None:
        super().__init__(cursor_blink=cursor_blink)
        self._catching_up = asyncio.Lock()
        self._sync_wanted = self._is_syncing = False

    def sync(self) -> None:
        """Show what was recorded since, by whomever. What is asked while that is done is done once more after it."""
        self._sync_wanted = True
        if not self._is_syncing:
            self._is_syncing = True
            self._sync()

    @work(group="sync", exit_on_error=False)
    async def _sync(self) -> None:
        try:
            while self._sync_wanted:
                self._sync_wanted = False
                await self._sync_once()
        finally:
            self._is_syncing = False

    async def _sync_once(self) -> None:
        try:
            await self.threads.reload()
            await self._leave_deleted()
            await self.catch_up()
            await self._show_marks()
            await self.show_standing()
        except GatewayError as error:
            tell_error(self, error)

    async def _leave_deleted(self) -> None:
        """The thread that is shown may be gone: deleted in another process."""
        thread_id = self.thread_id
        if thread_id is None or await self.gateway.thread(thread_id) is not None:
            return
        if thread_id != self.thread_id or self.gateway.deletions.holds(thread_id):
            return
        draft = self.composer.kept_draft
        await self.show_thread(None)
        if draft:
            self.composer.set_draft(draft)
        self.notify("This thread was deleted in another process.", severity="warning", markup=False)

    async def catch_up(self) -> None:
        """Show what was recorded in this thread since, in its order."""
        async with self._catching_up:  # whoever comes second finds shown what the first one read
            await self._catch_up()

    async def _catch_up(self) -> None:
        source = self._source
        if source is None:
            return
        items, anew = await source.changed()
        if source is not self._source:
            return
        # what the run told of meanwhile is shown already, and may stand behind what was read here
        conversation = self.conversation
        latest = [entry.key for entry in conversation.pages.entries[-LATEST:]]
        if anew or source.stand_before(
            (item.key for item in items if not conversation.knows(item.key)), latest
        ):
            self._tail_keys = []
            await conversation.open(source, place=None if conversation.follow else conversation.place)
        for item in items:
            self.show_item(item)

    async def _show_marks(self) -> None:
        """Where the summary stands and what is pinned, where that changed."""
        source = self._source
        if source is None:
            return
        for item in await source.remarked():
            if source is self._source:
                self.conversation.update(item)

    def show_item(self, item: ConversationItem) -> None:
        """Show an item that is new, or not as it was; the note stays below all of them."""
        if self._source is not None:
            self._source.note(item)
            if self._source.is_earlier(item.key) and not self.conversation.knows(item.key):
                return  # it is read when it comes into sight
        if not self.conversation.knows(item.key) and self._tail_keys:
            self.take_tail_away()
            self.call_after_refresh(self.show_note)
        self.conversation.update(item)
