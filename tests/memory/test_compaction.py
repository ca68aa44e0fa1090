"""Compaction removes what the policies say, counts it truly, gives the space back, and spares what is needed."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncGenerator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from afk.core import Runner, RunnerConfig
from afk.memory import MemoryCompactionResult, RetentionPolicy, SQLiteMemoryStore, StateRetentionPolicy
from afk.memory.records import RunStop
from afk.memory.sqlite import compaction
from tests.core.kit import Ledger, ScriptedModel, agent_with, call, rows, transcript
from tests.memory.kit import Clock, answer, begin, interrupted, key_of, proposed, settle

NEWEST = StateRetentionPolicy(max_entries=1)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "afk.db"


@pytest.fixture
async def store(db: Path, clock: Clock) -> AsyncGenerator[SQLiteMemoryStore, None]:
    store = SQLiteMemoryStore(db, clock=clock)
    await store.open()
    yield store
    await store.close()


def counts(db: Path, thread_id: str = "th") -> tuple[int, int, int]:
    """Events, states and messages that stand in the tables."""

    def count(table: str) -> int:
        return rows(db, f"SELECT count(*) FROM {table} WHERE thread_id = ?", thread_id)[0][0]

    return count("event"), count("checkpoint") + count("state"), count("message")


def in_batches_of_twenty(monkeypatch: pytest.MonkeyPatch) -> None:
    def twenty(size: int, took_s: float) -> int:
        return 20

    monkeypatch.setattr(compaction, "next_size", twenty)
    monkeypatch.setattr(compaction, "FIRST_BATCH", 20)


async def fill(
    store: SQLiteMemoryStore, clock: Clock, steps: int, thread_id: str = "th", run_id: str = "r"
) -> Any:
    """An interrupted run of so many steps, a second apart: two checkpoints and three events each."""
    run = (await begin(store, run_id, thread_id)).run
    for step in range(1, steps + 1):
        clock.now += 1_000
        _, (effect,) = await answer(store, run, proposed(f"c{step}", effect="read"), step=step)
        await settle(store, run, effect)
        await store.add_event(thread_id, run_id, "noise", {"step": step, "text": "x" * 500})
    await store.stop_run(key_of(run), interrupted())
    store.live_runs.clear()
    return run


async def finish(store: SQLiteMemoryStore, run_id: str = "r", thread_id: str = "th") -> None:
    taken: Any = await store.take_run(run_id, thread_id, None)
    await store.stop_run(key_of(taken.run), RunStop("completed", None, {"final_text": "kept"}))
    store.live_runs.clear()


async def test_counts_are_those_of_the_tables_and_of_the_dry_run(
    store: SQLiteMemoryStore, clock: Clock, db: Path
) -> None:
    await fill(store, clock, 20)
    await fill(store, clock, 5, "other", "r2")
    before, other = counts(db), counts(db, "other")
    events, states = RetentionPolicy(max_events=7), StateRetentionPolicy(max_entries=5)
    dry = await store.compact("th", events, states, dry_run=True)
    assert counts(db) == before
    assert await store.list_compactions("th") == []
    real = await store.compact("th", events, states)
    after = counts(db)
    assert (real.events_before, real.states_before) == before[:2]
    assert (real.events_after, real.states_after) == after[:2] == (7, 5)
    assert real.events_removed == before[0] - after[0]
    assert real.states_removed == before[1] - after[1]
    assert after[2] == before[2]
    assert counts(db, "other") == other
    for field in fields(MemoryCompactionResult):
        if field.name != "bytes_reclaimed":
            assert getattr(dry, field.name) == getattr(real, field.name), field.name
    assert dry.bytes_reclaimed == 0
    (record,) = await store.list_compactions("th")
    assert record.policies["states"] == {"max_entries": 5, "max_age_ms": None}
    assert record.result is not None
    assert record.result["events_removed"] == real.events_removed


async def test_the_newest_are_kept(store: SQLiteMemoryStore, clock: Clock, db: Path) -> None:
    await fill(store, clock, 10)
    newest_events = rows(db, "SELECT id FROM event ORDER BY id DESC LIMIT 3")
    newest_states = rows(db, "SELECT ordinal FROM checkpoint ORDER BY ordinal DESC LIMIT 4")
    await store.compact("th", RetentionPolicy(max_events=3), StateRetentionPolicy(max_entries=4))
    assert rows(db, "SELECT id FROM event ORDER BY id DESC") == newest_events
    assert rows(db, "SELECT ordinal FROM checkpoint ORDER BY ordinal DESC") == newest_states


async def test_age_is_a_limit_of_its_own(store: SQLiteMemoryStore, clock: Clock, db: Path) -> None:
    await fill(store, clock, 10)
    limit_ms = 4_500
    old = clock.now - limit_ms
    await store.compact("th", RetentionPolicy(max_age_ms=limit_ms), StateRetentionPolicy(max_age_ms=limit_ms))
    for table in ("event", "checkpoint"):
        times = [row[0] for row in rows(db, f"SELECT created_at_ms FROM {table}")]
        assert times
        assert min(times) >= old


@pytest.mark.parametrize("dimension", ["events", "states"])
async def test_a_policy_left_out_leaves_its_dimension_alone(
    store: SQLiteMemoryStore, clock: Clock, db: Path, dimension: str
) -> None:
    await fill(store, clock, 5)
    before = counts(db)
    if dimension == "events":
        result = await store.compact("th", None, NEWEST)
        assert (counts(db)[0], result.events_removed) == (before[0], 0)
        assert result.states_removed > 0
    else:
        result = await store.compact("th", RetentionPolicy(max_events=1), None)
        assert (counts(db)[1], result.states_removed) == (before[1], 0)
        assert result.events_removed > 0
    nothing = await store.compact("th", None, None)
    assert (nothing.events_removed, nothing.states_removed) == (0, 0)


async def test_event_types_that_are_kept_are_never_removed(
    store: SQLiteMemoryStore, clock: Clock, db: Path
) -> None:
    await fill(store, clock, 5)
    result = await store.compact("th", RetentionPolicy(max_events=1, keep_event_types=["llm_call"]), None)
    kept = [row[0] for row in rows(db, "SELECT type FROM event ORDER BY id")]
    assert kept == ["llm_call"] * 5 + ["state"]
    assert (result.events_protected, result.events_after) == (5, 6)
    assert result.protected_by == {"event types that are kept": 5}


async def test_the_newest_checkpoint_of_an_unfinished_run_outlasts_every_policy(
    store: SQLiteMemoryStore, clock: Clock, db: Path
) -> None:
    await fill(store, clock, 3)
    clock.now += 10_000_000
    result = await store.compact("th", None, StateRetentionPolicy(max_entries=1, max_age_ms=1))
    assert rows(db, "SELECT run_id, number FROM checkpoint") == [("r", 6)]
    assert (result.states_protected, result.states_after) == (1, 1)
    assert result.protected_by == {"newest checkpoint of an unfinished run": 1}
    await finish(store)
    result = await store.compact("th", None, StateRetentionPolicy(max_age_ms=1))
    assert rows(db, "SELECT * FROM checkpoint") == []
    assert (result.states_protected, result.states_removed) == (0, 1)


async def test_the_result_of_a_finished_run_outlasts_its_checkpoints(
    store: SQLiteMemoryStore, clock: Clock
) -> None:
    await fill(store, clock, 3)
    await finish(store)
    clock.now += 10_000_000
    await store.compact("th", RetentionPolicy(max_age_ms=1), StateRetentionPolicy(max_age_ms=1))
    run: Any = await store.take_run("r", "th", None)
    assert (run.state, run.result) == ("completed", {"final_text": "kept"})


async def test_a_cancelled_run_can_still_be_resumed(store: SQLiteMemoryStore, clock: Clock) -> None:
    run = await fill(store, clock, 3)
    await store.stop_run(key_of(run), RunStop("cancelled", interrupted().interruption))
    clock.now += 10_000_000
    await store.compact("th", None, StateRetentionPolicy(max_age_ms=1))
    taken: Any = await store.take_run("r", "th", None)
    assert taken.transcript.stored == 7


async def test_a_run_that_was_closed_by_a_later_one_needs_nothing(
    store: SQLiteMemoryStore, clock: Clock, db: Path
) -> None:
    await fill(store, clock, 3)
    await fill(store, clock, 1, run_id="r2")
    await store.compact("th", None, NEWEST)
    assert rows(db, "SELECT run_id FROM checkpoint") == [("r2",)]


async def test_the_newest_summary_of_a_thread_is_kept(
    store: SQLiteMemoryStore, clock: Clock, db: Path
) -> None:
    await fill(store, clock, 3)
    other = sqlite3.connect(db)
    for ordinal, key in ((1001, "summary"), (1002, "summary"), (1003, "metadata:a"), (1004, "metadata:b")):
        other.execute(
            "INSERT INTO state (thread_id, ordinal, key, value, created_at_ms) VALUES ('th', ?, ?, '{}', 1)",
            (ordinal, key),
        )
    other.commit()
    other.close()
    result = await store.compact("th", None, NEWEST)
    assert rows(db, "SELECT ordinal FROM state ORDER BY ordinal") == [(1002,), (1004,)]
    assert result.protected_by == {
        "newest checkpoint of an unfinished run": 1,
        "newest summary of the thread": 1,
    }
    assert (result.states_after, result.states_protected) == (counts(db)[1], 2)


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "7", True])
def test_a_limit_that_is_no_whole_number_above_zero_is_refused(wrong: Any) -> None:
    for policy, name in (
        (RetentionPolicy, "max_age_ms"),
        (RetentionPolicy, "max_events"),
        (StateRetentionPolicy, "max_entries"),
        (StateRetentionPolicy, "max_age_ms"),
    ):
        with pytest.raises(ValueError, match=name):
            policy(**{name: wrong})


async def test_the_file_shrinks_by_what_is_given_back(
    store: SQLiteMemoryStore, clock: Clock, db: Path
) -> None:
    await fill(store, clock, 400)
    await store._connection.bare(compaction.checkpoint_wal, "TRUNCATE")
    before = db.stat().st_size
    result = await store.compact("th", RetentionPolicy(max_events=1), NEWEST)
    assert result.bytes_reclaimed > 200_000
    assert before - db.stat().st_size == result.bytes_reclaimed
    assert rows(db, "PRAGMA freelist_count") == [(0,)]
    assert rows(db, "PRAGMA integrity_check") == [("ok",)]


async def test_the_space_is_given_back_many_pages_at_a_time(
    store: SQLiteMemoryStore, clock: Clock, db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compaction, "VACUUM_PAGES", 64)
    await fill(store, clock, 400)
    told: list[str] = []
    result = await store.compact(
        "th", RetentionPolicy(max_events=1), NEWEST, progress=lambda done, total, what: told.append(what)
    )
    pages = result.bytes_reclaimed // rows(db, "PRAGMA page_size")[0][0]
    assert pages > compaction.VACUUM_PAGES
    assert told.count("space") <= pages // compaction.VACUUM_PAGES + 1


async def test_progress_rises_to_the_total_and_no_lock_is_held_between_batches(
    store: SQLiteMemoryStore, clock: Clock, db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(store, clock, 60)
    in_batches_of_twenty(monkeypatch)
    other = sqlite3.connect(db, timeout=0, isolation_level=None)
    told: list[tuple[int, int, str]] = []

    def look(done: int, total: int, what: str) -> None:
        told.append((done, total, what))
        other.execute("BEGIN IMMEDIATE")  # raises at once where somebody holds the lock
        other.execute("INSERT INTO preference VALUES (?, '', 0)", (f"p{len(told)}",))
        other.execute("COMMIT")

    result = await store.compact("th", RetentionPolicy(max_events=1), NEWEST, progress=look)
    other.close()
    total = result.events_removed + result.states_removed
    assert {t for _, t, _ in told} == {total}
    assert [d for d, _, _ in told] == sorted(d for d, _, _ in told)
    assert told[-1][0] == total
    assert {w for _, _, w in told} >= {"events", "states"}
    assert len(told) >= total / 20
    assert rows(db, "SELECT count(*) FROM preference") == [(len(told),)]


async def test_a_compaction_that_is_cancelled_leaves_the_rest_for_the_next(
    store: SQLiteMemoryStore, clock: Clock, db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(store, clock, 60)
    in_batches_of_twenty(monkeypatch)
    before = counts(db)
    policies = RetentionPolicy(max_events=1), NEWEST
    dry = await store.compact("th", *policies, dry_run=True)

    def stop_after_two(done: int, total: int, what: str) -> None:
        if done >= 40:
            compacting.cancel()

    compacting = asyncio.ensure_future(store.compact("th", *policies, progress=stop_after_two))
    with pytest.raises(asyncio.CancelledError):
        await compacting
    middle = counts(db)
    removed = before[0] - middle[0] + before[1] - middle[1]
    assert 40 <= removed < dry.events_removed + dry.states_removed
    rest = await store.compact("th", *policies)
    assert counts(db)[:2] == (dry.events_after, dry.states_after)
    assert rest.events_removed + rest.states_removed + removed == dry.events_removed + dry.states_removed
    assert [c.result is None for c in await store.list_compactions("th")] == [False, True]


async def test_a_run_that_begins_between_two_batches_is_spared(
    store: SQLiteMemoryStore, clock: Clock, db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protection is part of each batch, not a list made before."""
    await fill(store, clock, 60)
    await finish(store)
    in_batches_of_twenty(monkeypatch)
    clock.now += 10_000

    def reopen(done: int, total: int, what: str) -> None:
        with sqlite3.connect(db) as other:
            other.execute("UPDATE run SET state = 'interrupted'")
        other.close()

    await store.compact("th", None, StateRetentionPolicy(max_age_ms=1), progress=reopen)
    assert rows(db, "SELECT number FROM checkpoint") == [(120,)]


