"""What keeps threads small by itself: the schedule, and the hint after a run."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import get_args

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Label, Static

from afk_tui.bugs import TellsBugs
from afk_tui.gateway.compaction import Compactions
from afk_tui.gateway.compaction_views import CompactionForm, Every
from afk_tui.gateway.errors import GatewayError
from afk_tui.screens.compaction_words import MUTED, limits
from afk_tui.widgets.choice_row import ChoiceRow

EVERY: tuple[Every, ...] = get_args(Every)
HINTS = ("on", "off")


class UpkeepPanel(TellsBugs, Vertical):
    """What is chosen holds at once, for every program with this database. The schedule keeps what the form says when
    it is chosen (`read_form`; None: it can't be read now)."""

    def __init__(self, compactions: Compactions, read_form: Callable[[], CompactionForm | None]) -> None:
        super().__init__(id="upkeep")
        self._compactions = compactions
        self._read_form = read_form

    def compose(self) -> ComposeResult:
        """The schedule with what it keeps, and the hint."""
        yield Static(
            Content.assemble(("By itself", "bold"), (": every thread, while the app runs", MUTED)),
            classes="heading",
        )
        with Horizontal(classes="choice"):
            yield Label("on a schedule", markup=False)
            yield ChoiceRow(EVERY, "", id="every")
        yield Static(id="every-keeps")
        with Horizontal(classes="choice"):
            yield Label("hint after a run", markup=False)
            yield ChoiceRow(HINTS, "", id="hint")

    def on_mount(self) -> None:
        """Say how it is set."""
        self._say("")
        self.read_again()

    def read_again(self) -> None:
        """Somebody may have set it, here or elsewhere."""
        self.run_worker(self._show, group="upkeep", exclusive=True, exit_on_error=False)

    @on(ChoiceRow.Chosen, "#every")
    def take_schedule(self, event: ChoiceRow.Chosen) -> None:
        """Set how often, with what the form keeps now."""
        event.stop()
        form = self._read_form()
        if form is None:
            self.read_again()
            return
        every = EVERY[event.row.options.index(event.value)]
        self.run_worker(partial(self._set_schedule, every, form), group="upkeep", exit_on_error=False)

    @on(ChoiceRow.Chosen, "#hint")
    def take_hint(self, event: ChoiceRow.Chosen) -> None:
        """Whether the status line says what a compaction would remove."""
        event.stop()
        self.run_worker(partial(self._set_hint, event.value == "on"), group="upkeep", exit_on_error=False)

    async def _set_schedule(self, every: Every, form: CompactionForm) -> None:
        try:
            await self._compactions.set_schedule(every, form)
        except GatewayError as error:
            self._say(str(error))
            return
        await self._show()

    async def _set_hint(self, on: bool) -> None:
        try:
            await self._compactions.set_hints(on)
        except GatewayError as error:
            self._say(str(error))

    async def _show(self) -> None:
        every = self.query_one("#every", ChoiceRow)
        try:
            hints = await self._compactions.hints_on()
            self.query_one("#hint", ChoiceRow).value = "on" if hints else "off"
            every.value, form = await self._compactions.schedule()
        except GatewayError as error:
            every.value = ""
            self._say(str(error))
            return
        self._say(f"removes {limits(form)}" if every.value != "off" else "")

    def _say(self, text: str) -> None:
        said = self.query_one("#every-keeps", Static)
        said.update(Content.styled(text, MUTED))
        said.display = bool(text)
