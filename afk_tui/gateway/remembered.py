"""What the app remembers over restarts: drafts, places, what was trusted."""

from __future__ import annotations

from afk.memory.store import MemoryStore
from afk_tui.gateway.errors import told


class Remembered:
    """Preferences of the store. Everything raises GatewayError."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    async def recall(self, what: str, of: str) -> str | None:
        """What was remembered under these names, or None."""
        with told():
            return await self._store.get_preference(f"{what}:{of}")

    async def remember(self, what: str, of: str, value: str | None) -> None:
        """On return it is on disk; None forgets it."""
        with told():
            await self._store.set_preference(f"{what}:{of}", value)
