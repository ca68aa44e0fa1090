"""A result that is too long for the model: it is shown the ends, the whole is kept once, and it can read on."""

from __future__ import annotations

import json
import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from afk.agents import Agent
from afk.agents.errors import AgentConfigurationError, StoreError
from afk.core import Runner, RunnerConfig
from afk.core.judge import call_sha
from afk.llms.protocol import ModelRequest
from afk.memory import RetentionPolicy, SQLiteMemoryStore, StateRetentionPolicy
from afk.tools import Tool, tool
from tests.core.conftest import MakeRunner
from tests.core.family import ByAgent, delegate, member
from tests.core.kit import Ledger, ScriptedModel, agent_with, call, rows, say, transcript

LOG = "".join(f"{n} of the log\n" for n in range(1, 3_001))
NAME = re.compile(r'read_output\(output="([0-9a-f]{12})"')


def talker(text: str = LOG, name: str = "report", **options: Any) -> Tool:
    async def report() -> str:
        return text

    return tool(name=name, effect="read", description="Report at length.", **options)(report)


def read_on(**arguments: Any) -> Any:
    """An answer that reads on in the result which the request's last note names."""

    def answer(request: ModelRequest) -> Any:
        names = [found for m in request.messages if m.role == "tool" for found in NAME.findall(m.content)]
        return call(("read_output", {"output": names[0] if names else "0" * 12, **arguments}))

    return answer


def offered(request: ModelRequest) -> list[str]:
    return [spec.name for spec in request.tools]


async def test_the_model_is_shown_the_ends_and_the_whole_is_kept(runner: MakeRunner, db: Path) -> None:
    model = ScriptedModel(call(("report", {})))
    one = runner(model)
    result = await one.run(agent_with(talker()), user_message="go")
    shown = model.requests[1].messages[-1].content
    assert len(shown) <= 16_000
    assert shown.startswith("1 of the log\n2 of the log\n")
    assert shown.endswith("2999 of the log\n3000 of the log\n")
    [made] = result.tool_executions
    assert made.output == shown
    assert (await one.read_output(made.output_sha or "")).text == LOG
    assert rows(db, "SELECT text FROM message WHERE role = 'tool'") == [(shown,)]


async def test_a_resume_sends_the_model_the_very_same_bytes(
    runner: MakeRunner, db: Path, ledger: Ledger
) -> None:
    agent = agent_with(talker(), ledger.tool())
    script = (call(("report", {}), ("act", {"what": "it"})), say("Done."))
    one = runner(ScriptedModel(*script))
    asked = await one.run(agent, user_message="go", thread_id="th")
    before = transcript(db, "th")
    await one.close()
    model = ScriptedModel(*script)
    other = runner(model, max_result_chars=1_000)
    [request] = await other.list_approvals()
    await other.decide(request.approval_id, "allow", args_sha=request.args_sha)
    await other.resume(agent, run_id=asked.run_id, thread_id="th")
    [shown] = [text for _, role, text, _, _ in before if role == "tool"]
    assert [m.content for m in model.requests[0].messages if m.role == "tool"] == [shown, "act did it"]


async def test_reading_on_is_offered_once_there_is_something_to_read_and_works(runner: MakeRunner) -> None:
    model = ScriptedModel(
        call(("report", {})), read_on(offset=1_500, limit=2), read_on(find="OF THE LOG", limit=2)
    )
    agent = agent_with(talker())
    result = await runner(model).run(agent, user_message="go")
    assert [offered(request) for request in model.requests] == [
        ["report"],
        ["report", "read_output"],
        ["report", "read_output"],
        ["report", "read_output"],
    ]
    assert [made.output for made in result.tool_executions[1:]] == [
        "1500 of the log\n1501 of the log\n[lines 1,500 to 1,501 of 3,000: read on with offset=1502]",
        "1:3: 1 of the log\n2:3: 2 of the log\n[there are more: look on with offset=3, column=3]",
    ]
    assert agent.fingerprint() == agent_with(talker()).fingerprint()


