"""Finding a thread or a message, as one types."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widgets import Input, Static

from afk_tui.bugs import TellsBugs
from afk_tui.gateway.errors import GatewayError
from afk_tui.gateway.finding import Hit, Hits
from afk_tui.gateway.gateway import Gateway
from afk_tui.keys import key_of, written
from afk_tui.screens.words import count, when
from afk_tui.styles_folder import styles_folder
from afk_tui.terminal.pacing import PaintsKeys
from afk_tui.widgets.key_hints import frame_hints
from afk_tui.widgets.paged_list import PagedList
from afk_tui.widgets.typing_order import LineInput

SETTLE_S = 0.15
MOST = 200
# hits that fill a screen
ENOUGH = 25
ROLES = {"thread": "thread", "user": "you", "assistant": "model", "tool": "result"}
BEGIN = "Type a part of a title or of a message."


class FindScreen(PaintsKeys, TellsBugs, ModalScreen[tuple[str, int | None] | None]):
    """Dismisses with (thread id, place of the message, None for a title), or None.

    Enter chooses only among hits for what stands in the field: pressed sooner, it searches at once.
    """

    CSS_PATH = styles_folder() / "find.tcss"
    AUTO_FOCUS = "#text"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Close", show=False),
        Binding("f3", "dismiss(None)", "Close", show=False, id="find"),
        Binding("f7", "everywhere", "Everywhere", show=False, id="all_threads"),
        Binding("up", "list('move', -1)", "Up", show=False),
        Binding("down", "list('move', 1)", "Down", show=False),
        Binding("pageup", "list('move_page', -1)", "Page up", show=False),
        Binding("pagedown", "list('move_page', 1)", "Page down", show=False),
    ]

    def __init__(self, gateway: Gateway, everywhere: bool) -> None:
        super().__init__()
        self._gateway = gateway
        self._everywhere = everywhere
        self._settling: Timer | None = None
        # the text, and whether everywhere, that the hits shown were found for
        self.found_for: tuple[str, bool] | None = None
        # hits that are shown of a search that goes on; MOST: none goes on
        self._arrived = MOST

    @property
    def _widen_key(self) -> str:
        return key_of(self.app, "all_threads")

    def compose(self) -> ComposeResult:
        """The field, the hits, what is known of them."""
        with Vertical(id="find") as box:
            box.border_title = "Find"
            yield LineInput(id="text", placeholder=BEGIN, max_length=500, compact=True)
            yield _HitList(self._gateway, id="hits")
            yield Static(id="known")

    def on_mount(self) -> None:
        """Say where is looked."""
        self._show_place()

    @property
    def _hits(self) -> _HitList:
        return self.query_one(_HitList)

    @property
    def _wanted(self) -> tuple[str, bool]:
        return self.query_one("#text", Input).value, self._everywhere

    @on(Input.Changed)
    def search_when_settled(self) -> None:
        """Search once the typing pauses."""
        if self._settling:
            self._settling.stop()
        self._settling = self.set_timer(SETTLE_S, self._search)

    @on(Input.Submitted)
    def choose(self) -> None:
        """Take the hit under the cursor, if it is one of what is asked for now."""
        if self._wanted == self.found_for:
            self._hits.action_choose()
        else:
            self._search()

    @on(PagedList.RowChosen)
    def leave_with(self, message: PagedList.RowChosen) -> None:
        """Go to the hit."""
        hit: Hit = message.row
        self.dismiss((hit.thread_id, hit.seq))

    def action_everywhere(self) -> None:
        """All folders, or this one."""
        self._everywhere = not self._everywhere
        self._show_place()
        self._search()

    def action_list(self, action: str, amount: int) -> None:
        """The keys of the list work from the field."""
        hits = self._hits
        if action == "move":
            hits.action_move(amount)
        else:
            hits.action_move_page(amount)

    def _search(self) -> None:
        if self._settling:
            self._settling.stop()
        if self._wanted[0].strip():
            self._say("Searching…")
        self.run_worker(partial(self._find, *self._wanted), group="find", exclusive=True, exit_on_error=False)

    async def _find(self, text: str, everywhere: bool) -> None:
        self._arrived = 0
        try:
            found = await self._gateway.find(
                text, everywhere=everywhere, limit=MOST, so_far=partial(self._show_first, text)
            )
        except GatewayError as error:
            self._say(str(error), is_error=True)
            return
        finally:
            self._arrived = MOST
        if text.strip():
            self._hits.empty_text = (
                "Nothing found."
                if everywhere
                else f"Nothing found here. {written(self._widen_key)} looks in every folder."
            )
        else:
            self._hits.empty_text = ""
        await self._show(found)
        self.found_for = (text, everywhere)
        if not text.strip():
            self._say("")
        elif found.more:
            self._say(f"The first {len(found.hits)} hits; there are more: type more to find fewer.")
        elif found.by_words:
            self._say(f"{count(len(found.hits), 'hit')} with all of these words; nowhere as it stands.")
        else:
            self._say(count(len(found.hits), "hit"))

    def _show_first(self, text: str, found: Hits) -> None:
        """Hits as they come, until they fill a screen: what is being read does not move any more."""
        if self._arrived < ENOUGH and self._wanted[0] == text:
            self._arrived = len(found.hits)
            self.call_later(self._show_arrived, found, text)

    async def _show_arrived(self, found: Hits, text: str) -> None:
        if self._arrived < MOST and self._wanted[0] == text:
            await self._show(found)

    async def _show(self, found: Hits) -> None:
        hits = self._hits
        chosen = hits.highlighted if hits.cursor else None
        hits.set_class(not found.hits, "-empty")
        await hits.set_source(_Hits(found.hits), select_key=hits.row_key(chosen) if chosen else None)

    def _say(self, text: str, *, is_error: bool = False) -> None:
        known = self.query_one("#known", Static)
        known.update(Content(text))
        known.set_class(is_error, "-error")

    def _show_place(self) -> None:
        box = self.query_one("#find")
        box.border_title = "Find in every folder" if self._everywhere else "Find in this folder"
        box.border_subtitle = frame_hints(
            (self._widen_key, "this folder" if self._everywhere else "every folder"), ("esc", "close")
        )


class _Hits:
    """Rows that are all there."""

    def __init__(self, hits: Sequence[Hit]) -> None:
        self._hits = hits

    async def count(self) -> int:
        return len(self._hits)

    async def page(self, offset: int, limit: int) -> Sequence[Hit]:
        return self._hits[offset : offset + limit]


class _HitList(PagedList[Hit], can_focus=False):
    COMPONENT_CLASSES: ClassVar[set[str]] = {"hit--muted", "hit--match"}

    def __init__(self, gateway: Gateway, *, id: str) -> None:
        super().__init__(_Hits(()), row_height=2, empty_text="", id=id)
        self._now_ms = gateway.now_ms

    def row_key(self, row: Hit) -> str:
        return f"{row.thread_id} {row.seq}"

    def render_row(self, row: Hit, width: int, selected: bool) -> Text:
        width = min(width, self.scrollable_content_region.width)
        muted = "" if selected else self.get_component_rich_style("hit--muted")
        match = "underline" if selected else self.get_component_rich_style("hit--match")
        time = when(row.at_ms, self._now_ms())
        is_title = row.role == "thread"
        head = Text(" ")
        head.append_text(_excerpt(row, width - 3 - len(time), match) if is_title else Text(row.title))
        head.stylize("bold")
        if row.archived:
            head.append(" · archived", muted)
        if width >= 30:
            head.truncate(width - 2 - len(time), overflow="ellipsis", pad=True)
            head.append(f" {time}", muted)
        below = Text(f" {ROLES[row.role]}", muted)
        if not is_title:
            below.append(": ", muted)
            below.append_text(_excerpt(row, width - below.cell_len - 1, match))
        for line in (head, below):
            line.truncate(width, overflow="ellipsis")
        return Text("\n").join([head, below])


def _excerpt(hit: Hit, room: int, match: str | Style) -> Text:
    """The excerpt with its match marked, cut in front so that the match is within `room` cells."""
    first = 0
    while first < hit.start and cell_len(hit.excerpt[first : hit.end]) > max(8, room - 2):
        first = min(hit.start, first + 8)
    text = Text(f"…{hit.excerpt[first:]}" if first else hit.excerpt)
    shift = 1 - first if first else 0
    for start, end in hit.marks:
        if start >= first:
            text.stylize(match, start + shift, end + shift)
    return text
