"""What the app does by itself to keep threads small: the schedule, and the hint after a long conversation."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing

from textual.message import Message

from afk.agents.errors import StoreError
from afk.core.schedule import CompactionFailed, CompactionSchedule, ScheduleEvent, Scheduler, read_schedule
from afk.memory.store import MemoryStore
from afk_tui.gateway import messages
from afk_tui.gateway.clean import clean
from afk_tui.gateway.compaction import HINT_KEY
from afk_tui.gateway.errors import told

# a start has other things to do
FIRST_LOOK_S = 15.0
LOOK_EVERY_S = 5.0
THREADS_A_LOOK = 20

# a thread of fewer records is no long one, and fewer to remove are not worth a word
HINT_FROM = 500
HINT_LEAST = 100
# counting takes at most this part of the time
COUNTING_SHARE = 0.02


class Upkeep:
    """Follows the schedule of the database for as long as the app is open."""

    def __init__(self, store: MemoryStore, post: Callable[[Message], object]) -> None:
        self._store = store
        self._post = post
        self._running: asyncio.Task[object] | None = None
        self._failed: set[str] = set()

    async def run(self) -> None:
        """Look until cancelled. What goes wrong is told once (Warned), and tried again."""
        self._running = asyncio.current_task()
        scheduler = Scheduler(self._store)
        wait_s = FIRST_LOOK_S
        while True:
            await asyncio.sleep(wait_s)
            wait_s = LOOK_EVERY_S
            async with aclosing(scheduler.look(most=THREADS_A_LOOK)) as events:
                async for event in events:
                    self._tell(event)

    async def finish(self) -> None:
        """On return nothing is being compacted by it any more; what was removed stays removed."""
        if self._running is not None and not self._running.done():
            self._running.cancel()
            await asyncio.wait([self._running])

    def _tell(self, event: ScheduleEvent) -> None:
        if not isinstance(event, CompactionFailed):
            self._failed.clear()
            self._post(messages.ThreadCompacted(event.thread_id))
        elif event.reason not in self._failed:
            self._failed.add(event.reason)
            text = f"Nothing was compacted by the schedule: {clean(event.reason)} It is tried again."
            self._post(messages.Warned("", text))


class CompactionHints:
    """What a compaction of a long thread would remove, by what the schedule keeps. Everything raises GatewayError."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._not_before: dict[str, float] = {}
        self._after: dict[str, int] = {}

    async def look(self, thread_id: str) -> int:
        """How many records would go, now that a run of the thread has ended; 0 where there is no need to say so, or it
        was counted only a while ago."""
        began = time.monotonic()
        if began < self._not_before.get(thread_id, 0.0) or not await self._is_wanted():
            return 0
        with told():
            try:
                schedule = await read_schedule(self._store)
            except StoreError:  # whoever looks at the schedule is told; what is usually kept does for a hint
                schedule = CompactionSchedule()
            keep = schedule.retention
            would = await self._store.compact(thread_id, keep.events, keep.states, dry_run=True)
            self._after[thread_id] = await self._last_compaction(thread_id)
        self._not_before[thread_id] = time.monotonic() + (time.monotonic() - began) / COUNTING_SHARE
        going = would.events_removed + would.states_removed
        is_long = would.events_before + would.states_before >= HINT_FROM
        return going if is_long and going >= HINT_LEAST else 0

    async def holds(self, thread_id: str) -> bool:
        """Whether what `look` said need still be said: nobody has compacted the thread since, nor turned hints off."""
        if not await self._is_wanted():
            return False
        with told():
            return self._after.get(thread_id) == await self._last_compaction(thread_id)

    async def _is_wanted(self) -> bool:
        with told():
            return await self._store.get_preference(HINT_KEY) is None

    async def _last_compaction(self, thread_id: str) -> int:
        last = await self._store.list_compactions(thread_id, limit=1)
        return last[0].compaction_id if last else 0