async def test_page_by_page_all_of_it_can_be_read_and_no_page_is_cut(runner: MakeRunner) -> None:
    text = LOG + "".join(f"{n:06}" for n in range(9_000)) + "\nthe end"
    pages: list[str] = []

    def turn(request: ModelRequest) -> Any:
        if len(pages) == 0:
            pages.append("")
            return read_on()(request)
        page, _, note = request.messages[-1].content.rpartition("\n[")
        pages.append(page + ("\n" if "column" not in note and "the end" not in note else ""))
        following = re.search(r"offset=(\d+)(?:, column=(\d+))?\]$", note)
        if following is None:
            return say("I read it all.")
        return read_on(offset=int(following[1]), column=int(following[2] or 1))(request)

    model = ScriptedModel(call(("report", {})), *[turn] * 60)
    result = await runner(model, max_result_chars=4_000).run(agent_with(talker(text)), user_message="go")
    assert result.final_text == "I read it all."
    assert "".join(pages) == text
    assert [made.output_sha is None for made in result.tool_executions[1:]] == [True] * (len(pages) - 1)
    assert len(pages) > 10


async def test_reading_what_is_not_there_is_told_to_the_model(runner: MakeRunner) -> None:
    wrong = (
        call(("read_output", {"output": "0" * 12})),
        call(("report", {})),
        call(("read_output", {"output": "zzz"})),
        read_on(offset=3_001),
        read_on(find="no such thing"),
        read_on(find=""),
        read_on(limit=0),
        read_on(offset=0),
    )
    result = await runner(ScriptedModel(*wrong)).run(agent_with(talker()), user_message="go")
    outputs = [made.output for made in result.tool_executions if made.tool_name == "read_output"]
    assert outputs[0].endswith("All its results were shown whole")
    assert "no long result of the name 'zzz'. The latest are: " in outputs[1]
    assert outputs[2] == "the result ends before line 3001, column 1: it has 3,000 lines"
    assert outputs[3] == "[no line holds it, of 3,000 lines]"
    assert "is empty" in outputs[4]
    assert "at least 1" in outputs[5]
    assert "count from 1" in outputs[6]


async def test_a_text_that_begins_with_a_line_break_is_found_once_in_each_place(runner: MakeRunner) -> None:
    model = ScriptedModel(call(("report", {})), read_on(find="\n"), read_on(find="\n300"))
    result = await runner(model).run(agent_with(talker("one\ntwo\n" + LOG)), user_message="go")
    breaks, found = [made.output.splitlines() for made in result.tool_executions[1:]]
    assert breaks[:3] == ["1:4: one", "2:4: two", "3:13: 1 of the log"]
    assert len(breaks) == 51
    assert found == ["301:15: 299 of the log", "3001:16: 2999 of the log"]


async def test_another_conversation_s_results_can_not_be_read(runner: MakeRunner) -> None:
    first = runner(ScriptedModel(call(("report", {}))))
    told = await first.run(agent_with(talker()), user_message="go", thread_id="one")
    sha = told.tool_executions[0].output_sha or ""
    model = ScriptedModel(call(("report", {})), call(("read_output", {"output": sha[:12]})))
    result = await runner(model).run(agent_with(talker("x\n" * 9_000)), user_message="go", thread_id="two")
    assert f"no long result of the name '{sha[:12]}'" in result.tool_executions[1].output


async def test_a_later_run_and_a_fork_of_the_thread_read_on_where_it_stands(
    runner: MakeRunner, db: Path
) -> None:
    first = runner(ScriptedModel(call(("report", {})), say("Long.")))
    told = await first.run(agent_with(talker()), user_message="go", thread_id="th")
    checkpoint = next(c for c in await first.list_checkpoints("th") if c.phase == "final")
    fork = await first.fork(told.run_id, checkpoint.checkpoint_id, message="And?")
    for thread_id in ("th", fork):
        model = ScriptedModel(*[say("?")] * 2, read_on(offset=7, limit=1))
        one = runner(model)
        if thread_id == "th":
            result = await one.run(agent_with(talker()), user_message="And?", thread_id="th")
        else:
            [run] = await one.list_runs(fork)
            result = await one.resume(agent_with(talker()), run_id=run.run_id, thread_id=fork)
        assert offered(model.requests[0]) == ["report", "read_output"]
        assert result.tool_executions[0].output.startswith("7 of the log\n")
    assert rows(db, "SELECT count(*) FROM output") == [(1,)]


