"""What waits for a person, in every thread: requests for a decision, then runs that were interrupted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from afk_tui.gateway.gateway import Gateway
from afk_tui.gateway.views import ThreadRow, WaitingRow
from afk_tui.screens.approval_words import BATCH_KEYS, decision_keys
from afk_tui.screens.deafness import Clock, Deafness, key_time
from afk_tui.screens.helped import HELP_KEY, Helped
from afk_tui.styles_folder import styles_folder
from afk_tui.terminal.pacing import PaintsKeys
from afk_tui.widgets.key_hints import Hint, frame_hints
from afk_tui.widgets.paged_list import PagedList
from afk_tui.widgets.status_line import shorten_middle
from afk_tui.widgets.thread_list import age

EMPTY = "Nothing waits for you.\nWhat needs your yes, in whatever thread, will stand here."
# by the kind of the row under the cursor: a call, a call of unknown outcome, a run; then the same for a narrow screen
OPENS, GOES, CLOSES = ("enter", "open"), ("enter", "go there"), ("esc", "close")
# a click opens what one then answers: an answer is never one click away
KEYS: dict[str, tuple[Hint, ...]] = {
    "call": (OPENS, ("", "a t w e d r p answer"), ("", "D deny all"), CLOSES),
    "uncertain": (OPENS, ("", "g h s answer"), CLOSES),
    "run": (GOES, CLOSES),
    "": (CLOSES,),
}
SHORT_KEYS: dict[str, tuple[Hint, ...]] = {
    "call": (("enter", ""), ("", "a e d r p"), ("", "D"), ("esc", "")),
    "uncertain": (("enter", ""), ("", "g h s"), ("esc", "")),
    "run": (("enter", ""), ("esc", "")),
    "": (("esc", ""),),
}


@dataclass(frozen=True, slots=True)
class Chosen:
    """What was chosen. `key`: the id of a request, or "thread:<id>" for an interrupted run; `pressed`: the key that
    answers the request, or begins to, or "" where it is only opened."""

    key: str
    pressed: str = ""


class WaitingSource:
    """Both kinds of rows, read at `count`: there are as many as a person left open, not as many as threads."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._rows: list[WaitingRow | ThreadRow] = []

    async def count(self) -> int:
        """Read, and say how many there are."""
        requests = await self._gateway.waiting()
        runs = [row for row in await self._gateway.waiting_runs() if row.state == "interrupted"]
        self._rows = [*requests, *runs]
        return len(self._rows)

    async def page(self, offset: int, limit: int) -> Sequence[WaitingRow | ThreadRow]:
        """Some of what `count` read."""
        return self._rows[offset : offset + limit]


