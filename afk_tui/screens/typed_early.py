"""Keys and pastes that come before there is a field with the focus."""

from __future__ import annotations

import asyncio

from textual import events, on
from textual.screen import Screen
from textual.widget import Widget

from afk_tui.terminal.pacing import PaintsKeys


class TypedEarly(PaintsKeys, Screen[None]):
    """A screen whose first frame shows what was typed before it, in its order."""

    def __init__(self) -> None:
        super().__init__()
        self._early: list[events.Key | events.Paste] | None = []

    @property
    def early_field(self) -> Widget:
        """What they are for; it is there once the screen is composed."""
        raise NotImplementedError

    def _forward_event(self, event: events.Event) -> None:
        # by way of this screen it would come after the first frame, and a paste would be lost
        if self._early is not None and isinstance(event, (events.Key, events.Paste)):
            self._early.append(event)
        else:
            super()._forward_event(event)

    def _update_auto_focus(self) -> None:
        super()._update_auto_focus()
        if self.focused is not None:  # what comes next goes there past this screen
            self._hand_on()

    @on(events.ScreenResume)
    async def take_early(self) -> None:
        """What was typed before the first frame is in it."""
        if self._early is not None:
            self._hand_on()
            await asyncio.sleep(0)

    def _hand_on(self) -> None:
        early, self._early = self._early, None
        for event in early or ():
            self.early_field._forward_event(event)
