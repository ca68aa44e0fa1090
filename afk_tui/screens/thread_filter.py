"""Which threads the list shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from afk_tui.screens.confirm import ChoiceList
from afk_tui.styles_folder import styles_folder
from afk_tui.terminal.pacing import PaintsKeys

if TYPE_CHECKING:
    from afk_tui.gateway.threads import ThreadFilter

# (key, filter, what it shows)
CHOICES: tuple[tuple[str, ThreadFilter, str], ...] = (
    ("c", "current", "Current: not archived"),
    ("w", "waiting", "Waiting for you"),
    ("r", "running", "Running"),
    ("i", "interrupted", "Interrupted"),
    ("d", "done", "Done"),
    ("a", "archived", "Archived"),
    ("l", "all", "All, archived ones too"),
)


class ThreadFilterScreen(PaintsKeys, ModalScreen["ThreadFilter | None"]):
    """Answers what to show, None for escape. `counts`: how many threads each would show."""

    AUTO_FOCUS: ClassVar[str | None] = "#choices"
    CSS_PATH = styles_folder() / "thread_filter.tcss"

    def __init__(self, counts: Mapping[ThreadFilter, int], shown: ThreadFilter) -> None:
        super().__init__()
        self._counts = counts
        self._shown = shown

    def compose(self) -> ComposeResult:
        """The filters, each with its key and its count."""
        size = max(len(str(count)) for count in self._counts.values())
        labels = [(key, show, f"{self._counts[show]:>{size}}  {label}") for key, show, label in CHOICES]
        with Vertical(id="dialog"):
            yield Static(Content("Show which threads?"), id="title", markup=False)
            yield ChoiceList(labels, None, id="choices")
            yield Static(Content("↑↓ and enter, a letter, or esc"), id="sign", markup=False)

    def on_mount(self) -> None:
        """Begin at what is shown now."""
        self._list.select(next(n for n, (_, show, _) in enumerate(CHOICES) if show == self._shown))

    @property
    def _list(self) -> ChoiceList:
        return self.query_one("#choices", ChoiceList)

    def _choose(self, letter: str | None) -> bool:
        """Answer the filter of this letter, if there is one."""
        found: ThreadFilter | None = next((show for key, show, _ in CHOICES if key == letter), None)
        if found is not None:
            self._answer(found)
        return found is not None

    def on_key(self, event: events.Key) -> None:
        """Letters, arrows, enter and escape; nothing else means anything here."""
        match event.key:
            case "escape":
                self._answer(None)
            case "up" | "down":
                self._list.select(self._list.selected + (1 if event.key == "down" else -1))
            case "enter":
                self._answer(CHOICES[self._list.selected][1])
            case key:
                if not self._choose(key):
                    return
        event.stop()
        event.prevent_default()

    def on_click(self, event: events.Click) -> None:
        """On a filter."""
        if event.widget is self._list:
            choice = self._list.choice_at(event.y - self._list.gutter.top)
            self._choose(choice and choice[0])

    def _answer(self, show: ThreadFilter | None) -> None:
        if self.is_active:
            self.dismiss(show)