class _WaitingList(PagedList[WaitingRow | ThreadRow]):
    COMPONENT_CLASSES: ClassVar[set[str]] = {"inbox--request", "inbox--run", "inbox--unknown", "inbox--muted"}

    def __init__(self, gateway: Gateway) -> None:
        super().__init__(WaitingSource(gateway), row_height=2, empty_text=EMPTY, id="waiting")
        self._gateway = gateway

    def row_key(self, row: WaitingRow | ThreadRow) -> str:
        """What the screen answers with."""
        return row.approval_id if isinstance(row, WaitingRow) else f"thread:{row.thread_id}"

    def render_row(self, row: WaitingRow | ThreadRow, width: int, selected: bool) -> Text:
        """What waits; below it where, since when, and why that is special."""
        if isinstance(row, WaitingRow):
            unknown = row.kind == "uncertain"
            sign, kind = ("?", "unknown") if unknown else ("◆", "request")
            title, since_ms, said = row.title, row.requested_at_ms, "outcome unknown" if unknown else ""
            where = row.thread_title
        else:
            sign, kind, title, since_ms = "■", "run", row.title, row.updated_at_ms
            said, where = "interrupted", ""
        facts = [said, age(since_ms, self._gateway.now_ms()), where]
        if row.workspace != self._gateway.workspace:
            facts.append(shorten_middle(row.workspace, max(12, width // 3)))
        # on the cursor the row's own colours hold: two foregrounds would be one too many on its background
        colour = "" if selected else self.get_component_rich_style(f"inbox--{kind}", partial=True)
        muted = "" if selected else self.get_component_rich_style("inbox--muted", partial=True)
        text = Text(no_wrap=True)
        text.append(f" {sign} ", colour).append(title)
        text.append("\n   ")
        rest = [fact for fact in facts if fact]
        if said:
            text.append(rest.pop(0), colour).append(" · ", muted)
        return text.append(" · ".join(rest), muted)


class InboxScreen(PaintsKeys, Helped, ModalScreen[Chosen | None]):
    """Dismisses with what was chosen, or None.

    The keys that answer a request stand for the same here, for the one under the cursor; like there they count only
    after half a second without any key. What they do, and what must have been seen before, is the approval's to say.
    """

    CSS_PATH = styles_folder() / "inbox.tcss"
    AUTO_FOCUS = "#waiting"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Close", show=False),
        Binding("f4", "dismiss(None)", "Close", show=False, id="approvals"),
        HELP_KEY,
    ]

    def __init__(self, gateway: Gateway, *, clock: Clock = key_time) -> None:
        super().__init__()
        self._gateway = gateway
        self._deafness = Deafness(clock)
        self._under_cursor = ""

    def compose(self) -> ComposeResult:
        """The list."""
        with Vertical(id="inbox") as box:
            box.border_title = "Waiting for you"
            yield _WaitingList(self._gateway)

    def on_mount(self) -> None:
        """What is typed on the way here, or back to this window, answers nothing."""
        self.watch(self.app, "app_focus", self._deafen)

    def _deafen(self) -> None:
        self._deafness.deafen()
        self.call_after_refresh(self._deafness.begin)

    @property
    def is_ready(self) -> bool:
        """Whether an answer pressed now would be heard."""
        return self._deafness.is_over

    def on_resize(self) -> None:
        """As many keys as there is room for."""
        self._list_keys()

    def on_paged_list_row_highlighted(self, message: PagedList.RowHighlighted) -> None:
        """Another row, perhaps because this one was decided elsewhere: what was meant for that one answers nothing."""
        message.stop()
        self._under_cursor = message.row.approval_id if isinstance(message.row, WaitingRow) else ""
        self._deafen()
        self._list_keys()

    def _list_keys(self) -> None:
        row = self.query_one(_WaitingList).highlighted
        kind = row.kind if isinstance(row, WaitingRow) else "run" if row is not None else ""
        whole, short = frame_hints(*KEYS[kind]), frame_hints(*SHORT_KEYS[kind])
        self.query_one("#inbox").border_subtitle = whole if self.size.width > whole.cell_length + 6 else short

    def on_key(self, event: events.Key) -> None:
        """An answer to the request under the cursor, or to all."""
        key = event.character if event.character in BATCH_KEYS else event.key
        heard = self._deafness.hears(event)
        row = self.query_one(_WaitingList).highlighted
        if isinstance(row, WaitingRow) and key in decision_keys(row) | BATCH_KEYS:
            event.stop()
            event.prevent_default()
            # the list may have another row there already, of which this screen, or the person, was not told yet
            if heard and row.approval_id == self._under_cursor:
                self.dismiss(Chosen(row.approval_id, key))
        else:
            self._deafness.mistaken(event)

    async def reload(self) -> None:
        """Read again what waits; the cursor stays on its row. Does nothing before the list is there, or once the screen
        was left, which may be meanwhile."""
        for waiting in self.query(_WaitingList):
            await waiting.reload()
        if self.query(_WaitingList):
            self._list_keys()

    def on_paged_list_row_chosen(self, message: PagedList.RowChosen) -> None:
        """Answer with the row chosen."""
        message.stop()
        self.dismiss(Chosen(message.key))
