"""Deleting threads, and bringing them back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on, work

from afk_tui.gateway.errors import GatewayError
from afk_tui.screens.dialogs import DIALOG, ask
from afk_tui.screens.main_runs import MainRuns
from afk_tui.screens.words import count
from afk_tui.telling import tell_error, telling
from afk_tui.widgets.thread_list import ThreadList

if TYPE_CHECKING:
    from afk_tui.gateway.deleting import Going

UNDO_HINT = "Until you quit, u in the list or /undo brings it back."


class MainDeleting(MainRuns):
    """The main screen's deletions: marked at once, removed when the app is left."""

    def action_delete_thread(self) -> None:
        """Delete the thread that is shown."""
        if self.thread_id is None:
            self.notify("A new conversation is in no list yet: there is nothing to delete.", markup=False)
        else:
            self._delete(self.thread_id)

    @on(ThreadList.DeletionAsked)
    def delete_listed(self, event: ThreadList.DeletionAsked) -> None:
        """Delete the thread under the list's cursor."""
        self._delete(event.row.thread_id)

    @telling
    async def action_undo_delete(self) -> None:
        """Bring back what was deleted last."""
        thread_id = await self.gateway.deletions.undo()
        if thread_id is None:
            self.notify("Nothing was deleted since this app was started.", markup=False)
            return
        in_list = self.threads.has_focus
        await self.open_thread(thread_id)
        if in_list:
            self.threads.focus()
        self.sync()

    @work(exclusive=True, group=DIALOG, exit_on_error=False)
    async def _delete(self, thread_id: str) -> None:
        from afk_tui.screens.confirm import ConfirmScreen

        deletions = self.gateway.deletions
        try:
            if self.gateway.is_working(thread_id):
                self.notify("Its run goes on. Stop it first (esc), then delete.", markup=False)
                return
            going = await deletions.look(thread_id)
            choices = [("d", "delete", "Delete it"), ("b", "back", "Leave it")]
            screen = ConfirmScreen("Delete this thread?", what_goes(going), choices, danger="delete")
            if await ask(self, screen) != "delete":
                return
            await self.gateway.delete_thread(thread_id)
        except GatewayError as error:
            tell_error(self, error)
            return
        if thread_id == self.thread_id:
            await self.open_thread(None)
        if self.threads.display and self.threads.is_on_screen:
            self.threads.focus()
        self.notify(f"{going.title}\n{UNDO_HINT}", title="Deleted", timeout=8, markup=False)
        self.sync()


def what_goes(going: Going) -> str:
    """What a person is told before a thread is deleted."""
    lines = [going.title] if going.title else []
    parts = ", ".join(
        (count(going.messages, "message"), count(going.calls, "call"), count(going.checkpoints, "checkpoint"))
    )
    lines.append(f"It goes with all that belongs to it: {parts}.")
    if going.pending:
        waits = "request that waits goes" if going.pending == 1 else "requests that wait go"
        lines.append(f"{going.pending} {waits} undecided; nothing of that is executed.")
    if going.forks:
        stay = "fork of it stays" if going.forks == 1 else "forks of it stay"
        kept = count(going.messages_kept, "message")
        lines.append(f"{going.forks} {stay}, with the {kept} read there.")
    lines.append(UNDO_HINT)
    return "\n".join(lines)
