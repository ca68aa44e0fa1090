"""A deleted thread is gone at once and for everybody, but for what forks of it read; while kept it can come back."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from afk.agents.errors import (
    AgentCheckpointNotFoundError,
    AgentRunBusyError,
    ApprovalNotFoundError,
    ThreadNotFoundError,
)
from afk.core import Runner
from afk.memory import RetentionPolicy, SQLiteMemoryStore
from afk.memory.sqlite import compaction
from afk.tools import tool
from tests.core.conftest import MakeRunner
from tests.core.family import ACTS, ByAgent, delegate, member
from tests.core.kit import Ledger, ScriptedModel, agent_with, call, rows, say
from tests.memory.children import run_code
from tests.support.tables import writable

TABLES = (
    "thread", "run", "name", "message", "checkpoint", "effect", "approval", "approval_grant", "event", "state",
    "compaction", "preference",
)  # fmt: skip
LOOKS = call(("look", {"what": "first"}))
ASKS_TWICE = call(("act", {"what": "one"}), ("act", {"what": "two"}))


def counts(db: Path) -> dict[str, int]:
    """How many rows each table has that has any."""
    found = {name: rows(db, f"SELECT count(*) FROM {name}")[0][0] for name in TABLES}
    return {name: count for name, count in found.items() if count}


async def view(runner: Runner, thread_id: str) -> list[tuple[str, str]]:
    """A thread's messages as they are read: role and text."""
    return [(m.role, m.text) for m in await (await runner._store()).messages(thread_id)]


async def shown(runner: Runner, thread_id: str) -> list[Any]:
    """All that a person sees of a conversation: messages, calls, and who decided about them."""
    store = await runner._store()
    return [await store.message_heads(thread_id), *await store.read_range(thread_id, 0, 2**62)]


async def fork_of(runner: Runner, run_id: str, number: int, message: str | None = None) -> Any:
    """The forked thread's only run."""
    thread_id = await runner.fork(run_id, f"{run_id}.{number}", message=message)
    [run] = await runner.list_runs(thread_id)
    return run


def in_small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    def two(size: int, took_s: float) -> int:
        return 2

    monkeypatch.setattr(compaction, "next_size", two)
    monkeypatch.setattr("afk.memory.sqlite.deletion.FIRST_BATCH", 2)


async def decide_all(runner: Runner, thread_id: str, decision: Any, **fields: Any) -> None:
    for request in await runner.list_approvals(thread_id=thread_id):
        await runner.decide(request.approval_id, decision, args_sha=request.args_sha, **fields)


async def test_nothing_of_a_deleted_thread_is_left_in_any_table_and_nothing_else_is_touched(
    runner: MakeRunner, ledger: Ledger, db: Path
) -> None:
    agent = agent_with(ledger.tool())
    work = runner(ScriptedModel(ASKS_TWICE))
    store = await work._store()
    await work.run(agent, user_message="stay", thread_id="other")
    await store.set_preference("draft:other", "kept")
    others = counts(db)
    ran = await work.run(agent, user_message="go", thread_id="th")
    await decide_all(work, "th", "allow", scope="thread")
    await work.resume(agent, run_id=ran.run_id, thread_id="th")
    await work.compact_thread(thread_id="th", event_policy=RetentionPolicy(max_events=1))
    for name in ("draft", "place", "queue"):
        await store.set_preference(f"{name}:th", "x")
    assert all(counts(db)[name] > others.get(name, 0) for name in TABLES if name != "state")

    would = await work.delete_thread("th", dry_run=True)
    assert await view(work, "th")
    gone = await work.delete_thread("th")
    assert (gone.messages, gone.calls, gone.runs, gone.forks) == (5, 2, 1, 0)
    assert (gone.title, gone.checkpoints) == (would.title, would.checkpoints)
    assert counts(db) == others
    assert [t.thread_id for t in await work.list_threads()] == ["other"]
    # the name is free again
    assert (await work.run(agent, user_message="anew", thread_id="th")).state == "awaiting_approval"
    assert (await view(work, "th"))[0] == ("user", "anew")


