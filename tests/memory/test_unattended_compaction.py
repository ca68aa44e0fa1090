"""A compaction that nobody stands beside: done by one process, never beside a run of its thread, told in a row."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from afk.memory import Retention, RetentionPolicy, SQLiteMemoryStore, StateRetentionPolicy
from afk.memory.sqlite import compaction_rows
from tests.core.kit import rows
from tests.memory.children import finish, line_of, start_code
from tests.memory.compaction_kit import add_events, compactions, finished, in_batches_of_twenty, noise
from tests.memory.kit import Clock, begin, interrupted, key_of

HOUR_MS = 3_600_000
KEEP = Retention(RetentionPolicy(max_age_ms=HOUR_MS))


@pytest.fixture
def clock() -> Clock:
    clock = Clock()
    clock.now = 100 * HOUR_MS
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


async def compact(store: SQLiteMemoryStore, thread_id: str = "th", **more: Any) -> Any:
    return await store.compact_unattended(thread_id, KEEP, why="schedule", every_ms=HOUR_MS, **more)


async def test_it_removes_what_the_same_compaction_by_hand_would_and_its_row_says_why(
    store: SQLiteMemoryStore, db: Path
) -> None:
    await finished(store, "th")
    add_events(db, "th", 30)
    dry = await store.compact("th", KEEP.events, None, dry_run=True)
    done = await compact(store)
    assert (done.why_not, done.stopped) == ("", "")
    assert (done.result.events_removed, done.result.events_after) == (dry.events_removed, dry.events_after)
    assert noise(db, "th") == 0
    (record,) = await store.list_compactions("th")
    assert (record.why, record.is_going_on, record.stopped) == ("schedule", False, None)
    assert record.result is not None
    assert record.result["events_removed"] == dry.events_removed == 30
    assert Retention.from_json(record.policies) == KEEP


async def test_where_nothing_would_go_no_row_is_left(store: SQLiteMemoryStore, db: Path) -> None:
    await finished(store, "th")
    assert (await compact(store)).why_not == "nothing"
    assert compactions(db) == []


async def test_a_thread_is_left_alone_while_a_run_of_it_is_live_here_or_in_another_process(
    store: SQLiteMemoryStore, db: Path
) -> None:
    run = (await begin(store, "run_1", "th")).run
    add_events(db, "th", 30)
    other = SQLiteMemoryStore(db)
    await other.open()
    for one in (store, other):
        assert (await compact(one)).why_not == "live"
    assert noise(db, "th") == 30
    assert compactions(db) == []
    await store.stop_run(key_of(run), interrupted())
    store.live_runs.clear()
    assert (await compact(other)).why_not == ""
    assert noise(db, "th") == 0
    await other.close()


async def test_a_run_whose_process_died_holds_nothing_up(store: SQLiteMemoryStore, db: Path) -> None:
    child = start_code(HOLD_RUN, db)
    assert line_of(child) == "begun"
    add_events(db, "th", 30)
    assert (await compact(store)).why_not == "live"
    child.send_signal(signal.SIGKILL)
    child.communicate()
    assert (await compact(store)).why_not == ""
    assert (await store.take_run("run_1", "th", None)) is not None


HOLD_RUN = """
import asyncio, sys
from afk.memory import SQLiteMemoryStore
from tests.memory.kit import begin

async def main():
    store = SQLiteMemoryStore(sys.argv[1])
    await store.open()
    await begin(store)
    print("begun", flush=True)
    sys.stdin.readline()

