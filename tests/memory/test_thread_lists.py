"""Lists of many threads are read by their indexes, and stay right whatever happens to the file."""

from __future__ import annotations

import itertools
import sqlite3
from pathlib import Path

import pytest

from afk.agents.errors import StoreError
from afk.memory import SQLiteMemoryStore
from afk.memory.sqlite import lineage, threads
from afk.memory.threads import THREAD_FILTERS, ThreadFilter
from tests.core.kit import rows
from tests.memory.kit import begin, interrupted, key_of
from tests.memory.test_migrations import make_first_version

LISTS = list(itertools.product(THREAD_FILTERS, (None, "/w"), (True, False)))


async def make_file(path: Path) -> None:
    store = SQLiteMemoryStore(path)
    await store.open()
    await store.close()


@pytest.mark.parametrize(("show", "workspace", "pinned"), LISTS)
async def test_every_list_is_read_by_an_index_in_its_order(
    tmp_path: Path, show: ThreadFilter, workspace: str | None, pinned: bool
) -> None:
    await make_file(tmp_path / "afk.db")
    page = threads.page_sql(show, workspace, pinned=pinned)
    db = sqlite3.connect(tmp_path / "afk.db")
    plan = [
        row[3]
        for row in db.execute(
            f"EXPLAIN QUERY PLAN {page} ORDER BY updated_at_ms DESC, id LIMIT 200 OFFSET 1000",
            {"workspace": workspace},
        )
    ]
    db.close()
    # one line: neither a sort beside it, nor the rows of the table
    assert len(plan) == 1
    assert "USING COVERING INDEX" in plan[0]
    if workspace is not None and show in ("current", "done", "all") and not pinned:
        assert "SEARCH thread USING COVERING INDEX thread_by_workspace (workspace=?)" in plan[0]


async def test_a_page_of_many_threads_reads_the_runs_of_that_page_alone(tmp_path: Path) -> None:
    await make_file(tmp_path / "afk.db")
    db = sqlite3.connect(tmp_path / "afk.db")
    sql: list[str] = []
    db.row_factory = sqlite3.Row
    db.set_trace_callback(sql.append)
    threads._page(db, "/w", "current", 0, 200, pinned=False)
    db.set_trace_callback(None)
    plan = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {sql[0]}")]
    db.close()
    assert any(line.startswith("SEARCH t USING INTEGER PRIMARY KEY") for line in plan)
    assert any("sqlite_autoindex_run" in line for line in plan)


async def test_threads_of_an_earlier_version_are_read_counted_and_stand_as_their_runs_do(
    tmp_path: Path,
) -> None:
    path = tmp_path / "afk.db"
    make_first_version(path)
    states = {"over": "completed", "asks": "awaiting_approval", "died": "running", "given_up": "cancelled"}
    db = sqlite3.connect(path)
    with db:
        for n, (name, state) in enumerate(states.items()):
            db.execute(
                "INSERT INTO thread VALUES (?, ?, 'bot', '/w', 1, ?, ?, 0, 0, 0, NULL, NULL)",
                (name, name, n, f"run_{name}"),
            )
            db.execute(
                "INSERT INTO run VALUES (?, ?, 'bot', 'm', '{}', '/w', ?, NULL, NULL, 0, '{}', '{}', '{}', NULL, 1,"
                " 'own_dead', 0, ?, NULL, NULL, 1, 1)",
                (f"run_{name}", name, state, f"run_{name}"),
            )
    db.close()
    store = SQLiteMemoryStore(path)
    await store.open()
    assert [t.is_unread for t in await store.list_threads()] == [False] * 4
    found = {show: [t.thread_id for t in await store.list_threads(show=show)] for show in THREAD_FILTERS}
    assert found["waiting"] == ["asks"]
    assert found["interrupted"] == ["given_up", "died"]
    assert found["done"] == ["over"]
    assert (await store.count_threads_by_filter(workspace="/w"))["current"] == 4
    await store.close()


async def test_a_change_that_is_undone_undoes_its_counts(tmp_path: Path) -> None:
    store = SQLiteMemoryStore(tmp_path / "afk.db")
    await store.open()
    await begin(store)
    with pytest.raises(StoreError, match="UNIQUE"):
        await store._connection._send(_half_a_change, "written")
    assert await store.count_threads(show="current") == 1
    await store.close()
    tally = rows(
        tmp_path / "afk.db", "SELECT standing, archived, threads FROM thread_tally WHERE threads != 0"
    )
    assert tally == [("running", 0, 1)]


def _half_a_change(db: sqlite3.Connection) -> None:
    db.execute("BEGIN IMMEDIATE")
    try:
        db.execute("UPDATE thread SET archived_at_ms = 1")
        db.execute("INSERT INTO thread SELECT * FROM thread")
    except BaseException:
        db.execute("ROLLBACK")
        raise


async def test_pinned_and_archived_threads_survive_a_salvage(tmp_path: Path) -> None:
    from afk.memory.sqlite.salvage import salvage

    store = SQLiteMemoryStore(tmp_path / "afk.db")
    await store.open()
    for name in ("a", "b", "c"):
        run = (await begin(store, f"run_{name}", name)).run
        await store.stop_run(key_of(run), interrupted())
    await store.pin_thread("a")
    await store.archive_thread("b")
    before = await store.list_threads()
    await store.close()
    salvage(tmp_path / "afk.db", tmp_path / "out.db")
    saved = SQLiteMemoryStore(tmp_path / "out.db")
    await saved.open()
    assert await saved.list_threads() == before
    assert await saved.count_threads(show="current") == 2
    assert [t.thread_id for t in await saved.list_threads(show="interrupted")] == ["a", "c"]
    await saved.close()


async def test_the_end_of_a_thread_is_read_without_its_beginning(tmp_path: Path) -> None:
    await make_file(tmp_path / "afk.db")
    db = sqlite3.connect(tmp_path / "afk.db")
    db.row_factory = sqlite3.Row
    sql: list[str] = []
    db.set_trace_callback(sql.append)
    lineage.heads_before(db, "th", 2**62, 300)
    db.set_trace_callback(None)
    plan = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {sql[-1]}")]
    db.close()
    assert not any("TEMP B-TREE" in line or line.startswith("SCAN") for line in plan), plan
