"""Compaction on a schedule: off until somebody sets it, each thread once in its time, never beside a run of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from afk.agents.errors import AgentConfigurationError, StoreError
from afk.core import schedule
from afk.core.schedule import (
    CompactionFailed,
    CompactionSchedule,
    Scheduler,
    ThreadCompacted,
    read_schedule,
    write_schedule,
)
from afk.memory import Retention, RetentionPolicy, SQLiteMemoryStore, StateRetentionPolicy
from afk.memory.sqlite import connection
from tests.memory.compaction_kit import add_events, compactions, finished, in_batches_of_twenty, noise
from tests.memory.kit import Clock, begin, interrupted, key_of
from tests.support.failing import change, locked

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
KEEP = Retention(RetentionPolicy(max_age_ms=HOUR_MS), StateRetentionPolicy(max_entries=50))
HOURLY = CompactionSchedule("hourly", KEEP)


@pytest.fixture
def clock() -> Clock:
    clock = Clock()
    clock.now = 1_000 * DAY_MS
    return clock


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "afk.db"


@pytest.fixture
async def store(db: Path, clock: Clock) -> AsyncGenerator[SQLiteMemoryStore, None]:
    store = SQLiteMemoryStore(db, clock=clock)
    await store.open()
    yield store
    await store.close()


async def looked(scheduler: Scheduler, most: int | None = None) -> list[str]:
    """The threads that a look compacted; what failed stands with a "!"."""
    return [
        event.thread_id if isinstance(event, ThreadCompacted) else f"!{event.thread_id}"
        async for event in scheduler.look(most=most)
    ]


async def old_threads(store: SQLiteMemoryStore, db: Path, *names: str) -> None:
    for name in names:
        await finished(store, name)
        add_events(db, name, 5)


async def test_it_is_off_until_somebody_sets_it(store: SQLiteMemoryStore, db: Path) -> None:
    await old_threads(store, db, "a")
    assert (await read_schedule(store)).every == "off"
    assert await looked(Scheduler(store)) == []
    assert noise(db, "a") == 5


async def test_what_one_program_sets_another_one_follows(
    store: SQLiteMemoryStore, db: Path, clock: Clock
) -> None:
    await old_threads(store, db, "a")
    other = SQLiteMemoryStore(db, clock=clock)
    await other.open()
    scheduler = Scheduler(other)
    assert await looked(scheduler) == []
    await write_schedule(store, HOURLY)
    assert await read_schedule(other) == HOURLY
    assert await looked(scheduler) == ["a"]
    await write_schedule(store, CompactionSchedule("off", KEEP))
    add_events(db, "a", 5)
    clock.now += DAY_MS
    assert await looked(scheduler) == []
    assert noise(db, "a") == 5
    await other.close()


@pytest.mark.parametrize(("every", "every_ms"), [("hourly", HOUR_MS), ("daily", DAY_MS)])
async def test_each_thread_is_compacted_once_in_its_time(
    store: SQLiteMemoryStore, db: Path, clock: Clock, every: schedule.Every, every_ms: int
) -> None:
    await old_threads(store, db, "a", "b")
    await write_schedule(store, CompactionSchedule(every, KEEP))
    scheduler = Scheduler(store)
    assert await looked(scheduler) == ["a", "b"]
    for name in "ab":
        add_events(db, name, 5)
    clock.now += every_ms - 1
    assert await looked(scheduler) == []
    clock.now += every_ms // schedule.ROUNDS
    assert await looked(scheduler) == ["a", "b"]
    assert compactions(db) == [(name, "schedule", True) for name in "abab"]


async def test_a_program_that_starts_anew_does_not_do_it_again(
    store: SQLiteMemoryStore, db: Path, clock: Clock
) -> None:
    await old_threads(store, db, "a")
    await write_schedule(store, HOURLY)
    assert await looked(Scheduler(store)) == ["a"]
    add_events(db, "a", 5)
    assert await looked(Scheduler(store)) == []
    clock.now += HOUR_MS
    assert await looked(Scheduler(store)) == ["a"]


@pytest.mark.parametrize("back_ms", [60_000, 2 * HOUR_MS, 400 * DAY_MS])
async def test_a_clock_that_was_set_back_neither_repeats_it_nor_ends_it(
    store: SQLiteMemoryStore, db: Path, clock: Clock, back_ms: int
) -> None:
    await old_threads(store, db, "a")
    await write_schedule(store, HOURLY)
    scheduler = Scheduler(store)
    assert await looked(scheduler) == ["a"]
    clock.now -= back_ms
    done = 0
    for _ in range(8):  # two hours, a quarter at a time
        add_events(db, "a", 5)
        for one in (scheduler, Scheduler(store)):
            done += len(await looked(one))
        clock.now += HOUR_MS // 4
    assert 1 <= done <= 3


async def test_a_thread_with_a_run_is_left_alone_and_comes_next_when_that_is_over(
    store: SQLiteMemoryStore, db: Path, clock: Clock
) -> None:
    run = (await begin(store, "run_a", "a")).run
    add_events(db, "a", 5)
    await old_threads_beside(store, db, "b")
    await write_schedule(store, HOURLY)
    scheduler = Scheduler(store)
    assert await looked(scheduler) == ["b"]
    for _ in range(3):
        clock.now += HOUR_MS // schedule.ROUNDS
        assert await looked(scheduler) == []
    await store.stop_run(key_of(run), interrupted())
    store.live_runs.clear()
    assert await looked(scheduler) == ["a"]


async def old_threads_beside(store: SQLiteMemoryStore, db: Path, name: str) -> None:
    live = set(store.live_runs)
    await old_threads(store, db, name)
    store.live_runs.update(live)


async def test_where_a_run_begins_meanwhile_the_rest_follows_after_it(
    store: SQLiteMemoryStore, db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await finished(store, "a")
    add_events(db, "a", 100)
    await write_schedule(store, HOURLY)
    in_batches_of_twenty(monkeypatch)
    scheduler = Scheduler(store)
    begun: list[object] = []

    async def begin_at_first_pause(delay_s: float) -> None:
        if not begun:
            begun.append((await begin(store, "run_2", "a")).run)

    with monkeypatch.context() as patched:
        patched.setattr("afk.memory.sqlite.compacting.asyncio.sleep", begin_at_first_pause)
        (event,) = [event async for event in scheduler.look()]
    assert isinstance(event, ThreadCompacted)
    assert (event.stopped, event.result.events_removed) == (True, 20)
    await store.stop_run(key_of(begun[0]), interrupted())  # type: ignore[arg-type]
    store.live_runs.clear()
    assert await looked(scheduler) == ["a"]
    assert noise(db, "a") == 0


async def test_a_look_does_so_many_and_the_next_one_goes_on(store: SQLiteMemoryStore, db: Path) -> None:
    names = [f"t{n}" for n in range(5)]
    await old_threads(store, db, *names)
    await write_schedule(store, HOURLY)
    scheduler = Scheduler(store)
    assert await looked(scheduler, most=2) == names[:2]
    assert await looked(scheduler, most=2) == names[2:4]
    assert await looked(scheduler, most=2) == names[4:]
    assert scheduler.is_round_over


async def test_two_programs_that_go_round_at_once_compact_each_thread_once(
    store: SQLiteMemoryStore, db: Path, clock: Clock
) -> None:
    names = [f"t{n:02}" for n in range(20)]
    await old_threads(store, db, *names)
    await write_schedule(store, HOURLY)
    other = SQLiteMemoryStore(db, clock=clock)
    await other.open()
    both = await asyncio.gather(looked(Scheduler(store)), looked(Scheduler(other)))
    assert sorted(both[0] + both[1]) == names
    assert sorted(compactions(db)) == [(name, "schedule", True) for name in names]
    await other.close()


async def test_a_locked_database_is_told_and_the_thread_comes_next_time(
    db: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "BUSY_TIMEOUT_MS", 50)
    store = SQLiteMemoryStore(db, clock=clock)
    await store.open()
    await old_threads(store, db, "a", "b")
    await write_schedule(store, HOURLY)
    scheduler = Scheduler(store)
    with locked(db):
        failed = [event async for event in scheduler.look()]
        assert [event.thread_id for event in failed] == ["a", "b"]
        assert all(isinstance(event, CompactionFailed) and "locked" in event.reason for event in failed)
        assert await looked(scheduler) == ["!a", "!b"]
    assert await looked(scheduler) == ["a", "b"]
    await store.close()


async def test_a_schedule_that_nobody_understands_is_told_and_compacts_nothing(
    store: SQLiteMemoryStore, db: Path
) -> None:
    await old_threads(store, db, "a")
    await write_schedule(store, HOURLY)
    change(db, "UPDATE preference SET value = '{\"every\": \"fortnightly\"}' WHERE key LIKE 'schedule:%'")
    with pytest.raises(StoreError, match="can't be understood"):
        await read_schedule(store)
    assert await looked(Scheduler(store)) == ["!"]
    assert noise(db, "a") == 5


def test_there_are_three_schedules() -> None:
    with pytest.raises(AgentConfigurationError, match="off, hourly or daily"):
        CompactionSchedule("weekly")  # pyright: ignore[reportArgumentType]


async def test_stopped_in_the_middle_it_goes_on_with_that_thread(
    store: SQLiteMemoryStore, db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await finished(store, "a")
    add_events(db, "a", 100)
    await old_threads(store, db, "b")
    await write_schedule(store, HOURLY)
    in_batches_of_twenty(monkeypatch)
    paused = asyncio.Event()

    async def pause(delay_s: float) -> None:
        paused.set()
        await asyncio.Event().wait()

    scheduler = Scheduler(store)
    with monkeypatch.context() as patched:
        patched.setattr("afk.memory.sqlite.compacting.asyncio.sleep", pause)
        looking = asyncio.ensure_future(looked(scheduler))
        await paused.wait()
        looking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await looking
    assert noise(db, "a") == 80
    assert await looked(scheduler) == ["a", "b"]
