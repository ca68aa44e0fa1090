"""Talking: what is sent, what comes back, and what waits for a decision."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on, work

from afk_tui.actions import BY_COMMAND
from afk_tui.gateway import messages as told
from afk_tui.gateway.errors import GatewayError
from afk_tui.keys import written
from afk_tui.screens.dialogs import ask
from afk_tui.screens.main_trouble import MainTrouble
from afk_tui.screens.main_view import STREAM_KEY
from afk_tui.telling import tell_error, telling
from afk_tui.widgets.composer import Composer
from afk_tui.widgets.conversation import Conversation
from afk_tui.widgets.paged_list import PagedList
from afk_tui.widgets.request_bar import RequestBar

if TYPE_CHECKING:
    from afk_tui.gateway.views import ThreadRow

DRAFT_AFTER_S = 0.4
# each is compared with the files that it would change: of more, only those of the thread are shown
MOST_AT_ONCE = 100


class MainRuns(MainTrouble):
    """The main screen's conversation with the engine."""

    # what a person sends

    @on(Composer.Submitted)
    def take_message(self, event: Composer.Submitted) -> None:
        """A message, or a /command."""
        if not self.has_begun:
            self._held.append(event.text)
            return
        text = event.text.strip()
        if text.startswith("/"):
            self._run_command(event.text)
            return
        self.submit(event.text)

    def send_held(self) -> None:
        """Send what was sent while the app opened: it can go somewhere now."""
        held, self._held = self._held, []
        for text in held:
            self.take_message(Composer.Submitted(text))

    def on_screen_suspend(self) -> None:
        """A question came first, of which one knew nothing when one pressed enter: it is a draft again."""
        if self._held:
            self.composer.set_draft("\n\n".join([*self._held, *filter(None, [self.composer.draft])]))
            self._held = []

    def _run_command(self, text: str) -> None:
        name = text.strip()[1:].split(maxsplit=1)[0] if len(text.strip()) > 1 else ""
        action = BY_COMMAND.get(name)
        if action is None:
            self.composer.set_draft(text)
            self.notify(
                f"There is no command /{name}. {written(self.key_of('menu'))} shows all of them; "
                "to send it as a message, begin with a space.",
                severity="warning",
                markup=False,
            )
            return
        self.forget_draft()
        self.call_later(self.run_action, action.name)

    @work(group="submit", exit_on_error=False)
    async def submit(self, text: str) -> None:
        """Send a message; where a run of the thread is open, ask what is to become of it first."""
        try:
            view = await self.gateway.run_view(self.thread_id) if self.thread_id else None
            standing = view.standing if view else "idle"
            if standing == "idle":
                await self._send(text)
            elif standing == "working":
                await self._queue(text)
            else:
                await self._ask_about_open_run(text, standing)
        except GatewayError as error:
            self._give_back(text)
            tell_error(self, error)

    async def _send(self, text: str) -> None:
        was = self.thread_id
        thread_id = await self.gateway.send(was, text)
        self.forget_draft()
        if was is None and self.thread_id is None:
            key = self.draft_key
            await self.show_thread(thread_id, takes_draft=True)
            self._write_draft(key, "")
        self.conversation.scroll_to_end()
        self.sync()

    async def _queue(self, text: str) -> None:
        assert self.thread_id is not None
        await self.gateway.queue.add(self.thread_id, text)
        self.forget_draft()
        await self.show_standing()
        self.conversation.scroll_to_end()

    async def _ask_about_open_run(self, text: str, standing: str) -> None:
        """A message never silently gives an open run up."""
        from afk_tui.screens.confirm import ConfirmScreen

        assert self.thread_id is not None
        thread_id = self.thread_id
        close = ("s", "close", "Close that run and send this message")
        back = ("b", "back", "Back to writing")
        if standing == "waiting":
            title, about = "A call waits for your decision", "What is your message?"
            choices = [
                ("d", "deny", "Deny the call, with this message as the reason"),
                ("q", "queue", "Send it when the run has ended"),
                close,
                back,
            ]
        elif standing == "elsewhere":
            title, about = "This run goes on in another process", "What is your message?"
            choices = [("q", "queue", "Send it from here when that run has ended"), back]
        else:
            title = "This thread's run was interrupted"
            about = "It can go on from where it stopped. If it is closed, calls that never ran are recorded as such."
            choices = [("r", "resume", "Resume it, and send this message after it"), close, back]
        self._asked_about = text
        choice = await ask(self, ConfirmScreen(title, about, choices, danger="close"))
        self._asked_about = ""
        match choice:
            case "deny":
                requests = await self.gateway.requests(thread_id)
                self.forget_draft()
                await self.gateway.decide(requests[0], "deny", reason=text.strip())
            case "queue":
                await self._queue(text)
            case "resume":
                await self._queue(text)
                await self.gateway.resume(thread_id)
            case "close":
                await self._send(text)
            case _:
                self._give_back(text)

    def _give_back(self, text: str) -> None:
        if not self.composer.draft:
            self.composer.set_draft(text)

    # drafts

    @on(Composer.DraftChanged)
    def keep_draft(self, event: Composer.DraftChanged) -> None:
        """Write the draft down a moment after the last key."""
        if self.filled.is_set():
            self.conversation.make_way()
        self._draft_timer_stop()
        if not self._shows_something:
            return
        key, text = self.draft_key, event.text
        self._draft_timer = self.set_timer(DRAFT_AFTER_S, lambda: self._write_draft(key, text))

    @work(group="draft", exit_on_error=False)
    async def _write_draft(self, key: str, text: str) -> None:
        await self.gateway.remember("draft", key, text or None)

    def forget_draft(self) -> None:
        """The draft was sent."""
        self._draft_timer_stop()
        self._write_draft(self.draft_key, "")

    # what comes back

    @on(told.RunBegan)
    def note_run_began(self, event: told.RunBegan) -> None:
        """A run goes on here."""
        self.taken_away.discard(event.thread_id)
        self._broken_off.pop(event.thread_id, None)
        self.sync()

    @on(told.AnswerBegan)
    @telling
    async def begin_answer(self, event: told.AnswerBegan) -> None:
        """The model is asked. What it answers stands below all that is on disk by now, so that is shown first."""
        self._streamed[event.thread_id] = ""
        if event.thread_id == self.thread_id:
            await self.catch_up()
            self.take_tail_away()
            self.conversation.begin_stream(STREAM_KEY)
            self.show_note()
            self.say("● thinking")

    @on(told.AnswerGrew)
    def grow_answer(self, event: told.AnswerGrew) -> None:
        """Text arrived."""
        self._streamed[event.thread_id] = self._streamed.get(event.thread_id, "") + event.text
        if event.thread_id == self.thread_id:
            self.conversation.feed(event.text)
            if self.status.status.note:
                self.say("")
        if event.thread_id in self.waits:
            self.end_wait(event.thread_id)

    @on(told.AnswerEnded)
    def end_answer(self, event: told.AnswerEnded) -> None:
        """The answer is on disk."""
        self.end_wait(event.thread_id)
        self._streamed.pop(event.thread_id, None)
        if event.thread_id == self.thread_id:
            self.conversation.end_stream(event.item)
            self.say("")
            if event.item:
                self.show_item(event.item)

    @on(told.ItemChanged)
    def change_item(self, event: told.ItemChanged) -> None:
        """A call is new, or goes on."""
        if event.thread_id in self.outcome_waits and event.item.status in ("ran", "failed"):
            self.outcome_waits.discard(event.thread_id)
            self.sync()
        if event.thread_id == self.thread_id:
            self.show_item(event.item)

    @on(told.RunEnded)
    def end_run(self, event: told.RunEnded) -> None:
        """A run stopped: say how, and send what was queued for its end."""
        self.end_wait(event.thread_id)
        said = self._streamed.pop(event.thread_id, None)
        if said is not None and event.thread_id == self.thread_id:
            self.conversation.end_stream(None)
        if said and said.strip():
            self._broken_off[event.thread_id] = (event.run_id, said)
            self.show_note()
        self.outcome_waits.discard(event.thread_id)
        self.say("")
        self.sync()
        if event.state in ("completed", "degraded", "failed"):
            self._send_queued(event.thread_id)
        if event.state == "awaiting_approval":
            self._offer_requests(event.thread_id)

    @work(group="queue", exit_on_error=False)
    async def _send_queued(self, thread_id: str) -> None:
        try:
            await self.gateway.queue.send_first(thread_id)
        except GatewayError as error:
            tell_error(self, error)
        self.sync()

    @on(told.RequestsChanged)
    @on(told.StoreChanged)
    def see_changes(self) -> None:
        """Somebody recorded something: show it here, and in what is open above."""
        self.sync()
        if self.app.screen is not self:
            self._refresh_above()

    @work(exclusive=True, group="above", exit_on_error=False)
    async def _refresh_above(self) -> None:
        from afk_tui.screens.approval import ApprovalScreen
        from afk_tui.screens.compaction import CompactionScreen
        from afk_tui.screens.inbox import InboxScreen

        try:
            # one of them may have an editor or a question on top of it
            for above in self.app.screen_stack[1:]:
                if above not in self.app.screen_stack:  # left while another one was refreshed
                    continue
                if isinstance(above, ApprovalScreen):
                    requests = await self.gateway.requests(None if above.everywhere else self.thread_id)
                    if above in self.app.screen_stack:
                        above.refresh_requests(requests)
                elif isinstance(above, InboxScreen):
                    await above.reload()
                elif isinstance(above, CompactionScreen):
                    above.post_message(told.StoreChanged())
        except GatewayError as error:
            tell_error(self, error)

    @on(told.RunTaken)
    def tell_taken(self, event: told.RunTaken) -> None:
        """The run is another process's: say so for as long as nothing else runs here in its thread."""
        if self._streamed.pop(event.thread_id, None) is not None and event.thread_id == self.thread_id:
            self.conversation.end_stream(None)
        self.taken_away.add(event.thread_id)
        self.end_wait(event.thread_id)
        self.say("")
        self.sync()

    @on(told.OutcomeKept)
    def tell_outcome_kept(self, event: told.OutcomeKept) -> None:
        """A call has ended, and only this app knows how: say so for as long as it is not on disk."""
        kept = "Its outcome is kept here, and is written as soon as that is possible: leave the app open."
        text = f"{event.title} has ended. {kept}\n{event.reason}"
        self.notify(text, title="Not recorded yet", severity="warning", timeout=20, markup=False)
        self.outcome_waits.add(event.thread_id)
        if event.thread_id == self.thread_id:
            self.show_note()

    @on(told.Warned)
    def warn(self, event: told.Warned) -> None:
        """Something to know."""
        self.notify(event.text, severity="warning", timeout=8, markup=False)

    @on(told.StoreFailed)
    def tell_store_failed(self, event: told.StoreFailed) -> None:
        """The database does not answer."""
        self.notify(event.text, title="The database", severity="error", timeout=30, markup=False)

    # what waits

    @on(Composer.EmptySubmitted)
    @on(RequestBar.Opened)
    def open_waiting(self) -> None:
        """Enter on an empty composer, or a click on the bar."""
        if self.filled.is_set() and self.request_bar.count:
            self.open_requests()

    def _offer_requests(self, thread_id: str) -> None:
        """Open a request by itself only where nobody is typing. Who looks elsewhere may have been: a terminal that
        loses the focus takes it from the composer, and gives it back."""
        here = thread_id == self.thread_id and self.app.screen is self
        if here and self.app.app_focus and not self.composer.has_focus:
            self.open_requests()

    @work(exclusive=True, group="requests", exit_on_error=False)
    async def open_requests(
        self, approval_id: str | None = None, *, everywhere: bool = False, pressed: str = ""
    ) -> None:
        """Show what waits in this thread, or `everywhere`, the given request first, as if `pressed` was typed there."""
        from afk_tui.screens.approval import ApprovalScreen

        if self.thread_id is None or self.app.screen is not self:
            return
        try:
            everywhere = everywhere and self._waiting_everywhere <= MOST_AT_ONCE
            requests = await self.gateway.requests(None if everywhere else self.thread_id)
        except GatewayError as error:
            tell_error(self, error)
            return
        if not requests or self.app.screen is not self:
            return
        start = next((n for n, r in enumerate(requests) if r.approval_id == approval_id), 0)
        # decided meanwhile: the key was meant for it, and for no other
        pressed = pressed if requests[start].approval_id == approval_id else ""
        await ask(self, ApprovalScreen(self.gateway, requests, start, everywhere=everywhere, pressed=pressed))
        self.composer.focus()
        self.sync()

    # lists and items

    @on(PagedList.RowChosen, "#threads")
    async def open_chosen(self, event: PagedList.RowChosen) -> None:
        """A thread was chosen."""
        row: ThreadRow = event.row
        await self.open_thread(row.thread_id)

    async def open_thread(self, thread_id: str | None) -> None:
        """Show a thread and go to its composer."""
        try:
            await self.show_thread(thread_id)
        except GatewayError as error:
            tell_error(self, error)
        self.remove_class("-list")
        self.composer.focus()

    @on(Conversation.LoadFailed)
    def tell_load_failed(self, event: Conversation.LoadFailed) -> None:
        """A part of the conversation could not be read."""
        self.notify(str(event.error), severity="error", markup=False)
