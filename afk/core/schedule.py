"""Compaction on a schedule: which threads are due is read from the store, so that any number of programs agree."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Literal

from afk.agents.errors import AgentConfigurationError, AgentError, StoreError
from afk.agents.results import TERMINAL
from afk.memory.retention import MemoryCompactionResult, Retention, RetentionPolicy, StateRetentionPolicy
from afk.memory.store import MemoryStore

Every = Literal["off", "hourly", "daily"]
EVERY_MS: dict[Every, int] = {"off": 0, "hourly": 3_600_000, "daily": 86_400_000}
DEFAULT_RETENTION = Retention(
    RetentionPolicy(max_age_ms=EVERY_MS["daily"]), StateRetentionPolicy(max_entries=50)
)
# so many times in its interval all threads are looked at: one that is due is late by a part of it at the most
ROUNDS = 6
_KEY = "schedule:compaction"


@dataclass(frozen=True, slots=True)
class CompactionSchedule:
    """How often every thread is compacted while a program looks after that, and what is kept."""

    every: Every = "off"
    retention: Retention = DEFAULT_RETENTION

    def __post_init__(self) -> None:
        if self.every not in EVERY_MS:
            raise AgentConfigurationError(f"A schedule is off, hourly or daily; got {self.every!r}.")


async def read_schedule(store: MemoryStore) -> CompactionSchedule:
    """The schedule of this store; off where nobody set one. Raises StoreError for one that can't be understood."""
    kept = await store.get_preference(_KEY)
    if kept is None:
        return CompactionSchedule()
    try:
        values = json.loads(kept)
        return CompactionSchedule(values["every"], Retention.from_json(values["retention"]))
    except (ValueError, KeyError, TypeError, AttributeError, AgentConfigurationError) as error:
        raise StoreError(
            f"The compaction schedule in the database can't be understood ({error}), so nothing is compacted by it. "
            "Set it anew: afk-tui watch --every daily, or f6 in the app."
        ) from error


async def write_schedule(store: MemoryStore, schedule: CompactionSchedule) -> None:
    """Set it, for every program that has this store open; on return it is on disk."""
    values = {"every": schedule.every, "retention": schedule.retention.to_json()}
    await store.set_preference(_KEY, json.dumps(values, sort_keys=True))


@dataclass(frozen=True, slots=True)
class ThreadCompacted:
    """A thread was compacted. `stopped`: a run of it began meanwhile, the rest is done after that."""

    thread_id: str
    title: str
    result: MemoryCompactionResult
    stopped: bool


@dataclass(frozen=True, slots=True)
class CompactionFailed:
    """A thread ("": the look itself) could not be compacted now; it is tried again at the next look."""

    thread_id: str
    reason: str


ScheduleEvent = ThreadCompacted | CompactionFailed


class Scheduler:
    """Goes round all threads, some times in an hour or a day, and compacts those that are due.

    Each thread is due by its own rows, and is claimed by one transaction: two programs do not do it twice, and none
    does it beside a run of the thread. What this object remembers is only how far the round is.
    """

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._by: CompactionSchedule | None = None
        self._round_at_ms: int | None = None
        self._place: int | None = None
        # due, but a run of them went on, or the database was locked
        self._later: list[str] = []

    @property
    def is_round_over(self) -> bool:
        """Whether all threads were looked at since the round began."""
        return self._place is None

    async def look(self, *, most: int | None = None) -> AsyncGenerator[ScheduleEvent, None]:
        """Begin a round if it is time, or go on with it: up to `most` threads are compacted, None: all that are due.
        Errors are events. Closed or cancelled between two batches, what was removed stays removed."""
        try:
            schedule = await read_schedule(self._store)
        except StoreError as error:
            yield CompactionFailed("", str(error))
            return
        if not self._goes_on(schedule):
            return
        every_ms, done = EVERY_MS[schedule.every], 0
        waiting, self._later = self._later, []
        try:
            while waiting or self._place is not None:
                if not waiting:
                    waiting = await self._look_on(schedule.retention, every_ms)
                    continue
                if most is not None and done >= most:
                    return
                event = await self._compact(waiting[0], schedule.retention, every_ms)
                waiting.pop(0)
                if event is not None:
                    done += 1
                    yield event
        except StoreError as error:
            yield CompactionFailed("", str(error))
        finally:
            # the round may find again what waits already
            self._later = list(dict.fromkeys(waiting + self._later))

    def _goes_on(self, schedule: CompactionSchedule) -> bool:
        """Whether there is something to look at now."""
        if schedule.every == "off":
            self._by, self._round_at_ms, self._place, self._later = schedule, None, None, []
            return False
        now_ms = self._store.clock()
        if schedule != self._by:
            self._by, self._round_at_ms, self._place, self._later = schedule, None, None, []
        if self._place is not None:
            return True
        # a clock that was set back must not put the next round off by as much
        since_ms = None if self._round_at_ms is None else abs(now_ms - self._round_at_ms)
        if since_ms is None or since_ms >= EVERY_MS[schedule.every] // ROUNDS:
            self._round_at_ms, self._place = now_ms, 0
        return True

    async def _look_on(self, retention: Retention, every_ms: int) -> list[str]:
        assert self._place is not None
        if self._place == 0:
            await self._store.remove_deleted()
        due, self._place = await self._store.due_threads(retention, every_ms, after=self._place)
        return due

    async def _compact(self, thread_id: str, retention: Retention, every_ms: int) -> ScheduleEvent | None:
        try:
            thread = await self._store.get_thread(thread_id)
            done = await self._store.compact_unattended(
                thread_id, retention, why="schedule", every_ms=every_ms
            )
        except AgentError as error:
            self._later.append(thread_id)
            return CompactionFailed(thread_id, str(error))
        if done.why_not == "live" or done.stopped:
            self._later.append(thread_id)
        if done.result is None:
            return None
        return ThreadCompacted(thread_id, thread.title if thread else "", done.result, bool(done.stopped))


async def compact_first(store: MemoryStore, run_id: str, thread_id: str, retention: Retention) -> None:
    """Compact the thread of a run that is about to be resumed, where that can go on. The resume does whatever becomes
    of this: an error is left in the telemetry, where that can be written."""
    try:
        run = await store.get_run(run_id)
        if run is None or run.thread_id != thread_id or run.state in TERMINAL:
            return  # taking it says what is wrong, or gives its result
        await store.compact_unattended(thread_id, retention, why="resume")
    except AgentError as error:
        with contextlib.suppress(AgentError):
            await store.add_event(thread_id, run_id, "compaction_failed", {"reason": str(error)})