asyncio.run(main())
"""


async def test_it_ends_between_two_batches_when_a_run_of_the_thread_begins_elsewhere(
    store: SQLiteMemoryStore, db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await finished(store, "th")
    add_events(db, "th", 100)
    in_batches_of_twenty(monkeypatch)
    children: list[Any] = []

    def begin_elsewhere(done: int, total: int, what: str) -> None:
        if not children:
            children.append(start_code(HOLD_RUN, db))
            assert line_of(children[0]) == "begun"

    done = await compact(store, progress=begin_elsewhere)
    assert done.stopped == "live"
    assert done.result.events_removed == 20
    assert noise(db, "th") == 80
    (record,) = await store.list_compactions("th")
    assert record.result is None
    assert record.stopped == {"why": "live", "events_removed": 20, "states_removed": 0}
    finish(children[0])
    # and what was cut short is due as if it had never been
    assert (await compact(store)).why_not == ""
    assert noise(db, "th") == 0


async def test_what_one_store_compacts_no_other_begins_meanwhile(
    store: SQLiteMemoryStore, db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await finished(store, "th")
    add_events(db, "th", 100)
    in_batches_of_twenty(monkeypatch)
    other = SQLiteMemoryStore(db)
    await other.open()
    begun, go_on = asyncio.Event(), asyncio.Event()
    real_sleep = asyncio.sleep

    async def pause(delay_s: float) -> None:
        begun.set()
        await go_on.wait()

    monkeypatch.setattr("afk.memory.sqlite.compacting.asyncio.sleep", pause)
    first = asyncio.ensure_future(compact(store))
    await begun.wait()
    for one in (store, other):
        assert (await compact(one)).why_not == "claimed"
    assert [r.is_going_on for r in await other.list_compactions("th")] == [True]
    go_on.set()
    monkeypatch.setattr("afk.memory.sqlite.compacting.asyncio.sleep", real_sleep)
    assert (await first).result.events_removed == 100
    assert compactions(db) == [("th", "schedule", True)]
    await other.close()


COMPACT = """
import asyncio, sys
from afk.memory import Retention, RetentionPolicy, SQLiteMemoryStore

async def main():
    store = SQLiteMemoryStore(sys.argv[1])
    await store.open()
    print("ready", flush=True)
    sys.stdin.readline()
    keep = Retention(RetentionPolicy(max_age_ms=1, keep_event_types=("state",)))
    done = await store.compact_unattended("th", keep, why="schedule", every_ms=3_600_000)
    print(done.why_not or done.result.events_removed, flush=True)
    await store.close()

asyncio.run(main())
"""


async def test_of_processes_that_claim_at_once_one_compacts(store: SQLiteMemoryStore, db: Path) -> None:
    await finished(store, "th")
    add_events(db, "th", 5_000)
    children = [start_code(COMPACT, db) for _ in range(3)]
    for child in children:
        assert line_of(child) == "ready"
    for child in children:
        assert child.stdin is not None
        child.stdin.write("\n")
        child.stdin.flush()
    said = [finish(child, "")[0].strip() for child in children]
    assert sum(word.isdecimal() for word in said) == 1, said
    assert set(said) - {"claimed", "early", "nothing"} == {next(w for w in said if w.isdecimal())}
    assert compactions(db) == [("th", "schedule", True)]


# killed right after the claim is on disk, between two batches, and when only its end is not written yet
DIES = """
import asyncio, os, signal, sys
from afk.memory import Retention, RetentionPolicy, SQLiteMemoryStore
from afk.memory.sqlite import compacting, compaction, compaction_rows

def die(*args, **options):
    os.kill(os.getpid(), signal.SIGKILL)

where = sys.argv[2]
compaction.FIRST_BATCH = 20
compaction.next_size = lambda size, took_s: 20
real = compaction.timed_batch
batches = []
def batch(*args):
    batches.append(1)
    if where == "claimed" or (where == "batch" and len(batches) == 3):
        die()
    return real(*args)
compaction.timed_batch = batch
if where == "end":
    compaction_rows.end = die

async def main():
    store = SQLiteMemoryStore(sys.argv[1])
    await store.open()
    keep = Retention(RetentionPolicy(max_age_ms=1, keep_event_types=("state",)))
    await store.compact_unattended("th", keep, why="schedule", every_ms=3_600_000)

