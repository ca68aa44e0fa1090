"""Removing old records of a thread: what to keep, what would go, the removal itself, and what came of it."""

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

from afk_tui.gateway.compaction import CompactionForm, CompactionView
from afk_tui.gateway.errors import GatewayError
from afk_tui.gateway.gateway import Gateway
from afk_tui.gateway.messages import StoreChanged
from afk_tui.screens import compaction_words as words
from afk_tui.screens.limit_field import LimitField, parse_age, parse_count
from afk_tui.screens.words import age_of, count, size
from afk_tui.styles_folder import styles_folder
from afk_tui.widgets.key_hints import KeyHints

# how long the form has to stand still before what would go is counted anew
SETTLE_S = 0.25
PAINT_EVERY_S = 0.05
# below this, the outcome stands under the form
WIDE = 80
NOTE = "A record goes when any limit says so; empty is no limit. Messages are never removed."

Phase = Literal["form", "confirm", "running", "stopped", "done"]
HINTS: dict[Phase, tuple[tuple[str, str], ...]] = {
    "form": (("esc", "close"), ("c", "compact"), ("u", "count again"), ("tab", "next field")),
    "confirm": (("y", "remove"), ("n", "keep everything"), ("esc", "back")),
    "running": (("esc", "stop; what is removed stays removed"),),
    "stopped": (("esc", "close"), ("c", "go on"), ("u", "count again"), ("tab", "next field")),
    "done": (("esc", "close"), ("c", "compact again"), ("tab", "next field")),
}


