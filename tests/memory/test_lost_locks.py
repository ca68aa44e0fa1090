"""Nothing in the process opens the database beside SQLite: closing such a file drops the locks that SQLite holds."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

from afk.tools import ToolContext, ToolError
from afk.tools.workspace import workspace_tools
from tests.memory.children import finish, line_of, run_code, start_code

# holds the write lock, does something to the file, and says so; then it waits
HOLDER = """
import sqlite3, sys
from tests.memory.test_lost_locks import disturb

db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA journal_mode = WAL")
db.execute("CREATE TABLE IF NOT EXISTS t (x)")
db.execute("BEGIN IMMEDIATE")
db.execute("INSERT INTO t VALUES (1)")
disturb(sys.argv[2], sys.argv[1])
print("disturbed", flush=True)
sys.stdin.readline()
"""

TAKER = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=0)
try:
    db.execute("BEGIN IMMEDIATE")
    print("taken")
except sqlite3.OperationalError as error:
    print(error)
"""


def disturb(how: str, db: str) -> None:
    """What is done in the process that holds the lock."""
    if how == "open and close":
        for suffix in ("", "-wal", "-shm"):
            open(f"{db}{suffix}", "rb").close()
    elif how == "tools":
        asyncio.run(use_all_tools(Path(db)))
    else:
        assert how == "nothing"


async def use_all_tools(db: Path) -> None:
    """Have every built-in tool reach for the database, its WAL and its shared memory, under each of their names."""
    from afk.memory import SQLiteMemoryStore

    store = SQLiteMemoryStore(db)  # not opened: only asked which files are its own
    links = db.parent / "links"
    links.mkdir()
    names: list[str] = []
    for suffix in ("", "-wal", "-shm"):
        own = Path(f"{db}{suffix}")
        (links / f"soft{suffix}.txt").symlink_to(own)
        os.link(own, links / f"hard{suffix}.txt")
        names += [own.name, f"links/soft{suffix}.txt", f"links/hard{suffix}.txt"]
    context = ToolContext(db.parent, "run", "thread", "call", "key", off_limits=store.is_own_file)
    tools = {tool.name: tool for tool in workspace_tools()}
    refused: list[str] = []

    async def reach(tool: str, **arguments: object) -> str:
        try:
            return await tools[tool].call(context, arguments)
        except ToolError as error:
            refused.append(f"{tool} {error}")
            return ""

    for name in names:
        await reach("read_file", path=name)
        await reach("write_file", path=name, content="x")
        await reach("edit_file", path=name, old_text="a", new_text="b")
        await reach("search_files", pattern="SQLite", path=name)
        for tool in ("write_file", "edit_file"):  # what a resume looks into
            arguments = {"path": name, "content": "x", "old_text": "a", "new_text": "b"}
            assert tools[tool].verify(context, arguments) is None  # type: ignore[misc]
    assert len(refused) == 4 * len(names), refused
    assert all("belongs to the database" in text for text in refused), refused
    await reach("list_directory", path=".")
    await reach("search_files", pattern="CREATE TABLE", path=".")
    await reach("run_command", command=f"cat {db.name} {db.name}-wal {db.name}-shm > copied.txt")
    assert (db.parent / "copied.txt").stat().st_size > 0
    assert "belongs to the database" not in await reach(
        "read_file", path="copied.txt"
    )  # a file like any other


def lock_after(how: str, db: Path) -> str:
    """What another process gets that tries to take the lock, which the first still believes to hold."""
    holder = start_code(HOLDER, db, how)
    try:
        assert line_of(holder) == "disturbed"
        said = run_code(TAKER, db).stdout.strip()
        assert finish(holder) == ("", "")
    finally:
        holder.kill()
        holder.wait()
    return said


async def test_a_plain_open_and_close_of_the_file_loses_the_lock(tmp_path: Path) -> None:
    """The reason for it all, as it is on this system."""
    assert lock_after("nothing", tmp_path / "one.db") == "database is locked"
    assert lock_after("open and close", tmp_path / "two.db") == "taken"


async def test_no_built_in_tool_loses_the_lock_by_whatever_name_it_reaches_for_the_file(
    tmp_path: Path,
) -> None:
    assert lock_after("tools", tmp_path / "afk.db") == "database is locked"


AUDIT = """
import asyncio, json, os, sys
from pathlib import Path

opened = []
def watch(event, arguments):
    if event == "open" and str(arguments[0]).startswith(sys.argv[1]) and "-owners" not in str(arguments[0]):
        opened.append(str(arguments[0]))

async def main():
    from afk.agents import Agent
    from afk.core import Runner
    from afk.llms.demo import DemoModel
    from afk.memory import RetentionPolicy, SQLiteMemoryStore, StateRetentionPolicy
    from afk.tools.workspace import workspace_tools

    folder = Path(sys.argv[1]).parent
    agent = Agent(name="bot", tools=workspace_tools())
    async with Runner(memory_store=SQLiteMemoryStore(sys.argv[1]), llm=DemoModel(), workspace=folder) as runner:
        await runner.list_threads()
        sys.addaudithook(watch)
        message = "read afk.db and then search SQLite and then list and then write x.txt: hello"
        result = await runner.run(agent, user_message=message, thread_id="t")
        [request] = await runner.list_approvals()
        await runner.decide(request.approval_id, "allow", args_sha=request.args_sha)
        await runner.resume(agent, run_id=result.run_id, thread_id="t")
        [checkpoint, *_] = await runner.list_checkpoints("t")
        await runner.fork(result.run_id, checkpoint.checkpoint_id)
        await runner.compact_thread(
            thread_id="t", event_policy=RetentionPolicy(max_events=1), state_policy=StateRetentionPolicy(max_entries=1)
        )
        print(json.dumps(opened))

asyncio.run(main())
"""


async def test_a_whole_life_of_a_run_opens_none_of_the_files_in_the_process(tmp_path: Path) -> None:
    done = await asyncio.to_thread(run_code, AUDIT, tmp_path / "afk.db")
    assert (done.stderr, done.returncode) == ("", 0)
    assert json.loads(done.stdout) == []
