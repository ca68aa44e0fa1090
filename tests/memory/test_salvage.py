"""What can still be read of a damaged database is written into a new one."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from afk.agents.errors import AgentCheckpointSchemaError, StoreError
from afk.core import Runner
from afk.memory import SQLiteMemoryStore
from afk.memory.sqlite.salvage import DERIVED, ROWS_IN_A_TRANSACTION, salvage
from afk.tools import tool
from tests.core.kit import Ledger, ScriptedModel, agent_with, call, rows
from tests.memory.test_migrations import make_first_version
from tests.support.failing import change, mounted, overwrite_page
from tests.support.tables import writable

PAGE = 4096


async def written(db: Path, folder: Path, runs: int = 12) -> str:
    """A database with finished runs, and one that waits; the last run's id."""
    ledger = Ledger(folder / "ledger")
    agent = agent_with(ledger.tool("look", "read"), ledger.tool())
    looks = [call(("look", {"what": "x" * 700})) for _ in range(6)]
    async with Runner(memory_store=SQLiteMemoryStore(db), llm=ScriptedModel(*looks)) as runner:
        for number in range(runs):
            await runner.run(agent, user_message=f"go {number}", thread_id=f"thread_{number}")
    asks = ScriptedModel(call(("act", {"what": "it"})))
    async with Runner(memory_store=SQLiteMemoryStore(db), llm=asks) as runner:
        return (await runner.run(agent, user_message="ask", thread_id="waiting")).run_id


