"""The list of threads: a title, how its last run stands, and when it was touched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.message import Message

from afk_tui.widgets.paged_list import PagedList

if TYPE_CHECKING:
    from afk_tui.gateway.views import ThreadRow

# a sign and a word: no meaning hangs on colour alone
STATES = {
    "running": ("●", "running"),
    "awaiting_approval": ("◆", "waiting"),
    "interrupted": ("■", "interrupted"),
    "cancelled": ("■", "cancelled"),
    "completed": ("✓", "done"),
    "failed": ("✗", "failed"),
    "degraded": ("!", "problems"),
}


def age(since_ms: int, now_ms: int) -> str:
    """How long ago, in one unit: "now", "4m", "3h", "12d"."""
    seconds = max(0, now_ms - since_ms) // 1000
    if seconds < 60:
        return "now"
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return "now"


class ThreadList(PagedList["ThreadRow"]):
    """Threads over pages of the store, two lines each. `now_ms` gives the time that ages are counted to."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("delete", "ask_deletion", "Delete", show=False),
        Binding("p", "ask('pin')", "Pin", show=False),
        Binding("a", "ask('archive')", "Archive", show=False),
        Binding("r", "ask('rename')", "Rename", show=False),
        Binding("f", "screen.filter_threads", "Filter", show=False),
    ]
    Change = Literal["rename", "pin", "archive"]

    def __init__(self, now_ms: Callable[[], int], *, id: str | None = None) -> None:
        super().__init__(
            row_height=2,
            empty_text="No threads here yet.\nWrite a message and press enter.",
            id=id,
        )
        self._now_ms = now_ms
        self.show_workspaces = False
        self._open_key: str | None = None

    def show_open(self, key: str | None) -> None:
        """This thread is the one that is shown beside the list: it is not new to anybody."""
        self._open_key = key
        self.refresh()

    @dataclass
    class DeletionAsked(Message):
        """The thread under the cursor is to be deleted."""

        row: ThreadRow

    @dataclass
    class ChangeAsked(Message):
        """Something is to be done to the thread under the cursor."""

        what: ThreadList.Change
        row: ThreadRow

    def action_ask(self, what: ThreadList.Change) -> None:
        """Ask for it, if there is one."""
        if self.highlighted is not None:
            self.post_message(self.ChangeAsked(what, self.highlighted))

    def action_ask_deletion(self) -> None:
        """Ask for it, if there is one."""
        if self.highlighted is not None:
            self.post_message(self.DeletionAsked(self.highlighted))

    def row_key(self, row: ThreadRow) -> str:
        """Threads are told apart by their ids."""
        return row.thread_id

    def render_row(self, row: ThreadRow, width: int, selected: bool) -> Text:
        """Title, a dot before it where it is new; then state, pending count, age, and what else is known of it."""
        is_new = row.unread and row.thread_id != self._open_key
        sign, word = STATES.get(row.state, ("○", row.state))
        if row.pending:
            sign, word = "◆", f"{row.pending} waiting"
        room = max(1, width - 2)
        mark = "•" if is_new else "↑" if row.pinned else " "
        title = Text(f"{mark}{row.title}", style="bold" if is_new else "", overflow="ellipsis", no_wrap=True)
        title.truncate(room + 1, overflow="ellipsis")
        parts = [f"{sign} {word}", age(row.updated_at_ms, self._now_ms())]
        parts += [
            said
            for said, holds in (("new", is_new), ("pinned", row.pinned), ("archived", row.archived))
            if holds
        ]
        if self.show_workspaces:
            parts.append(row.workspace.rsplit("/", 1)[-1] or row.workspace)
        below = Text(f" {' · '.join(parts)}", style="bold" if row.pending else "dim", no_wrap=True)
        below.truncate(room + 1, overflow="ellipsis")
        return Text("\n").join([title, below])
