"""What is always allowed, and taking it back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from afk_tui.bugs import TellsBugs
from afk_tui.gateway.errors import GatewayError
from afk_tui.gateway.gateway import Gateway
from afk_tui.gateway.grants import GrantRow
from afk_tui.screens.confirm import ConfirmScreen
from afk_tui.screens.helped import HELP_KEY, Helped
from afk_tui.styles_folder import styles_folder
from afk_tui.telling import tell_error
from afk_tui.terminal.pacing import PaintsKeys
from afk_tui.widgets.key_hints import frame_hints
from afk_tui.widgets.paged_list import PagedList
from afk_tui.widgets.status_line import shorten_middle
from afk_tui.widgets.thread_list import age

EMPTY = "Nothing is always allowed. On a request, t or w remembers a yes."


class GrantSource:
    """Read at `count`: there are as many as a person gave."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._rows: list[GrantRow] = []

    async def count(self) -> int:
        """Read, and say how many there are."""
        self._rows = await self._gateway.grants()
        return len(self._rows)

    async def page(self, offset: int, limit: int) -> Sequence[GrantRow]:
        """Some of what `count` read."""
        return self._rows[offset : offset + limit]


class _GrantList(PagedList[GrantRow]):
    COMPONENT_CLASSES: ClassVar[set[str]] = {"grants--tool", "grants--muted"}

    def __init__(self, gateway: Gateway) -> None:
        super().__init__(GrantSource(gateway), row_height=2, empty_text=EMPTY, id="list")
        self._gateway = gateway

    def row_key(self, row: GrantRow) -> str:
        """Its id."""
        return row.grant_id

    def render_row(self, row: GrantRow, width: int, selected: bool) -> Text:
        """The tool and what is covered; below it where, since when, and who said so."""
        # on the cursor the row's own colours hold: two foregrounds would be one too many on its background
        tool = "" if selected else self.get_component_rich_style("grants--tool", partial=True)
        muted = "" if selected else self.get_component_rich_style("grants--muted", partial=True)
        text = Text(no_wrap=True)
        text.append(f" {row.tool_name}", tool).append(f"  {row.covers}")
        return text.append("\n   ").append(facts_of(row, width, self._gateway.now_ms()), muted)


def facts_of(row: GrantRow, width: int, now_ms: int) -> str:
    """Where it holds, since when, and by which decision."""
    folder = shorten_middle(row.workspace, max(12, width // 3))
    where = f"in the thread “{row.thread_title}”" if row.scope == "thread" else f"everywhere in {folder}"
    passed = age(row.since_ms, now_ms)
    since = "just now" if passed == "now" else f"for {passed}"
    by = f"by {row.decided_by}, about {row.title}" if row.decided_by else ""
    return " · ".join(fact for fact in (where, since, by) if fact)


class GrantsScreen(PaintsKeys, TellsBugs, Helped, ModalScreen[None]):
    """Every standing grant. `x` or delete takes the one under the cursor back, after a question."""

    CSS_PATH = styles_folder() / "grants.tcss"
    AUTO_FOCUS = "#list"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Close", show=False),
        Binding("x,delete", "revoke", "Take back", show=False),
        HELP_KEY,
    ]

    def __init__(self, gateway: Gateway) -> None:
        super().__init__()
        self._gateway = gateway

    def compose(self) -> ComposeResult:
        """The list."""
        with Vertical(id="grants") as box:
            box.border_title = "Always allowed"
            box.border_subtitle = frame_hints(("x", "take it back"), ("esc", "close"))
            yield _GrantList(self._gateway)

    async def reload(self) -> None:
        """Read again what stands; the cursor stays on its row."""
        await self.query_one(_GrantList).reload()

    @work(exclusive=True, group="revoke", exit_on_error=False)
    async def action_revoke(self) -> None:
        """Take the grant under the cursor back."""
        row = self.query_one(_GrantList).highlighted
        if row is None:
            return
        choice = await self.app.push_screen_wait(
            ConfirmScreen(
                "Take this grant back?",
                f"{row.tool_name}: {row.covers}\n{facts_of(row, 120, self._gateway.now_ms())}\n"
                "From then on such calls ask again. What ran stays as it is.",
                [("r", "revoke", "Take it back"), ("b", "back", "Leave it")],
            )
        )
        if choice != "revoke":
            return
        try:
            await self._gateway.revoke_grant(row.grant_id)
        except GatewayError as error:
            tell_error(self, error)
        await self.reload()
