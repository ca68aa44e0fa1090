"""Editing a call's arguments before a yes to them: a field each, and what is wrong with one below it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from afk_tui.bugs import TellsBugs
from afk_tui.gateway.errors import ArgumentProblems, GatewayError
from afk_tui.gateway.gateway import Gateway
from afk_tui.gateway.views import ApprovalView, ArgumentField
from afk_tui.screens.fields import TextField
from afk_tui.screens.lines import KeyHint, KeyLegend, Paragraph
from afk_tui.styles_folder import styles_folder
from afk_tui.terminal.pacing import PaintsKeys

DONE_KEYS = frozenset({"ctrl+s", "ctrl+enter"})
LOST = "Your changes would be lost. esc again leaves them; ctrl+s shows what they would do."


class _Field(Vertical):
    """One argument."""

    def __init__(self, field: ArgumentField, number: int, *, grows: bool) -> None:
        super().__init__(classes="field -grows" if grows else "field")
        self.field = field
        self._number = number

    def compose(self) -> ComposeResult:
        as_json = " (JSON)" if self.field.kind == "json" else ""
        about = f"  {self.field.about}" if self.field.about else ""
        label = Content.assemble((f"{self.field.label}{as_json}", "bold"), (about, "dim"))
        yield Static(label, classes="label", markup=False)
        yield TextField(
            self.field.text,
            id=f"argument-{self._number}",
            show_line_numbers=False,
            compact=True,
            tab_behavior="focus",
        )
        yield Paragraph(classes="problem")

    @property
    def area(self) -> TextField:
        """Where it is written."""
        return self.query_one(TextField)

    @property
    def now(self) -> ArgumentField:
        """The argument as it is written."""
        return replace(self.field, text=self.area.text)

    def judge(self, problem: str) -> None:
        """Say what is wrong with it; "" for nothing."""
        self.set_class(bool(problem), "-bad")
        self.query_one(Paragraph).say(problem, most=4)


class ArgumentEditor(PaintsKeys, TellsBugs, ModalScreen[ApprovalView | None]):
    """Dismisses with the request as it would be executed with what was written, or None. It decides nothing, and does
    not close on arguments that the tool's schema or a rule refuses."""

    CSS_PATH = styles_folder() / "argument_editor.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (80, "-wide")]  # noqa: RUF012 - as Textual declares it
    VERTICAL_BREAKPOINTS = [(0, "-short"), (20, "-normal")]  # noqa: RUF012
    AUTO_FOCUS: ClassVar[str | None] = "TextField"

    def __init__(self, gateway: Gateway, view: ApprovalView, fields: Sequence[ArgumentField]) -> None:
        super().__init__()
        self._gateway = gateway
        self._view = view
        self._fields = list(fields)
        self._warned = False

    def compose(self) -> ComposeResult:
        """From the top: what is edited, the fields, the keys."""
        with Vertical(id="editor"):
            yield Paragraph(id="title")
            with VerticalScroll(id="fields", can_focus=False):
                for number, field in enumerate(self._fields):
                    yield _Field(field, number, grows=_is_long(field))
            yield Paragraph(id="problem")
            yield KeyLegend(id="keys")

    def on_mount(self) -> None:
        """The first field is written in."""
        self.query_one("#title", Paragraph).say(
            f"Edit {self._view.tool_name} · {self._view.agent_path}", most=2
        )
        keys = [
            KeyHint("ctrl+s", "show what this would do", "show it"),
            KeyHint("tab", "next argument", "next"),
            KeyHint("esc", "back, as it was", "back"),
        ]
        if len(self._fields) < 2:
            del keys[1]
        self.query_one(KeyLegend).list_keys(keys)

    @property
    def fields(self) -> list[_Field]:
        """The arguments."""
        return list(self.query(_Field))

    def on_key(self, event: events.Key) -> None:
        """Every key that no field took for itself."""
        if event.key in DONE_KEYS:
            self._weigh()
        elif event.key == "escape":
            self._go_back()
        else:
            return
        event.stop()
        event.prevent_default()

    def _go_back(self) -> None:
        changed = any(field.now != field.field for field in self.fields)
        if changed and not self._warned:
            self._warned = True
            self._say(LOST)
        elif self.is_active:
            self.dismiss(None)

    @on(TextField.Changed)
    def forget_warning(self) -> None:
        """What is written now may be worth keeping again."""
        self._warned = False

    @work(exclusive=True, group="weigh", exit_on_error=False)
    async def _weigh(self) -> None:
        """Close with what was written, or say at its place what is wrong with it."""
        written = [field.now for field in self.fields]
        try:
            edited = await self._gateway.edited(self._view, written)
        except ArgumentProblems as error:
            self._judge(error.by_field)
            return
        except GatewayError as error:
            self._judge({"": str(error)})
            return
        if self.is_active and written == [field.now for field in self.fields]:
            self.dismiss(edited)

    def _judge(self, problems: dict[str, str]) -> None:
        first: _Field | None = None
        for field in self.fields:
            problem = problems.get(field.field.name, "")
            field.judge(problem)
            if problem and first is None:
                first = field
        self._say(problems.get("", ""))
        if first is not None:
            first.area.focus()
            first.scroll_visible(animate=False)

    def _say(self, text: str) -> None:
        self.query_one("#problem", Paragraph).say(text, most=4)


def _is_long(field: ArgumentField) -> bool:
    return "\n" in field.text or len(field.text) > 60 or field.name in ("content", "command")