def counts(db: Path) -> dict[str, int]:
    """Rows by table, but for what is made of other tables."""
    names = [name for (name,) in rows(db, "SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {
        name: rows(db, f"SELECT count(*) FROM {name}")[0][0]
        for name in names
        if not name.startswith("sqlite") and name not in DERIVED
    }


def pages_of(db: Path, table: str) -> list[int]:
    """The leaf pages of a table, in the order of the file."""
    found = rows(db, "SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY pageno", table)
    return [page for (page,) in found]


async def test_a_sound_database_is_written_whole_and_goes_on(tmp_path: Path) -> None:
    db, out = tmp_path / "afk.db", tmp_path / "saved.db"
    run_id = await written(db, tmp_path)
    report = salvage(db, out)
    assert counts(out) == counts(db)
    assert {name.removesuffix("_row"): n for name, n in counts(db).items()} == dict(report.rows)
    assert (report.damaged_tables, report.broken_runs) == ((), ())
    assert out.stat().st_mode & 0o777 == 0o600
    ledger = Ledger(tmp_path / "ledger")
    agent = agent_with(ledger.tool("look", "read"), ledger.tool())
    async with Runner(memory_store=SQLiteMemoryStore(out), llm=ScriptedModel()) as runner:
        [request] = await runner.list_approvals()
        await runner.decide(request.approval_id, "allow", args_sha=request.args_sha)
        result = await runner.resume(agent, run_id=run_id, thread_id="waiting")
    assert result.state == "completed"


@pytest.mark.parametrize("table", ["message", "event", "checkpoint"])
async def test_with_a_page_overwritten_the_rows_before_and_after_it_are_saved(
    tmp_path: Path, table: str
) -> None:
    db, out = tmp_path / "afk.db", tmp_path / "saved.db"
    await written(db, tmp_path)
    before = counts(db)
    kept_in = f"{table}_row"
    pages = pages_of(db, kept_in)
    assert len(pages) >= 3
    with db.open("r+b") as file:
        file.seek((pages[len(pages) // 2] - 1) * PAGE)
        file.write(b"\xa5" * PAGE)
    damaged = db.read_bytes()
    report = salvage(db, out)
    assert report.damaged_tables == (table,)
    after = counts(out)
    assert before[kept_in] * 0.6 < report.rows[table] < before[kept_in]
    assert {name: n for name, n in after.items() if name != kept_in} == {
        name: n for name, n in before.items() if name != kept_in
    }
    assert rows(out, "PRAGMA integrity_check") == [("ok",)]
    assert db.read_bytes() == damaged


async def test_rows_of_rubbish_that_sqlite_can_read_are_left_out_and_told(tmp_path: Path) -> None:
    db, out = tmp_path / "afk.db", tmp_path / "saved.db"
    await written(db, tmp_path, runs=2)
    before = counts(db)
    change(db, "UPDATE event SET body = substr(body, 3) WHERE id = 1")
    change(db, "UPDATE message SET tool_calls = x'd9ddb8' WHERE n = 2")
    columns = "thread_id, ordinal, key, value, created_at_ms"
    change(db, f"INSERT INTO state ({columns}) VALUES ('thread_0', 99, 'metadata:deleted', '{{', 1)")
    report = salvage(db, out)
    assert set(report.damaged_tables) == {"event", "message", "state"}
    assert counts(out) == before | {"event_row": before["event_row"] - 1}
    saved = tmp_path / "again.db"
    assert salvage(out, saved).damaged_tables == ()


async def test_a_file_of_an_earlier_version_is_saved_as_one_of_this(tmp_path: Path) -> None:
    db, out = tmp_path / "afk.db", tmp_path / "saved.db"
    make_first_version(db)
    for _ in range(200):
        change(
            db,
            "INSERT INTO event (thread_id, type, body, created_at_ms)"
            " VALUES ('th', 'state', json_object('x', hex(zeroblob(200))), 1)",
        )
    overwrite_page(db, "event")
    damaged = db.read_bytes()
    report = salvage(db, out)
    assert (report.damaged_tables, 100 < report.rows["event"] < 200) == (("event",), True)
    assert db.read_bytes() == damaged
    assert {path.name for path in tmp_path.iterdir()} == {"afk.db", "saved.db"}
    async with Runner(memory_store=SQLiteMemoryStore(out), llm=ScriptedModel()) as runner:
        [grant] = await runner.list_grants()
        assert grant.grant_id == "grant_1"
        assert (await runner.run(agent_with(), user_message="go")).state == "completed"


async def test_without_room_for_it_no_half_of_a_database_is_left(tmp_path: Path) -> None:
    db = tmp_path / "afk.db"
    await written(db, tmp_path)
    with mounted(tmp_path / "disk", size="128k") as disk:
        with pytest.raises(StoreError, match=r"saved\.db could not be written: the disk is full"):
            salvage(db, disk.folder / "saved.db")
        assert list(disk.folder.iterdir()) == []


async def test_a_run_that_can_not_be_resumed_any_more_is_named(tmp_path: Path) -> None:
    db, out = tmp_path / "afk.db", tmp_path / "saved.db"
    run_id = await written(db, tmp_path, runs=1)
    connection = writable(db)
    connection.execute("DELETE FROM message WHERE thread_id = 'waiting' AND seq = 1")
    connection.commit()
    connection.close()
    assert salvage(db, out).broken_runs == (run_id,)


async def test_what_can_not_be_saved_is_said_and_nothing_is_overwritten(tmp_path: Path) -> None:
    db, out = tmp_path / "afk.db", tmp_path / "saved.db"
    out.write_text("mine")
    await written(db, tmp_path, runs=1)
    with pytest.raises(StoreError, match="exists"):
        salvage(db, out)
    assert out.read_text() == "mine"
    rubbish = tmp_path / "rubbish.db"
    rubbish.write_bytes(b"\xa5" * 20_000)
    with pytest.raises(StoreError, match="not a database"):
        salvage(rubbish, tmp_path / "other.db")
    lost = tmp_path / "lost.db"
    lost.write_bytes(db.read_bytes()[:PAGE] + b"\xa5" * (db.stat().st_size - PAGE))
    with pytest.raises(StoreError, match=r"nothing of it can be read\. Take a copy of before"):
        salvage(lost, tmp_path / "other.db")
    connection = sqlite3.connect(db)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(AgentCheckpointSchemaError):
        salvage(db, tmp_path / "third.db")


async def test_whole_results_are_saved_and_one_of_which_a_part_is_lost_is_named(tmp_path: Path) -> None:
    db, out = tmp_path / "afk.db", tmp_path / "saved.db"

    @tool(effect="read")
    async def report(which: str) -> str:
        """Report at length."""
        return f"{which} " * 100_000

    calls = call(("report", {"which": "one"}), ("report", {"which": "two"}))
    async with Runner(memory_store=SQLiteMemoryStore(db), llm=ScriptedModel(calls)) as runner:
        result = await runner.run(agent_with(report), user_message="go", thread_id="th")
    one, two = [made.output_sha or "" for made in result.tool_executions]
    connection = sqlite3.connect(db)
    connection.execute("DELETE FROM output_part WHERE sha256 = ? AND first_char > 0", (two,))
    connection.commit()
    connection.close()
    assert salvage(db, out).damaged_outputs == (two,)
    async with Runner(memory_store=SQLiteMemoryStore(out), llm=ScriptedModel()) as runner:
        assert (await runner.read_output(one, chars=10**6)).text == "one " * 100_000


async def test_of_a_large_table_every_row_is_saved(tmp_path: Path) -> None:
    db, out = tmp_path / "afk.db", tmp_path / "saved.db"
    await written(db, tmp_path, runs=1)
    with closing(writable(db)) as many, many:
        many.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
            " INSERT INTO event (thread_id, type, body, created_at_ms) SELECT 'waiting', 'noise', '{}', 1 FROM n",
            (2 * ROWS_IN_A_TRANSACTION + 10,),
        )
    salvage(db, out)
    assert counts(out) == counts(db)
