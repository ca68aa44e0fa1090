"""Who owns a run is a lock held for a process's life: no clock, nothing that outlives it, nothing inherited."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from afk.agents.errors import AgentRunBusyError
from afk.core import Runner
from afk.memory import SQLiteMemoryStore
from afk.memory.records import RunSnapshot
from afk.memory.sqlite.owners import Owners
from tests.core.kit import Ledger, ScriptedModel, agent_with, call, rows
from tests.memory.children import finish, line_of, run_code, start_code
from tests.memory.kit import begin

HOLD = """
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


async def test_a_living_owner_is_busy_and_a_dead_one_is_taken_over_at_once(tmp_path: Path) -> None:
    db = tmp_path / "afk.db"
    owner = start_code(HOLD, db)
    try:
        assert line_of(owner) == "begun"
        store = SQLiteMemoryStore(db)
        await store.open()
        with pytest.raises(AgentRunBusyError, match=f"pid {owner.pid}"):
            await store.take_run("run_1", "th", None)
        run = await store.get_run("run_1")
        assert run is not None
        assert run.state == "running"

        owner.send_signal(signal.SIGKILL)
        owner.communicate()
        run = await store.get_run("run_1")
        assert run is not None
        assert (run.state, (run.interruption or {})["kind"]) == ("interrupted", "process_died")
        taken = await store.take_run("run_1", "th", None)
        assert isinstance(taken, RunSnapshot)
        assert (taken.run.epoch, taken.owner_died) == (2, True)
        await store.close()
    finally:
        owner.kill()
        owner.communicate()


