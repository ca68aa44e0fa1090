"""A long result, whole: opened where it begins, however long it is."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from afk_tui.bugs import TellsBugs
from afk_tui.gateway.clean import clean_line
from afk_tui.gateway.errors import GatewayError
from afk_tui.gateway.outputs import LongResults, OutputHit, OutputPieces, matches_in
from afk_tui.gateway.outputs import OutputView as Result
from afk_tui.screens.helped import HELP_KEY, Helped, all_keys_hint
from afk_tui.screens.words import count, size
from afk_tui.styles_folder import styles_folder
from afk_tui.terminal.pacing import PaintsKeys
from afk_tui.widgets.key_hints import KeyHints
from afk_tui.widgets.output_view import OutputView
from afk_tui.widgets.typing_order import LineInput

# what is found is shown so far below the top
ROWS_ABOVE = 3


class OutputScreen(PaintsKeys, TellsBugs, Helped, ModalScreen[None]):
    """The whole results of a thread, one at a time: first the one that is named, else the last.

    / or ctrl+f searches, n and N go to the next match and the one before, g to a line, [ and ] to another result.
    """

    CSS_PATH = styles_folder() / "output.tcss"
    AUTO_FOCUS = "#text"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", show=False),
        HELP_KEY,
        Binding("q", "dismiss", "Close", show=False),
        Binding("slash,ctrl+f", "ask('search')", "Search", show=False),
        Binding("g", "ask('line')", "Go to a line", show=False),
        Binding("n", "look_on(False)", "Next match", show=False),
        Binding("N", "look_on(True)", "Match before", show=False),
        Binding("c", "copy_shown", "Copy what is shown", show=False),
        Binding("C", "copy_all", "Copy all", show=False),
        Binding("left_square_bracket", "another(-1)", "Result before", show=False),
        Binding("right_square_bracket", "another(1)", "Next result", show=False),
    ]

    def __init__(self, results: LongResults, thread_id: str, sha: str | None = None) -> None:
        super().__init__()
        self._results = results
        self._of_thread = thread_id
        self._wanted_sha = sha
        self._all: list[Result] = []
        self._at = 0
        self._pieces: OutputPieces | None = None
        self._searched = ""
        self._hit: OutputHit | None = None
        self._asks = ""

    def compose(self) -> ComposeResult:
        """What it is, the text, the line to type in, the keys."""
        with Horizontal(id="head"):
            yield Static(id="title")
            yield Static(id="size")
        yield OutputView(id="text")
        with Horizontal(id="ask"):
            yield Static(id="asked")
            yield LineInput(id="typed", max_length=500, compact=True)
        yield Static(id="said")
        yield KeyHints(more=all_keys_hint(self.app), presses=True, id="hints")

    def on_mount(self) -> None:
        """Open the result that is wanted."""
        self._view.marked = lambda text: matches_in(text, self._searched)
        self._work(self._open())

    @property
    def _view(self) -> OutputView:
        return self.query_one("#text", OutputView)

    @property
    def _result(self) -> Result | None:
        return self._all[self._at] if self._all else None

    def _work(self, what: Coroutine[Any, Any, None]) -> None:
        self.run_worker(self._told(what), group="output", exclusive=True, exit_on_error=False)

    async def _told(self, what: Coroutine[Any, Any, None]) -> None:
        try:
            await what
        except GatewayError as error:
            self._say(str(error), is_error=True)

    async def _open(self) -> None:
        self._all = await self._results.of_thread(self._of_thread)
        if not self._all:
            self._say("No result of this thread is longer than the model was shown. Press escape.")
            return
        wanted = (n for n, result in enumerate(self._all) if result.sha == self._wanted_sha)
        await self._show(next(wanted, len(self._all) - 1))

    async def _show(self, number: int) -> None:
        self._at, self._hit = number, None
        result = self._all[number]
        self._pieces = self._results.pieces(result)
        of = f"  {number + 1} of {len(self._all)}" if len(self._all) > 1 else ""
        self.query_one("#title", Static).update(
            Content.assemble(("Whole result", "bold $text-primary"), f"{of}  {result.title}")
        )
        self._say("")
        await self._view.show(self._pieces)
        hints = [
            ("esc", "close"),
            ("/", "search"),
            ("n N", "next, before"),
            ("g", "line"),
            ("home end", "ends"),
            ("c", "copy what is shown"),
            ("C", "copy all"),
        ]
        if len(self._all) > 1:
            hints.insert(1, ("[ ]", "other results"))
        self.query_one(KeyHints).hints = tuple(hints)

    @on(OutputView.Moved)
    def tell_place(self, event: OutputView.Moved) -> None:
        """Which lines are on the screen."""
        if (result := self._result) is not None:
            lines = f"{event.first:,}" if event.first == event.last else f"{event.first:,}–{event.last:,}"
            text = f"{lines} of {count(result.lines, 'line')} · {size(result.size_bytes)}"
            self.query_one("#size", Static).update(Content(text))

    @on(OutputView.PlaceAsked)
    def go_to_place(self, event: OutputView.PlaceAsked) -> None:
        """Where the bar was clicked."""
        if self._pieces is not None:
            self._work(self._go_to_place(self._pieces, event.offset))

    async def _go_to_place(self, pieces: OutputPieces, offset: int) -> None:
        await self._view.go_to(await pieces.piece_at(offset))

    @on(OutputView.ReadFailed)
    def tell_failure(self, event: OutputView.ReadFailed) -> None:
        """What is damaged is told, and what was read stays."""
        self._say(str(event.error), is_error=True)

    # asking

    def action_ask(self, what: str) -> None:
        """Have the text to look for, or a line's number, typed."""
        if self._pieces is None:
            return
        self._asks = what
        self.query_one("#asked", Static).update("/" if what == "search" else "line")
        self.query_one("#ask").add_class("-open")
        typed = self.query_one("#typed", Input)
        typed.value = self._searched if what == "search" else ""
        typed.select_all()
        typed.focus()

    def action_close(self) -> None:
        """Close the topmost thing."""
        if self._asks:
            self._stop_asking()
        else:
            self.dismiss()

    def _stop_asking(self) -> None:
        self._asks = ""
        self.query_one("#ask").remove_class("-open")
        self._view.focus()

    @on(Input.Submitted)
    def take_typed(self, event: Input.Submitted) -> None:
        """Look for it, or go there."""
        asked = self._asks
        self._stop_asking()
        if asked == "search":
            self._searched, self._hit = event.value, None
            self._view.refresh()
            self._say("")
            if event.value:
                self._look(self._view.top_offset)
        elif (number := event.value.replace(",", "").strip()).isdecimal():
            assert self._pieces is not None
            self._work(self._go_to_line(self._pieces, int(number)))
        elif number:
            self._say(f"{event.value.strip()} is no line's number.", is_error=True)

    async def _go_to_line(self, pieces: OutputPieces, number: int) -> None:
        await self._view.go_to(await pieces.line(number))
        if number > pieces.lines:
            self._say(f"There is no line {number:,}; the last one is {pieces.lines:,}.", is_error=True)
        else:
            self._say(f"line {max(1, number):,}")

    # searching

    def action_look_on(self, backwards: bool) -> None:
        """The next match, or the one before; from what is on the screen, where the last one is not."""
        if not self._searched:
            self.action_ask("search")
            return
        hit = self._hit
        if hit is None or self._view.found_offset != hit.piece:
            self._look(self._view.top_offset, backwards=backwards)
        else:
            self._look(hit.offset if backwards else hit.offset + 1, backwards=backwards)

    def _look(self, offset: int, *, backwards: bool = False) -> None:
        if self._pieces is not None:
            self._say("Searching…")
            self._work(self._find(self._pieces, offset, backwards))

    async def _find(self, pieces: OutputPieces, offset: int, backwards: bool) -> None:
        wanted, around = self._searched, ""
        hit = await pieces.find(wanted, offset, backwards=backwards)
        if hit is None:
            around = " · from the end on" if backwards else " · from the start on"
            hit = await pieces.find(wanted, pieces.chars if backwards else 0, backwards=backwards)
        if hit is None:
            self._say(f"Nothing here holds “{clean_line(wanted)}”.", is_error=True)
            return
        self._hit = hit
        await self._view.go_to(hit.piece, found_at=hit.start, rows_above=ROWS_ABOVE)
        self._say(f"“{clean_line(wanted)}” · line {hit.line:,}{around}")

    # copying, and others

    def action_copy_shown(self) -> None:
        """Copy the lines on the screen."""
        self.app.copy_to_clipboard(self._view.shown_text())
        self._say("Copied what is shown.")

    def action_copy_all(self) -> None:
        """Copy the whole result."""
        if self._pieces is not None:
            self._work(self._copy_all(self._pieces))

    async def _copy_all(self, pieces: OutputPieces) -> None:
        text = await pieces.copy()
        if text is None:
            self._say(
                "That is too much for a clipboard. afk-tui export --format json writes it whole.",
                is_error=True,
            )
            return
        self.app.copy_to_clipboard(text)
        self._say(f"Copied all: {count(len(text), 'character')}.")

    def action_another(self, step: int) -> None:
        """Another long result of the thread."""
        if 0 <= self._at + step < len(self._all):
            self._work(self._show(self._at + step))

    def _say(self, text: str, *, is_error: bool = False) -> None:
        said = self.query_one("#said", Static)
        said.update(Content(text))
        said.set_class(is_error, "-error")
