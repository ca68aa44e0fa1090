"""The list of threads: a title, how its last run stands, and when it was touched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.message import Message

from afk_tui.gateway.views import ThreadRow
from afk_tui.widgets.paged_list import PagedList

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


class ThreadList(PagedList[ThreadRow]):
    """Threads over pages of the store, two lines each. `now_ms` gives the time that ages are counted to."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("delete", "ask_deletion", "Delete", show=False)]

    def __init__(self, now_ms: Callable[[], int], *, id: str | None = None) -> None:
        super().__init__(
            row_height=2,
            empty_text="No threads here yet.\nWrite a message and press enter.",
            id=id,
        )
        self._now_ms = now_ms
        self.show_workspaces = False

    @dataclass
    class DeletionAsked(Message):
        """The thread under the cursor is to be deleted."""

        row: ThreadRow

    def action_ask_deletion(self) -> None:
        """Ask for it, if there is one."""
        if self.highlighted is not None:
            self.post_message(self.DeletionAsked(self.highlighted))

    def row_key(self, row: ThreadRow) -> str:
        """Threads are told apart by their ids."""
        return row.thread_id

    def render_row(self, row: ThreadRow, width: int, selected: bool) -> Text:
        """Title; then state, pending count, age."""
        sign, word = STATES.get(row.state, ("○", row.state))
        if row.pending:
            sign, word = "◆", f"{row.pending} waiting"
        room = max(1, width - 2)
        title = Text(f" {row.title}", overflow="ellipsis", no_wrap=True)
        title.truncate(room + 1, overflow="ellipsis")
        parts = [f"{sign} {word}", age(row.updated_at_ms, self._now_ms())]
        if self.show_workspaces:
            parts.append(row.workspace.rsplit("/", 1)[-1] or row.workspace)
        below = Text(f" {' · '.join(parts)}", style="bold" if row.pending else "dim", no_wrap=True)
        below.truncate(room + 1, overflow="ellipsis")
        return Text("\n").join([title, below])
