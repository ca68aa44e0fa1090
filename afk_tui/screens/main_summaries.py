"""What stands for the older messages of the thread that is shown, and which of them are pinned."""

from __future__ import annotations

from textual import on, work

from afk_tui.gateway import messages as told
from afk_tui.screens.dialogs import DIALOG, ask
from afk_tui.screens.main_outputs import MainOutputs
from afk_tui.screens.summary_words import messages
from afk_tui.telling import telling
from afk_tui.widgets.conversation import Conversation


class MainSummaries(MainOutputs):
    """The main screen's summaries and pins."""

    def action_summary(self) -> None:
        """Look at the summary of this thread."""
        self._open_summary(making=False)

    def action_summarise(self) -> None:
        """Have the older messages of this thread summarised now."""
        self._open_summary(making=True)

    @work(exclusive=True, group=DIALOG, exit_on_error=False)
    async def _open_summary(self, *, making: bool) -> None:
        from afk_tui.screens.summary import SummaryScreen

        if self.thread_id is None:
            self.notify("A new conversation has nothing to summarise yet.", markup=False)
            return
        await ask(self, SummaryScreen(self.gateway, self.thread_id, making=making))
        self.composer.focus()
        self.sync()

    @on(Conversation.PinAsked)
    @telling
    async def toggle_pin(self, event: Conversation.PinAsked) -> None:
        """Keep a message in what the model is sent, whatever is summarised around it; or no longer."""
        if self.thread_id is None:
            return
        pinned = await self.gateway.summaries.toggle_pin(self.thread_id, event.key)
        if pinned is None:
            self.notify("This can't be pinned: it is no message of the conversation.", markup=False)
            return
        self.notify(
            "Pinned: it stays word for word when older messages are summarised." if pinned else "Unpinned.",
            markup=False,
        )
        self.sync()

    @on(told.SummaryBegan)
    def tell_summary_began(self, event: told.SummaryBegan) -> None:
        """The model writes a summary, before it is asked for its answer."""
        if event.thread_id == self.thread_id:
            self.say(f"● summarising {messages(event.messages)}")

    @on(told.SummaryEnded)
    def tell_summary_ended(self, event: told.SummaryEnded) -> None:
        """It is on disk, and in use."""
        if event.thread_id == self.thread_id:
            self.say("")
            self.sync()