async def test_a_fork_in_the_middle_of_a_step_takes_the_whole_result_along(
    runner: MakeRunner, ledger: Ledger
) -> None:
    agent = agent_with(talker(), ledger.tool())
    one = runner(ScriptedModel(call(("report", {}), ("act", {"what": "it"}))))
    asked = await one.run(agent, user_message="go", thread_id="th")
    checkpoint = next(c for c in await one.list_checkpoints("th") if c.phase == "result")
    fork = await one.fork(asked.run_id, checkpoint.checkpoint_id, message="Another way.")
    await one.delete_thread("th")
    model = ScriptedModel(say("?"), read_on(offset=9, limit=1))
    other = runner(model)
    [run] = await other.list_runs(fork)
    result = await other.resume(agent, run_id=run.run_id, thread_id=fork)
    assert result.tool_executions[-1].output.startswith("9 of the log\n")


async def test_a_subagent_reads_on_in_its_own_results_and_the_one_above_in_its_long_answer(
    runner: MakeRunner,
) -> None:
    scripts = ByAgent(
        boss=(delegate("helper"), read_on(offset=2, limit=1), say("Done.")),
        helper=(call(("report", {})), read_on(offset=3, limit=1), say(LOG + "That was all.")),
    )
    agent = member("boss", below=(member("helper", talker()),))
    result = await runner(scripts).run(agent, user_message="go")
    assert result.state == "completed"
    assert [offered(request) for request in scripts.models["helper"].requests] == [
        ["report"],
        ["report", "read_output"],
        ["report", "read_output"],
    ]
    read_below = scripts.models["helper"].requests[2].messages[-1].content
    assert read_below.startswith("3 of the log\n")
    assert result.tool_executions[1].output.startswith("2 of the log\n")


async def test_an_agent_without_long_results_is_sent_no_tool_it_does_not_have(runner: MakeRunner) -> None:
    model = ScriptedModel(say("Hello."))
    await runner(model).run(agent_with(), user_message="go")
    assert model.requests[0].tools == ()
    whole = ScriptedModel(call(("report", {})))
    result = await runner(whole, max_result_chars=None).run(agent_with(talker()), user_message="go")
    assert (offered(whole.requests[1]), result.tool_executions[0].output) == (["report"], LOG)