async def test_what_would_go_is_counted_in_the_thread_alone_however_many_there_are(
    runner: MakeRunner, ledger: Ledger, db: Path
) -> None:
    work = runner(ScriptedModel(ASKS_TWICE))
    for thread_id in ("th", "other"):
        await work.run(agent_with(ledger.tool()), user_message="go", thread_id=thread_id)
    store = await work._store()
    assert isinstance(store, SQLiteMemoryStore)
    steps: list[None] = []
    await store._connection.bare(lambda db: db.set_progress_handler(lambda: steps.append(None), 20))
    alone = await work.delete_thread("th", dry_run=True)
    taken = len(steps)
    with closing(writable(db)) as many, many:
        many.execute(
            "WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)"
            " INSERT INTO message (thread_id, seq, role, chars, lines, run_id, created_at_ms, text)"
            " SELECT thread_id, i, 'user', 1, 1, run_id, 1, 'x' FROM n, message WHERE thread_id = 'other' AND seq = 1"
        )
    steps.clear()
    assert await work.delete_thread("th", dry_run=True) == alone
    assert len(steps) < 2 * taken


async def test_a_fork_of_a_deleted_thread_reads_and_resumes_as_it_would_have(
    runner: MakeRunner, ledger: Ledger, db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_small_batches(monkeypatch)
    agent = agent_with(ledger.tool("look", "read"))
    work = runner(ScriptedModel(*[call(("look", {"what": str(n)})) for n in range(4)]))
    result = await work.run(agent, user_message="go")
    twin, fork = [await fork_of(work, result.run_id, 4) for _ in range(2)]
    before = await shown(work, fork.thread_id)
    assert await shown(work, twin.thread_id) == before
    expected = await work.resume(agent, run_id=twin.run_id, thread_id=twin.thread_id)
    transcript = await view(work, twin.thread_id)
    await work.delete_thread(twin.thread_id)

    gone = await work.delete_thread(result.thread_id)
    assert (gone.messages, gone.messages_kept, gone.forks) == (10, 5, 1)
    assert await shown(work, fork.thread_id) == before
    assert [t.thread_id for t in await work.list_threads()] == [fork.thread_id]
    left = {name: rows(db, f"SELECT count(*) FROM {name} WHERE thread_id = ?", result.thread_id)[0][0]
            for name in ("message", "effect", "run", "checkpoint", "event", "approval")}  # fmt: skip
    assert left == {"message": 5, "effect": 2, "run": 0, "checkpoint": 0, "event": 0, "approval": 0}
    assert rows(db, "SELECT title FROM thread WHERE id = ?", result.thread_id) == [("",)]

    on = await work.resume(agent, run_id=fork.run_id, thread_id=fork.thread_id)
    assert (on.state, on.final_text, on.messages_count) == ("completed", expected.final_text, 10)
    assert await view(work, fork.thread_id) == transcript
    await work.delete_thread(fork.thread_id)
    assert counts(db) == {}
    assert rows(db, "PRAGMA integrity_check") == [("ok",)]


async def test_a_chain_of_forks_loses_only_what_nobody_reads_any_more_whatever_goes_first(
    runner: MakeRunner, db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_small_batches(monkeypatch)
    agent = agent_with()
    work = runner(ScriptedModel(say("A."), say("B."), say("C."), say("D.")))
    first = await work.run(agent, user_message="1")
    more = await work.run(agent, user_message="2", thread_id=first.thread_id)
    second = await fork_of(work, more.run_id, 1)
    on = await work.run(agent, user_message="3", thread_id=second.thread_id)
    # reads the first thread's beginning through the second
    third = await fork_of(work, on.run_id, 0, "instead")
    early = await fork_of(work, first.run_id, 1)
    expected = {t: await view(work, t) for t in (third.thread_id, early.thread_id)}

    def standing(thread_id: str) -> list[int]:
        return [s for (s,) in rows(db, "SELECT seq FROM message WHERE thread_id = ? ORDER BY seq", thread_id)]

    await work.delete_thread(first.thread_id)
    await work.delete_thread(second.thread_id)
    for thread_id, messages in expected.items():
        assert await view(work, thread_id) == messages
    assert (standing(first.thread_id), standing(second.thread_id)) == ([1, 2, 3, 4], [])
    await work.delete_thread(third.thread_id)
    assert await view(work, early.thread_id) == expected[early.thread_id]
    # the chain to the third is gone; what is left is what the other fork reads
    assert rows(db, "SELECT id FROM thread ORDER BY rowid") == [(first.thread_id,), (early.thread_id,)]
    assert standing(first.thread_id) == [1, 2]
    await work.delete_thread(early.thread_id)
    assert counts(db) == {}


async def test_what_a_fork_has_of_its_own_is_not_kept_for_it_in_the_old_thread(
    runner: MakeRunner, ledger: Ledger, db: Path
) -> None:
    agent = agent_with(ledger.tool())
    work = runner(ScriptedModel(ASKS_TWICE))
    result = await work.run(agent, user_message="go")
    fork = await fork_of(work, result.run_id, 1)
    before = await shown(work, fork.thread_id)
    gone = await work.delete_thread(result.thread_id)
    assert (gone.messages, gone.messages_kept, gone.pending_approvals) == (2, 2, 2)
    assert await shown(work, fork.thread_id) == before
    assert rows(db, "SELECT DISTINCT thread_id FROM effect") == [(fork.thread_id,)]
    assert rows(db, "SELECT DISTINCT thread_id FROM approval") == [(fork.thread_id,)]
    await decide_all(work, fork.thread_id, "allow")
    on = await work.resume(agent, run_id=fork.run_id, thread_id=fork.thread_id)
    assert (on.state, sorted(ledger.lines)) == ("completed", ["act one", "act two"])


async def test_who_decided_about_a_call_that_a_fork_shows_stays_known(
    runner: MakeRunner, ledger: Ledger
) -> None:
    agent = agent_with(ledger.tool())
    work = runner(ScriptedModel(ASKS_TWICE))
    result = await work.run(agent, user_message="go", thread_id="th")
    await decide_all(work, "th", "deny", by="ada")
    await work.resume(agent, run_id=result.run_id, thread_id="th")
    fork = await fork_of(work, result.run_id, 4)
    before = await shown(work, fork.thread_id)
    await work.delete_thread("th")
    after = await shown(work, fork.thread_id)
    assert after == before
    assert [approval.decided_by for _, approval in after[2]] == ["ada", "ada"]


async def test_of_a_deleted_thread_nothing_is_found_decided_resumed_or_forked(
    runner: MakeRunner, ledger: Ledger
) -> None:
    agent = agent_with(ledger.tool())
    work = runner(ScriptedModel(ASKS_TWICE))
    left = await work.run(agent, user_message="find me", thread_id="th")
    first, second = await work.list_approvals()
    await work.decide(first.approval_id, "allow", args_sha=first.args_sha, scope="thread")
    store = await work._store()
    await work.delete_thread("th", keep=True)

    assert await work.list_threads() == await work.list_runs() == await work.list_approvals() == []
    assert await store.count_threads() == 0
    assert await store.list_open_runs() == await store.find("find me") == await work.list_grants() == []
    assert await store.get_thread("th") is await store.get_run(left.run_id) is None
    with pytest.raises(ApprovalNotFoundError, match="its conversation was deleted"):
        await work.decide(second.approval_id, "allow", args_sha=second.args_sha)
    with pytest.raises(AgentCheckpointNotFoundError):
        await work.resume(agent, run_id=left.run_id, thread_id="th")
    with pytest.raises(AgentCheckpointNotFoundError):
        await work.fork(left.run_id, f"{left.run_id}.1")
    with pytest.raises(ThreadNotFoundError, match="was deleted"):
        await work.run(agent, user_message="hello?", thread_id="th")
    for wrong in ("th", "none"):
        with pytest.raises(ThreadNotFoundError):
            await work.delete_thread(wrong)
    assert ledger.lines == []


async def test_a_thread_whose_run_is_live_here_or_in_another_process_is_not_deleted(
    runner: MakeRunner, ledger: Ledger, db: Path
) -> None:
    inside = asyncio.Event()

    async def forever() -> str:
        inside.set()
        await asyncio.Event().wait()
        return ""

    agent = agent_with(tool(name="act", description="Act.", approval="never")(forever))
    work, other = runner(ScriptedModel(call(("act", {})))), runner(ScriptedModel())
    handle = await work.run_handle(agent, user_message="go", thread_id="th")
    await inside.wait()
    for one in (work, other, runner(ScriptedModel(), memory_store=await work._store())):
        with pytest.raises(AgentRunBusyError) as caught:
            await one.delete_thread("th")
        assert caught.value.run_id == handle.run_id
    assert (await other.delete_thread("th", dry_run=True)).runs == 1
    await handle.cancel()
    await other.delete_thread("th")
    assert counts(db) == {}


async def test_a_kept_thread_comes_back_just_as_it_was(runner: MakeRunner, ledger: Ledger, db: Path) -> None:
    agent = agent_with(ledger.tool())
    work = runner(ScriptedModel(ASKS_TWICE))
    result = await work.run(agent, user_message="go", thread_id="th")
    before, thread = await shown(work, "th"), await work.list_threads()
    await work.delete_thread("th", keep=True)
    await work.restore_thread("th")
    assert (await shown(work, "th"), await work.list_threads()) == (before, thread)
    assert rows(db, "SELECT count(*) FROM state") == [(0,)]
    with pytest.raises(ThreadNotFoundError):
        await work.restore_thread("th")
    await decide_all(work, "th", "allow")
    on = await work.resume(agent, run_id=result.run_id, thread_id="th")
    assert (on.state, sorted(ledger.lines)) == ("completed", ["act one", "act two"])


async def test_what_is_kept_stays_until_its_keeper_lets_go_and_then_goes_with_anybodys_removal(
    runner: MakeRunner, ledger: Ledger, db: Path
) -> None:
    agent = agent_with(ledger.tool())
    keeper, other = runner(ScriptedModel(ASKS_TWICE)), runner(ScriptedModel(say("Hi.")))
    for name in ("th", "later"):
        await keeper.run(agent, user_message="go", thread_id=name)
        await keeper.delete_thread(name, keep=True)
    await other.run(agent, user_message="hi", thread_id="x")
    whole = counts(db)
    assert await other.remove_deleted() == 0
    await other.compact_thread(thread_id="x", event_policy=RetentionPolicy(max_events=100))
    assert counts(db) == {**whole, "compaction": 1}
    await keeper.restore_thread("th")
    assert len(await keeper.list_approvals(thread_id="th")) == 2
    await keeper.remove_deleted(kept_here=True)
    assert sorted(t.thread_id for t in await keeper.list_threads()) == ["th", "x"]
    assert rows(db, "SELECT count(*) FROM thread") == [(2,)]
    with pytest.raises(ThreadNotFoundError, match="can't be brought back"):
        await keeper.restore_thread("later")
    await keeper.delete_thread("th", keep=True)
    # its process ends without a word
    await keeper.close()
    with pytest.raises(ThreadNotFoundError, match="can't be brought back"):
        await other.restore_thread("th")
    await other.compact_thread(thread_id="x", event_policy=RetentionPolicy(max_events=100), dry_run=True)
    assert rows(db, "SELECT count(*) FROM thread") == [(2,)]
    await other.compact_thread(thread_id="x", event_policy=RetentionPolicy(max_events=100))
    assert rows(db, "SELECT id FROM thread") == [("x",)]


async def test_a_kept_fork_still_reads_its_removed_source(runner: MakeRunner) -> None:
    agent = agent_with()
    work = runner(ScriptedModel(say("A."), say("B.")))
    result = await work.run(agent, user_message="1")
    fork = await fork_of(work, result.run_id, 1)
    await work.delete_thread(fork.thread_id, keep=True)
    await work.delete_thread(result.thread_id)
    await work.restore_thread(fork.thread_id)
    assert await view(work, fork.thread_id) == [("user", "1"), ("assistant", "A.")]


async def test_a_grant_for_the_whole_workspace_outlives_the_thread_it_was_given_in_and_is_still_told(
    runner: MakeRunner, ledger: Ledger, db: Path, tmp_path: Path
) -> None:
    agent = agent_with(ledger.tool())
    work = runner(ScriptedModel(call(("act", {"what": "it"})), call(("act", {"what": "more"}))))
    ran = await work.run(agent, user_message="go", thread_id="th")
    await decide_all(work, "th", "allow", scope="workspace", by="ada")
    asked = await work.resume(agent, run_id=ran.run_id, thread_id="th")
    assert asked.state == "awaiting_approval"
    await decide_all(work, "th", "allow", scope="thread")
    await work.delete_thread("th")
    [grant] = await work.list_grants(workspace=str(tmp_path))
    assert (grant.scope, grant.arguments, grant.decided_by) == ("workspace", {"what": "it"}, "ada")
    assert grant.workspace == str(tmp_path)
    assert counts(db) == {"approval_grant": 1, "approval": 1}
    assert await work.list_approvals() == []
    again = await work.run(agent, user_message="go", thread_id="new")
    assert ledger.lines == ["act it", "act it"]
    assert again.state == "awaiting_approval"


async def test_the_conversations_of_a_threads_subagents_go_and_come_back_with_it(
    runner: MakeRunner, ledger: Ledger, db: Path
) -> None:
    model = ByAgent(boss=(delegate("helper"), say("All done.")), helper=ACTS)
    agent = member("boss", below=(member("helper", ledger.tool()),))
    work = runner(model)
    ran = await work.run(agent, user_message="go", thread_id="th")
    assert rows(db, "SELECT count(*) FROM thread") == [(2,)]
    [request] = await work.list_approvals(thread_id="th")
    await work.delete_thread("th", keep=True)
    assert rows(db, "SELECT count(*) FROM thread WHERE deleted_at_ms IS NOT NULL") == [(2,)]
    assert await work.list_approvals() == await work.list_threads() == []
    with pytest.raises(ApprovalNotFoundError, match="was deleted"):
        await work.decide(request.approval_id, "allow", args_sha=request.args_sha)
    await work.restore_thread("th")
    await decide_all(work, "th", "allow")
    ended = await work.resume(agent, run_id=ran.run_id, thread_id="th")
    assert (ended.state, ended.final_text, ledger.lines) == ("completed", "All done.", ["act it"])

    [inner] = [t for (t,) in rows(db, "SELECT id FROM thread WHERE part_of = 'th'")]
    with pytest.raises(ThreadNotFoundError):
        await work.delete_thread(inner)
    gone = await work.delete_thread("th")
    assert (gone.messages, gone.runs) == (8, 2)
    assert counts(db) == {}


async def test_the_space_of_a_deleted_thread_is_given_back(
    runner: MakeRunner, ledger: Ledger, db: Path
) -> None:
    agent = agent_with(ledger.tool("look", "read"))
    work = runner(ScriptedModel(*[call(("look", {"what": "x" * 20_000})) for _ in range(30)]), max_steps=50)
    result = await work.run(agent, user_message="go")
    await work.compact_thread(thread_id=result.thread_id)  # folds the WAL into the file
    before = db.stat().st_size
    gone = await work.delete_thread(result.thread_id)
    assert gone.bytes_reclaimed > 1_000_000
    assert before - db.stat().st_size == gone.bytes_reclaimed
    assert rows(db, "PRAGMA freelist_count") == [(0,)]


KILLED = """
import asyncio, os, pathlib, signal, sys
from afk.memory import SQLiteMemoryStore
from afk.memory.sqlite import compaction, deletion
from afk.memory.sqlite.connection import Connection

db, last, when = sys.argv[1], int(sys.argv[2]), sys.argv[3]
compaction.next_size = lambda size, took_s: 2
deletion.FIRST_BATCH = 2
write, writes = Connection.write, 0

async def counted(self, *args):
    global writes
    writes += 1
    if writes == last and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    result = await write(self, *args)
    if writes == last:
        os.kill(os.getpid(), signal.SIGKILL)
    return result

async def main():
    store = SQLiteMemoryStore(pathlib.Path(db))
    await store.open()
    Connection.write = counted
    await store.delete_thread("th")

asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("at", "when"), [(1, "before"), (1, "after"), (2, "after"), (9, "after"), (25, "before")]
)
async def test_killed_at_any_point_it_is_listed_and_whole_or_gone_and_finished_by_the_next_removal(
    runner: MakeRunner, ledger: Ledger, db: Path, at: int, when: str
) -> None:
    agent = agent_with(ledger.tool("look", "read"))
    work = runner(ScriptedModel(*[call(("look", {"what": str(n)})) for n in range(8)]))
    result = await work.run(agent, user_message="go", thread_id="th")
    fork = await fork_of(work, result.run_id, 4)
    before, whole = await shown(work, "th"), counts(db)
    read = await shown(work, fork.thread_id)
    await work.close()

    killed = run_code(KILLED, db, at, when)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert rows(db, "PRAGMA integrity_check") == [("ok",)]
    again = runner(ScriptedModel(), memory_store=SQLiteMemoryStore(db))
    listed = [t.thread_id for t in await again.list_threads()]
    if (at, when) == (1, "before"):
        assert sorted(listed) == sorted(["th", fork.thread_id])
        assert (await shown(again, "th"), counts(db)) == (before, whole)
        return
    assert listed == [fork.thread_id]
    assert await shown(again, fork.thread_id) == read
    with pytest.raises(ThreadNotFoundError):
        await again.restore_thread("th")
    await again.remove_deleted()
    left = rows(db, "SELECT count(*) FROM message WHERE thread_id = 'th'")
    assert left == [(5,)]
    assert rows(db, "SELECT count(*) FROM run WHERE thread_id = 'th'") == [(0,)]
    assert await shown(again, fork.thread_id) == read
    await again.delete_thread(fork.thread_id)
    assert counts(db) == {}


async def test_no_lock_is_held_between_two_batches(
    runner: MakeRunner, ledger: Ledger, db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = agent_with(ledger.tool("look", "read"))
    work = runner(ScriptedModel(*[call(("look", {"what": str(n)})) for n in range(20)]), max_steps=50)
    await work.run(agent, user_message="go", thread_id="th")
    other = sqlite3.connect(db, timeout=0, isolation_level=None)
    written: list[int] = []

    def write_between(size: int, took_s: float) -> int:
        written.append(len(written))
        other.execute("INSERT INTO preference VALUES (?, '', 0)", (f"p{len(written)}",))
        return 2

    monkeypatch.setattr(compaction, "next_size", write_between)
    monkeypatch.setattr("afk.memory.sqlite.deletion.FIRST_BATCH", 2)
    await work.delete_thread("th")
    other.close()
    assert len(written) > 60
    assert counts(db) == {"preference": len(written)}


async def test_a_new_thread_of_a_deleted_ones_name_has_none_of_its_grants(
    runner: MakeRunner, ledger: Ledger
) -> None:
    agent = agent_with(ledger.tool())
    work = runner(ScriptedModel(call(("act", {"what": "it"}))))
    ran = await work.run(agent, user_message="go", thread_id="th")
    await decide_all(work, "th", "allow", scope="thread")
    await work.resume(agent, run_id=ran.run_id, thread_id="th")
    await work.delete_thread("th")
    assert (await work.run(agent, user_message="go", thread_id="th")).state == "awaiting_approval"
    assert ledger.lines == ["act it"]
