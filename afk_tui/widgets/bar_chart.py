"""Bars of text: how much of a whole each part is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual.reactive import reactive
from textual.widget import Widget

EIGHTHS = " ▏▎▍▌▋▊▉"
LEAST_BAR = 4


@dataclass(frozen=True, slots=True)
class Bar:
    """`label` and `said` (its size, for people) are clean texts."""

    label: str
    size: int
    said: str


class BarChart(Widget):
    """One line a bar, with its label, size and share; the longest bar takes the room there is."""

    DEFAULT_CSS = """
    BarChart {
        height: auto;
        width: 1fr;
        min-width: 1;
        & > .bar-chart--bar { color: $primary; }
    }
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"bar-chart--bar"}

    bars: reactive[tuple[Bar, ...]] = reactive((), layout=True)

    def render(self) -> Text:
        """The bars."""
        if not self.bars:
            return Text("")
        label = max(cell_len(bar.label) for bar in self.bars)
        said = max(cell_len(bar.said) for bar in self.bars)
        total = sum(bar.size for bar in self.bars) or 1
        largest = max(bar.size for bar in self.bars) or 1
        room = self.size.width - label - said - 9
        style = Style(color=self.get_component_rich_style("bar-chart--bar").color)
        text = Text(no_wrap=True, overflow="ellipsis", end="")
        for n, bar in enumerate(self.bars):
            drawn = drawn_bar(bar.size / largest, room) if room >= LEAST_BAR else ""
            share = f"{100 * bar.size / total:3.0f}%"
            text.append("\n" if n else "")
            text.append(f"{bar.label:<{label}} ")
            if drawn:
                text.append(f"{drawn:<{room}} ", style)
            text.append(f"{bar.said:>{said}} {share}")
        return text


def drawn_bar(part: float, width: int) -> str:
    """A bar of `part` (0 to 1) of `width` cells, to an eighth of a cell; what is there at all can be seen."""
    eighths = max(1, round(part * width * 8)) if part > 0 else 0
    whole, rest = divmod(eighths, 8)
    return "█" * whole + (EIGHTHS[rest] if rest else "")
