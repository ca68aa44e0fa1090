"""A large paste, to be looked at before it is sent."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen

from afk_tui.gateway.views import ConversationItem
from afk_tui.screens.words import count
from afk_tui.styles_folder import styles_folder
from afk_tui.terminal.pacing import PaintsKeys
from afk_tui.widgets.composer_pastes import line_count
from afk_tui.widgets.conversation import Conversation
from afk_tui.widgets.conversation_layout import Spot
from afk_tui.widgets.key_hints import frame_hints


class PasteScreen(PaintsKeys, ModalScreen[None]):
    """Shows `text` whole, drawing only what is on the screen."""

    CSS_PATH = styles_folder() / "paste.tcss"
    AUTO_FOCUS = "Conversation"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,ctrl+o", "dismiss(None)", "Close", show=False)]

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def compose(self) -> ComposeResult:
        """The text in a frame."""
        with Vertical(id="paste") as box:
            box.border_title = Content(f"Pasted: {count(line_count(self._text), 'line')}")
            box.border_subtitle = frame_hints(("↑↓ pgup pgdn", "scroll"), ("esc", "close"))
            yield Conversation()

    def on_mount(self) -> None:
        """From its first line on."""
        conversation = self.query_one(Conversation)
        conversation.append(ConversationItem("paste", "user", self._text))
        conversation.move_to(Spot(0, 0, 0))
