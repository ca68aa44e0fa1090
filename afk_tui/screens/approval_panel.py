"""How a request looks: who and why, the arguments, where one is in them, and the keys."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from afk_tui.gateway.views import ApprovalView
from afk_tui.screens import approval_words as words
from afk_tui.screens.approval_words import Mode, WideScope
from afk_tui.screens.fields import LineField, TextField
from afk_tui.screens.lines import KeyLegend, Paragraph
from afk_tui.widgets.argument_view import ArgumentView

# Below this height every line that is not the arguments or the keys is short; below the next, what can go goes.
SHORT_HEIGHT = 20
TINY_HEIGHT = 12

SIGNS: dict[Mode, str] = {
    "choosing": "ready",
    "remembering": "ready",
    "denying_all": "ready",
    "allowing_all": "ready",
    "reasoning_all": "",
    "narrowing": "",
    "reasoning": "",
    "answering": "",
    "sending": "recording",
    "over": "",
}


class RequestPanel(Vertical):
    """One request. It decides nothing: the screen tells it what to show."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._view: ApprovalView | None = None
        self._sign = ""
        self._several_threads = False
        self._hints_to_scroll = False

    def compose(self) -> ComposeResult:
        """From the top: who and why, the arguments, the keys."""
        with Horizontal(id="head"):
            yield Paragraph(id="title")
            yield Static(id="counter", markup=False)
        yield Paragraph(id="why")
        yield Paragraph(id="place")
        yield Paragraph(id="warning")
        yield ArgumentView(id="arguments")
        with Horizontal(id="state"):
            yield Static(id="position", markup=False)
            yield Static(id="sign", markup=False)
        yield Paragraph(id="notice")
        yield LineField(
            id="reason", placeholder="Why not? The model is told.", compact=True, select_on_focus=False
        )
        yield LineField(
            id="pattern", placeholder="Which calls are always allowed?", compact=True, select_on_focus=False
        )
        yield Paragraph(id="verdict")
        yield TextField(id="answer", show_line_numbers=False, compact=True)
        yield KeyLegend(id="keys")

    @property
    def arguments(self) -> ArgumentView:
        """Everything that would be executed."""
        return self.query_one("#arguments", ArgumentView)

    @property
    def reason(self) -> LineField:
        """Where a denial's reason is written."""
        return self.query_one("#reason", LineField)

    @property
    def pattern(self) -> LineField:
        """Where what is remembered is written."""
        return self.query_one("#pattern", LineField)

    def judge_pattern(self, verdict: str, *, bad: bool = False) -> None:
        """Under the pattern: what is wrong with it, or what it would remember; "" for nothing."""
        self._paragraph("verdict").set_class(bad, "-bad")
        self._paragraph("verdict").say(verdict, most=self._notice_lines)

    @property
    def verdict(self) -> str:
        """What was said of the pattern last."""
        return self._paragraph("verdict").text

    @property
    def answer(self) -> TextField:
        """Where a response in the tool's place is written."""
        return self.query_one("#answer", TextField)

    def show_request(self, view: ApprovalView, *, several_threads: bool, seen: bool = False) -> None:
        """From its first line on, with empty fields. `several_threads`: say which conversation it is of; `seen`: its
        last line has been on the screen before."""
        self._several_threads = several_threads
        self.arguments.show_preview(view.preview, view.preview_kind, file=view.file, seen=seen)
        self.reason.value = ""
        self.answer.text = ""
        self.say_what(view)

    def say_what(self, view: ApprovalView) -> None:
        """All but the arguments."""
        self._view = view
        height = self.app.size.height
        short, tiny, uncertain = height < SHORT_HEIGHT, height < TINY_HEIGHT, view.kind == "uncertain"
        self.screen.set_class(uncertain, "-uncertain")
        why = words.why_of(view, say_thread=self._several_threads)
        self._paragraph("title").say(words.title_of(view), most=2 if uncertain or not short else 1)
        self._paragraph("why").say("" if tiny else why, most=(4 if uncertain else 1) if short else 6)
        place = words.place_of(view, self.app.size.width - 2 if short else None)
        self._paragraph("place").say(place, most=1 if tiny else 2 if short else 4)
        warning = words.warning_of(view, brief=short)
        self._paragraph("warning").say(warning, most=1 if tiny else 3 if short else 8)
        self._paragraph("notice").say(self.notice, most=self._notice_lines)

    def on_resize(self) -> None:
        """More or fewer lines around the arguments."""
        if self._view is not None:
            self.call_after_refresh(self.say_what, self._view)

    def open_fields(self, mode: Mode) -> None:
        """Show the field of this mode, if it has one, and put the focus where its keys go."""
        self.reason.display = mode in ("reasoning", "reasoning_all")
        self.pattern.display = mode == "narrowing"
        self.judge_pattern("")
        self.answer.display = mode == "answering"
        self.take_focus(mode)

    def take_focus(self, mode: Mode) -> None:
        """At once: `focus()` does it later, and a key typed in between would go elsewhere."""
        self.screen.set_focus(
            self.field_of(mode) if mode in words.WRITING_MODES else self.arguments,
        )

    def field_of(self, mode: Mode) -> LineField | TextField:
        """Where one writes in this mode."""
        if mode in ("reasoning", "reasoning_all"):
            return self.reason
        return self.pattern if mode == "narrowing" else self.answer

    def count(self, position: int, total: int) -> None:
        """ "2 of 3"; nothing where there is one."""
        self.query_one("#counter", Static).update(Content(f"{position} of {total}" if total > 1 else ""))

    @property
    def notice(self) -> str:
        """What was said last."""
        return self._paragraph("notice").text

    def say(self, notice: str, *, bad: bool = False) -> None:
        """A sentence above the keys, or "" for none."""
        self._hints_to_scroll = False
        self._paragraph("notice").set_class(bad, "-bad")
        self._paragraph("notice").say(notice, most=self._notice_lines)

    def hint_to_scroll(self) -> None:
        """Say what is missing before the call may be executed, until it is no longer missing."""
        first = "Unfold it (f), then scroll" if self.arguments.folded else "Scroll"
        self.say(f"{first} to the end first (pgdn or end): {self.arguments.position_text}", bad=True)
        self._hints_to_scroll = True

    def sign(self, mode: Mode, *, deaf: bool) -> None:
        """Whether keys are heard."""
        sign = "…" if deaf and SIGNS[mode] == "ready" else SIGNS[mode]
        if sign != self._sign:
            self._sign = sign
            self.query_one("#sign", Static).update(Content(sign))

    def list_keys(self, mode: Mode, scope: WideScope, *, several: bool) -> None:
        """The keys that act now."""
        if self._view is not None:
            seen = self.arguments.last_line_seen
            arguments = self.arguments
            looks = words.look_hints(arguments) if mode == "choosing" else []
            hints = words.hints(self._view, mode, several=several, seen=seen, scope=scope, looks=looks)
            self.query_one("#keys", KeyLegend).list_keys(hints)

    @on(ArgumentView.PositionChanged)
    def tell_position(self, event: ArgumentView.PositionChanged) -> None:
        """Up to where the arguments are on the screen."""
        event.stop()
        self.query_one("#position", Static).update(Content(event.text))
        if self._hints_to_scroll:
            self.hint_to_scroll()

    @on(ArgumentView.LastLineSeen)
    def end_hint(self) -> None:
        """Nothing is missing any more."""
        if self._hints_to_scroll:
            self.say("")

    @property
    def _notice_lines(self) -> int:
        height = self.app.size.height
        return 1 if height < TINY_HEIGHT else 3 if height < SHORT_HEIGHT else 6

    def _paragraph(self, name: str) -> Paragraph:
        return self.query_one(f"#{name}", Paragraph)
