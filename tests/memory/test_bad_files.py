"""What is no database of ours is told in words and left as it was; a full disk loses nothing."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from afk.agents.errors import AgentCheckpointCorruptionError, AgentCheckpointSchemaError, StoreError
from afk.core import Runner
from afk.memory import SQLiteMemoryStore
from afk.memory.sqlite.schema import APPLICATION_ID, VERSION, check_ours, migrate
from tests.core.kit import Ledger, ScriptedModel, agent_with, call, rows
from tests.memory.children import finish, line_of, run_code, start_code
from tests.support.tables import writable


async def refused(path: Path, kind: type[Exception] = StoreError) -> str:
    store = SQLiteMemoryStore(path)
    with pytest.raises(kind) as caught:
        await store.open()
    with pytest.raises(StoreError, match="closed"):
        await store.list_threads()
    return str(caught.value)


async def test_a_file_that_is_no_database_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(b"dear diary " * 100)
    told = await refused(path)
    assert str(path) in told
    assert "is not a database, and was left as it is" in told
    assert path.read_bytes() == b"dear diary " * 100
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("mode", ["delete", "wal"])
async def test_another_programs_database_is_left_as_it_is(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "other.db"
    other = sqlite3.connect(path)
    other.execute(f"PRAGMA journal_mode = {mode}")
    other.execute("CREATE TABLE recipe (name TEXT)")
    other.commit()
    other.close()
    before = path.read_bytes()
    assert "another program" in await refused(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["other.db"]


async def test_a_database_of_a_newer_version_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "afk.db"
    newer = sqlite3.connect(path)
    newer.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    newer.execute(f"PRAGMA user_version = {VERSION + 1}")
    newer.execute("CREATE TABLE thread (shape TEXT)")
    newer.commit()
    newer.close()
    before = path.read_bytes()
    told = await refused(path, AgentCheckpointSchemaError)
    assert "written by a newer version" in told
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["afk.db"]


async def test_a_folder_is_no_database(tmp_path: Path) -> None:
    assert "is a folder" in await refused(tmp_path)


async def test_a_folder_that_can_not_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    told = await refused(tmp_path / "file" / "sub" / "afk.db")
    assert "could not be made" in told
    assert "AFK_DB" in told


async def test_a_folder_without_write_permission_is_told(tmp_path: Path) -> None:
    """As another user, since nothing binds root."""
    folder = tmp_path / "locked"
    folder.mkdir()
    code = (
        "import asyncio, os, sys\n"
        "from afk.memory import SQLiteMemoryStore\n"
        "import afk.memory.sqlite.store, afk.memory.sqlite.compaction\n"
        "if os.getuid() == 0:\n"
        "    os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "async def main():\n"
        "    try:\n"
        "        await SQLiteMemoryStore(sys.argv[1]).open()\n"
        "    except Exception as error:\n"
        "        print(type(error).__name__, error)\n"
        "asyncio.run(main())\n"
    )
    # the way there must be open to that user
    for parent in [tmp_path, *tmp_path.parents]:
        if parent.stat().st_uid == os.getuid() and not parent.stat().st_mode & 0o001:
            parent.chmod(parent.stat().st_mode | 0o011)
    folder.chmod(0o555)
    for name in ("new.db", "old.db"):
        if name == "old.db":
            folder.chmod(0o755)
            (folder / name).touch(0o444)
            folder.chmod(0o555)
        told = run_code(code, folder / name).stdout
        assert told.startswith("StoreError "), (name, told)
        assert str(folder / name) in told
        assert "writ" in told


async def test_a_read_only_place_is_told_also_to_root() -> None:
    assert "could not be made" in await refused(Path("/proc/afk.db"))


async def test_a_damaged_database_is_told(tmp_path: Path) -> None:
    path = tmp_path / "afk.db"
    async with Runner(memory_store=SQLiteMemoryStore(path), llm=ScriptedModel()) as one:
        await one.run(agent_with(), user_message="go " * 5_000, thread_id="th")
    data = bytearray(path.read_bytes())
    data[4096 : len(data) - 4096] = b"\xff" * (len(data) - 8192)
    path.write_bytes(data)
    store = SQLiteMemoryStore(path)

    async def read_all() -> None:
        await store.open()
        await store.messages("th")

    with pytest.raises(StoreError, match="damaged"):
        await read_all()
    await store.close()


@pytest.mark.parametrize("damaged", [("[1", "2]"), ("[]], [[]", "[]"), ("[", "[]")])
async def test_damaged_calls_of_messages_are_told_and_never_taken_for_those_of_others(
    tmp_path: Path, damaged: tuple[str, str]
) -> None:
    path = tmp_path / "afk.db"
    ledger = Ledger(tmp_path / "ledger")
    agent = agent_with(ledger.tool("act", approval="never"))
    model = ScriptedModel(call(("act", {"what": "1"})), call(("act", {"what": "2"})))
    store = SQLiteMemoryStore(path)
    async with Runner(memory_store=store, llm=model) as one:
        await one.run(agent, user_message="go", thread_id="th")
        assert [m.tool_calls[0]["name"] for m in await store.messages("th") if m.tool_calls] == ["act", "act"]
        with closing(writable(path, isolation_level=None)) as db:
            for seq, text in zip((2, 4), damaged, strict=True):
                db.execute("UPDATE message SET tool_calls = ? WHERE seq = ?", (text, seq))
        with pytest.raises(StoreError, match="damaged"):
            await store.messages("th")


FULL_DISK = """
import asyncio, json, resource, signal, sys
from afk.agents.errors import StoreError
from afk.core import Runner
from afk.memory import SQLiteMemoryStore
from pathlib import Path
from tests.core.kit import Ledger, ScriptedModel, agent_with, call, say

