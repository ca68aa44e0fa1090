"""The checkpoints of a thread as a timeline: what happened, what each of them added, and where to go on from."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static
from textual.worker import Worker

from afk_tui.bugs import TellsBugs
from afk_tui.gateway.checkpoint_details import CheckpointDetails
from afk_tui.gateway.clean import clean
from afk_tui.gateway.errors import GatewayError
from afk_tui.gateway.gateway import Gateway
from afk_tui.gateway.messages import StoreChanged
from afk_tui.gateway.views import CheckpointRow, TimelineRow
from afk_tui.screens.checkpoint_words import difference, facts, headline, run_words, summary_words
from afk_tui.screens.helped import HELP_KEY, Helped, all_keys_hint
from afk_tui.screens.words import count
from afk_tui.styles_folder import styles_folder
from afk_tui.terminal.pacing import PaintsKeys
from afk_tui.widgets.key_hints import KeyHints
from afk_tui.widgets.paged_list import PagedList
from afk_tui.widgets.timeline_list import TimelineList

# below this, the details stand under the list
WIDE = 100
EMPTY = "No checkpoints here.\nOne is written at every step of a run: press escape and send a message."
OF_A_SUBAGENT = "A subagent's run can't be forked alone. Fork from a line of the run that it works for."
NO_CHECKPOINT = "This line is no checkpoint. Move to one with ↑ ↓, then press it again."


class CheckpointsScreen(PaintsKeys, TellsBugs, Helped, Screen[str | None]):
    """Dismisses with "resume" (`r`: the thread's last run is to go on), "place:SEQ" (enter, `g`: what is under the
    cursor is to be shown in the conversation), "thread:ID" (`f`, `e`: a new thread was forked from the checkpoint
    under the cursor, as it is or with another message), or None.

    Reads itself again when the store changes, if it is told so by a `StoreChanged`.
    """

    CSS_PATH = styles_folder() / "checkpoints.tcss"
    AUTO_FOCUS = "#rows"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]  # noqa: RUF012 - as the base declares it

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "resume", "Resume", show=False),
        Binding("f", "fork", "Fork", show=False),
        Binding("e", "fork_with_message", "Fork with another message", show=False),
        Binding("escape", "dismiss(None)", "Close", show=False),
        HELP_KEY,
        Binding("f5", "dismiss(None)", "Close", show=False, id="checkpoints"),
    ]

    def __init__(self, gateway: Gateway, thread_id: str, title: str) -> None:
        super().__init__()
        self._gateway = gateway
        self._of_thread = thread_id
        self._title = title
        self._shown: TimelineRow | None = None
        self._forking: Worker[None] | None = None
        self._details: CheckpointDetails | None = None
        self._source = gateway.timeline(thread_id)

    def compose(self) -> ComposeResult:
        """The list, the details, the keys."""
        with Horizontal(id="head"):
            yield Static(
                Content.assemble(("Checkpoints", "bold $text-primary"), f"  {self._title}"), id="title"
            )
            yield Static(id="count")
        with Horizontal(id="body"):
            yield TimelineList(self._source, self._gateway.now_ms, empty_text=EMPTY, id="rows")
            with Vertical(id="side"), VerticalScroll(id="details"):
                yield Static(id="headline")
                yield Static(id="added")
                yield Static(id="facts")
        yield KeyHints(more=all_keys_hint(self.app), presses=True, id="hints")

    def on_mount(self) -> None:
        """Say the keys."""
        self.query_one(KeyHints).hints = (
            ("esc", "close"),
            ("enter", "show there"),
            ("f", "fork"),
            ("r", "resume the latest"),
            ("e", "fork with another message"),
            ("[ ]", "runs"),
            ("tab", "scroll the details"),
        )

    def action_resume(self) -> None:
        """Leave, for the run to go on."""
        self.dismiss("resume")

    @on(PagedList.RowChosen)
    def show_in_conversation(self) -> None:
        """Leave, for the conversation to go to what is under the cursor."""
        place = self.query_one(TimelineList).place
        if place is not None:
            self.dismiss(f"place:{place}")

    def action_fork(self) -> None:
        """Begin a new thread at the checkpoint under the cursor; this one stays as it was."""
        if (row := self._to_fork()) is not None:
            self._begin_to_fork(partial(self._fork, row, None))

    def action_fork_with_message(self) -> None:
        """The same, with another message from there on."""
        if (row := self._to_fork()) is not None:
            self._begin_to_fork(partial(self._fork_with_message, row))

    def _begin_to_fork(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Unless it has begun: a key that is pressed twice makes one thread."""
        if self._forking is None or self._forking.is_finished:
            self._forking = self.run_worker(work, group="fork", exit_on_error=False)

    def _to_fork(self) -> CheckpointRow | None:
        """The checkpoint under the cursor; where it is none to fork from, that is said."""
        row = self.query_one(TimelineList).highlighted
        if row is None:
            return None
        if row.checkpoint is None or row.depth:
            self.notify(OF_A_SUBAGENT if row.depth else NO_CHECKPOINT, severity="warning", markup=False)
            return None
        return row.checkpoint

    async def _fork_with_message(self, row: CheckpointRow) -> None:
        from afk_tui.screens.ask_text import AskTextScreen

        title = "Instead of the message" if row.phase == "start" else f"After checkpoint {row.number}"
        message = await self.app.push_screen_wait(AskTextScreen(title, "the message of the new thread"))
        if message is not None:
            await self._fork(row, message)

    async def _fork(self, row: CheckpointRow, message: str | None) -> None:
        try:
            thread_id = await self._gateway.fork(row, message)
        except GatewayError as error:
            self.notify(str(error), severity="error", timeout=12, markup=False)
            return
        self.dismiss(f"thread:{thread_id}")

    @on(PagedList.RowHighlighted)
    def show_details(self, message: PagedList.RowHighlighted) -> None:
        """Read what is under the cursor; the first time, that is what happened last."""
        row: TimelineRow = message.row
        if self._shown is None and row.mark == "run" and message.paged_list.cursor == 0:
            self._shown = row
            message.paged_list.move_to(1)
            return
        self._shown = row
        self.run_worker(
            partial(self._read_details, row), group="details", exclusive=True, exit_on_error=False
        )
        self._show_count()

    @on(PagedList.LoadFailed)
    def show_failure(self, message: PagedList.LoadFailed) -> None:
        """Say whole what the list has no room for."""
        self._show_error(f"The checkpoints could not be read. {clean(str(message.error))}")

    @on(StoreChanged)
    async def reload(self) -> None:
        """Read the list again; the cursor stays on its checkpoint."""
        await self.query_one(TimelineList).reload()
        self._show_count()

    def _show_count(self) -> None:
        counts = self._source.counts
        text = (
            f"{count(counts.checkpoints, 'checkpoint')} · {count(counts.runs, 'run')}" if counts.total else ""
        )
        self.query_one("#count", Static).update(Content(text))

    def on_resize(self) -> None:
        """Where there is little room, the facts are one paragraph."""
        self._show_facts()

    def _show_facts(self) -> None:
        if self._details is not None:
            self.query_one("#facts", Static).update(facts(self._details, in_lines=self.size.width >= WIDE))

    def _show(self, head: Content, added: Content) -> None:
        self.query_one("#headline", Static).update(head)
        self.query_one("#added", Static).update(added)
        self.query_one("#facts", Static).update(Content())
        self._show_facts()
        self.query_one("#details").scroll_home(animate=False)

    def _show_error(self, text: str) -> None:
        self._details = None
        self._show(Content.styled(text, "$text-error"), Content())

    async def _read_details(self, row: TimelineRow) -> None:
        now_ms = self._gateway.now_ms()
        if row.checkpoint is None:
            self._details = None
            said = run_words(row, now_ms) if row.mark == "run" else summary_words(row)
            self._show(headline(row, now_ms), said)
            return
        try:
            details = await self._gateway.checkpoint_details(row.checkpoint)
        except GatewayError as error:
            self._show_error(f"The details could not be read. {error}")
            return
        if details is None:
            self._show_error("This checkpoint was removed meanwhile.")
            await self.reload()
            return
        self._details = details
        self._show(headline(row, now_ms), difference(details))
