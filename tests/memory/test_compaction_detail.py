"""A dry run in detail says, by kind and by run, just what the compaction then does; and what takes the space."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import closing
from pathlib import Path

import pytest

from afk.memory import Retention, RetentionPolicy, SQLiteMemoryStore, StateRetentionPolicy
from afk.memory.sqlite import space
from tests.core.kit import rows
from tests.memory.compaction_kit import add_events, finished
from tests.memory.kit import Clock, begin, interrupted, key_of
from tests.support.tables import writable


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "afk.db"


@pytest.fixture
async def store(db: Path) -> AsyncGenerator[SQLiteMemoryStore, None]:
    clock = Clock()
    clock.now = 10_000_000
    store = SQLiteMemoryStore(db, clock=clock)
    await store.open()
    yield store
    await store.close()


async def two_runs(store: SQLiteMemoryStore, db: Path) -> None:
    """One that is over and one that is not, states of both kinds, old events of the first."""
    await finished(store, "th", "run_1")
    run = (await begin(store, "run_2", "th")).run
    await store.stop_run(key_of(run), interrupted())
    store.live_runs.clear()
    add_events(db, "th", 30)
    with closing(writable(db)) as other, other:
        other.execute("UPDATE event SET run_id = 'run_1' WHERE type = 'noise'")
        other.execute("UPDATE checkpoint SET created_at_ms = 1")
        for ordinal, key in enumerate(("summary", "summary", "summary:part", "metadata:a"), 1001):
            other.execute(
                "INSERT INTO state (thread_id, ordinal, key, value, created_at_ms) VALUES ('th', ?, ?, '{}', 1)",
                (ordinal, key),
            )


POLICIES = Retention(
    RetentionPolicy(max_age_ms=1_000, keep_event_types=["state"]), StateRetentionPolicy(max_age_ms=1_000)
)


async def test_its_numbers_are_those_of_the_dry_run_and_of_the_tables_after_it(
    store: SQLiteMemoryStore, db: Path
) -> None:
    await two_runs(store, db)
    detail = await store.compaction_detail("th", POLICIES)
    dry = await store.compact("th", POLICIES.events, POLICIES.states, dry_run=True)
    kinds = detail.kinds
    assert (kinds["events"].there, kinds["events"].going) == (dry.events_before, dry.events_removed)
    states = [kinds[kind] for kind in ("checkpoints", "summaries", "metadata")]
    assert sum(c.there for c in states) == dry.states_before
    assert sum(c.going for c in states) == dry.states_removed
    assert sum(c.protected for c in states) == dry.states_protected
    assert dict(detail.protected_by) == dict(dry.protected_by)
    await store.compact("th", POLICIES.events, POLICIES.states)
    left = {
        "events": rows(db, "SELECT count(*) FROM event")[0][0],
        "checkpoints": rows(db, "SELECT count(*) FROM checkpoint")[0][0],
        "summaries": rows(db, "SELECT count(*) FROM state WHERE key LIKE 'summary%'")[0][0],
        "metadata": rows(db, "SELECT count(*) FROM state WHERE key LIKE 'metadata%'")[0][0],
    }
    assert {kind: c.there - c.going for kind, c in kinds.items()} == left
    assert left["summaries"] == 1


async def test_each_run_has_its_own_numbers_and_its_own_reasons(store: SQLiteMemoryStore, db: Path) -> None:
    await two_runs(store, db)
    detail = await store.compaction_detail("th", POLICIES)
    runs = {run.run_id: run for run in detail.runs}
    assert set(runs) == {"run_1", "run_2", ""}
    assert (runs["run_1"].state, runs["run_2"].state) == ("completed", "interrupted")
    assert (runs["run_1"].kinds["events"].going, runs["run_1"].kinds["checkpoints"].going) == (30, 1)
    assert runs["run_2"].kinds["checkpoints"].protected == 1
    assert runs["run_2"].protected_by["newest checkpoint of an unfinished run"] == 1
    assert runs[""].protected_by == {"newest summary of the thread": 1}
    total = Counter[str]()
    for run in detail.runs:
        for kind, counted in run.kinds.items():
            total[kind] += counted.there
    assert total == {kind: counted.there for kind, counted in detail.kinds.items() if counted.there}


async def test_only_so_many_runs_are_named_those_with_the_most_first(
    store: SQLiteMemoryStore, db: Path
) -> None:
    await two_runs(store, db)
    detail = await store.compaction_detail("th", POLICIES, most_runs=1)
    assert [run.run_id for run in detail.runs] == ["run_1"]
    assert detail.other_runs == 2


async def test_of_the_file_every_page_is_counted_once(store: SQLiteMemoryStore, db: Path) -> None:
    await two_runs(store, db)
    add_events(db, "th", 5_000)
    taken = await store.space_taken()
    pages, page_size = rows(db, "PRAGMA page_count")[0][0], rows(db, "PRAGMA page_size")[0][0]
    # but for the map of pages that a file which can shrink has
    assert pages * page_size * 0.95 <= sum(one.size_bytes for one in taken) <= pages * page_size
    assert taken[0].what == "events"
    assert all(one.exact for one in taken)


async def test_of_a_thread_the_texts_are_counted(store: SQLiteMemoryStore, db: Path) -> None:
    await two_runs(store, db)
    add_events(db, "other", 2_000)
    taken = {one.what: one for one in await store.space_taken("th")}
    assert taken["messages"].size_bytes == rows(db, "SELECT sum(length(text)) FROM message")[0][0]
    assert taken["events"].size_bytes < 4_000
    assert not any(one.exact for one in taken.values())


async def test_where_sqlite_does_not_count_its_pages_the_texts_are_counted(
    store: SQLiteMemoryStore, db: Path
) -> None:
    await two_runs(store, db)

    class Without:
        def execute(self, sql: str, *args: object) -> sqlite3.Cursor:
            if "dbstat" in sql:
                raise sqlite3.OperationalError("no such table: dbstat")
            return real.execute(sql, *args)  # type: ignore[arg-type]

    with closing(sqlite3.connect(db)) as real:
        taken = space.of_file(Without())  # pyright: ignore[reportArgumentType]
    assert {one.what for one in taken} >= {"messages", "events", "checkpoints"}
    assert not any(one.exact for one in taken)
