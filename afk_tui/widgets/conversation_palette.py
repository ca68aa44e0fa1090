"""The colours of a conversation: the widget's component styles, gathered into one value that can be compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

from afk_tui.gateway.kinds import CallStatus

if TYPE_CHECKING:
    from rich.style import Style
    from textual.widget import Widget

_PARTS = (
    "user",
    "user-bar",
    "assistant",
    "heading",
    "inline-code",
    "code",
    "link",
    "quote",
    "bullet",
    "rule",
    "note",
    "note-warning",
    "note-error",
    "call-title",
    "footnote",
    "fact",
    "found",
    "found-here",
    "placeholder",
    "cursor",
    "empty",
)
_FILLED = {"user", "code", "inline-code", "found", "found-here"}
STATUSES: tuple[CallStatus, ...] = get_args(CallStatus)

COMPONENT_CLASSES = {f"conversation--{part}" for part in (*_PARTS, *STATUSES)}

DEFAULT_CSS = """
Conversation {
    overflow-x: hidden;
    overflow-y: auto;
    scrollbar-gutter: stable;
    scrollbar-size-vertical: 1;

    & > .conversation--user { background: $foreground 7%; color: $foreground; }
    & > .conversation--user-bar { color: $primary; text-style: bold; }
    & > .conversation--assistant { color: $foreground; }
    & > .conversation--heading { color: $text-primary; text-style: bold; }
    & > .conversation--inline-code { background: $foreground 7%; color: $text-secondary; }
    & > .conversation--code { background: $foreground 5%; color: $foreground; }
    & > .conversation--link { color: $text-primary; text-style: underline; }
    & > .conversation--quote { color: $foreground 60%; text-style: italic; }
    & > .conversation--bullet { color: $text-primary; }
    & > .conversation--rule { color: $foreground-muted; }
    & > .conversation--note { color: $foreground 60%; }
    & > .conversation--note-warning { color: $text-warning; }
    & > .conversation--note-error { color: $text-error; }
    & > .conversation--call-title { color: $foreground; }
    & > .conversation--footnote { color: $foreground 60%; }
    & > .conversation--found { background: $warning; color: auto; text-style: bold underline; }
    & > .conversation--found-here { background: $primary; color: auto; text-style: bold underline; }
    & > .conversation--fact { color: $text-primary; }
    & > .conversation--placeholder { color: $foreground 60%; }
    & > .conversation--cursor { color: $accent; text-style: bold; }
    & > .conversation--empty { color: $foreground 60%; }
    & > .conversation--waiting { color: $text-warning; text-style: bold; }
    & > .conversation--running { color: $text-primary; }
    & > .conversation--ran { color: $text-success; }
    & > .conversation--failed { color: $text-error; }
    & > .conversation--denied { color: $text-error; }
    & > .conversation--answered { color: $text-success; }
    & > .conversation--interrupted { color: $text-warning; }
    & > .conversation--unknown { color: $text-warning; text-style: bold; }
    & > .conversation--proposed { color: $foreground 60%; }
}
"""


@dataclass(frozen=True)
class Palette:
    """Styles by part name ("heading", "ran"); `code_theme` is a Pygments style that suits the app's theme."""

    styles: tuple[tuple[str, Style], ...]
    base: Style
    code_theme: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", dict(self.styles))

    def __getitem__(self, part: str) -> Style:
        by_name: dict[str, Style] = self.__dict__["_by_name"]
        return by_name[part]


def palette_of(widget: Widget) -> Palette:
    """Read the palette that the styles of `widget` describe now."""
    from rich.style import Style

    styles: list[tuple[str, Style]] = []
    for part in (*_PARTS, *STATUSES):
        full = widget.get_component_rich_style(f"conversation--{part}")
        if part not in _FILLED:
            full = full.without_color + Style(color=full.color)
        styles.append((part, full))
    base = widget.rich_style
    theme = widget.app.current_theme
    background = dict(styles)["code"].bgcolor
    if background is None or background.triplet is None:
        return Palette(tuple(styles), base, "ansi_dark" if theme.dark else "ansi_light")
    return Palette(tuple(styles), base, "github-dark" if theme.dark else "xcode")
