"""Changing what was said: a message sent again, otherwise; and one that is queued."""

from __future__ import annotations

from textual import on, work

from afk_tui.gateway.errors import GatewayError
from afk_tui.screens.dialogs import DIALOG, ask
from afk_tui.screens.main_view import QUEUED
from afk_tui.screens.main_writing import MainWriting
from afk_tui.telling import tell_error, telling
from afk_tui.widgets.conversation import Conversation


class MainChanging(MainWriting):
    """The main screen's keys for messages of the person's own."""

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)
        self._left: dict[tuple[str, str], str] = {}
        """What was written in place of a message, and not sent."""

    @on(Conversation.ChangeAsked)
    @telling
    async def change(self, event: Conversation.ChangeAsked) -> None:
        """A key in the conversation."""
        if event.key.startswith(QUEUED):
            await self._change_queued(int(event.key.removeprefix(QUEUED)), event.change)
        elif event.change == "edit":
            self._edit(event.key)
        else:
            self.notify("Only what is queued can be taken out.", markup=False)

    async def _change_queued(self, at: int, change: str) -> None:
        thread_id = self.thread_id
        if thread_id is None or at >= len(self._queued):
            return
        text = self._queued[at]
        if change == "edit":
            if await self.take_back(text):
                self.composer.focus()
                return
        elif await self.gateway.queue.drop(thread_id, text):
            await self.show_standing()
            return
        self.notify("It was sent already.", markup=False)
        self.sync()

    def action_edit_message(self) -> None:
        """The message under the cursor, else the last one of the person's."""
        conversation = self.conversation
        key = conversation.cursor_key if conversation.has_focus else None
        own = [entry.key for entry in conversation.pages.entries if entry.kind == "user"]
        if key not in own:
            key = own[-1] if own else None
        if key is None:
            self.notify("There is no message of yours here yet.", markup=False)
        else:
            self._edit(key)

    @work(exclusive=True, group=DIALOG, exit_on_error=False)
    async def _edit(self, key: str) -> None:
        from afk_tui.screens.edit_message import EditMessageScreen

        thread_id = self.thread_id
        if thread_id is None:
            return
        try:
            item = await self.gateway.texts.item(thread_id, key)
            at = self.conversation.pages.find(key)
            if item is None or at is None or self.conversation.pages.entries[at].kind != "user":
                self.notify("Only a message of yours can be sent again, otherwise.", markup=False)
                return
            screen = EditMessageScreen(self._left.get((thread_id, key), item.text))
            text = await ask(self, screen)
            self._left[thread_id, key] = screen.draft if text is None else text
            if text is None:
                return
            forked = await self.gateway.resending.fork_at(thread_id, key, text)
            self._left.pop((thread_id, key), None)
            await self.open_thread(forked)
            await self.gateway.resume(forked)
        except GatewayError as error:
            tell_error(self, error)
        self.sync()
