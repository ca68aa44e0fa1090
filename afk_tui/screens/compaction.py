"""Removing old records: what to keep, what would go, the removal itself, and what came of it."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import ClassVar, Literal

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Button, Input, ProgressBar, Static
from textual.worker import Worker

from afk_tui.bugs import TellsBugs
from afk_tui.gateway.compaction_views import CompactionForm, CompactionView
from afk_tui.gateway.errors import GatewayError
from afk_tui.gateway.gateway import Gateway
from afk_tui.gateway.messages import StoreChanged
from afk_tui.screens import compaction_words as words
from afk_tui.screens.compaction_form import CompactionFormPanel
from afk_tui.screens.compaction_space import SpacePanel
from afk_tui.screens.compaction_upkeep import UpkeepPanel
from afk_tui.screens.helped import HELP_KEY, Helped, all_keys_hint
from afk_tui.screens.words import count, size
from afk_tui.styles_folder import styles_folder
from afk_tui.terminal.pacing import PaintsKeys
from afk_tui.widgets.choice_row import ChoiceRow
from afk_tui.widgets.key_hints import KeyHints

# how long the form has to stand still before what would go is counted anew
SETTLE_S = 0.25
PAINT_EVERY_S = 0.05
# below this, the outcome stands under the form
WIDE = 104

Phase = Literal["form", "confirm", "running", "stopped", "done"]
FORM_HINTS = (
    ("a", "this thread / all"),
    ("1-4", "keep"),
    ("s", "schedule"),
    ("h", "hint"),
    ("u", "count again"),
    ("tab", "next field"),
)
HINTS: dict[Phase, tuple[tuple[str, str], ...]] = {
    "form": (("esc", "close"), ("c", "compact"), *FORM_HINTS),
    "confirm": (("y", "remove"), ("n", "keep everything"), ("esc", "back")),
    "running": (("esc", "stop; what is removed stays removed"),),
    "stopped": (("esc", "close"), ("c", "go on"), *FORM_HINTS),
    "done": (("esc", "close"), ("c", "compact again"), *FORM_HINTS),
}


class CompactionScreen(PaintsKeys, TellsBugs, Helped, Screen[None]):
    """Asks, counts, confirms, removes, tells. Escape goes one step back, and stops a removal between two batches."""

    CSS_PATH = styles_folder() / "compaction.tcss"
    AUTO_FOCUS = ""
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]  # noqa: RUF012 - as the base declares it

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "compact", "Compact", show=False),
        Binding("u", "count", "Count again", show=False),
        Binding("y", "remove", "Remove", show=False),
        Binding("n", "keep", "Keep everything", show=False),
        Binding("a", "next('scope')", "This thread or all", show=False),
        Binding("s", "next('every')", "Schedule", show=False),
        Binding("h", "next('hint')", "Hint", show=False),
        *(Binding(str(n + 1), f"preset({n})", "Keep", show=False) for n in range(4)),
        Binding("escape", "back", "Back", show=False),
        HELP_KEY,
    ]

    def __init__(self, gateway: Gateway, thread_id: str | None, title: str) -> None:
        """`thread_id` None: of all threads only."""
        super().__init__()
        self._gateway = gateway
        self._compactions = gateway.compactions
        self._first_thread = thread_id
        self._of_thread = thread_id
        self._title = title
        self._phase: Phase = "form"
        self._would_go: CompactionView | None = None
        self._settling: Timer | None = None
        # what was counted last, or is being counted
        self._counted_form: CompactionForm | None = None
        self._removal: Worker[None] | None = None
        self._removed = 0
        self._painted_at = 0.0

    def compose(self) -> ComposeResult:
        """The form, what happens by itself and what takes the space; what would go or went, and what went before."""
        with Horizontal(id="head"):
            yield Static(id="title")
        with VerticalScroll(id="body", can_focus=False):
            with Vertical(id="left"):
                yield CompactionFormPanel(has_thread=self._first_thread is not None)
                yield UpkeepPanel(self._compactions, self._read_form)
                yield SpacePanel(classes="-beside")
            with Vertical(id="side"):
                with Vertical(id="outcome"):
                    yield Static(id="say")
                    yield Static(id="error")
                    yield ProgressBar(id="bar", show_eta=False)
                    yield Static(id="table")
                    yield Static(id="reasons")
                    with Horizontal(id="buttons"):
                        yield Button("Compact…", id="compact", compact=True, variant="primary")
                        yield Button("Keep everything", id="keep", compact=True)
                        yield Button("Remove", id="remove", compact=True, variant="error")
                        yield Button("Stop", id="stop", compact=True)
                    yield Static(id="parts")
                yield Static(Content.styled("Past compactions", "bold"), classes="heading")
                yield Static(id="past")
                yield SpacePanel(classes="-below")
        yield KeyHints(more=all_keys_hint(self.app), id="hints")

    def on_mount(self) -> None:
        """Count what would go with the defaults, and read what went before."""
        self._show_title()
        self._enter("form")
        # what is above it is to be seen first, also where little is
        self.query_one("#compact").focus(scroll_visible=False)
        self.action_count()
        self._read_all()

    def _show_title(self) -> None:
        of = self._title if self._of_thread is not None else "all threads"
        self.query_one("#title", Static).update(
            Content.assemble(("Compaction", "bold $text-primary"), f"  {of}")
        )

    def _read_form(self) -> CompactionForm | None:
        """What the form says; None where it can't be read, and the field that is wrong has the focus."""
        panel = self.query_one(CompactionFormPanel)
        form = panel.read()
        if form is None:
            panel.focus_wrong_field()
        return form

    # what is asked for

    @on(CompactionFormPanel.Changed)
    def form_changed(self) -> None:
        """Another form asks for another count, also after a result."""
        if self._phase in ("confirm", "running"):
            return
        form = self.query_one(CompactionFormPanel).read()
        if form is None:
            self._stop_settling()
            self._counted_form = None
            self._would_go = None
            self._enter("form")
            self._say("Mend the field that is marked; then what would go is counted.", None)
        elif form != self._counted_form:
            self._settle()

    @on(CompactionFormPanel.ScopeChosen)
    def take_scope(self, event: CompactionFormPanel.ScopeChosen) -> None:
        """Of this thread, or of all."""
        if self._phase in ("confirm", "running"):
            return
        self._of_thread = None if event.everything else self._first_thread
        self._show_title()
        self._would_go = None
        self.action_count()
        self._read_all()

    @on(StoreChanged)
    def recount(self) -> None:
        """What was counted holds no longer. All threads are counted anew only when that is asked for."""
        if self._phase == "form" and self._counted_form is not None and self._of_thread is not None:
            self._settle()

    def _settle(self) -> None:
        self._enter("form")
        self._stop_settling()
        self._settling = self.set_timer(SETTLE_S, self._count_if_asking)

    def _stop_settling(self) -> None:
        if self._settling:
            self._settling.stop()

    def _count_if_asking(self) -> None:
        if self._phase == "form":
            self.action_count()

    @on(Input.Submitted)
    def action_count(self) -> None:
        """Count what would go, in the background."""
        if self._phase in ("confirm", "running"):
            return
        form = self._read_form()
        if form is None:
            return
        self._enter("form")
        self._counted_form = form
        self._say("Counting what would go…", self._would_go)
        self.run_worker(partial(self._count, form), group="count", exclusive=True, exit_on_error=False)

    async def _count(self, form: CompactionForm, *, then_confirm: bool = False) -> None:
        try:
            view = await self._compactions.look(self._of_thread, form, self._progress_of_count)
        except GatewayError as error:
            self._would_go = None
            self._enter("form")
            self._say("What would go could not be counted.", None, error=str(error))
            return
        self._would_go = view
        if then_confirm:
            self._enter("confirm")
            self._say(_question(view), view)
            return
        nothing = not (view.events.removed or view.states.removed)
        self._say("Nothing would be removed with these limits." if nothing else "What would go:", view)

    def _progress_of_count(self, done: int, total: int, what: str) -> None:
        if self._is_time_to_paint() and done < total:
            self._say(f"Counting what would go: thread {done:,} of {total:,}…", self._would_go)

    def action_next(self, name: str) -> None:
        """The next choice in a row: by key what a click does there."""
        if self._phase not in ("confirm", "running"):
            self.query_one(f"#{name}", ChoiceRow).choose_next()

    def action_preset(self, at: int) -> None:
        """A preset by its number."""
        row = self.query_one("#preset", ChoiceRow)
        if self._phase not in ("confirm", "running"):
            row.choose(row.options[at])

    @on(KeyHints.Clicked)
    def take_hint(self, event: KeyHints.Clicked) -> None:
        """By mouse what the keys do."""
        match event.key:
            case "esc":
                self.action_back()
            case "c":
                self.action_compact()
            case "u":
                self.action_count()
            case "y":
                self.action_remove()
            case "n":
                self.action_keep()
            case "a":
                self.action_next("scope")
            case "s":
                self.action_next("every")
            case "h":
                self.action_next("hint")
            case "1-4":
                self.action_next("preset")
            case _:
                self.focus_next()

    # confirming

    @on(Button.Pressed, "#compact")
    def action_compact(self) -> None:
        """Count once more and ask; with a wrong field nothing runs."""
        if self._phase in ("confirm", "running"):
            return
        form = self._read_form()
        if form is None:
            return
        self._stop_settling()
        self._counted_form = form
        self.run_worker(
            partial(self._count, form, then_confirm=True), group="count", exclusive=True, exit_on_error=False
        )

    @on(Button.Pressed, "#keep")
    def action_keep(self) -> None:
        """Leave everything as it is."""
        if self._phase == "confirm":
            self._enter("form")
            self.query_one("#compact").focus()
            self._say("Nothing was removed. What would go:", self._would_go)

    @on(Button.Pressed, "#remove")
    def action_remove(self) -> None:
        """Yes: remove."""
        form = self.query_one(CompactionFormPanel).read()
        if self._phase != "confirm" or form is None:
            return
        self._removed = 0
        self._enter("running")
        self._say("Removing…", None)
        self.query_one(ProgressBar).update(total=1, progress=0)
        self._removal = self.run_worker(partial(self._remove, form), group="remove", exit_on_error=False)

    @on(Button.Pressed, "#stop")
    def action_back(self) -> None:
        """One step back; out, from the form or the result."""
        match self._phase:
            case "confirm":
                self.action_keep()
            case "running":
                if self._removal:
                    self._say("Stopping…", None)
                    self._removal.cancel()
            case "form" | "stopped" | "done":
                self.dismiss(None)

    # removing

    async def _remove(self, form: CompactionForm) -> None:
        try:
            view = await self._compactions.remove(self._of_thread, form, self._progress)
        except asyncio.CancelledError:
            if self.is_running:
                self.call_later(self._show_stopped, form)
            raise
        except GatewayError as error:
            self._enter("stopped")
            self._say(_kept_on_failure(self._removed), None, error=str(error))
        else:
            self._enter("done")
            self._say(
                f"Done: {words.what_goes(view)} removed, {size(view.bytes_reclaimed)} given back.", view
            )
        self._read_all()

    def _progress(self, done: int, total: int, what: str) -> None:
        self._removed = done
        if not self._is_time_to_paint() and done < total:
            return
        self.query_one(ProgressBar).update(total=max(1, total), progress=done if total else 1)
        self._say(f"{done:,} of {total:,} removed; {words.STAGES.get(what, what)}…", None)

    def _is_time_to_paint(self) -> bool:
        now = time.monotonic()
        if now - self._painted_at < PAINT_EVERY_S:
            return False
        self._painted_at = now
        return True

    async def _show_stopped(self, form: CompactionForm) -> None:
        before = self._would_go
        self._enter("stopped")
        try:
            view = await self._compactions.look(self._of_thread, form)
        except GatewayError as error:
            self._say(_kept_on_failure(self._removed), None, error=str(error))
            return
        if before:
            # the batch that was under way when it was stopped has told nobody of its end
            gone = before.events.before - view.events.before + before.states.before - view.states.before
            self._removed = max(self._removed, gone)
        self._would_go = view
        self._say(
            f"Stopped: {count(self._removed, 'record')} removed for good. What would still go:",
            view,
        )
        self._read_all()

    # showing

    def _enter(self, phase: Phase) -> None:
        self._phase = phase
        for name in HINTS:
            self.query_one("#outcome").set_class(name == phase, f"-{name}")
        for panel in ("#form", "#upkeep"):
            self.query_one(panel).disabled = phase in ("confirm", "running")
        self.query_one("#hints", KeyHints).hints = HINTS[phase]
        if phase == "confirm":
            self.query_one("#keep").focus()
            self.call_after_refresh(self._show_outcome)
        elif phase == "running":
            self.set_focus(None)
        elif phase in ("stopped", "done"):
            self.query_one("#compact").focus()
            self.call_after_refresh(self._show_outcome)

    def _show_outcome(self) -> None:
        self.query_one("#outcome").scroll_visible(animate=False, top=True)

    def _say(self, text: str, view: CompactionView | None, *, error: str = "") -> None:
        of_threads = self._of_thread is None
        self.query_one("#say", Static).update(Content(text))
        self.query_one("#error", Static).update(Content(error))
        self.query_one("#table", Static).update(words.table(view) if view else Content())
        self.query_one("#reasons", Static).update(words.reasons(view) if view else Content())
        parts = words.parts(view, self._gateway.now_ms(), of_threads=of_threads) if view else Content()
        self.query_one("#parts", Static).update(parts)
        shown = (
            ("#error", error),
            ("#table", view),
            ("#reasons", view and view.protected_by),
            ("#parts", parts.plain),
        )
        for name, there in shown:
            self.query_one(name).display = bool(there)

    def _read_all(self) -> None:
        """What stands beside the counts."""
        self.run_worker(self._read_past, group="past", exclusive=True, exit_on_error=False)
        self.run_worker(self._read_space, group="space", exclusive=True, exit_on_error=False)
        self.query_one(UpkeepPanel).read_again()

    async def _read_past(self) -> None:
        said = self.query_one("#past", Static)
        try:
            found = await self._compactions.past(self._of_thread)
        except GatewayError as error:
            said.update(Content.styled(f"They could not be read. {error}", "$text-error"))
            return
        said.update(words.past(found, self._gateway.now_ms(), of_threads=self._of_thread is None))

    async def _read_space(self) -> None:
        panels = self.query(SpacePanel)
        try:
            rows = await self._compactions.space(self._of_thread)
        except GatewayError as error:
            for panel in panels:
                panel.tell(str(error))
            return
        for panel in panels:
            panel.show(rows)


def _question(view: CompactionView) -> str:
    if not (view.events.removed or view.states.removed):
        return "Nothing would be removed. Give the free space of the file back?"
    return (
        f"Remove {words.what_goes(view)} for good? "
        "All messages stay, and every run that is not over can still go on."
    )


def _kept_on_failure(removed: int) -> str:
    if not removed:
        return "Nothing was removed."
    return f"It ended early: {count(removed, 'record')} removed; the rest is as it was."
