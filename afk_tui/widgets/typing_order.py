"""Fields in which keys take effect in the order they were pressed.

Textual puts a letter into a field when the field gets the key, but a key that is bound (backspace, an arrow) goes up
through the queues of all that is around the field, and is acted on by the app. While that is slow, as when an answer
streams, the next letter comes first, and backspace takes away that one.
"""

from __future__ import annotations

from textual import events
from textual.widget import Widget
from textual.widgets import Input, TextArea

# what changes the text or moves in it; enter, copying and the rest may mean something to what is around the field
_EDITS = ("cursor_", "cut", "delete_", "new_line", "paste", "redo", "select_", "undo")


class KeysInOrder:
    """For a field: it acts on its own editing keys at once. No widget itself: of two, Textual would take the styles of
    the first alone."""

    async def _on_key(self, event: events.Key) -> None:
        assert isinstance(self, Widget)
        for binding in self._bindings.key_to_bindings.get(event.key, ()):
            if not binding.action.startswith(_EDITS) or binding.priority:
                continue
            # False where the field declines it: then it goes up, as any key
            if await self.app.run_action(binding.action, self):
                event.stop()
                event.prevent_default()
                return


class LineInput(KeysInOrder, Input):
    """One line."""


class TextInput(KeysInOrder, TextArea):
    """Several lines."""