async def test_a_paused_run_resumes_to_the_same_transcript_after_the_strictest_compaction(
    tmp_path: Path,
) -> None:
    async def play(db: Path, *, compact: bool) -> list[Any]:
        ledger = Ledger(db.with_suffix(".ledger"))
        agent = agent_with(ledger.tool("look", "read"), ledger.tool("act"))
        model = ScriptedModel(
            call(("look", {"what": "1"})), call(("act", {"what": "2"})), call(("look", {"what": "3"}))
        )
        config = RunnerConfig()
        async with Runner(memory_store=SQLiteMemoryStore(db), llm=model, config=config) as one:
            first = await one.run(agent, user_message="go", thread_id="th")
            assert first.state == "awaiting_approval"
            (request,) = await one.list_approvals()
            await one.decide(request.approval_id, "allow", args_sha=request.args_sha)
            if compact:
                gone = await one.compact_thread(
                    thread_id="th", event_policy=RetentionPolicy(max_events=1), state_policy=NEWEST
                )
                assert (gone.events_after, gone.states_after) == (1, 1)
            resumed = await one.resume(agent, run_id=first.run_id, thread_id="th")
            assert resumed.state == "completed"
        assert ledger.lines == ["look 1", "act 2", "look 3"]
        return transcript(db, "th")

    assert await play(tmp_path / "a.db", compact=True) == await play(tmp_path / "b.db", compact=False)


async def test_messages_and_calls_and_decisions_are_the_persons_and_stay(
    store: SQLiteMemoryStore, clock: Clock, db: Path
) -> None:
    await fill(store, clock, 10)
    await finish(store)
    clock.now += 10_000_000
    kept = {table: rows(db, f"SELECT * FROM {table}") for table in ("message", "effect", "approval", "run")}
    await store.compact("th", RetentionPolicy(max_age_ms=1), StateRetentionPolicy(max_age_ms=1))
    assert {table: rows(db, f"SELECT * FROM {table}") for table in kept} == kept


async def test_compacting_a_thread_that_is_not_there_removes_nothing(store: SQLiteMemoryStore) -> None:
    result = await store.compact("none", RetentionPolicy(max_events=1), NEWEST)
    assert (result.events_before, result.states_before, result.events_removed) == (0, 0, 0)
