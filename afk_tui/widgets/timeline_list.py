"""What happened in a thread, a line each: a rail of marks, runs as headings, what a subagent did under its call."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType

from afk_tui.gateway.views import TimelineMark, TimelineRow
from afk_tui.widgets.paged_list import PagedList
from afk_tui.widgets.row_pages import Source
from afk_tui.widgets.thread_list import age

MARKS: dict[TimelineMark, str] = {
    "run": "━",
    "asked": "❯",
    "wants": "○",
    "waiting": "◆",
    "handed": "↳",
    "ran": "✓",
    "failed": "✗",
    "denied": "⊘",
    "answered": "↩",
    "unknown": "?",
    "interrupted": "■",
    "said": "●",
    "forked": "↳",
    "summary": "≡",
}
RUN_STATES = {
    "running": "running",
    "awaiting_approval": "waits for a decision",
    "interrupted": "interrupted",
    "cancelled": "cancelled",
    "completed": "done",
    "failed": "failed",
    "degraded": "done, with problems",
}
STRONG: frozenset[TimelineMark] = frozenset({"asked", "said", "waiting", "forked"})
# below this there is no room for the step beside the age
ROOMY = 44
RUN_ID_CHARS = 6


def short_id(run_id: str) -> str:
    """Enough of a run's id to tell it from the others of its thread."""
    return run_id.removeprefix("run_")[:RUN_ID_CHARS]


def ago(at_ms: int, now_ms: int) -> str:
    """ "now", "4m ago"."""
    passed = age(at_ms, now_ms)
    return passed if passed == "now" else f"{passed} ago"


class TimelineList(PagedList[TimelineRow]):
    """A click moves the cursor, a second one chooses as enter does."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("g", "choose", "Show in the conversation", show=False),
        Binding("[", "to_run(-1)", "The run above", show=False),
        Binding("]", "to_run(1)", "The run below", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "timeline--rail",
        "timeline--muted",
        "timeline--run",
        "timeline--good",
        "timeline--bad",
        "timeline--waiting",
    }

    def __init__(
        self, source: Source[TimelineRow], now_ms: Callable[[], int], *, empty_text: str, id: str
    ) -> None:
        super().__init__(source, row_height=1, empty_text=empty_text, id=id)
        self._now_ms = now_ms

    @property
    def place(self) -> int | None:
        """Where in the conversation the line under the cursor happened; of a run's line, its newest."""
        for index in range(self.cursor, (self.count or 0)):
            row = self._row_at(index)
            if row is None or row.place_seq is not None:
                return row.place_seq if row else None
        return None

    def row_key(self, row: TimelineRow) -> str:
        return row.key

    def on_click(self, event: events.Click) -> None:
        """The cursor goes where it was clicked."""
        event.prevent_default()  # the base would choose at once
        offset = event.get_content_offset(self)
        if offset is None:
            return
        index = (offset.y + self.scroll_offset.y) // self.row_height
        if index < (self.count or 0):
            event.stop()
            self.move_to(index)
            if event.chain >= 2:
                self.action_choose()

    def action_to_run(self, direction: int) -> None:
        """To the heading of the next run that way, as far as it was read; else to the end of what was."""
        index = self.cursor + direction
        while (row := self._row_at(index)) is not None and row.mark != "run":
            index += direction
        self.move_to(index)

    def render_row(self, row: TimelineRow, width: int, selected: bool) -> Text:
        width = min(width, self.scrollable_content_region.width)
        left, right = (
            self._run(row, width, selected) if row.mark == "run" else self._line(row, width, selected)
        )
        gap = width - 1 - left.cell_len - right.cell_len
        if gap < 1 and right.cell_len:
            left.truncate(max(1, width - 2 - right.cell_len), overflow="ellipsis")
            gap = width - 1 - left.cell_len - right.cell_len
        fill = "━" if row.mark == "run" and gap > 2 else " "
        if gap > 0:
            left.append(f" {fill * (gap - 2)} " if fill == "━" else " " * gap, self._style("rail", selected))
        left.append_text(right)
        left.truncate(width, overflow="ellipsis")
        return left

    def _style(self, name: str, selected: bool):
        return "" if selected else self.get_component_rich_style(f"timeline--{name}")

    def _run(self, row: TimelineRow, width: int, selected: bool) -> tuple[Text, Text]:
        left = Text()
        left.append(f"━ run {short_id(row.run_id)}", self._style("run", selected))
        left.append(f" · {RUN_STATES.get(row.state, row.state)}", self._style("muted", selected))
        if width >= ROOMY and row.tokens:
            left.append(f" · {row.tokens:,} tokens", self._style("muted", selected))
        return left, Text(self._passed(row, width), self._style("muted", selected))

    def _line(self, row: TimelineRow, width: int, selected: bool) -> tuple[Text, Text]:
        left = Text(" ")
        left.append("│ " * row.depth, self._style("rail", selected))
        tone = {"ran": "good", "said": "good", "failed": "bad", "denied": "bad", "unknown": "bad"}.get(
            row.mark, ""
        )
        tone = "waiting" if row.mark == "waiting" else tone
        left.append(f"{MARKS[row.mark]} ", self._style(tone, selected) if tone else "")
        if row.agent:
            left.append(f"{row.agent} ", self._style("muted", selected))
        left.append(row.what, "bold" if row.mark in STRONG else "")
        right = Text()
        if row.latest:
            right.append("latest · " if width >= ROOMY else "latest ", self._style("waiting", selected))
        muted = self._style("muted", selected)
        step = f"step {row.step} · " if width >= ROOMY and row.checkpoint is not None else ""
        right.append(f"{step}{self._passed(row, width)}", muted)
        return left, right

    def _passed(self, row: TimelineRow, width: int) -> str:
        passed = age if width < ROOMY else ago
        return passed(row.at_ms, self._now_ms()) if row.at_ms else ""
