"""The menu: everything that can be done, each with its key and its /command."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from afk_tui.actions import ACTIONS, BY_NAME, Action
from afk_tui.keys import actions_of, names_of
from afk_tui.styles_folder import styles_folder
from afk_tui.terminal.pacing import PaintsKeys
from afk_tui.widgets.key_hints import frame_hints

OFFERED = tuple(action for action in ACTIONS if action.name != "menu")

_TITLE = max(len(action.title) for action in OFFERED) + 2
_ABOUT = max(len(action.about) for action in OFFERED)
_COMMAND = max(len(action.command) for action in OFFERED) + 1
_ROOM_FOR_GAPS = 44
# Where the columns leave a title less than this, they are given up.
_LEAST_ROOM = 8


def begins_with(action: Action, typed: str) -> bool:
    """Whether a word of the action's title, or its /command, begins with `typed`."""
    wanted = typed.casefold().strip().removeprefix("/")
    title = action.title.casefold()
    starts = [0, *(at + 1 for at, letter in enumerate(title) if letter == " ")]
    return action.command.startswith(wanted) or any(title.startswith(wanted, at) for at in starts)


def key_width(actions: Iterable[Action] = OFFERED) -> int:
    """Cells of the widest key."""
    return max(len(action.key_label) for action in actions)


def room_for_about(keys: int) -> int:
    """Below this many cells a line, with `keys` of them for the key, has no room to say what an action is about: the
    bottom line does, of the chosen one."""
    return _TITLE + _ABOUT + 2 + keys + 2 + _COMMAND


def action_line(action: Action, badge: str, width: int, key: int = key_width()) -> Content:
    """An action in one line of `width` cells: title, badge, what it is about if there is room, the key in `key` cells,
    /command."""
    gap = "  " if width >= _ROOM_FOR_GAPS else " "
    keys = f"{action.key_label:<{key}}{gap}/{action.command:<{_COMMAND - 1}}".lstrip()
    room = max(0, width - len(keys) - len(gap))
    if room < _LEAST_ROOM:
        keys = f"{action.key_label} /{action.command}".lstrip()
        room = max(0, width - len(keys) - len(gap))
    line = Content.styled(action.title, "bold")
    if badge:
        line += Content.assemble(" ", (f" {badge} ", "bold $text-warning on $warning-muted"))
    if width >= room_for_about(key):
        line = line.pad_right(max(1, _TITLE - line.cell_length)) + Content(action.about)
    line = line.truncate(room, ellipsis=True)
    return line.pad_right(width - len(keys) - line.cell_length) + Content(keys)


class _ActionList(OptionList):
    """The actions, under the names of their groups."""

    def __init__(self, actions: Sequence[Action], badges: Mapping[str, str]) -> None:
        super().__init__(id="actions")
        self._actions = actions
        self._key_width = key_width(actions)
        self._badges = badges
        self._typed = ""

    def show(self, typed: str) -> None:
        """Only the actions that begin with `typed`, the first of them chosen."""
        self._typed = typed
        self._fill(None)

    def on_resize(self) -> None:
        """Fit the lines to the new width."""
        highlighted = self.highlighted_option
        self._fill(highlighted.id if highlighted else None)

    def _fill(self, chosen: str | None) -> None:
        width = self.scrollable_content_region.width - 2
        options: list[Option] = []
        found = [action for action in self._actions if begins_with(action, self._typed)]
        for group, actions in groupby(found, lambda action: action.group):
            options.append(Option(Content.styled(group, "bold $text-primary"), disabled=True))
            for action in actions:
                line = action_line(action, self._badges.get(action.name, ""), width, self._key_width)
                options.append(Option(line, id=action.name))
        if not options:
            options = [Option(Content("Nothing begins with that."), disabled=True)]
        self.set_options(options)
        ids = [option.id for option in options]
        self.highlighted = next(
            (at for at, name in enumerate(ids) if name and (chosen is None or name == chosen)), None
        )
        if self.highlighted is not None and self.highlighted <= 1:
            self.scroll_to(y=0, animate=False)


class MenuScreen(PaintsKeys, ModalScreen[str | None]):
    """Dismisses with the name of an action, or None. `badges` are short texts by action, such as how many wait.

    An action's own key works here too; letters narrow the list.
    """

    CSS_PATH = styles_folder() / "menu.tcss"
    AUTO_FOCUS = "#actions"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Close", show=False),
        Binding("f2", "dismiss(None)", "Close", show=False, id="menu"),
        Binding("backspace", "take_back", "Take a letter back", show=False),
    ]

    def __init__(self, badges: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self._badges = dict(badges or {})
        self._typed = ""

    def compose(self) -> ComposeResult:
        """The letters typed, over the list."""
        with Vertical(id="menu") as box:
            box.border_title = "Menu"
            box.border_subtitle = frame_hints(("enter", "do it"), ("esc", "close"))
            yield Static(id="typed")
            yield _ActionList(self._offered, self._badges)
            yield Static(id="about")

    @property
    def _offered(self) -> list[Action]:
        return [action for action in actions_of(self.app) if action.name != "menu"]

    def on_mount(self) -> None:
        """Show that one can type."""
        self._narrow("")

    def on_key(self, event: events.Key) -> None:
        """Letters narrow the list; the key of an action chooses it."""
        action = next((action for action in self._offered if event.key in names_of(action)), None)
        if action is not None:
            event.stop()
            self.dismiss(action.name)
        elif event.character is not None and event.is_printable:
            event.stop()
            self._narrow(self._typed + event.character)

    def action_take_back(self) -> None:
        """Forget the last letter typed."""
        self._narrow(self._typed[:-1])

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Say at the bottom what the chosen action is about, where its line has no room for that."""
        event.stop()
        action = BY_NAME.get(event.option_id or "")
        self.query_one("#about", Static).update(Content(action.about if action else ""))

    def on_resize(self) -> None:
        """Spare the bottom line where each line says it; the list scrolls, the rest does not."""
        inside = self.query_one("#menu").size.width - 2
        about = self.query_one("#about")
        room = room_for_about(key_width(self._offered))
        about.display = inside < room
        lines = 0 if inside >= room else 1 if inside >= _ABOUT else 2
        about.styles.height = lines
        # the border and the line of the letters typed
        self.query_one(_ActionList).styles.max_height = max(1, self.size.height - 3 - lines)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Answer with the action chosen."""
        event.stop()
        if event.option_id in BY_NAME:
            self.dismiss(event.option_id)

    def _narrow(self, typed: str) -> None:
        self._typed = typed
        line = (
            Content.styled("type to narrow the list", "$foreground-muted")
            if not typed
            else Content(f"› {typed}▏")
        )
        self.query_one("#typed", Static).update(line)
        self.query_one(_ActionList).show(typed)
