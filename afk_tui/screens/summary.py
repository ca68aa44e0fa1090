"""What stands for a conversation's older messages: read, made, edited and dropped."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static, TextArea
from textual.worker import Worker

from afk_tui.bugs import TellsBugs
from afk_tui.gateway.errors import GatewayError
from afk_tui.gateway.gateway import Gateway
from afk_tui.gateway.summaries import PinRow, SummaryView
from afk_tui.screens.confirm import ConfirmScreen
from afk_tui.screens.helped import HELP_KEY, Helped
from afk_tui.screens.lines import KeyHint, KeyLegend, Paragraph
from afk_tui.screens.summary_words import NONE_YET, context_words, pin_words, summary_words
from afk_tui.styles_folder import styles_folder
from afk_tui.telling import tell_error
from afk_tui.terminal.pacing import PaintsKeys
from afk_tui.widgets.typing_order import TextInput

MAKING = "Summarising the older messages… esc stops it, and everything stays as it is."


class SummaryScreen(PaintsKeys, TellsBugs, Helped, ModalScreen[None]):
    """The summary in effect, and those before it.

    `making`: begin by making one, as /summarise does.
    """

    CSS_PATH = styles_folder() / "summary.tcss"
    AUTO_FOCUS = "#text"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", show=False),
        Binding("s", "make", "Summarise", show=False),
        Binding("n", "make_anew", "Make anew", show=False),
        Binding("e", "edit", "Edit", show=False),
        Binding("d", "drop", "Drop", show=False),
        Binding("left_square_bracket", "version(1)", "Older", show=False),
        Binding("right_square_bracket", "version(-1)", "Newer", show=False),
        Binding("ctrl+s", "save", "Save", show=False, priority=True),
        HELP_KEY,
    ]

    def __init__(self, gateway: Gateway, thread_id: str, *, making: bool = False) -> None:
        super().__init__()
        self._gateway = gateway
        self._of_thread = thread_id
        self._begin_making = making
        self._rows: list[SummaryView] = []
        self._pins: list[PinRow] = []
        self._how_full = ""
        self._at = 0
        self._worker: Worker[None] | None = None
        self._edited: SummaryView | None = None

    def compose(self) -> ComposeResult:
        """Facts, text, pins and keys; the editor takes the text's place."""
        with Vertical(id="summary") as box:
            box.border_title = "Summary"
            yield Paragraph(id="facts")
            with VerticalScroll(id="text"):
                yield Static(id="words", markup=False)
            yield TextInput(id="editor", soft_wrap=True, show_line_numbers=False)
            yield Paragraph(id="pins")
            yield KeyLegend(id="keys")

    async def on_mount(self) -> None:
        """Read what there is; then make one, where that was asked for."""
        self.query_one("#editor", TextArea).display = False
        self._read()

    @property
    def shown(self) -> SummaryView | None:
        """The row that is looked at."""
        return self._rows[self._at] if self._at < len(self._rows) else None

    @property
    def is_making(self) -> bool:
        """Whether the model is being asked."""
        return self._worker is not None and self._worker.is_running

    @property
    def is_editing(self) -> bool:
        """Whether the text is being written."""
        return self._edited is not None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While something is being made or written, its keys are letters or nothing."""
        if action == "save":
            return self.is_editing
        if action in ("make", "make_anew", "edit", "drop", "version"):
            return not self.is_making and not self.is_editing
        return super().check_action(action, parameters)

    @work(exclusive=True, group="summary-read", exit_on_error=False)
    async def _read(self) -> None:
        try:
            self._rows = await self._gateway.summaries.history(self._of_thread)
            self._pins = await self._gateway.summaries.pins(self._of_thread)
            self._how_full = context_words(await self._gateway.summaries.context(self._of_thread))
        except GatewayError as error:
            tell_error(self, error)
        self._at = 0
        self._show()
        if self._begin_making:
            self._begin_making = False
            self.action_make()

    def _show(self) -> None:
        shown = self.shown
        making = self.is_making
        facts = [summary_words(shown, self._at, len(self._rows), self._gateway.now_ms()), self._how_full]
        self.query_one("#facts", Paragraph).say(
            MAKING if making else "\n".join(fact for fact in facts if fact), most=6
        )
        text = shown.text if shown and not shown.dropped else ("" if shown else NONE_YET)
        self.query_one("#words", Static).update(Text(text))
        self.query_one("#pins", Paragraph).say(pin_words(self._pins), most=4)
        self.query_one("#text").display = not self.is_editing
        self.query_one("#keys", KeyLegend).list_keys(self._hints())

    def _hints(self) -> list[KeyHint]:
        if self.is_making:
            return [KeyHint("esc", "stop", "stop")]
        if self.is_editing:
            return [
                KeyHint("ctrl+s", "keep this text", "keep"),
                KeyHint("esc", "leave it as it was", "leave"),
            ]
        hints = [KeyHint("s", "summarise what is older", "summarise")]
        if self._rows:
            hints.append(KeyHint("n", "make it anew from the messages", "anew"))
        if self.shown and self.shown.in_effect:
            hints += [KeyHint("e", "edit", "edit"), KeyHint("d", "drop", "drop")]
        if len(self._rows) > 1:
            hints.append(KeyHint("[ ]", "older, newer", "older, newer"))
        return [*hints, KeyHint("esc", "close", "close")]

    # acting

    def action_make(self) -> None:
        """Summarise the older messages, continuing the summary that there is."""
        self._make(anew=False)

    def action_make_anew(self) -> None:
        """Summarise from the messages alone."""
        self._make(anew=True)

    def _make(self, *, anew: bool) -> None:
        if self.is_making:
            return
        self._worker = self._run_making(anew)
        self._show()

    @work(exclusive=True, group="summary-make", exit_on_error=False)
    async def _run_making(self, anew: bool) -> None:
        try:
            await self._gateway.summaries.make(self._of_thread, anew=anew)
        except GatewayError as error:
            tell_error(self, error)
        finally:
            self._worker = None
            if self.is_attached:
                self._read()

    def action_edit(self) -> None:
        """Write the summary in effect in one's own words."""
        shown = self.shown
        if shown is None or not shown.in_effect:
            return
        self._edited = shown
        editor = self.query_one("#editor", TextArea)
        # what would deceive on a terminal is edited as the marks that stand for it
        editor.load_text(shown.text)
        editor.display = True
        editor.focus()
        self._show()

    async def action_save(self) -> None:
        """Keep what was written."""
        edited = self._edited
        text = self.query_one("#editor", TextArea).text
        if edited is None:
            return
        if not text.strip():
            self.notify("It is empty. Write something, or drop the summary with d.", markup=False)
            return
        if text != edited.text:
            try:
                await self._gateway.summaries.edit(self._of_thread, edited.summary_id, text)
            except GatewayError as error:
                tell_error(self, error)
                return
        self._end_editing()
        self._read()

    def _end_editing(self) -> None:
        self._edited = None
        self.query_one("#editor", TextArea).display = False
        self.query_one("#text").display = True
        self.query_one("#text").focus()
        self._show()

    @work(exclusive=True, group="summary-drop", exit_on_error=False)
    async def action_drop(self) -> None:
        """Send all messages again, after a question."""
        shown = self.shown
        if shown is None or not shown.in_effect:
            return
        choice = await self.app.push_screen_wait(
            ConfirmScreen(
                "Drop this summary?",
                f"The model is sent its {shown.message_count} messages again, word for word. "
                "Where that is too long for it, they are summarised anew.",
                [("d", "drop", "Drop it"), ("b", "back", "Leave it")],
            )
        )
        if choice != "drop":
            return
        try:
            await self._gateway.summaries.drop(self._of_thread, shown.summary_id)
        except GatewayError as error:
            tell_error(self, error)
        self._read()

    def action_version(self, step: int) -> None:
        """An older one, or a newer one."""
        self._at = max(0, min(self._at + step, len(self._rows) - 1))
        self._show()
        self.query_one("#text", VerticalScroll).scroll_home(animate=False)

    def action_close(self) -> None:
        """Leave the editor, stop the making, or close."""
        if self.is_editing:
            self._leave_editor()
        elif self._worker is not None and self._worker.is_running:
            self._worker.cancel()
        else:
            self.dismiss(None)

    @work(exclusive=True, group="summary-leave", exit_on_error=False)
    async def _leave_editor(self) -> None:
        edited = self._edited
        if edited is not None and self.query_one("#editor", TextArea).text != edited.text:
            choice = await self.app.push_screen_wait(
                ConfirmScreen(
                    "Throw away what you wrote?",
                    "The summary stays as it was.",
                    [("t", "throw", "Throw it away"), ("b", "back", "Back to writing")],
                )
            )
            if choice != "throw":
                return
        self._end_editing()
