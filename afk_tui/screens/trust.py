"""The question of a first start: may the agent look at this folder, and does the model's host suit?"""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from afk_tui.screens.deafness import Clock, Deafness, key_time
from afk_tui.styles_folder import styles_folder
from afk_tui.terminal.pacing import PaintsKeys


class TrustScreen(PaintsKeys, Screen[bool]):
    """Dismisses with True (`y`) or False (`n`, escape); nothing else answers.

    `host` is where the model is, `always` says that this folder is asked about at every start. Keys pressed
    before the keyboard was quiet for a moment are lost: they were meant for something else.
    """

    CSS_PATH = styles_folder() / "trust.tcss"
    AUTO_FOCUS = "#facts"

    def __init__(
        self,
        folder: str,
        host: str,
        model: str,
        is_demo: bool,
        always: bool,
        *,
        clock: Clock = key_time,
    ) -> None:
        super().__init__()
        self._folder = folder
        self._host = host
        self._model = model
        self._is_demo = is_demo
        self._always = always
        self._deafness = Deafness(clock)

    def compose(self) -> ComposeResult:
        """The facts, which scroll, over the keys, which don't."""
        with Vertical(id="trust") as box:
            box.border_title = "May the agent work in this folder?"
            with VerticalScroll(id="facts"):
                yield Static(Content.styled(self._folder, "bold"), id="folder")
                if self._always:
                    yield Static(Content(self._why_always()), id="always")
                yield Static(self._facts())
            yield Static(
                Content.assemble(
                    ("y", "bold $text-success"),
                    " yes, work here     ",
                    ("n", "bold $text-error"),
                    " no, leave",
                ),
                id="keys",
            )

    def on_mount(self) -> None:
        """The quiet time begins when the question can be seen."""
        self.call_after_refresh(self._deafness.begin)

    @property
    def is_ready(self) -> bool:
        """Whether an answer pressed now would be heard."""
        return self._deafness.is_over

    def on_resize(self) -> None:
        """Scroll the facts where they don't fit; the keys stay."""
        # the border, and the line of the keys under a blank one
        self.query_one("#facts").styles.max_height = max(1, self.size.height - 4)

    def on_key(self, event: events.Key) -> None:
        """`y` is yes; `n` and escape leave."""
        if not self._deafness.hears(event):
            return
        if event.key == "y":
            event.stop()
            self.dismiss(True)
        elif event.key in ("n", "escape"):
            event.stop()
            self.dismiss(False)
        else:
            self._deafness.mistaken(event)

    def _why_always(self) -> str:
        what = "This is the whole disk" if self._folder == "/" else "This is your home folder"
        return (
            f"{what}: it holds much that is not for a model, so you are asked at every start. "
            "A project's folder is safer."
        )

    def _facts(self) -> Content:
        if self._is_demo:
            first = "Nothing leaves this machine"
            sent = "the demo model is offline. It drives the real tools, so what you allow is really done."
        else:
            first = f"Sent to {self._host}"
            sent = (
                "your messages, the results of tools, and the contents of files that the model "
                f"({self._model}) reads."
            )
        facts = (
            (first, sent),
            (
                "Runs unasked",
                "listing, searching and reading files in this folder; what looks like a secret asks first.",
            ),
            ("Waits for your yes", "everything that changes something: writing files, running commands."),
        )
        return Content("\n\n").join(
            Content.assemble((f"{name}: ", "bold $text-primary"), text) for name, text in facts
        )