async def test_a_run_stopped_while_it_reads_on_is_resumed_by_the_same_agent(
    runner: MakeRunner, db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The open call is to a tool that is not among the agent's own."""
    agent = agent_with(talker())
    script = (call(("report", {})), read_on(offset=5, limit=1))
    one = runner(ScriptedModel(*script))

    async def fail(*args: Any, **kwargs: Any) -> Any:
        raise StoreError("The disk is gone.")

    store = await one._store()
    monkeypatch.setattr(store, "output_line", fail)
    monkeypatch.setattr(store, "record_result", fail_second(store.record_result))
    with pytest.raises(StoreError):
        await one.run(agent, user_message="go", thread_id="th")
    monkeypatch.undo()
    [run] = await one.list_runs()
    ended = await one.resume(agent, run_id=run.run_id, thread_id="th")
    assert (ended.state, ended.tool_executions[1].output[:12]) == ("completed", "5 of the log")


def fail_second(record: Any) -> Any:
    """The first result can be written, the next one can't."""
    done: list[bool] = []

    async def write(*args: Any, **kwargs: Any) -> Any:
        if done:
            raise StoreError("The disk is gone.")
        done.append(True)
        return await record(*args, **kwargs)

    return write


async def test_a_rule_that_denies_goes_for_reading_on_too(runner: MakeRunner) -> None:
    from afk.agents import PolicyRule

    model = ScriptedModel(call(("report", {})), read_on())
    rules = [PolicyRule("read_output", "deny", reason="Enough.")]
    result = await runner(model, policy=rules).run(agent_with(talker()), user_message="go")
    assert result.tool_executions[1].phase == "skipped"


async def test_what_a_person_answers_at_length_and_what_a_tool_fails_with_are_shown_by_their_ends(
    runner: MakeRunner, ledger: Ledger
) -> None:
    @tool(effect="read")
    async def fails() -> str:
        """Fail at length."""
        raise RuntimeError(LOG)

    agent = agent_with(ledger.tool(), fails)
    one = runner(ScriptedModel(call(("act", {"what": "it"}), ("fails", {}))))
    asked = await one.run(agent, user_message="go", thread_id="th")
    [request] = await one.list_approvals()
    await one.decide(request.approval_id, "respond", args_sha=request.args_sha, output=LOG * 2)
    result = await one.resume(agent, run_id=asked.run_id, thread_id="th")
    wholes = [await one.read_output(made.output_sha or "", chars=10**6) for made in result.tool_executions]
    assert [whole.text for whole in wholes] == [LOG * 2, f"fails failed: RuntimeError: {LOG}"]
    assert all(len(made.output) <= 16_000 for made in result.tool_executions)


async def test_the_arguments_a_person_edited_stand_at_the_beginning_of_what_is_shown(
    runner: MakeRunner,
) -> None:
    @tool(effect="once")
    async def act(what: str) -> str:
        """Act, and tell at length."""
        return LOG

    one = runner(ScriptedModel(call(("act", {"what": "it"}))))
    asked = await one.run(agent_with(act), user_message="go", thread_id="th")
    [request] = await one.list_approvals()
    edited = {"what": "less"}
    assert call_sha("act", edited, "x") != request.args_sha
    await one.decide(request.approval_id, "allow", args_sha=request.args_sha, arguments=edited)
    result = await one.resume(agent_with(act), run_id=asked.run_id, thread_id="th")
    assert result.tool_executions[0].output.startswith(
        f"[The person changed the arguments before it ran: {json.dumps(edited)}]\n1 of the log\n"
    )


def test_a_tool_of_the_name_that_reads_on_is_refused() -> None:
    with pytest.raises(AgentConfigurationError, match="read_output"):
        Agent(name="bot", tools=[talker(name="read_output")])


@pytest.mark.parametrize(
    "limits", [{"max_result_chars": 999}, {"max_result_chars": 0}, {"max_output_bytes": 63_999}]
)
def test_limits_that_leave_no_room_are_refused(limits: dict[str, int]) -> None:
    with pytest.raises(AgentConfigurationError, match="must be at least"):
        RunnerConfig(**limits)


async def grown_by(db: Path, agent: Agent, times: int) -> int:
    """How many bytes a database has after so many runs."""
    async with Runner(
        memory_store=SQLiteMemoryStore(db), llm=ScriptedModel(*[call(("report", {}))] * 2)
    ) as one:
        for number in range(times):
            await one.run(agent, user_message="go", thread_id=f"th{number}")
    return db.stat().st_size


async def test_the_same_output_is_stored_once(tmp_path: Path) -> None:
    big = "".join(f"{n} of the big log\n" for n in range(50_000))
    agent = agent_with(talker(big))
    once = await grown_by(tmp_path / "once.db", agent, 1)
    often = await grown_by(tmp_path / "often.db", agent, 5)
    # four more runs are four more times the shown ends and a few rows, not four more times a megabyte
    assert len(big) < once < 1.4 * len(big)
    assert often - once < 4 * 60_000
    assert rows(tmp_path / "often.db", "SELECT count(*) FROM output") == [(1,)]


async def test_deleting_a_thread_removes_what_only_it_referred_to(runner: MakeRunner, db: Path) -> None:
    one = runner(ScriptedModel(call(("report", {})), call(("more", {}))))
    big = "".join(f"{n} of the big log\n" for n in range(200_000))
    agent = agent_with(talker(), talker(big, "more"))
    shared = runner(ScriptedModel(call(("report", {}))))
    both = await one.run(agent, user_message="go", thread_id="both")
    await shared.run(agent, user_message="go", thread_id="shared")
    small_sha, big_sha = [made.output_sha or "" for made in both.tool_executions]
    deleted = await one.delete_thread("both")
    assert deleted.bytes_reclaimed > len(big)
    assert rows(db, "SELECT sha256 FROM output") == [(small_sha,)]
    assert rows(db, "SELECT count(*) FROM output_part WHERE sha256 = ?", big_sha) == [(0,)]
    assert (await one.read_output(small_sha)).text == LOG
    with pytest.raises(StoreError, match="no whole result"):
        await one.read_output(big_sha)
    await one.delete_thread("shared")
    assert rows(db, "SELECT (SELECT count(*) FROM output), (SELECT count(*) FROM output_part)") == [(0, 0)]


async def test_a_fork_keeps_what_it_reads_when_its_source_is_deleted_and_the_last_one_takes_it_along(
    runner: MakeRunner, db: Path
) -> None:
    one = runner(ScriptedModel(call(("report", {})), say("Long.")))
    told = await one.run(agent_with(talker()), user_message="go", thread_id="th")
    [checkpoint] = [c for c in await one.list_checkpoints("th") if c.phase == "final"]
    fork = await one.fork(told.run_id, checkpoint.checkpoint_id)
    await one.delete_thread("th")
    assert (await one.read_output(told.tool_executions[0].output_sha or "")).text == LOG
    await one.delete_thread(fork)
    assert rows(db, "SELECT count(*) FROM output") == [(0,)]


async def test_a_result_that_comes_again_while_it_is_being_removed_is_whole_again(
    runner: MakeRunner, db: Path
) -> None:
    """As after a deletion that was killed between two of its batches."""
    agent = agent_with(talker(LOG * 10))
    one = runner(ScriptedModel(call(("report", {}))))
    told = await one.run(agent, user_message="go", thread_id="th")
    sha = told.tool_executions[0].output_sha or ""
    await one.close()
    connection = sqlite3.connect(db)
    connection.execute("UPDATE output SET leaving = 1")
    connection.execute("DELETE FROM output_part WHERE first_char > 0")
    connection.commit()
    connection.close()
    other = runner(ScriptedModel(call(("report", {}))))
    with pytest.raises(StoreError, match="no whole result"):
        await other.read_output(sha)
    await other.run(agent, user_message="go", thread_id="th2")
    assert (await other.read_output(sha, chars=10**7)).text == LOG * 10
    await other.remove_deleted()
    assert (await other.read_output(sha, chars=10**7)).text == LOG * 10


async def test_compaction_leaves_whole_results_alone(runner: MakeRunner) -> None:
    one = runner(ScriptedModel(call(("report", {}))))
    told = await one.run(agent_with(talker()), user_message="go", thread_id="th")
    await one.compact_thread(
        thread_id="th",
        event_policy=RetentionPolicy(max_events=1),
        state_policy=StateRetentionPolicy(max_entries=1),
    )
    assert (await one.read_output(told.tool_executions[0].output_sha or "")).text == LOG


async def test_a_damaged_whole_result_is_an_error_to_whoever_reads_it_and_the_thread_goes_on(
    runner: MakeRunner, db: Path
) -> None:
    one = runner(ScriptedModel(call(("report", {}))))
    told = await one.run(agent_with(talker(LOG * 20)), user_message="go", thread_id="th")
    await one.close()
    connection = sqlite3.connect(db)
    connection.execute("DELETE FROM output_part WHERE first_char > 0")
    connection.commit()
    connection.close()
    other = runner(ScriptedModel(*[say("?")] * 2, read_on(offset=50_000)))
    with pytest.raises(StoreError, match="damaged: parts of it are missing"):
        await other.read_output(told.tool_executions[0].output_sha or "", chars=10**7)
    result = await other.run(agent_with(talker()), user_message="And?", thread_id="th")
    assert (result.state, result.tool_executions[0].phase) == ("completed", "failed")
    assert "damaged" in result.tool_executions[0].output
