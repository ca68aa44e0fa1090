"""Ids for tool calls whose model gave none, or one that the conversation already uses."""

from __future__ import annotations

from collections.abc import Iterable

from afk.llms.protocol import ChatMessage


class CallIds:
    """Hands out ids that no call of `messages` has: for one conversation the same ones in any process."""

    def __init__(self, messages: Iterable[ChatMessage]) -> None:
        self._position = 0
        self._taken: set[str] = set()
        for message in messages:
            self._position += 1
            self._taken.update(call.id for call in message.tool_calls)

    def settle(self, index: int, wanted: str = "") -> str:
        """The id of the answer's `index`-th call: `wanted` if free, else one derived from the position."""
        chosen = wanted
        attempt = 0
        while not chosen or chosen in self._taken:
            suffix = f"_{attempt}" if attempt else ""
            chosen = f"call_{self._position}_{index}{suffix}"
            attempt += 1
        self._taken.add(chosen)
        return chosen
