"""A file with names where numbers are now: it reads the same, and what was open in it goes on."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from afk.agents.errors import AgentCheckpointCorruptionError, StoreError
from afk.core import Runner
from afk.memory import RetentionPolicy, SQLiteMemoryStore
from afk.memory.sqlite import schema
from afk.memory.sqlite.lifelines import Lifeline, still_running
from afk.memory.sqlite.owners import Owners
from afk.memory.sqlite.salvage import salvage
from tests.core.kit import Ledger, ScriptedModel, agent_with, rows, transcript
from tests.core.nested import drive, nested_agent, nested_model
from tests.memory.children import run_code

ROWS = Path(__file__).with_name("version_9.sql")
# of what was told about by name; a call's own name is its place now
COLUMNS = {
    "message": "thread_id, seq, role, chars, lines, run_id, call_id, created_at_ms, tool_calls, text, output_sha",
    "checkpoint": "run_id, number, thread_id, ordinal, step, phase, head_seq, message_count, state, checksum,"
    " created_at_ms",
    "effect": "run_id, thread_id, call_id, step, position, tool_name, effect, arguments, args_sha, idempotency_key,"
    " phase, attempt, epoch, result_seq, approval_id, allowed_by, started_at_ms, finished_at_ms",
    "event": "id, thread_id, run_id, type, body, created_at_ms",
}


def make_version_9(path: Path) -> Path:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("BEGIN")
        schema.take_steps(db, 0, 9)
        db.execute("COMMIT")
        db.executescript(ROWS.read_text())
    return path


def stored(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    return {
        table: sorted(rows(path, f"SELECT {columns} FROM {table}"), key=repr)
        for table, columns in COLUMNS.items()
    }


async def migrated(path: Path) -> None:
    store = SQLiteMemoryStore(path)
    await store.open()
    await store.close()


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return make_version_9(tmp_path / "afk.db")


async def test_what_stands_in_it_reads_the_same(db: Path) -> None:
    before = stored(db)
    assert all(len(found) > 20 for found in before.values())
    size = db.stat().st_size
    await migrated(db)
    assert stored(db) == before
    assert rows(db, "PRAGMA integrity_check") == [("ok",)]
    assert rows(db, "PRAGMA freelist_count") == [(0,)]  # where the tables with names were
    assert db.stat().st_size < size


async def test_whatever_refers_to_a_call_still_does(db: Path) -> None:
    of_requests = (
        "SELECT a.id, e.run_id, e.call_id, e.args_sha FROM approval a JOIN effect e ON e.id = a.effect_id"
    )
    of_children = (
        "SELECT r.id, e.run_id, e.call_id FROM run r JOIN effect e ON e.id = r.parent_effect_id ORDER BY 1"
    )
    before = rows(db, of_requests), rows(db, of_children)
    assert (len(before[0]), len(before[1])) == rows(
        db, "SELECT (SELECT count(*) FROM approval), count(parent_effect_id) FROM run"
    )[0]
    await migrated(db)
    assert (sorted(rows(db, of_requests)), rows(db, of_children)) == (sorted(before[0]), before[1])


async def test_a_run_with_runs_inside_it_goes_on_to_its_end(db: Path, tmp_path: Path) -> None:
    ((run_id,),) = rows(db, "SELECT id FROM run WHERE thread_id = 'th' AND parent_run_id IS NULL")
    said = transcript(db, "th")
    async with Runner(memory_store=SQLiteMemoryStore(db), llm=nested_model(), workspace="/") as runner:
        result = await drive(runner, nested_agent(Ledger(tmp_path / "ledger")), run_id)
    assert result.final_text == "End."
    assert transcript(db, "th")[: len(said)] == said
    of_th = "run_id IN (SELECT id FROM run WHERE thread_id = 'th')"
    assert rows(db, f"SELECT count(*) FROM effect WHERE finished_at_ms IS NULL AND {of_th}") == [(0,)]


async def test_a_fork_goes_on_and_repeats_nothing(db: Path, tmp_path: Path) -> None:
    ((fork, run_id),) = rows(db, "SELECT id, last_run_id FROM thread WHERE forked_from IS NOT NULL")
    ledger = Ledger(tmp_path / "ledger")
    agent = agent_with(ledger.tool("look", "read"), ledger.tool())
    async with Runner(memory_store=SQLiteMemoryStore(db), llm=ScriptedModel(), workspace="/") as runner:
        result = await runner.resume(agent, run_id=run_id, thread_id=fork)
    assert (result.state, result.final_text, ledger.lines) == ("completed", "Done.", [])


async def test_a_call_whose_process_was_killed_is_asked_about_and_it_is_known_who_made_it(db: Path) -> None:
    ((run_id, call_id, key),) = rows(
        db,
        "SELECT run_id, call_id, idempotency_key FROM effect WHERE phase = 'executing' AND effect = 'once'",
    )
    ((process_id,),) = rows(
        db,
        "SELECT json_extract(body, '$.process_id') FROM event WHERE type = 'tool_started' AND run_id = ?"
        " AND json_extract(body, '$.call_id') = ?",
        run_id,
        call_id,
    )
    store = SQLiteMemoryStore(db)
    async with Runner(memory_store=store, llm=ScriptedModel(), workspace="/") as runner:
        agent = agent_with(Ledger(db.with_name("ledger")).tool("act", approval="never"))
        result = await runner.resume(agent, run_id=run_id, thread_id="killed")
        assert result.state == "awaiting_approval"
        [request] = await runner.list_approvals(run_id=run_id)
        assert request.kind == "uncertain"
        [(effect, _)] = await store.read_calls(run_id, 1)
        assert (effect.effect_id, effect.idempotency_key) == (request.effect_id, key)
        trace = await store.call_trace(effect)
        assert (trace.process_id, trace.process_lives, trace.is_here) == (process_id, False, False)


async def test_a_call_that_outlived_its_process_is_still_seen_to_run(db: Path) -> None:
    ((former, run_id),) = rows(
        db, "SELECT id, run_id FROM effect WHERE phase = 'executing' AND effect = 'once'"
    )
    folder = db.with_name("afk.db-owners")
    folder.mkdir()
    lifeline = Lifeline(folder / f"call_{former}")
    lifeline.note(4321)
    store = SQLiteMemoryStore(db)
    await store.open()
    try:
        [(effect, _)] = await store.read_calls(run_id, 1)
        assert effect.effect_id != former
        assert store.still_running(effect.effect_id) == 4321
    finally:
        await store.close()
        lifeline.close()


async def test_no_event_is_given_the_number_of_one_that_was_compacted(db: Path) -> None:
    with closing(sqlite3.connect(db, isolation_level=None)) as other:
        last = other.execute("SELECT max(id) FROM event").fetchone()[0]
        other.execute("DELETE FROM event WHERE id > ?", (last - 5,))
    store = SQLiteMemoryStore(db)
    await store.open()
    await store.add_event("th", None, "custom", {})
    await store.close()
    assert rows(db, "SELECT max(id) FROM event") == [(last + 1,)]


async def test_while_the_version_before_has_it_open_nothing_is_changed_and_it_is_told_who(db: Path) -> None:
    before = db.read_bytes()
    former = Owners(db, "own_former")
    former.hold()
    try:
        with pytest.raises(
            StoreError, match=r"which has it open \(pid \d+\)\. Nothing was changed\. Quit it"
        ):
            await SQLiteMemoryStore(db).open()
        assert db.read_bytes() == before
        assert [path.name for path in db.parent.glob("*before*")] == []
    finally:
        former.release()
    await migrated(db)
    assert rows(db, "PRAGMA user_version") == [(schema.VERSION,)]


async def test_with_its_threads_their_names_go(db: Path) -> None:
    async with Runner(memory_store=SQLiteMemoryStore(db), llm=ScriptedModel(), workspace="/") as runner:
        names = set(rows(db, "SELECT id FROM name"))
        assert names == {*rows(db, "SELECT id FROM thread"), *rows(db, "SELECT id FROM run")}
        for thread in await runner.list_threads():
            await runner.delete_thread(thread.thread_id)
    assert rows(db, "SELECT * FROM name") == rows(db, "SELECT n FROM message_row") == []


async def test_the_process_of_the_latest_beginning_of_an_attempt_is_kept(db: Path) -> None:
    """One that was withdrawn and begun again is the same attempt."""
    with closing(sqlite3.connect(db, isolation_level=None)) as other:
        (body,) = other.execute(
            "SELECT body FROM event WHERE type = 'tool_started' AND thread_id = 'killed'"
        ).fetchone()
        other.execute(
            "INSERT INTO event (thread_id, run_id, type, body, created_at_ms) SELECT thread_id, run_id, type,"
            " json_set(body, '$.process_id', 77), 1 FROM event WHERE body = ?",
            (body,),
        )
    await migrated(db)
    assert rows(db, "SELECT process_id FROM effect WHERE thread_id = 'killed'") == [(77,)]


async def test_a_migration_that_fails_leaves_the_locked_file_of_a_call_under_its_name(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ((former, run_id),) = rows(
        db, "SELECT id, run_id FROM effect WHERE phase = 'executing' AND effect = 'once'"
    )
    folder = db.with_name("afk.db-owners")
    folder.mkdir()
    lifeline = Lifeline(folder / f"call_{former}")

    def fails(_: sqlite3.Connection) -> None:
        raise sqlite3.OperationalError("no such luck")

    with monkeypatch.context() as patched:
        patched.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, ("fails", fails)))
        patched.setattr(schema, "VERSION", schema.VERSION + 1)
        with pytest.raises(StoreError):
            await SQLiteMemoryStore(db).open()
    assert still_running(folder / f"call_{former}") == 0
    store = SQLiteMemoryStore(db)
    await store.open()
    [(effect, _)] = await store.read_calls(run_id, 1)
    assert store.still_running(effect.effect_id) == 0
    lifeline.close()
    await store.close()


async def test_what_can_not_be_given_back_at_once_does_not_keep_it_closed(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_back = schema._give_back
    other = sqlite3.connect(db, isolation_level=None, check_same_thread=False)

    def beside_a_writer(connection: sqlite3.Connection) -> None:
        other.execute("BEGIN IMMEDIATE")  # right after the migration
        give_back(connection)

    monkeypatch.setattr(schema, "_give_back", beside_a_writer)
    store = SQLiteMemoryStore(db)
    await store.open()
    other.execute("ROLLBACK")
    other.close()
    assert rows(db, "PRAGMA freelist_count") > [(0,)]
    await store.compact("th", RetentionPolicy(max_events=1), None)
    await store.close()
    assert rows(db, "PRAGMA freelist_count") == [(0,)]


async def test_a_folder_of_owners_that_can_not_be_read_is_told(db: Path) -> None:
    db.with_name("afk.db-owners").write_text("a file")
    with pytest.raises(StoreError, match="could not be used"):
        await SQLiteMemoryStore(db).open()
    assert rows(db, "PRAGMA user_version") == [(9,)]


async def test_a_damaged_hash_keeps_neither_the_file_closed_nor_the_rest_from_being_saved(db: Path) -> None:
    with closing(sqlite3.connect(db, isolation_level=None)) as other:
        other.execute("UPDATE checkpoint SET checksum = CAST(checksum AS BLOB) WHERE thread_id = 'killed'")
    out = db.with_name("saved.db")
    report = salvage(db, out)
    assert report.rows["checkpoint"] == rows(db, "SELECT count(*) FROM checkpoint")[0][0]
    await migrated(db)
    ((run_id,),) = rows(db, "SELECT id FROM run WHERE thread_id = 'killed'")
    agent = agent_with(Ledger(db.with_name("ledger")).tool("act", approval="never"))
    async with Runner(memory_store=SQLiteMemoryStore(db), llm=ScriptedModel(), workspace="/") as runner:
        with pytest.raises(AgentCheckpointCorruptionError, match="checksum does not fit"):
            await runner.resume(agent, run_id=run_id, thread_id="killed")


async def test_an_event_of_rubbish_does_not_keep_the_file_closed(db: Path) -> None:
    with closing(sqlite3.connect(db, isolation_level=None)) as other:
        rubbish = "UPDATE event SET body = '{' WHERE type = 'tool_started' AND thread_id = 'killed'"
        assert other.execute(rubbish).rowcount == 1
    await migrated(db)
    assert rows(db, "SELECT phase, owner FROM effect WHERE thread_id = 'killed'") == [("executing", None)]


async def test_where_there_is_no_room_for_it_nothing_is_changed_and_it_is_told_how_much_it_takes(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = db.read_bytes()
    usage = shutil.disk_usage(db)
    little = usage._replace(free=4 * db.stat().st_size)
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "disk_usage", lambda _: little)
        with pytest.raises(
            StoreError, match=r"MB have to be free for a while, and .* are\. Nothing was changed"
        ):
            await SQLiteMemoryStore(db).open()
    assert db.read_bytes() == before
    assert not list(db.parent.glob("*before*"))
    await migrated(db)


async def test_a_disk_that_fills_up_on_the_way_is_told_and_its_copy_does_not_stay(db: Path) -> None:
    with closing(sqlite3.connect(db, isolation_level=None)) as other:
        other.execute("UPDATE message SET text = text || hex(zeroblob(20000)) WHERE thread_id = 'th'")
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = db.read_bytes()
    # no file may grow beyond a limit, which is what a full disk looks like to SQLite
    ended = await asyncio.to_thread(run_code, FULL_DISK, db, len(before) * 5 // 4)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "the disk is full. Free some space, then start again" in ended.stdout or (
        "the disk fails (is it full" in ended.stdout  # so it is told of a file that may grow no further
    )
    assert db.read_bytes() == before
    assert not list(db.parent.glob("*before*"))


FULL_DISK = """
import asyncio, resource, signal, sys
from afk.agents.errors import StoreError
from afk.memory import SQLiteMemoryStore

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    asyncio.run(SQLiteMemoryStore(sys.argv[1]).open())
    print("opened")
except StoreError as error:
    print(error)
"""


async def test_one_that_the_version_before_opened_meanwhile_is_left_as_it_was(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_copy, former = schema.keep_copy, Owners(db, "own_former")

    def meanwhile(path: str, version: int) -> Path:
        former.hold()
        return keep_copy(path, version)

    monkeypatch.setattr(schema, "keep_copy", meanwhile)
    with pytest.raises(StoreError, match="which has it open"):
        await SQLiteMemoryStore(db).open()
    former.release()
    assert rows(db, "PRAGMA user_version") == [(9,)]
    assert not list(db.parent.glob("*before*"))


async def test_the_store_says_where_the_copy_is_once(db: Path) -> None:
    for kept in (Path(f"{db}.before-v{schema.VERSION}"), None):
        store = SQLiteMemoryStore(db)
        await store.open()
        assert store.kept_copy == kept
        await store.close()