ledger = Ledger(Path(sys.argv[2]))
agent = agent_with(ledger.tool("act", approval="never"))
script = [call(("act", {"what": str(n)}), text="x" * 20_000) for n in range(40)]

async def main():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    async with Runner(memory_store=SQLiteMemoryStore(sys.argv[1]), llm=ScriptedModel(*script)) as one:
        await one.list_threads()
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
        try:
            await one.run(agent, user_message="go", thread_id="th")
            print("completed")
        except StoreError as error:
            print(json.dumps([type(error).__name__, str(error)]))
        if sys.argv[3:] == ["again"]:
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            (run,) = await one.list_runs()
            result = await one.resume(agent, run_id=run.run_id, thread_id="th")
            print(json.dumps([run.state, result.state]))

asyncio.run(main())
"""


async def test_a_full_disk_is_told_and_the_run_goes_on_when_there_is_space(tmp_path: Path) -> None:
    """No file may grow beyond a limit, which is what a disk that fills up looks like to SQLite."""
    db, ledger = tmp_path / "afk.db", Ledger(tmp_path / "ledger")
    ended = await asyncio.to_thread(run_code, FULL_DISK, db, ledger.path, "again")
    assert (ended.returncode, ended.stderr) == (0, "")
    told, states = map(json.loads, ended.stdout.splitlines())
    assert told[0] == "StoreError"
    assert "could not be written" in told[1]
    assert "untouched" in told[1]
    assert states == ["interrupted", "completed"]
    check_nothing_lost(db, ledger)


async def test_after_a_full_disk_another_process_resumes_the_run(tmp_path: Path) -> None:
    db, ledger = tmp_path / "afk.db", Ledger(tmp_path / "ledger")
    ended = await asyncio.to_thread(run_code, FULL_DISK, db, ledger.path)
    assert (ended.returncode, ended.stderr) == (0, "")
    script = [call(("act", {"what": str(n)}), text="x" * 20_000) for n in range(40)]
    async with Runner(memory_store=SQLiteMemoryStore(db), llm=ScriptedModel(*script)) as one:
        (run,) = await one.list_runs()
        assert run.state == "interrupted"
        agent = agent_with(ledger.tool("act", approval="never"))
        result = await one.resume(agent, run_id=run.run_id, thread_id="th")
        if result.state == "awaiting_approval":
            (request,) = await one.list_approvals()
            assert request.kind == "uncertain"
            await one.decide(request.approval_id, "happened", args_sha=request.args_sha)
            result = await one.resume(agent, run_id=run.run_id, thread_id="th")
        assert result.state == "completed"
    check_nothing_lost(db, ledger)


def check_nothing_lost(db: Path, ledger: Ledger) -> None:
    assert rows(db, "PRAGMA integrity_check") == [("ok",)]
    assert ledger.lines == [f"act {n}" for n in range(40)]
    assert rows(db, "SELECT count(*) FROM message WHERE role = 'tool'") == [(40,)]


CREATE = """
import asyncio, sys
from afk.memory import SQLiteMemoryStore
import afk.memory.sqlite.store
from tests.memory.kit import begin
from tests.support.tables import writable

