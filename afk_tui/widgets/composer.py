"""Where a person writes: grows with the text, sends on enter, and leaves the app's keys to the app."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events, on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import TextArea
from textual.widgets.text_area import EditResult, Location

from afk_tui.gateway.clean import clean
from afk_tui.widgets.completion_list import CompletionList, Token, token_before
from afk_tui.widgets.composer_pastes import UNFOLD_CHARS, Pastes
from afk_tui.widgets.typing_order import KeysInOrder

# Nobody types a key and then enter within this time; the keys of a paste are microseconds apart.
BURST_S = 0.015

# What `TextArea` would take from the app (DESIGN section 8). Undo moves to ctrl+underscore.
_KEYS_OF_THE_APP = frozenset({"f6", "f7", "ctrl+z", "super+z", "ctrl+c", "super+c"})


def _time_read(event: events.Key) -> float:
    return event.time


def _bindings_left() -> list[BindingType]:
    left: list[BindingType] = []
    for binding in TextArea.BINDINGS:
        assert isinstance(binding, Binding)
        if _KEYS_OF_THE_APP.isdisjoint(binding.key.split(",")):
            left.append(binding)
    return left


class Composer(KeysInOrder, TextArea, inherit_bindings=False):
    """A draft of one to eight lines on the screen.

    Enter sends. A new line is ctrl+j, shift+enter where the terminal delivers it, enter after a backslash
    (which goes), or an enter within `BURST_S` of the key before: that is a paste of a terminal without
    bracketed paste. Sending empties the composer and posts no `DraftChanged`: a draft on disk stays until the
    message is stored. `app_keys` (Textual's names for them) are left to the app. `clock(key event)` gives the time
    of a key in seconds, by default the time at which it was read.

    Up on the first line asks for what was sent before, down on the last line comes back from there; the draft waits
    meanwhile. A large paste is folded (`composer_pastes`). `popup`, where one is given, shows what a word could
    become: while it is open, tab, enter, escape, up and down are its keys.
    """

    DEFAULT_CSS = """
    Composer {
        height: auto;
        min-height: 3;
        max-height: 10;
        border: round $foreground 25%;
        background: transparent;
        padding: 0 1;
        scrollbar-size-vertical: 1;
        &:focus { border: round $border; }
        & .text-area--cursor-line { background: transparent; }
        & .text-area--placeholder { color: $foreground 60%; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        *_bindings_left(),
        Binding("ctrl+j,shift+enter", "new_line", "New line", show=False),
        Binding("ctrl+underscore", "undo", "Undo", show=False),
        Binding("ctrl+o", "unfold_paste", "Unfold a paste", show=False),
    ]

    @dataclass
    class Submitted(Message):
        """Enter was pressed; `text` is what was written, as written."""

        text: str

    class EmptySubmitted(Message):
        """Enter was pressed with nothing, or only blanks, in the composer."""

    @dataclass
    class DraftChanged(Message):
        """The draft, as it is kept, is now `text`, by typing, pasting or undoing; not posted by `set_draft` or by
        sending."""

        text: str

    @dataclass
    class TokenChanged(Message):
        """The word at the cursor that can be completed is another one; None: there is none."""

        token: Token | None

    class HistoryAsked(Message):
        """Up on the first line: what was sent before is to be given to `begin_history`."""

    @dataclass
    class PageAsked(Message):
        """A page key that a short draft has no use for; -1 is up."""

        direction: int

    @dataclass
    class PasteShown(Message):
        """A folded paste, too large to be unfolded in the draft, is to be looked at."""

        text: str

    def __init__(
        self,
        text: str = "",
        *,
        placeholder: str = "",
        cursor_blink: bool = True,
        clock: Callable[[events.Key], float] | None = None,
        app_keys: Collection[str] = (),
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(
            text, placeholder=Content(placeholder), highlight_cursor_line=False, id=id, classes=classes
        )
        for key in app_keys:
            self._bindings.key_to_bindings.pop(key, None)
        self.can_submit = True
        """False: enter keeps the draft and rings the bell."""
        self.cursor_blink = cursor_blink
        self._clock = clock or _time_read
        self._last_key_s = float("-inf")
        self._known_draft = self.text
        self.popup: CompletionList | None = None
        self._pastes = Pastes()
        self._token: Token | None = None
        self._declined: Token | None = None
        self._history: Sequence[str] | None = None
        self._history_at = -1
        self._history_shown = ""
        self._edited: dict[int, str] = {}

    @property
    def draft(self) -> str:
        """What is written now, folded pastes in full."""
        return self._pastes.whole(self.text)

    @property
    def kept_draft(self) -> str:
        """The same as it is kept, for `set_draft` to take. While what was sent before is only looked at, it is the
        draft that waits."""
        if self._history_at >= 0 and self.text == self._history_shown:
            return self._edited.get(-1, "")
        return self._pastes.kept(self.text)

    def set_draft(self, text: str) -> None:
        """Show `text` with the cursor at its end, as at the opening of a thread; forgets what could be
        undone, and where one was in what was sent before."""
        self._leave_history()
        self._show(text)
        self.move_cursor(self.document.end)

    def _show(self, kept: str) -> None:
        shown = self._pastes.shown(kept)
        self._known_draft = shown
        self.load_text(shown)
        self._known_draft = self.text

    def action_new_line(self) -> None:
        """Begin a new line at the cursor."""
        self._replace_via_keyboard("\n", *self.selection)

    async def _on_key(self, event: events.Key) -> None:
        now_s = self._clock(event)
        in_burst = now_s - self._last_key_s < BURST_S
        self._last_key_s = now_s
        if self._taken_by_popup(event.key, in_burst=in_burst):
            event.stop()
            event.prevent_default()
            return
        if event.key != "enter":
            return
        event.stop()
        event.prevent_default()
        row, column = self.cursor_location
        before = self.document[row][:column]
        if in_burst:
            self.action_new_line()
        elif self.selection.is_empty and before.endswith("\\"):
            self._replace_via_keyboard("\n", (row, column - 1), (row, column))
        else:
            self._submit()

    def _submit(self) -> None:
        text = self._pastes.whole(self.text)
        if not text.strip():
            self.post_message(self.EmptySubmitted())
        elif not self.can_submit:
            self.app.bell()
        else:
            self._known_draft = ""
            self._leave_history()
            self.clear()
            self.post_message(self.Submitted(text))

    # -- completion ---------------------------------------------------------------------------------------

    def _taken_by_popup(self, key: str, *, in_burst: bool) -> bool:
        popup, token = self.popup, self._token
        if popup is None or not popup.is_open or token is None:
            return False
        match key:
            case "up" | "down":
                popup.move(-1 if key == "up" else 1)
            case "escape":
                self._declined = token
                popup.hide()
            case "tab":
                self._complete()
            case "enter" if not in_burst and token.kind == "@":
                self._complete()
            case "enter" if not in_burst:
                self._complete()
                self._submit()
            case _:
                return False
        return True

    def _complete(self) -> None:
        """Put what is selected in place of the word. What was offered for another word is not taken."""
        popup, token = self.popup, self._token
        if popup is None or token is None or popup.token != token or popup.selected is None:
            return
        self.complete(popup.selected.value)

    def complete(self, value: str) -> None:
        """Put `value` in place of the word at the cursor."""
        if self._token is not None:
            start = (self._token.row, self._token.column)
            # the very same word is not offered again
            self._declined = Token(self._token.kind, value[1:], *start)
            self._replace_via_keyboard(value, start, self.cursor_location)
        if self.popup is not None:
            self.popup.hide()

    @on(TextArea.SelectionChanged)
    def _look_for_token(self, event: TextArea.SelectionChanged) -> None:
        event.stop()
        self._tell_token()

    def _tell_token(self) -> None:
        row, column = self.cursor_location
        line = self.document[row]
        whole = self.document.line_count == 1 and column == len(line)
        token = token_before(line[:column], row, whole=whole) if self.selection.is_empty else None
        closed = self._declined
        if token is None or closed is None or (token.kind, token.column) != (closed.kind, closed.column):
            self._declined = None
        elif closed.text in token.text or token.text in closed.text:
            token = None
        if token != self._token:
            self._token = token
            self.post_message(self.TokenChanged(token))

    # -- what was sent before -----------------------------------------------------------------------------

    def begin_history(self, texts: Sequence[str]) -> None:
        """Show the first of these, the newest; up and down go on among them. With none the bell rings."""
        self._history = texts
        self._step(1)

    def _leave_history(self) -> None:
        self._history, self._history_at, self._history_shown, self._edited = None, -1, "", {}

    def _step(self, by: int) -> None:
        history, at = self._history or (), self._history_at + by
        if not -1 <= at < len(history):
            self.app.bell()
            return
        if self._history_at < 0 or self.text != self._history_shown:
            self._edited[self._history_at] = self._pastes.kept(self.text)
        self._history_at = at
        self._show(self._edited.get(at, history[at] if at >= 0 else ""))
        self._history_shown = self.text if at >= 0 and at not in self._edited else ""
        # so that the same key goes on
        end = (0, len(self.document[0])) if by > 0 else self.document.end
        self.move_cursor(end)

    def action_cursor_up(self, select: bool = False) -> None:
        """A line up; on the first one, to what was sent before."""
        if (
            select
            or not self.selection.is_empty
            or not self.navigator.is_first_wrapped_line(self.cursor_location)
        ):
            super().action_cursor_up(select)
        elif self._history is None:
            self.post_message(self.HistoryAsked())
        else:
            self._step(1)

    def action_cursor_down(self, select: bool = False) -> None:
        """A line down; on the last one, back from what was sent before."""
        at_end = self.navigator.is_last_wrapped_line(self.cursor_location)
        if not select and self.selection.is_empty and at_end and self._history_at >= 0:
            self._step(-1)
        else:
            super().action_cursor_down(select)

    def action_cursor_page_up(self) -> None:
        """A page of a long draft, else of the conversation."""
        self._page(-1, super().action_cursor_page_up)

    def action_cursor_page_down(self) -> None:
        """The same downwards."""
        self._page(1, super().action_cursor_page_down)

    def _page(self, direction: int, own: Callable[[], None]) -> None:
        if self.wrapped_document.height > self.size.height:
            own()
        else:
            self.post_message(self.PageAsked(direction))

    # -- pastes -------------------------------------------------------------------------------------------

    async def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        # A terminal sends CR for the line ends of a paste. Tabs are the person's own; what hides is not.
        pasted = event.text.replace("\r\n", "\n").replace("\r", "\n")
        pasted = "\t".join(clean(part) for part in pasted.split("\t"))
        if result := self._replace_via_keyboard(self._pastes.fold(pasted), *self.selection):
            self.move_cursor(result.end_location)
            self.focus()

    def action_unfold_paste(self) -> None:
        """Put the folded paste at the cursor, else the nearest before it, in its place; or show it, if it is large."""
        row, column = self.cursor_location
        before = [
            (at, span)
            for at in range(row, -1, -1)
            for span in reversed(self._pastes.spans(self.document[at]))
            if at < row or span[0] <= column
        ]
        after = [(at, span) for at in range(row, self.document.line_count)
                 for span in self._pastes.spans(self.document[at])]  # fmt: skip
        if not (found := before[:1] or after[:1]):
            self.app.bell()
            return
        ((at, (first, end)),) = found
        text = self._pastes.text_of(self.document[at][first:end]) or ""
        if len(text) > UNFOLD_CHARS:
            self.post_message(self.PasteShown(text))
        elif result := super()._replace_via_keyboard(text, (at, first), (at, end)):
            self.move_cursor(result.end_location)

    def _replace_via_keyboard(self, insert: str, start: Location, end: Location) -> EditResult | None:
        return super()._replace_via_keyboard(insert, *self._around_pastes(start, end))

    def _delete_via_keyboard(self, start: Location, end: Location) -> EditResult | None:
        return super()._delete_via_keyboard(*self._around_pastes(start, end))

    def _around_pastes(self, start: Location, end: Location) -> tuple[Location, Location]:
        """The range that is edited, such that no folded paste is changed: it goes whole, or what is written in it
        stands after it. A part of it would stand for nothing."""
        if start == end:
            at = self._edge(start, last=True)
            return at, at
        first, last = sorted((start, end))
        return self._edge(first, last=False), self._edge(last, last=True)

    def _edge(self, location: Location, *, last: bool) -> Location:
        row, column = location
        for begin, end in self._pastes.spans(self.document[row]):
            if begin < column < end:
                return row, end if last else begin
        return location

    @on(TextArea.Changed)
    def _tell_the_draft(self, event: TextArea.Changed) -> None:
        event.stop()
        self._tell_token()
        text = self.text
        if text != self._known_draft:
            self._known_draft = text
            self.post_message(self.DraftChanged(self._pastes.kept(text)))

    def find_matching_bracket(self, bracket: str, search_from: Location) -> Location | None:
        """None: this is prose, and the search reads the whole draft at each key."""
        return None
