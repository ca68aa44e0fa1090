"""A file of an earlier version becomes one of this version, whole or not at all, and a copy of it is kept."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

import pytest

from afk.agents.errors import StoreError
from afk.memory import SQLiteMemoryStore
from afk.memory.records import Decision
from afk.memory.sqlite import schema
from tests.core.kit import rows
from tests.memory.children import finish, line_of, start_code
from tests.memory.kit import ask, begin

GRANT = "INSERT INTO approval_grant VALUES ('grant_1', 'act', 'sha_a', 'workspace', '/w', 'apr_1', 5, NULL)"


def make_first_version(path: Path) -> None:
    """A file as the first version left it, in WAL mode, with a grant in it."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA auto_vacuum = INCREMENTAL")
    db.execute("PRAGMA journal_mode = WAL")
    schema.MIGRATIONS[0][1](db)
    db.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
    db.execute("PRAGMA user_version = 1")
    db.execute(GRANT)
    db.close()


def version(path: Path) -> int:
    return rows(path, "PRAGMA user_version")[0][0]


async def test_a_file_of_the_first_version_keeps_its_rows_and_a_copy_of_it_is_left(tmp_path: Path) -> None:
    db, copy = tmp_path / "afk.db", tmp_path / f"afk.db.before-v{schema.VERSION}"
    make_first_version(db)
    store = SQLiteMemoryStore(db)
    await store.open()
    (grant,) = await store.list_grants()
    assert (grant.grant_id, grant.pattern, grant.args_sha) == ("grant_1", None, "sha_a")
    assert list(await store.matching_grants(["sha_a"], "th", "/w")) == ["sha_a"]
    story = await ask(store)
    await store.decide(story.approval_id, Decision("allow", "sha_a", "ada", scope="thread"))
    assert len(await store.list_grants()) == 2
    await store.close()

    assert (version(db), version(copy)) == (schema.VERSION, 1)
    assert rows(copy, "SELECT id, tool_name FROM approval_grant") == [("grant_1", "act")]
    assert rows(copy, "PRAGMA integrity_check") == [("ok",)]
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert not list(tmp_path.glob("*.making*"))


async def test_a_new_file_and_one_of_this_version_leave_no_copy(tmp_path: Path) -> None:
    for _ in range(2):
        store = SQLiteMemoryStore(tmp_path / "afk.db")
        await store.open()
        await store.close()
    assert not list(tmp_path.glob("*before*"))


async def test_a_migration_that_fails_changes_nothing_and_the_next_one_succeeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = tmp_path / "afk.db"
    make_first_version(db)

    def half(connection: sqlite3.Connection) -> None:
        connection.execute("ALTER TABLE approval_grant ADD COLUMN pattern TEXT")
        connection.execute("ALTER TABLE no_such_table ADD COLUMN x")

    with monkeypatch.context() as patched:
        patched.setattr(schema, "MIGRATIONS", (schema.MIGRATIONS[0], ("half", half)))
        with pytest.raises(StoreError):
            await SQLiteMemoryStore(db).open()
    assert version(db) == 1
    assert rows(db, "SELECT count(*) FROM pragma_table_info('approval_grant') WHERE name = 'pattern'") == [
        (0,)
    ]
    store = SQLiteMemoryStore(db)
    await store.open()
    assert len(await store.list_grants()) == 1
    await store.close()
    assert version(tmp_path / f"afk.db.before-v{schema.VERSION}") == 1


async def test_without_room_for_the_copy_nothing_is_changed(tmp_path: Path) -> None:
    db = tmp_path / "afk.db"
    make_first_version(db)
    (tmp_path / f"afk.db.before-v{schema.VERSION}").mkdir()
    with pytest.raises(StoreError, match=r"no copy of it could be kept at .*before-v"):
        await SQLiteMemoryStore(db).open()
    assert version(db) == 1
    assert not list(tmp_path.glob("*.making*"))


MIGRATE = """
import asyncio, sys
from afk.memory import SQLiteMemoryStore
import afk.memory.sqlite.store

async def main():
    store = SQLiteMemoryStore(sys.argv[1])
    print("ready", flush=True)
    sys.stdin.readline()
    await store.open()
    print(len(await store.list_grants()), flush=True)
    await store.close()

asyncio.run(main())
"""


async def test_processes_that_migrate_at_once_all_succeed_and_the_copy_is_of_the_first_version(
    tmp_path: Path,
) -> None:
    db = tmp_path / "afk.db"
    make_first_version(db)
    processes = [start_code(MIGRATE, db) for _ in range(3)]
    try:
        for process in processes:
            assert line_of(process) == "ready"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        for process in processes:
            assert finish(process, "") == ("1\n", "")
    finally:
        for process in processes:
            process.kill()
            process.wait()
    assert (version(db), version(tmp_path / f"afk.db.before-v{schema.VERSION}")) == (schema.VERSION, 1)


async def test_a_database_of_this_version_still_begins_runs(tmp_path: Path) -> None:
    db = tmp_path / "afk.db"
    make_first_version(db)
    store = SQLiteMemoryStore(db)
    await store.open()
    await begin(store)
    assert [r.run_id for r in await store.list_runs()] == ["run_1"]
    await store.close()