asyncio.run(main())
"""


@pytest.mark.parametrize(("where", "left"), [("claimed", 100), ("batch", 60), ("end", 0)])
async def test_killed_anywhere_it_claims_nothing_any_more_and_is_gone_on_with(
    store: SQLiteMemoryStore, db: Path, where: str, left: int
) -> None:
    await finished(store, "th")
    add_events(db, "th", 100)
    child = start_code(DIES, db, where)
    child.communicate(timeout=60)
    assert child.returncode == -signal.SIGKILL
    assert rows(db, "PRAGMA integrity_check") == [("ok",)]
    assert noise(db, "th") == left
    (cut_off,) = await store.list_compactions("th")
    assert (cut_off.result, cut_off.stopped, cut_off.is_going_on) == (None, None, False)
    done = await compact(store)
    assert done.why_not == ("" if left else "nothing")
    assert noise(db, "th") == 0


async def test_cancelled_its_row_says_what_it_had_removed(
    store: SQLiteMemoryStore, db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await finished(store, "th")
    add_events(db, "th", 100)
    in_batches_of_twenty(monkeypatch)

    def stop_after_two(done: int, total: int, what: str) -> None:
        if done >= 40:
            compacting.cancel()

    compacting = asyncio.ensure_future(compact(store, progress=stop_after_two))
    with pytest.raises(asyncio.CancelledError):
        await compacting
    (record,) = await store.list_compactions("th")
    removed = 100 - noise(db, "th")
    assert record.stopped == {"why": "cancelled", "events_removed": removed, "states_removed": 0}
    assert (await compact(store)).result.events_removed == 100 - removed


async def test_cancelled_while_its_beginning_is_written_it_claims_nothing_any_more(
    store: SQLiteMemoryStore, db: Path
) -> None:
    await finished(store, "th")
    add_events(db, "th", 30)
    began, go = threading.Event(), threading.Event()

    real = compaction_rows.claim

    def claim(*args: Any) -> Any:
        began.set()
        assert go.wait(20)
        return real(*args)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(compaction_rows, "claim", claim)
        compacting = asyncio.create_task(compact(store))
        await asyncio.to_thread(began.wait, 20)
        compacting.cancel()
        await asyncio.sleep(0)
        go.set()
        with pytest.raises(asyncio.CancelledError):
            await compacting
    (record,) = await store.list_compactions("th")
    assert not record.is_going_on
    assert noise(db, "th") == 30
    assert (await compact(store)).why_not == ""
    assert noise(db, "th") == 0


async def test_within_its_interval_a_thread_is_compacted_once(
    store: SQLiteMemoryStore, clock: Clock, db: Path
) -> None:
    await finished(store, "th")
    add_events(db, "th", 5)
    assert (await compact(store)).why_not == ""
    add_events(db, "th", 5)
    clock.now += HOUR_MS - 1
    assert (await compact(store)).why_not == "early"
    assert await store.due_threads(KEEP, HOUR_MS) == ([], None)
    clock.now += 1
    assert await store.due_threads(KEEP, HOUR_MS) == (["th"], None)
    assert (await compact(store)).why_not == ""


async def test_a_compaction_by_hand_puts_the_schedule_off_by_nothing(
    store: SQLiteMemoryStore, db: Path
) -> None:
    await finished(store, "th")
    add_events(db, "th", 5)
    await store.compact("th", RetentionPolicy(max_events=1_000), None)
    assert (await compact(store)).why_not == ""


async def test_a_deleted_thread_and_one_that_never_was_are_gone(store: SQLiteMemoryStore, db: Path) -> None:
    await finished(store, "th")
    add_events(db, "th", 5)
    await store.delete_thread("th", keep=True)
    assert (await compact(store)).why_not == "gone"
    assert noise(db, "th") == 5
    assert await store.due_threads(KEEP, HOUR_MS) == ([], None)
    assert (await compact(store, "none")).why_not == "nothing"


async def test_all_due_threads_are_found_in_slices_of_a_few_milliseconds(
    store: SQLiteMemoryStore, db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(7):
        await finished(store, f"th_{n}")
        if n % 2:
            add_events(db, f"th_{n}", 3)
    monkeypatch.setattr("afk.memory.sqlite.due.THREADS_A_LOOK", 2)
    found: list[str] = []
    looks, after = 0, 0
    while after is not None:
        due, after = await store.due_threads(KEEP, HOUR_MS, after=after)
        found += due
        looks += 1
    assert found == ["th_1", "th_3", "th_5"]
    assert looks == 4


async def test_the_same_policies_keep_the_same_over_the_disk() -> None:
    for keep in (
        Retention(),
        Retention(RetentionPolicy(5, 6, ("a", "b")), StateRetentionPolicy(7, 8)),
        Retention(None, StateRetentionPolicy(max_entries=1)),
    ):
        assert Retention.from_json(keep.to_json()) == keep
