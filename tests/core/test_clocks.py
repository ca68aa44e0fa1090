"""No clock decides who owns what, or what comes before what: real processes, whose clocks go back and forward."""

from __future__ import annotations

import asyncio
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from afk.agents.errors import ApprovalExpiredError
from afk.core import Runner
from afk.memory import SQLiteMemoryStore
from tests.core.conftest import MakeRunner
from tests.core.kit import Ledger, ScriptedModel, agent_with, call, rows
from tests.memory.children import finish, line_of, run_code, start_code

YEAR_MS = 365 * 86_400_000
NOW_MS = 1_800_000_000_000

# argv: database, ledger, what to do, and what this process takes for the time
PROGRAM = """
import asyncio, json, sys
from pathlib import Path
from afk.agents.errors import AgentRunBusyError, RunFencedError
from afk.core import Runner
from afk.memory import SQLiteMemoryStore
from tests.core.kit import Ledger, ScriptedModel, agent_with, call
from afk.tools import tool

db, ledger, what, now_ms = sys.argv[1], Ledger(Path(sys.argv[2])), sys.argv[3], int(sys.argv[4])

async def act(what: str) -> str:
    ledger.write(f"act {what}")
    if what == "slow" and sys.argv[3] == "hold":
        print("held", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
    return "acted"

agent = agent_with(tool(name="act", effect="once", description="Act.")(act))
model = ScriptedModel(lambda r: call(("act", {"what": r.messages[1].content})))

async def main():
    async with Runner(memory_store=SQLiteMemoryStore(db, clock=lambda: now_ms), llm=model) as one:
        async def resume(thread, **options):
            [run] = await one.list_runs(thread)
            ids = {"run_id": run.run_id, "thread_id": thread}
            return await (await one.resume_handle(agent, **ids, **options)).await_result()

        match what:
            case "begin":
                for thread in ("quick", "slow"):
                    print((await one.run(agent, user_message=thread, thread_id=thread)).state)
            case "approve":
                for request in await one.list_approvals():
                    await one.decide(request.approval_id, "allow", args_sha=request.args_sha, by="ada")
            case "resume":
                print((await resume("quick")).state)
            case "hold":
                try:
                    await resume("slow")
                except RunFencedError:
                    print("fenced")
            case "refused":
                try:
                    await resume("slow")
                except AgentRunBusyError:
                    print("busy")
            case "take over":
                print((await resume("slow", take_over=True)).state)
            case "settle":
                [request] = await one.list_approvals()
                await one.decide(request.approval_id, "happened", args_sha=request.args_sha, by="ada")
                print((await resume("slow")).state)
            case "look":
                print(json.dumps([
                    [(t.thread_id, t.state) for t in await one.list_threads()],
                    [(r.thread_id, r.state, r.epoch) for r in await one.list_runs()],
                    [(a.tool_name, a.kind, a.status) for a in await one.list_approvals(pending_only=False)],
                    [(e.type, e.body.get("to")) for e in await one._given_store.list_events("slow")],
                    [(m.role, m.text) for m in await one._given_store.messages("slow")],
                ]))

asyncio.run(main())
"""


def story(folder: Path, clocks: list[int]) -> Any:
    """Begin, approve, resume, own, be refused, take over, settle: each in a process with its own time."""
    folder.mkdir()
    db, ledger = folder / "afk.db", Ledger(folder / "ledger")
    times = iter(clocks)

    def do(what: str) -> list[str]:
        done = run_code(PROGRAM, db, ledger.path, what, next(times))
        assert (done.returncode, done.stderr) == (0, ""), what
        return done.stdout.splitlines()

    assert do("begin") == ["awaiting_approval", "awaiting_approval"]
    assert do("approve") == []
    assert do("resume") == ["completed"]
    holder: subprocess.Popen[str] = start_code(PROGRAM, db, ledger.path, "hold", next(times))
    try:
        assert line_of(holder) == "held"
        assert do("refused") == ["busy"]
        assert do("take over") == ["awaiting_approval"]
        assert finish(holder) == ("fenced\n", "")
    finally:
        holder.kill()
        holder.wait()
    assert do("settle") == ["completed"]
    [seen] = do("look")
    assert ledger.lines == ["act quick", "act slow"]
    return json.loads(seen)


async def test_clocks_that_go_back_and_forward_between_processes_change_nothing(tmp_path: Path) -> None:
    steady = [NOW_MS + 1000 * step for step in range(8)]
    wild = [NOW_MS + by * YEAR_MS for by in (0, -3, 20, -20, 5, -1, 0, -30)]
    expected, seen = await asyncio.gather(
        asyncio.to_thread(story, tmp_path / "steady", steady),
        asyncio.to_thread(story, tmp_path / "wild", wild),
    )
    assert seen == expected
    assert seen[0] == [["slow", "completed"], ["quick", "completed"]]


async def test_the_thread_touched_last_is_listed_first_though_the_clock_went_back(
    runner: MakeRunner, ledger: Ledger, db: Path
) -> None:
    now = [NOW_MS]
    store = SQLiteMemoryStore(db, clock=lambda: now[0])
    one = runner(ScriptedModel(), memory_store=store)

    async def talk(thread_id: str) -> list[str]:
        await one.run(agent_with(), user_message="hello", thread_id=thread_id)
        return [thread.thread_id for thread in await one.list_threads()]

    assert await talk("a") == ["a"]
    now[0] += YEAR_MS
    assert await talk("b") == ["b", "a"]
    now[0] -= 2 * YEAR_MS
    assert await talk("c") == ["c", "b", "a"]
    assert await talk("a") == ["a", "c", "b"]
    [first, *_] = await one.list_runs("b")
    [checkpoint, *_] = await one.list_checkpoints("b")
    forked = await one.fork(first.run_id, checkpoint.checkpoint_id)
    assert [thread.thread_id for thread in await one.list_threads()] == [forked, "a", "c", "b"]
    now[0] += 5 * YEAR_MS
    assert (await talk("c"))[0] == "c"
    times = rows(db, "SELECT updated_at_ms FROM thread")
    assert len(set(times)) == 4, "two threads that were touched at the same time have no order"


async def test_only_the_expiry_of_a_request_reads_the_clock(
    runner: MakeRunner, ledger: Ledger, db: Path
) -> None:
    now = [NOW_MS]

    def at_this_time() -> Runner:
        store = SQLiteMemoryStore(db, clock=lambda: now[0])
        model = ScriptedModel(call(("act", {"what": "a"})))
        return runner(model, memory_store=store, approval_expires_after_s=60)

    await at_this_time().run(agent_with(ledger.tool()), user_message="go", thread_id="th")
    now[0] += 61_000
    later = at_this_time()
    [request] = await later.list_approvals()
    with pytest.raises(ApprovalExpiredError):
        await later.decide(request.approval_id, "allow", args_sha=request.args_sha)
    now[0] -= 61_000
    await later.decide(request.approval_id, "allow", args_sha=request.args_sha)
    assert ledger.lines == []
