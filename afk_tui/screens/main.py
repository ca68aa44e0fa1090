"""The main screen: its keys and actions, and how it begins and ends."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar, Literal, cast

from textual import work
from textual.binding import Binding, BindingType

from afk_tui.actions import ACTIONS, BY_NAME
from afk_tui.attention import ALERTS, Alerts
from afk_tui.gateway.clean import clean_line
from afk_tui.gateway.errors import GatewayError
from afk_tui.keys import NO_KEY, written
from afk_tui.screens.dialogs import DIALOG, ask, keep_on
from afk_tui.screens.helped import Helped
from afk_tui.screens.main_hints import MainHints
from afk_tui.telling import tell_error, telling

if TYPE_CHECKING:
    from afk_tui.app import AfkApp
    from afk_tui.gateway.gateway import Gateway

# bound by the app, as they act above every screen or not at all
OF_THE_APP = ("quit", "palette")
ESCAPE_DEAF_S = 1.0
ALERTS_SAID: dict[Alerts, str] = {
    "off": "A new request changes the window's title, and calls nobody.",
    "bell": "A new request rings the bell while this terminal has no focus.",
    "notify": "A new request notifies you, and rings the bell, while this terminal has no focus.",
}
TWICE_S = 2.0


class MainScreen(Helped, MainHints):
    """Chat, decide, resume; the way to every other screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(action.key or NO_KEY, action.name, action.title, show=False, id=action.name)
            for action in ACTIONS
            if action.name not in OF_THE_APP
        ),
        Binding("escape", "escape", "Close or stop", show=False),
        # where somebody types it is a letter
        Binding("u", "undo_delete", "Undo delete", show=False),
    ]

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)  # pyright: ignore[reportArgumentType]
        self._closed_at = float("-inf")
        self._interrupted_at = float("-inf")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Before the store is open there is nothing to act on."""
        if not self.has_begun and action in BY_NAME and action not in ("help", "quit"):
            return False
        if not self.filled.is_set() and action in ("escape", "undo_delete"):
            return False
        return super().check_action(action, parameters)

    def on_screen_resume(self) -> None:
        """Something that was open above was closed: the same escape must not stop the run as well."""
        self._closed_at = time.monotonic()

    @work(exclusive=True, group="begin", exit_on_error=False)
    async def begin(self, gateway: Gateway, thread_id: str | None = None) -> None:
        """Show the last thread at its place, with what waits on top. What was typed before stays in the composer."""
        self.gateway = gateway
        is_typing = bool(self.composer.draft)
        # what can't be read keeps nobody from another thread, the menu and a new conversation
        known, open_runs = None, []
        try:
            await self.list_threads()
            open_runs = await gateway.waiting_runs()
            thread_id = thread_id or await gateway.recall("last-thread", gateway.workspace)
            known = await gateway.thread(thread_id) if thread_id else None
            if thread_id and known is None:
                self.notify(
                    f"There is no thread {clean_line(thread_id)} here.", severity="warning", markup=False
                )
            await self.show_thread(known.thread_id if known else None)
        except GatewayError as error:
            tell_error(self, error)
            try:
                await self.show_thread(None)
            except GatewayError as another:
                tell_error(self, another)
        interrupted = [
            run for run in open_runs if run.state == "interrupted" and run.thread_id != self.thread_id
        ]
        if interrupted:
            first = interrupted[0].title
            more = f" and {len(interrupted) - 1} more" if len(interrupted) > 1 else ""
            key = written(self.key_of("approvals"))
            self.notify(f"Interrupted: {first}{more}. {key} lists them.", markup=False, timeout=8)
        self.has_begun = True
        if self._held:
            self.send_held()
        elif self.request_bar.count and not is_typing:
            self.open_requests()

    # actions, in the order of `actions.py`

    @telling
    async def action_new_thread(self) -> None:
        """A new conversation."""
        await self.open_thread(None)

    @work(exclusive=True, group=DIALOG, exit_on_error=False)
    async def action_find(self) -> None:
        """Find a thread or a message."""
        from afk_tui.screens.find import FindScreen

        found = await ask(self, FindScreen(self.gateway, self.everywhere))
        if found:
            thread_id, seq = found
            await self.show_thread(thread_id, place=f"m{seq}" if seq is not None else None)
            self.composer.focus()

    @work(exclusive=True, group=DIALOG, exit_on_error=False)
    async def action_approvals(self) -> None:
        """What waits: in this thread at once, elsewhere by way of the inbox."""
        from afk_tui.screens.inbox import InboxScreen

        if self.request_bar.count and self._waiting_everywhere == self.request_bar.count:
            self.open_requests()
            return
        chosen = await ask(self, InboxScreen(self.gateway))
        if chosen is None:
            return
        if chosen.key.startswith("thread:"):
            await self.open_thread(chosen.key.removeprefix("thread:"))
            return
        thread_id = await self.gateway.thread_of_request(chosen.key)
        if thread_id is None:
            self.notify("That request was decided meanwhile: nothing was answered.", markup=False)
            return
        await self.open_thread(thread_id)
        self.open_requests(chosen.key, everywhere=True, pressed=chosen.pressed)

    @work(exclusive=True, group=DIALOG, exit_on_error=False)
    async def action_grants(self) -> None:
        """What is always allowed."""
        from afk_tui.screens.grants import GrantsScreen

        await ask(self, GrantsScreen(self.gateway))
        self.composer.focus()

    @telling
    async def action_resume(self) -> None:
        """Go on with the run."""
        if self.thread_id is None or self.run_view is None:
            self.notify("There is no run here to resume.", markup=False)
            return
        match self.run_view.standing:
            case "stopped" | "decided":
                await self._resume(self.thread_id)
            case "waiting":
                self.open_requests()
            case "elsewhere":
                self._offer_take_over(self.thread_id)
            case "working" if self.thread_id in self.waits:
                await self.try_now()
            case "working":
                self.notify("The run goes on already.", markup=False)
            case "idle":
                self.notify(
                    "The last run of this thread is over; send a message to begin another.", markup=False
                )

    async def _resume(self, thread_id: str, *, take_over: bool = False) -> None:
        try:
            await self.gateway.resume(thread_id, take_over=take_over)
        except GatewayError as error:
            tell_error(self, error)
        self.sync()

    @work(exclusive=True, group=DIALOG, exit_on_error=False)
    async def _offer_take_over(self, thread_id: str) -> None:
        from afk_tui.screens.confirm import ConfirmScreen

        choice = await ask(
            self,
            ConfirmScreen(
                "This run goes on in another process",
                "If you take it over, that process can record nothing more of it. "
                "A call that it is making now becomes one of unknown outcome.",
                [("t", "take", "Take it over"), ("b", "back", "Leave it there")],
                danger="take",
            ),
        )
        if choice == "take":
            await self._resume(thread_id, take_over=True)

    def action_stop(self) -> None:
        """Interrupt the run."""
        if self.thread_id is None or not self.gateway.is_working(self.thread_id):
            self.notify("Nothing runs here that could be stopped.", markup=False)
        else:
            self._stop()

    @work(exclusive=True, group=DIALOG, exit_on_error=False)
    async def _stop(self) -> None:
        thread_id = self.thread_id
        if thread_id is None or not self.gateway.is_working(thread_id):
            return
        try:
            if await self.may_stop(thread_id, "stop"):
                keep_on()
                await self.gateway.stop(thread_id)
        except GatewayError as error:
            tell_error(self, error)
        self.sync()

    async def may_stop(self, thread_id: str | None, verb: Literal["stop", "quit"]) -> bool:
        """Whether to stop (this thread's run, or all): asked only while a call runs that must not run twice.
        "Wait for it" returns when it is over. `verb`: what is about to be done."""
        from afk_tui.screens.confirm import ConfirmScreen

        calls = await self.gateway.unrepeatable_calls(thread_id)
        if not calls:
            return True
        choice = await ask(
            self,
            ConfirmScreen(
                "A call is running",
                f"{calls[0]}\nIt must not run twice. If it is stopped now, its outcome may be unknown.",
                [
                    ("w", "wait", f"Wait for it, then {verb}"),
                    ("s", "stop", "Stop it now" if verb == "stop" else "Stop it and quit now"),
                    ("b", "stay", "Let it run" if verb == "stop" else "Stay here and let it run"),
                ],
                danger="stop",
            ),
        )
        if choice == "wait":
            self.say("● waiting for the call to end")
            await self.gateway.until_calls_end(thread_id)
            return True
        return choice == "stop"

    @work(exclusive=True, group=DIALOG, exit_on_error=False)
    async def action_checkpoints(self) -> None:
        """The checkpoints of this thread."""
        from afk_tui.screens.checkpoints import CheckpointsScreen

        if (thread := await self._this_thread("checkpoints")) is None:
            return
        chosen = await ask(self, CheckpointsScreen(self.gateway, thread.thread_id, thread.title))
        self.composer.focus()
        if chosen == "resume":
            await self.action_resume()
        elif chosen and chosen.startswith("place:"):
            await self.go_to_place(int(chosen.removeprefix("place:")))
        elif chosen:
            await self.open_thread(chosen.removeprefix("thread:"))
            self.sync()

    @work(exclusive=True, group=DIALOG, exit_on_error=False)
    async def action_compaction(self) -> None:
        """The compaction of this thread, or of all."""
        from afk_tui.screens.compaction import CompactionScreen

        thread = await self.gateway.thread(self.thread_id) if self.thread_id else None
        of_thread = (thread.thread_id, thread.title) if thread else (None, "")
        await ask(self, CompactionScreen(self.gateway, *of_thread))
        self.composer.focus()

    @work(exclusive=True, group=DIALOG, exit_on_error=False)
    async def action_menu(self) -> None:
        """Everything that can be done."""
        from afk_tui.screens.menu import MenuScreen

        badges = {"approvals": str(self._waiting_everywhere)} if self._waiting_everywhere else {}
        chosen = await ask(self, MenuScreen(badges))
        if chosen:
            self.call_later(self.run_action, chosen)

    @telling
    async def action_alerts(self) -> None:
        """The next way to call a person who looks elsewhere, and remembered."""
        attention = cast("AfkApp", self.app).attention
        attention.alerts = ALERTS[(ALERTS.index(attention.alerts) + 1) % len(ALERTS)]
        await self.gateway.remember("alerts", "", attention.alerts)
        self.notify(ALERTS_SAID[attention.alerts], title=f"Alerts: {attention.alerts}", markup=False)

    @work(exclusive=True, group=DIALOG, exit_on_error=False)
    async def action_theme(self) -> None:
        """Choose the colours; remembered, unless the person's configuration names others."""
        from afk_tui.screens.themes import ThemeScreen

        chosen = await ask(self, ThemeScreen())
        if chosen is None:
            return
        await self.gateway.remember("theme", "", chosen)
        config = cast("AfkApp", self.app).config
        if config.theme not in (None, chosen):
            self.notify(
                f"Until you quit: {config.path} says {config.theme}. Change it there to keep {chosen}.",
                markup=False,
            )

    def action_palette(self) -> None:
        """Every action, by typing."""
        self.app.action_command_palette()

    async def action_quit(self) -> None:
        """Leave."""
        await self.app.action_quit()

    # escape and ctrl+c

    def action_escape(self) -> None:
        """With nothing open: stop the run, but not right after something was closed."""
        if self.close_search():
            self._closed_at = time.monotonic()
        elif self.has_class("-list"):
            self.close_drawer()
            self._closed_at = time.monotonic()
        elif not self.composer.has_focus:
            self.composer.focus()
        elif time.monotonic() - self._closed_at >= ESCAPE_DEAF_S:
            self._stop()

    async def interrupt(self) -> None:
        """ctrl+c: copy the selection, else clear the draft, else stop the run; twice in 2 s quits."""
        above = self.app.screen
        selected = above.get_selected_text() or getattr(self.app.focused, "selected_text", "")
        if selected:  # and copying twice is no wish to quit
            self.app.copy_to_clipboard(selected)
            self.notify("Copied.", markup=False)
            return
        now = time.monotonic()
        if now - self._interrupted_at < TWICE_S:
            await self.app.action_quit()
            return
        self._interrupted_at = now
        if above is not self:  # what is open above is neither stopped nor answered by it
            self.notify("Press ctrl+c again to quit.", markup=False)
            return
        if self.composer.draft:
            self.composer.clear()
            self.notify("Cleared; ctrl+_ brings it back. Press ctrl+c again to quit.", markup=False)
        else:
            self._stop()
            self.notify("Press ctrl+c again to quit.", markup=False)
