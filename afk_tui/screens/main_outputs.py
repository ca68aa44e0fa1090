"""Long results, opened from the conversation."""

from __future__ import annotations

from textual import on, work

from afk_tui.gateway.errors import GatewayError
from afk_tui.screens.dialogs import DIALOG, ask
from afk_tui.screens.main_changing import MainChanging
from afk_tui.telling import tell_error
from afk_tui.widgets.conversation import Conversation


class MainOutputs(MainChanging):
    """The main screen's way to what the model was shown only a part of."""

    def action_output(self) -> None:
        """The last long result of this thread."""
        self._open_output(None)

    @on(Conversation.OutputWanted)
    def open_wanted(self, event: Conversation.OutputWanted) -> None:
        """The whole result of a call in the conversation."""
        if event.sha:
            self._open_output(event.sha)
        else:
            self.notify("All of it is shown here. /output opens the last long result.", markup=False)

    @work(exclusive=True, group=DIALOG, exit_on_error=False)
    async def _open_output(self, sha: str | None) -> None:
        from afk_tui.screens.output import OutputScreen

        if self.thread_id is None:
            self.notify("A new conversation has no results yet.", markup=False)
            return
        try:
            if sha is None and not await self.gateway.long_results.of_thread(self.thread_id):
                self.notify("No result of this thread is longer than the model was shown.", markup=False)
                return
        except GatewayError as error:
            tell_error(self, error)
            return
        focused = self.focused
        await ask(self, OutputScreen(self.gateway.long_results, self.thread_id, sha))
        if focused is not None:
            focused.focus()
