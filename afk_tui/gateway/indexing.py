"""Making the search index while the app is open, so little at a time that nobody notices."""

from __future__ import annotations

import asyncio
import time

from afk.agents.errors import StoreError
from afk.memory.store import MemoryStore

# nobody finds anything in the first moments, and a start has better to do
BEGIN_AFTER_S = 1.5
LOOK_EVERY_S = 5.0
# of the time, at most a tenth
PAUSE_TIMES = 9


async def keep_index(store: MemoryStore) -> None:
    """Index what is not indexed yet, and then what comes, until cancelled. A store that fails is no news of this one's:
    finding does without the index, and it is gone on with at the next start."""
    await asyncio.sleep(BEGIN_AFTER_S)
    while True:
        began = time.perf_counter()
        try:
            more = await store.index_messages()
        except StoreError as error:
            if not error.is_locked:
                return
            more = False
        await asyncio.sleep(PAUSE_TIMES * (time.perf_counter() - began) if more else LOOK_EVERY_S)


async def make_index(store: MemoryStore) -> None:
    """Index all there is, at once."""
    while await store.index_messages():
        pass
