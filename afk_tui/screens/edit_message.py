"""A message that was sent, written otherwise."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from afk_tui.styles_folder import styles_folder
from afk_tui.terminal.pacing import PaintsKeys
from afk_tui.widgets.composer import Composer
from afk_tui.widgets.key_hints import frame_hints

ABOUT = "It is sent in a new thread, which goes on from where this message was. This thread stays as it was."


class EditMessageScreen(PaintsKeys, ModalScreen[str | None]):
    """Answers the message as it is to be sent, or None; `draft` is what was written by then."""

    CSS_PATH = styles_folder() / "edit_message.tcss"
    AUTO_FOCUS = "Composer"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Close", show=False)]

    def __init__(self, text: str) -> None:
        super().__init__()
        self.draft = text

    def compose(self) -> ComposeResult:
        """What becomes of it, and the message."""
        with Vertical(id="dialog") as box:
            box.border_title = "Send it again, otherwise"
            box.border_subtitle = frame_hints(("enter", "sends it"), ("esc", "leaves it"))
            yield Static(Content(ABOUT), id="about", markup=False)
            yield Composer(id="message")

    def on_mount(self) -> None:
        """The message as it was."""
        self.query_one(Composer).set_draft(self.draft)

    @on(Composer.DraftChanged)
    def keep(self, event: Composer.DraftChanged) -> None:
        """Keep it in case it is left."""
        self.draft = event.text

    @on(Composer.Submitted)
    def send(self, event: Composer.Submitted) -> None:
        """Enter."""
        self.dismiss(event.text)

    @on(Composer.EmptySubmitted)
    def refuse(self) -> None:
        """Nothing can't be sent."""
        self.app.bell()