class CompactionScreen(Screen[None]):
    """Asks, counts, confirms, removes, tells. Escape goes one step back, and stops a removal between two batches."""

    CSS_PATH = styles_folder() / "compaction.tcss"
    AUTO_FOCUS = "#compact"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]  # noqa: RUF012 - as the base declares it

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "compact", "Compact", show=False),
        Binding("u", "count", "Count again", show=False),
        Binding("y", "remove", "Remove", show=False),
        Binding("n", "keep", "Keep everything", show=False),
        Binding("escape", "back", "Back", show=False),
    ]

    def __init__(self, gateway: Gateway, thread_id: str, title: str) -> None:
        super().__init__()
        self._gateway = gateway
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
        """The form; what would go or went, and what went before; the keys."""
        with Horizontal(id="head"):
            yield Static(
                Content.assemble(("Compaction", "bold $text-primary"), f"  {self._title}"), id="title"
            )
        with VerticalScroll(id="body", can_focus=False):
            with Vertical(id="form"):
                yield from self._compose_form()
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
                yield Static(Content.styled("Past compactions", "bold"), classes="heading")
                yield Static(id="past")
        yield KeyHints(id="hints")

    def _compose_form(self) -> ComposeResult:
        defaults = CompactionForm()
        yield Static(
            Content.assemble(("Remove events", "bold"), (": telemetry", words.MUTED)),
            classes="heading",
        )
        yield LimitField("older than", _age(defaults.event_age_ms), "24h, 7d, 90m", parse_age, id="event-age")
        yield LimitField(
            "all but the newest", _count(defaults.event_count), "no limit", parse_count, id="event-count"
        )
        yield Static(
            Content.assemble(("Remove states", "bold"), (": checkpoints, summaries", words.MUTED)),
            classes="heading",
        )
        yield LimitField(
            "all but the newest", _count(defaults.state_count), "no limit", parse_count, id="state-count"
        )
        yield LimitField("older than", _age(defaults.state_age_ms), "no limit", parse_age, id="state-age")
        yield Static(Content.styled(NOTE, words.MUTED), id="note")

    def on_mount(self) -> None:
        """Count what would go with the defaults, and read what went before."""
        self._enter("form")
        self.action_count()
        self.run_worker(self._read_past, group="past", exclusive=True, exit_on_error=False)

    # the form

    def read_form(self) -> CompactionForm | None:
        """What the fields say, or None after saying at each field what is wrong with it."""
        values: dict[str, int | None] = {}
        for field in self.query(LimitField):
            try:
                values[field.id or ""] = field.read()
            except ValueError:
                continue
        if len(values) < len(self.query(LimitField)):
            return None
        return CompactionForm(
            event_age_ms=values["event-age"],
            event_count=values["event-count"],
            state_count=values["state-count"],
            state_age_ms=values["state-age"],
        )

    @on(Input.Changed)
    def form_changed(self) -> None:
        """Another form asks for another count, also after a result."""
        if self._phase in ("confirm", "running"):
            return
        if self._settling:
            self._settling.stop()
        form = self.read_form()
        if form is None:
            self._counted_form = None
            self._would_go = None
            self._enter("form")
            self._say("Mend the field that is marked; then what would go is counted.", None)
        elif form != self._counted_form:
            self._enter("form")
            self._settling = self.set_timer(SETTLE_S, self._count_if_asking)

    @on(StoreChanged)
    def recount(self) -> None:
        """What was counted holds no longer."""
        if self._phase == "form" and self._counted_form is not None:
            if self._settling:
                self._settling.stop()
            self._settling = self.set_timer(SETTLE_S, self._count_if_asking)

    def _count_if_asking(self) -> None:
        if self._phase == "form":
            self.action_count()

    @on(Input.Submitted)
    def action_count(self) -> None:
        """Count what would go, in the background."""
        if self._phase in ("confirm", "running"):
            return
        form = self.read_form()
        if form is None:
            self._focus_wrong_field()
            return
        self._enter("form")
        self._counted_form = form
        self._say("Counting what would go…", self._would_go)
        self.run_worker(partial(self._count, form), group="count", exclusive=True, exit_on_error=False)

    async def _count(self, form: CompactionForm, *, then_confirm: bool = False) -> None:
        try:
            view = await self._gateway.compaction(self._of_thread, form, dry=True)
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

    # confirming

    @on(Button.Pressed, "#compact")
    def action_compact(self) -> None:
        """Count once more and ask; with a wrong field nothing runs."""
        if self._phase in ("confirm", "running"):
            return
        form = self.read_form()
        if form is None:
            self._focus_wrong_field()
            return
        if self._settling:
            self._settling.stop()
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
        form = self.read_form()
        if self._phase != "confirm" or form is None:
            return
        self._removed = 0
        self._enter("running")
        self._say("Removing…", None)
        self.query_one(ProgressBar).update(total=1, progress=0)
        self._removal = self.run_worker(partial(self._remove, form), group="remove", exit_on_error=False)

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
            view = await self._gateway.compaction(self._of_thread, form, dry=False, progress=self._progress)
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
        await self._read_past()

    def _progress(self, done: int, total: int, what: str) -> None:
        self._removed = done
        now = time.monotonic()
        if now - self._painted_at < PAINT_EVERY_S and done < total:
            return
        self._painted_at = now
        self.query_one(ProgressBar).update(total=max(1, total), progress=done if total else 1)
        self._say(f"{done:,} of {total:,} removed; {words.STAGES.get(what, what)}…", None)

    async def _show_stopped(self, form: CompactionForm) -> None:
        before = self._would_go
        self._enter("stopped")
        try:
            view = await self._gateway.compaction(self._of_thread, form, dry=True)
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
        await self._read_past()

    # showing

    def _enter(self, phase: Phase) -> None:
        self._phase = phase
        for name in HINTS:
            self.query_one("#outcome").set_class(name == phase, f"-{name}")
        self.query_one("#form").disabled = phase in ("confirm", "running")
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
        self.query_one("#say", Static).update(Content(text))
        self.query_one("#error", Static).update(Content(error))
        self.query_one("#table", Static).update(words.table(view) if view else Content())
        self.query_one("#reasons", Static).update(words.reasons(view) if view else Content())
        for name, there in (("#error", error), ("#table", view), ("#reasons", view and view.protected_by)):
            self.query_one(name).display = bool(there)

    def _focus_wrong_field(self) -> None:
        wrong = self.query("LimitField.-wrong")
        if wrong:
            wrong.first(LimitField).input.focus()

    async def _read_past(self) -> None:
        said = self.query_one("#past", Static)
        try:
            found = await self._gateway.past_compactions(self._of_thread)
        except GatewayError as error:
            said.update(Content.styled(f"They could not be read. {error}", "$text-error"))
            return
        said.update(words.past(found, self._gateway.now_ms()))


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


def _age(age_ms: int | None) -> str:
    return age_of(age_ms) if age_ms else ""


def _count(number: int | None) -> str:
    return str(number) if number else ""