async def main():
    store = SQLiteMemoryStore(sys.argv[1])
    print("ready", flush=True)
    sys.stdin.readline()
    await store.open()
    await begin(store, sys.argv[2], sys.argv[2])
    print("begun", flush=True)
    await store.close()

asyncio.run(main())
"""


async def test_a_file_without_wal_that_another_program_writes_to_is_waited_for(tmp_path: Path) -> None:
    """SQLite itself refuses a switch to WAL beside a writer at once, whatever its timeout is."""
    db = tmp_path / "afk.db"
    await _opened(db)
    with closing(sqlite3.connect(db, isolation_level=None, check_same_thread=False)) as other:
        other.execute("PRAGMA journal_mode = DELETE")
        other.execute("BEGIN IMMEDIATE")
        beside = sqlite3.connect(db, isolation_level=None, timeout=5)
        with closing(beside), pytest.raises(sqlite3.OperationalError, match="locked"):
            beside.execute("PRAGMA journal_mode = WAL")
        opening = asyncio.create_task(_opened(db))
        done, _ = await asyncio.wait({opening}, timeout=0.2)
        assert not done
        other.execute("COMMIT")
        await opening


async def _opened(db: Path) -> None:
    store = SQLiteMemoryStore(db)
    await store.open()
    await store.close()


async def test_processes_that_create_the_file_at_once_all_succeed(tmp_path: Path) -> None:
    for attempt in range(2):
        db = tmp_path / f"{attempt}.db"
        processes = [start_code(CREATE, db, f"r{n}") for n in range(4)]
        try:
            for process in processes:
                assert line_of(process) == "ready"
            for process in processes:
                assert process.stdin is not None
                process.stdin.write("\n")
                process.stdin.flush()
            for process in processes:
                assert finish(process, "") == ("begun\n", ""), process.args
        finally:
            for process in processes:
                process.kill()
                process.wait()
        assert rows(db, "SELECT count(*) FROM run") == [(4,)]
        assert rows(db, "PRAGMA auto_vacuum") == [(2,)]
        assert rows(db, "PRAGMA integrity_check") == [("ok",)]


def test_tables_that_appear_while_a_file_is_looked_at_are_not_another_programs(tmp_path: Path) -> None:
    db = tmp_path / "afk.db"
    looking, making = sqlite3.connect(db, isolation_level=None), sqlite3.connect(db, isolation_level=None)
    making.execute("PRAGMA journal_mode = WAL")
    made: list[str] = []

    def make_meanwhile(statement: str) -> None:
        if statement == "PRAGMA user_version" and not made:
            made.append(statement)
            migrate(making, str(db))

    looking.set_trace_callback(make_meanwhile)
    assert check_ours(looking, str(db)) == 0
    assert check_ours(looking, str(db)) == VERSION
    assert made
    looking.close()
    making.close()


def test_the_schema_error_is_a_checkpoint_error() -> None:
    assert issubclass(AgentCheckpointSchemaError, AgentCheckpointCorruptionError)
