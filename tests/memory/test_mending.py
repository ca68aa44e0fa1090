"""What was saved of a damaged database can be read and gone on with, though rows that belong to it are lost."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from afk.agents import Agent
from afk.agents.errors import AgentCheckpointCorruptionError
from afk.core import Runner
from afk.llms.protocol import ModelRequest
from afk.memory import SQLiteMemoryStore
from afk.memory.sqlite.health import examine
from afk.memory.sqlite.mending import LOST_CALL, LOST_RESULT
from afk.memory.sqlite.salvage import salvage
from tests.core.kit import Ledger, ScriptedModel, agent_with, call, rows, transcript
from tests.core.nested import drive, nested_agent, nested_model
from tests.memory.test_salvage import counts
from tests.support.failing import change

# looks; then acts twice, of which one is allowed and the other waits
SCRIPT = (call(("look", {"what": "x"})), call(("act", {"what": "1"}), ("act", {"what": "2"})))
THE_ACTING_ANSWER = "tool_calls LIKE '%act%'"


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "afk.db"


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger")


@pytest.fixture
def agent(ledger: Ledger) -> Agent:
    return agent_with(ledger.tool("look", "read"), ledger.tool())


async def begin(db: Path, agent: Agent) -> str:
    """A run that was left open: one of its calls ran, the other waits. Its id."""
    async with Runner(memory_store=SQLiteMemoryStore(db), llm=ScriptedModel(*SCRIPT)) as runner:
        run_id = (await runner.run(agent, user_message="go", thread_id="th")).run_id
        first, _ = await runner.list_approvals()
        await runner.decide(first.approval_id, "allow", args_sha=first.args_sha)
        await runner.resume(agent, run_id=run_id, thread_id="th")
    return run_id


def saved_without(db: Path, *statements: str) -> Path:
    """What `--salvage` writes of a database in which these rows are lost."""
    for statement in statements:
        change(db, statement)
    out = db.with_name("saved.db")
    salvage(db, out)
    return out


def results(request: ModelRequest) -> dict[str, str]:
    """The results that a model is sent, by their calls; a server refuses calls without them, and them without calls."""
    asked = [c.id for message in request.messages for c in message.tool_calls]
    given = {m.tool_call_id or "": m.content for m in request.messages if m.role == "tool"}
    assert sorted(given) == sorted(asked)
    return given


LOST = {
    "the answer": [f"DELETE FROM message WHERE {THE_ACTING_ANSWER}"],
    "which calls the answer made": [f"UPDATE message SET tool_calls = '{{' WHERE {THE_ACTING_ANSWER}"],
    "all answers and their calls": [
        "DELETE FROM message WHERE role = 'assistant'",
        "DELETE FROM effect",
    ],
    "the results": ["DELETE FROM message WHERE role = 'tool'"],
    "the calls": ["DELETE FROM effect"],
    "a call that waits": ["DELETE FROM effect WHERE phase = 'proposed'"],
    "the requests": ["DELETE FROM approval"],
    "the checkpoints": ["DELETE FROM checkpoint"],
    "the run": ["DELETE FROM run"],
    "the thread": ["DELETE FROM thread"],
    "the names": ["DELETE FROM name"],
    "the thread and the names": ["DELETE FROM thread", "DELETE FROM name"],
    "the run and the names": ["DELETE FROM run", "DELETE FROM name"],
    "all but the conversation and its runs": [
        f"DELETE FROM {table}" for table in ("thread", "effect", "approval", "checkpoint", "event")
    ],
}


@pytest.mark.parametrize("lost", LOST)
async def test_whatever_is_lost_the_conversation_goes_on_and_no_call_is_without_its_result(
    db: Path, agent: Agent, ledger: Ledger, lost: str
) -> None:
    await begin(db, agent)
    out = saved_without(db, *LOST[lost])
    model = ScriptedModel()
    async with Runner(memory_store=SQLiteMemoryStore(out), llm=model) as runner:
        [thread] = await runner.list_threads()
        assert (thread.thread_id, thread.title) == ("th", "go")
        await runner.run(agent, user_message="And now?", thread_id="th")
        results(model.requests[0])
        assert model.requests[0].messages[-1].content == "And now?"
        assert await runner.list_approvals(run_id=thread.last_run_id) == []
    assert ledger.lines == ["look x", "act 1"]


async def test_of_what_is_lost_the_model_is_told_so(db: Path, agent: Agent) -> None:
    await begin(db, agent)
    out = saved_without(
        db,
        "DELETE FROM message WHERE role = 'tool' AND text LIKE 'look%'",
        "DELETE FROM effect WHERE phase = 'proposed'",
    )
    model = ScriptedModel()
    async with Runner(memory_store=SQLiteMemoryStore(out), llm=model) as runner:
        await runner.run(agent, user_message="And now?", thread_id="th")
    assert list(results(model.requests[0]).values()) == [LOST_RESULT, "act did 1", LOST_CALL]


async def test_a_run_whose_answer_was_lost_goes_on_with_the_calls_that_are_there(
    db: Path, agent: Agent, ledger: Ledger
) -> None:
    run_id = await begin(db, agent)
    out = saved_without(db, f"DELETE FROM message WHERE {THE_ACTING_ANSWER}")
    async with Runner(memory_store=SQLiteMemoryStore(out), llm=ScriptedModel()) as runner:
        [request] = await runner.list_approvals()
        await runner.decide(request.approval_id, "allow", args_sha=request.args_sha)
        assert (await runner.resume(agent, run_id=run_id, thread_id="th")).state == "completed"
    assert ledger.lines == ["look x", "act 1", "act 2"]


@pytest.mark.parametrize("table", ["thread", "run", "approval"])
async def test_a_thread_is_listed_among_those_that_stand_as_it_does(
    db: Path, agent: Agent, table: str
) -> None:
    await begin(db, agent)
    out = saved_without(db, f"DELETE FROM {table}")
    assert rows(out, "SELECT standing, threads FROM thread_tally WHERE threads != 0") == [("waiting", 1)]
    assert rows(out, "SELECT standing FROM thread") == [("waiting",)]


async def test_a_finished_run_that_is_lost_reads_as_finished_with_its_answer(db: Path, agent: Agent) -> None:
    async with Runner(memory_store=SQLiteMemoryStore(db), llm=ScriptedModel()) as runner:
        run_id = (await runner.run(agent, user_message="go", thread_id="th")).run_id
    out = saved_without(db, "DELETE FROM run")
    async with Runner(memory_store=SQLiteMemoryStore(out), llm=ScriptedModel()) as runner:
        result = await runner.resume(agent, run_id=run_id, thread_id="th")
    assert (result.state, result.final_text) == ("completed", "Done.")


async def test_a_run_whose_subagents_run_was_lost_is_not_resumed_and_nothing_is_done_again(
    db: Path, ledger: Ledger
) -> None:
    agent = nested_agent(ledger)
    async with Runner(memory_store=SQLiteMemoryStore(db), llm=nested_model()) as runner:
        run_id = (await runner.run(agent, user_message="go", thread_id="th")).run_id
    did = ledger.lines
    out = saved_without(db, "DELETE FROM run WHERE parent_run_id IS NOT NULL")
    model = nested_model()
    async with Runner(memory_store=SQLiteMemoryStore(out), llm=model) as runner:
        with pytest.raises(
            AgentCheckpointCorruptionError, match=r"the run of its subagent helper .* is gone"
        ):
            await runner.resume(agent, run_id=run_id, thread_id="th")
        await runner.run(agent, user_message="And now?", thread_id="th")
    results(model.models["boss"].requests[0])
    assert ledger.lines[: len(did)] == did
    assert [line for line in ledger.lines[len(did) :] if "for one" in line] == []


async def test_nothing_is_put_into_what_is_whole(db: Path, agent: Agent, tmp_path: Path) -> None:
    """Runs inside runs, forks in the middle of a step, and what a deleted thread left to its fork."""
    nested = nested_agent(Ledger(tmp_path / "nested"))
    run_id = await begin(db, agent)
    async with Runner(memory_store=SQLiteMemoryStore(db), llm=ScriptedModel(*SCRIPT)) as runner:
        checkpoint = (await runner.list_checkpoints("th"))[0]
        middle = await runner.fork(run_id, checkpoint.checkpoint_id)
        [forked] = await runner.list_runs(middle)
        latest = (await runner.list_checkpoints(middle))[0]
        await runner.fork(forked.run_id, latest.checkpoint_id, message="Otherwise.")
        await runner.delete_thread(middle)
        await runner.run(agent, user_message="more", thread_id="th")
    async with Runner(memory_store=SQLiteMemoryStore(db), llm=nested_model()) as runner:
        await runner.run(nested, user_message="go", thread_id="open")
        await drive(runner, nested)
    out = db.with_name("saved.db")
    salvage(db, out)
    assert counts(out) == counts(db)
    for (thread_id,) in rows(db, "SELECT id FROM thread"):
        assert transcript(out, thread_id) == transcript(db, thread_id)
    with closing(sqlite3.connect(out)) as saved:
        saved.execute("ATTACH ? AS old", (str(db),))
        for table in counts(db):
            differing = f"SELECT * FROM {table} EXCEPT SELECT * FROM old.{table}"
            assert saved.execute(differing).fetchall() == []


async def test_without_runs_and_names_a_threads_last_run_is_its_own_and_none_inside_it(
    db: Path, ledger: Ledger
) -> None:
    async with Runner(memory_store=SQLiteMemoryStore(db), llm=nested_model()) as runner:
        run_id = (await drive(runner, nested_agent(ledger))).run_id
    said = transcript(db, "th")
    out = saved_without(
        db, "DELETE FROM name", "DELETE FROM run", "DELETE FROM thread WHERE part_of IS NOT NULL"
    )
    assert rows(out, "SELECT DISTINCT run_id FROM message WHERE thread_id = 'th'") == [(run_id,)]
    assert rows(out, "SELECT id, state FROM run") == [(run_id, "completed")]
    assert transcript(out, "th") == said != []


# what one damaged byte makes of a name or a number, which SQLite itself does not see
CONTRADICTED = {
    "the thread's name": ["UPDATE name SET id = 'ti' WHERE id = 'th'"],
    "the run's name": ["UPDATE name SET id = 'rum' WHERE id = (SELECT id FROM run)"],
    "the thread's number": ["UPDATE thread SET n = 77"],
    "the run's number": ["UPDATE run SET n = 77"],
    "the thread's own name": ["UPDATE thread SET id = 'ti'"],
    "the run's own name": ["UPDATE run SET id = 'rum'"],
    "both names": ["UPDATE name SET id = id || '?'"],
    "the thread's name, and its row is lost": [
        "UPDATE name SET id = 'ti' WHERE id = 'th'",
        "DELETE FROM thread",
    ],
}


@pytest.mark.parametrize("damaged", CONTRADICTED)
async def test_where_two_contradict_each_other_about_a_name_the_run_goes_on_and_is_deleted_whole(
    db: Path, agent: Agent, ledger: Ledger, damaged: str
) -> None:
    run_id = await begin(db, agent)
    said = transcript(db, "th")
    for statement in CONTRADICTED[damaged]:
        change(db, statement)
    if "DELETE FROM thread" not in CONTRADICTED[damaged]:
        assert "in the table of names" in examine(db).problems[0]
    out = db.with_name("saved.db")
    assert salvage(db, out).broken_runs == ()
    assert examine(out).problems == ()
    assert transcript(out, "th") == said != []
    async with Runner(memory_store=SQLiteMemoryStore(out), llm=ScriptedModel()) as runner:
        assert [thread.thread_id for thread in await runner.list_threads()] == ["th"]
        [request] = await runner.list_approvals()
        await runner.decide(request.approval_id, "allow", args_sha=request.args_sha)
        assert (await runner.resume(agent, run_id=run_id, thread_id="th")).state == "completed"
        assert ledger.lines == ["look x", "act 1", "act 2"]
        await runner.delete_thread("th")
    for table in ("name", "thread", "run", "message_row", "effect_row", "checkpoint_row", "event_row"):
        assert rows(out, f"SELECT * FROM {table}") == []


async def test_a_number_that_something_lost_still_has_is_given_to_no_other_thread(
    db: Path, agent: Agent
) -> None:
    store = SQLiteMemoryStore(db)
    async with Runner(memory_store=store, llm=ScriptedModel()) as runner:
        await runner.run(agent, user_message="go", thread_id="th")
        await store.add_event("th", None, "custom", {"secret": 1})
    lost = [f"DELETE FROM {table}" for table in ("name", "thread", "run", "message", "checkpoint")]
    out = saved_without(db, *lost, "DELETE FROM event WHERE run IS NOT NULL")
    store = SQLiteMemoryStore(out)
    async with Runner(memory_store=store, llm=ScriptedModel()) as runner:
        await runner.run(agent, user_message="go", thread_id="new")
        assert "custom" not in [event.type for event in await store.list_events("new")]
    assert rows(out, "SELECT count(*) FROM event WHERE type = 'custom'") == [(1,)]


async def test_what_a_deleted_thread_left_to_its_fork_is_looked_through_once(db: Path, agent: Agent) -> None:
    store = SQLiteMemoryStore(db)
    async with Runner(memory_store=store, llm=ScriptedModel()) as runner:
        await runner.run(agent, user_message="go", thread_id="th")
        latest = (await runner.list_checkpoints("th"))[0]
        forked = await runner.fork(latest.run_id, latest.checkpoint_id, message="otherwise")
        await runner.delete_thread("th")
        said = await store.messages(forked)
    # whether that was done is said there
    out = saved_without(db, "DELETE FROM state")
    store = SQLiteMemoryStore(out)
    await store.open()
    async with asyncio.timeout(30):
        await store.remove_deleted()
    writes = store._connection.writes
    await store.remove_deleted()
    assert store._connection.writes == writes
    assert [m.text for m in await store.messages(forked)] == [m.text for m in said] != []
    await store.close()
