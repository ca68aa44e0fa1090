"""What waits for a person, in every thread: requests for a decision, then runs that were interrupted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from afk_tui.gateway.gateway import Gateway
from afk_tui.gateway.views import ThreadRow, WaitingRow
from afk_tui.screens.help import HelpScreen
from afk_tui.styles_folder import styles_folder
from afk_tui.widgets.paged_list import PagedList
from afk_tui.widgets.status_line import shorten_middle
from afk_tui.widgets.thread_list import age

EMPTY = "Nothing waits for you."


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


class InboxScreen(ModalScreen[str | None]):
    """Dismisses with the id of a request, "thread:<id>" for an interrupted run, or None."""

    CSS_PATH = styles_folder() / "inbox.tcss"
    AUTO_FOCUS = "#waiting"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Close", show=False),
        Binding("f4", "dismiss(None)", "Close", show=False, id="approvals"),
        Binding("f1", "help", "Help", show=False, id="help"),
    ]

    def __init__(self, gateway: Gateway) -> None:
        super().__init__()
        self._gateway = gateway

    def compose(self) -> ComposeResult:
        """The list."""
        with Vertical(id="inbox") as box:
            box.border_title = "Waiting for you"
            box.border_subtitle = "enter open · esc close"
            yield _WaitingList(self._gateway)

    async def reload(self) -> None:
        """Read again what waits; the cursor stays on its row."""
        await self.query_one(_WaitingList).reload()

    def on_paged_list_row_chosen(self, message: PagedList.RowChosen) -> None:
        """Answer with the row chosen."""
        message.stop()
        self.dismiss(message.key)

    def action_help(self) -> None:
        """Show every key."""
        self.app.push_screen(HelpScreen())
