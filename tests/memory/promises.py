"""What the parts of the contract stand on: a store, and a story told to it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import pytest

from afk.memory import MemoryStore
from afk.memory.records import RunSnapshot
from tests.memory.kit import (
    Clock,
    Story,
    ask,
)


class StorePromises:
    """Fixtures; a store's own test class overrides `make_store`."""

    def make_store(self, tmp_path: Any, clock: Clock) -> MemoryStore:
        raise NotImplementedError

    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    async def store(self, tmp_path: Any, clock: Clock) -> AsyncGenerator[MemoryStore, None]:
        store = self.make_store(tmp_path, clock)
        await store.open()
        yield store
        await store.close()

    @pytest.fixture
    async def story(self, store: MemoryStore) -> Story:
        """A run whose model asked for one call that needs a yes."""
        return await ask(store)


async def take(store: MemoryStore) -> RunSnapshot:
    taken = await store.take_run("run_1", "th", None)
    assert isinstance(taken, RunSnapshot)
    return taken


async def everything(store: MemoryStore) -> list[Any]:
    """All that a late write could have changed."""
    return [
        await store.get_run("run_1"),
        await store.messages("th"),
        await store.list_effects("run_1"),
        await store.list_approvals(pending_only=False),
        await store.list_checkpoints("th"),
        await store.list_events("th"),
    ]
