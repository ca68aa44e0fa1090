"""What the compaction screen is told: of what to remove records, and how much to keep."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Label, Static

from afk_tui.gateway.compaction_views import CUSTOM, PRESETS, CompactionForm, preset_of
from afk_tui.screens.compaction_words import MUTED
from afk_tui.screens.limit_field import LimitField, parse_age, parse_count
from afk_tui.screens.words import age_of
from afk_tui.widgets.choice_row import ChoiceRow

NOTE = "A record goes when any limit says so. Messages are never removed."
THIS, ALL = "this thread", "all threads"


class CompactionFormPanel(Vertical):
    """The policies. What they say together is told as Changed; a wrong value is marked at its field."""

    class Changed(Message):
        """The form says something else, or can't be read."""

    class ScopeChosen(Message):
        """This thread, or all of them."""

        def __init__(self, everything: bool) -> None:
            super().__init__()
            self.everything = everything

    def __init__(self, *, has_thread: bool) -> None:
        super().__init__(id="form")
        self._has_thread = has_thread

    def compose(self) -> ComposeResult:
        """Scope and preset, then a field for each limit."""
        form = CompactionForm()
        with Horizontal(classes="choice"):
            yield Label("Records of", markup=False)
            options = (THIS, ALL) if self._has_thread else (ALL,)
            yield ChoiceRow(options, options[0], id="scope")
        with Horizontal(classes="choice"):
            yield Label("Keep", markup=False)
            yield ChoiceRow((*PRESETS, CUSTOM), preset_of(form), id="preset")
        yield Static(Content.assemble(("Remove events", "bold"), (": telemetry", MUTED)), classes="heading")
        yield LimitField("older than", _age(form.event_age_ms), "24h, 7d, 90m", parse_age, id="event-age")
        yield LimitField(
            "all but the newest", _count(form.event_count), "no limit", parse_count, id="event-count"
        )
        yield Static(
            Content.assemble(("Remove states", "bold"), (": checkpoints, summaries", MUTED)),
            classes="heading",
        )
        yield LimitField(
            "all but the newest", _count(form.state_count), "no limit", parse_count, id="state-count"
        )
        yield LimitField("older than", _age(form.state_age_ms), "no limit", parse_age, id="state-age")
        yield Static(Content.styled(NOTE, MUTED), id="note")

    def read(self) -> CompactionForm | None:
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

    def fill(self, form: CompactionForm) -> None:
        """Let the fields say this."""
        for name, text in (
            ("event-age", _age(form.event_age_ms)),
            ("event-count", _count(form.event_count)),
            ("state-count", _count(form.state_count)),
            ("state-age", _age(form.state_age_ms)),
        ):
            self.query_one(f"#{name}", LimitField).input.value = text

    def focus_wrong_field(self) -> None:
        """Go to the first field that can't be read."""
        wrong = self.query("LimitField.-wrong")
        if wrong:
            wrong.first(LimitField).input.focus()

    @on(Input.Changed)
    def note_change(self, event: Input.Changed) -> None:
        """The preset is what the fields say."""
        event.stop()
        form = self.read()
        self.query_one("#preset", ChoiceRow).value = preset_of(form) if form else CUSTOM
        self.post_message(self.Changed())

    @on(ChoiceRow.Chosen, "#preset")
    def take_preset(self, event: ChoiceRow.Chosen) -> None:
        """Fill the fields; a custom one is written by hand."""
        event.stop()
        preset = PRESETS.get(event.value)
        if preset is None:
            self.query_one("#event-age", LimitField).input.focus()
        else:
            self.fill(preset)

    @on(ChoiceRow.Chosen, "#scope")
    def take_scope(self, event: ChoiceRow.Chosen) -> None:
        """Say whose records are meant."""
        event.stop()
        self.post_message(self.ScopeChosen(event.value == ALL))


def _age(age_ms: int | None) -> str:
    return age_of(age_ms) if age_ms else ""


def _count(number: int | None) -> str:
    return str(number) if number else ""
