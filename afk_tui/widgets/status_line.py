"""The line at the bottom: what the run does, on which model, at what cost, and in which folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual.reactive import reactive
from textual.widget import Widget

# The word of each state, and the component class of its colour. The sign differs too, for those who see no
# colours.
_BADGES: dict[str, tuple[str, str]] = {
    "": ("○ ready", "muted"),
    "running": ("● running", "running"),
    "awaiting_approval": ("◆ waiting for you", "waiting"),
    "interrupted": ("■ interrupted", "stopped"),
    "cancelled": ("■ cancelled", "stopped"),
    "completed": ("✓ done", "done"),
    "failed": ("✗ failed", "failed"),
    "degraded": ("! done, with problems", "failed"),
}


LEAST_SHARE = 0.01


@dataclass(frozen=True, slots=True)
class Status:
    """What the line shows. Texts are clean, one line each.

    `context_share` is how much of the model's context the last request took, from 0 on; None where it is not known.
    `state` is a state of a run, or "" before the first. `tokens` is None where the server does not count
    them, `cost_usd` None where no price is known. `note` stands in for the state while something passing is
    said of it, such as "retrying in 4 s". `removable` is how many records a compaction would remove; 0: nothing to say.
    """

    state: str = ""
    model: str = ""
    workspace: str = ""
    tokens: int | None = None
    cost_usd: float | None = None
    context_share: float | None = None
    note: str = ""
    removable: int = 0


def shorten_middle(text: str, width: int) -> str:
    """`text` in at most `width` cells: its middle gives way to "…", its end is kept the longest."""
    if cell_len(text) <= width:
        return text
    if width <= 1:
        return "…"[:width]
    tail = text
    keep_head = (width - 1) // 3
    head = text[:keep_head]
    while tail and cell_len(head) + 1 + cell_len(tail) > width:
        tail = tail[1:]
    return f"{head}…{tail}"


def _tokens(count: int) -> str:
    if count < 10_000:
        return f"{count:,} tokens"
    return f"{count / 1000:.0f}k tokens" if count < 1_000_000 else f"{count / 1_000_000:.1f}M tokens"


class StatusLine(Widget):
    """One line that drops what matters least as it gets narrow: the cost, the tokens, the folder, the
    model."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "status-line--muted",
        "status-line--running",
        "status-line--waiting",
        "status-line--stopped",
        "status-line--done",
        "status-line--failed",
    }

    DEFAULT_CSS = """
    StatusLine {
        height: 1;
        padding: 0 1;
        color: $text;
        & .status-line--muted { color: $foreground 60%; }
        & .status-line--running { color: $text-primary; }
        & .status-line--waiting { color: $text-warning; text-style: bold; }
        & .status-line--stopped { color: $text-warning; }
        & .status-line--done { color: $text-success; }
        & .status-line--failed { color: $text-error; text-style: bold; }
    }
    """

    status: reactive[Status] = reactive(Status())

    def __init__(
        self,
        status: Status | None = None,
        *,
        compaction_key: str = "F6",
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._compaction_key = compaction_key
        self.set_reactive(StatusLine.status, status or Status())

    def render(self) -> Text:
        """The parts that fit, state first."""
        width = self.size.width
        status = self.status
        word, kind = _BADGES.get(status.state, (f"? {status.state}", "muted"))
        badge = f"{word} · {status.note}" if status.note else word
        hint, right = self._hint_and_right(width - cell_len(badge) - 3)
        room = width - cell_len(badge) - cell_len(hint) - (cell_len(right) + 2 if right else 0)
        model = status.model and f"  {status.model}"
        if model and cell_len(model) > room:
            model = f"  {shorten_middle(status.model, room - 2)}" if room >= 10 else ""
        line = Text(no_wrap=True, overflow="ellipsis", end="")
        muted = self.get_component_rich_style("status-line--muted")
        line.append(badge, self.get_component_rich_style(f"status-line--{kind}"))
        line.append(model)
        line.append(hint, muted)
        if right:
            line.append(" " * max(2, width - line.cell_len - cell_len(right)))
            line.append(right, muted)
        return line

    def _hint_and_right(self, room: int) -> tuple[str, str]:
        """What a compaction would remove is said in the room that is left, or in short in some of the room on the
        right; nothing passing gives way to it."""
        status, right = self.status, self._right(room)
        if not status.removable or status.note:
            return "", right
        rest = room - (min(cell_len(status.model), 24) + 2 if status.model else 0)
        long = f"  compaction would remove {status.removable:,} records · {self._compaction_key}"
        short = f"  {self._compaction_key} would remove {status.removable:,} records"
        for hint in (long, short):
            if cell_len(hint) + cell_len(right) + 2 <= rest:
                return hint, right
        less = self._right(room - cell_len(short))
        return (short, less) if less else ("", right)

    def _right(self, room: int) -> str:
        status = self.status
        model = min(cell_len(status.model), 24) + 2 if status.model else 0
        folder = status.workspace
        cost = f"${status.cost_usd:.2f}" if status.cost_usd is not None else ""
        tokens = _tokens(status.tokens) if status.tokens is not None else ""
        # of a context that is next to empty there is nothing to say
        share = status.context_share or 0.0
        full = f"context {share:.0%}" if share >= LEAST_SHARE else ""
        for counts in ([full, tokens, cost], [full, tokens], [full], []):
            said = "  ".join(part for part in counts if part)
            left = room - model - (cell_len(said) + 2 if said else 0)
            if left >= min(cell_len(folder), 12):
                shown = shorten_middle(folder, min(left, max(24, room // 2)))
                return "  ".join(part for part in (said, shown) if part)
        return ""