async def test_children_of_an_owner_do_not_keep_its_runs(tmp_path: Path) -> None:
    """Neither a command that outlives it, nor a fork of it."""
    db = tmp_path / "afk.db"
    code = (
        "import asyncio, os, subprocess, sys\n"
        "from afk.memory import SQLiteMemoryStore\n"
        "from tests.memory.kit import begin\n"
        "async def main():\n"
        "    store = SQLiteMemoryStore(sys.argv[1])\n"
        "    await store.open()\n"
        "    await begin(store)\n"
        "    command = subprocess.Popen(['sleep', '60'], stdin=-3, stdout=-3, stderr=-3, close_fds=False)\n"
        "    forked = os.fork()\n"
        "    if forked == 0:\n"
        "        os.execvp('sleep', ['sleep', '60']) if len(sys.argv) > 2 else __import__('time').sleep(60)\n"
        "    print(command.pid, forked, flush=True)\n"
        "    os.kill(os.getpid(), 9)\n"
        "asyncio.run(main())\n"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", code, str(db)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    children = [int(pid) for pid in line_of(owner).split()]
    try:
        owner.wait(30)
        for pid in children:
            os.kill(pid, 0)  # still there
        store = SQLiteMemoryStore(db)
        await store.open()
        assert isinstance(await store.take_run("run_1", "th", None), RunSnapshot)
        await store.close()
    finally:
        for pid in children:
            os.kill(pid, signal.SIGKILL)
        assert owner.stdout is not None
        owner.stdout.close()


RESUME = """
import asyncio, sys
from pathlib import Path
from afk.core import Runner
from afk.agents.errors import AgentRunBusyError
from afk.memory import SQLiteMemoryStore
from tests.core.kit import Ledger, ScriptedModel, agent_with, call

async def main():
    ledger = Ledger(Path(sys.argv[2]))
    model = ScriptedModel(*[call(("act", {"what": str(n)})) for n in range(3)])
    async with Runner(memory_store=SQLiteMemoryStore(sys.argv[1]), llm=model) as one:
        await one.list_threads()
        print("ready", flush=True)
        sys.stdin.readline()
        try:
            agent = agent_with(ledger.tool(approval="never"))
            handle = await one.resume_handle(agent, run_id=sys.argv[3], thread_id="th")
            print("won", flush=True)
            sys.stdin.readline()  # the run stays this process's until the other was told
            print((await handle.await_result()).state)
        except AgentRunBusyError as error:
            print("busy", flush=True)
            sys.stdin.readline()

asyncio.run(main())
"""


async def test_of_two_processes_that_resume_the_same_run_exactly_one_wins(tmp_path: Path) -> None:
    db, ledger = tmp_path / "afk.db", Ledger(tmp_path / "ledger")
    model = ScriptedModel(call(("act", {"what": "0"})))
    async with Runner(memory_store=SQLiteMemoryStore(db), llm=model) as one:
        first = await one.run(agent_with(ledger.tool()), user_message="go", thread_id="th")
        (request,) = await one.list_approvals()
        await one.decide(request.approval_id, "allow", args_sha=request.args_sha)
    both = [start_code(RESUME, db, ledger.path, first.run_id) for _ in range(2)]
    try:
        for process in both:
            assert line_of(process) == "ready"
        for process in both:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        said = [line_of(process) for process in both]
        outputs = [finish(process) for process in both]
        assert sorted(said) == ["busy", "won"]
        assert [errors for _, errors in outputs] == ["", ""]
        assert outputs[said.index("won")][0] == "completed\n"
    finally:
        for process in both:
            process.kill()
            process.wait()
    assert ledger.lines == ["act 0", "act 1", "act 2"]
    assert rows(db, "SELECT epoch FROM run") == [(2,)]


async def test_nothing_is_left_of_owners_that_are_gone(tmp_path: Path) -> None:
    db = tmp_path / "afk.db"
    owner = start_code(HOLD, db)
    line_of(owner)
    owner.kill()
    owner.communicate()
    folder = tmp_path / "afk.db-owners"
    assert len(list(folder.iterdir())) == 1
    store = SQLiteMemoryStore(db)
    await store.open()
    assert [p.name for p in folder.iterdir()] == [store.owner_id]
    await store.close()
    assert not folder.exists()


def test_who_looks_at_a_dead_owner_while_another_sweeps_does_not_take_it_for_alive(tmp_path: Path) -> None:
    """Looking and sweeping both lock shared, so neither is mistaken for the owner."""
    database = tmp_path / "afk.db"
    looking, dead = Owners(database, "looking"), tmp_path / "afk.db-owners" / "dead"
    looking.hold()
    dead.touch()
    import fcntl

    with dead.open() as other:
        fcntl.flock(other, fcntl.LOCK_SH)
        assert not looking.is_alive("dead")
        looking._sweep()
        assert not dead.exists()
    looking.release()


async def test_a_store_serves_one_asyncio_run_after_another(tmp_path: Path) -> None:
    code = (
        "import asyncio, sys\n"
        "from afk.core import Runner\n"
        "from afk.memory import SQLiteMemoryStore\n"
        "from tests.core.kit import ScriptedModel, agent_with\n"
        "runner = Runner(memory_store=SQLiteMemoryStore(sys.argv[1]), llm=ScriptedModel())\n"
        "for n in range(3):\n"
        "    result = runner.run_sync(agent_with(), user_message='go', thread_id='th')\n"
        "    print(result.state, result.messages_count)\n"
    )
    ended = await asyncio.to_thread(run_code, code, tmp_path / "afk.db")
    assert ended.stdout.splitlines() == ["completed 2", "completed 4", "completed 6"]
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("end", ["", "del runner, store", "asyncio.run(again())", "sys.exit(0)"])
async def test_a_forgotten_runner_neither_keeps_the_process_nor_complains(tmp_path: Path, end: str) -> None:
    code = (
        "import asyncio, gc, sys\n"
        "from afk.core import Runner\n"
        "from afk.memory import SQLiteMemoryStore\n"
        "from tests.core.kit import ScriptedModel, agent_with, call, Ledger\n"
        "from pathlib import Path\n"
        "store = SQLiteMemoryStore(sys.argv[1])\n"
        "runner = Runner(memory_store=store, llm=ScriptedModel(call(('act', {'what': 'x'}))))\n"
        "agent = agent_with(Ledger(Path(sys.argv[1] + '.ledger')).tool())\n"
        "async def main():\n"
        "    asyncio.get_running_loop().slow_callback_duration = 60\n"
        "    print((await runner.run(agent, user_message='go', thread_id='th')).state)\n"
        "async def again():\n"
        "    await runner.run_handle(agent, user_message='again', thread_id='th')\n"
        "asyncio.run(main())\n"
        f"{end}\n"
        "gc.collect()\n"
    )
    db = tmp_path / "afk.db"
    ended = await asyncio.to_thread(run_code, code, db, options=("-X", "dev"))
    assert (ended.stdout, ended.stderr, ended.returncode) == ("awaiting_approval\n", "", 0)
    # closed in good order: SQLite has folded its WAL into the file
    assert not (tmp_path / "afk.db-wal").exists()
    assert rows(db, "PRAGMA integrity_check") == [("ok",)]


async def test_a_fork_leaves_its_parents_store_alone(tmp_path: Path) -> None:
    code = (
        "import asyncio, os, sys\n"
        "from afk.memory import SQLiteMemoryStore\n"
        "from tests.memory.kit import begin\n"
        "store = SQLiteMemoryStore(sys.argv[1])\n"
        "async def main():\n"
        "    await store.open()\n"
        "    await begin(store)\n"
        "async def look():\n"
        "    print((await store.get_run('run_1')).state, store._owners.is_alive(store.owner_id))\n"
        "    await store.close()\n"
        "asyncio.run(main())\n"
        "forked = os.fork()\n"
        "if forked == 0:\n"
        "    from afk.memory.sqlite import connection\n"
        "    print(len(connection._open_connections), flush=True)\n"
        "    sys.exit(0)\n"
        "os.waitpid(forked, 0)\n"
        "asyncio.run(look())\n"
    )
    ended = await asyncio.to_thread(run_code, code, tmp_path / "afk.db")
    assert ended.stdout == "0\nrunning True\n"


async def test_a_run_of_another_store_in_this_process_is_busy_too(tmp_path: Path) -> None:
    one, other = SQLiteMemoryStore(tmp_path / "afk.db"), SQLiteMemoryStore(tmp_path / "afk.db")
    await one.open()
    await other.open()
    await begin(one)
    with pytest.raises(AgentRunBusyError, match="in this process"):
        await other.take_run("run_1", "th", None)
    await one.close()
    assert isinstance(await other.take_run("run_1", "th", None), RunSnapshot)
    await other.close()
