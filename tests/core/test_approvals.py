"""Who may say yes, to what, how often, and what the model hears of it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from afk.agents import PolicyRule
from afk.agents.errors import (
    AgentConfigurationError,
    ApprovalAlreadyDecidedError,
    ApprovalError,
    ApprovalExpiredError,
    ApprovalNotFoundError,
    ApprovalStaleError,
)
from afk.core import Runner
from afk.core.events import ApprovalDecided, ApprovalRequested
from afk.memory import SQLiteMemoryStore
from afk.memory.records import ApprovalRecord, Decision
from afk.tools import tool
from tests.core.conftest import MakeRunner
from tests.core.kit import Ledger, ScriptedModel, agent_with, call, event_of, rows, say, until

ASKS = call(("act", {"what": "it"}))


async def asked(one: Runner, agent: Any) -> tuple[Any, ApprovalRecord]:
    result = await one.run(agent, user_message="go", thread_id="th")
    assert result.state == "awaiting_approval"
    (request,) = await one.list_approvals()
    return result, request


async def test_nothing_runs_before_the_yes_and_once_after_it(runner: MakeRunner, ledger: Ledger) -> None:
    agent = agent_with(ledger.tool())
    one = runner(ScriptedModel(ASKS))
    result, request = await asked(one, agent)
    assert ledger.lines == []
    assert (request.tool_name, request.arguments, request.agent_path) == ("act", {"what": "it"}, "bot")

    decided = await one.decide(request.approval_id, "allow", args_sha=request.args_sha, by="ada")
    assert (decided.status, decided.decided_by) == ("allowed", "ada")
    resumed = await one.resume(agent, run_id=result.run_id, thread_id="th")
    assert resumed.state == "completed"
    assert ledger.lines == ["act it"]


async def test_a_denial_and_its_reason_reach_the_model(runner: MakeRunner, ledger: Ledger) -> None:
    agent, model = agent_with(ledger.tool()), ScriptedModel(ASKS)
    one = runner(model)
    result, request = await asked(one, agent)
    await one.decide(request.approval_id, "deny", args_sha=request.args_sha, reason="too early")
    resumed = await one.resume(agent, run_id=result.run_id, thread_id="th")
    assert (resumed.state, ledger.lines) == ("completed", [])
    assert model.requests[1].messages[-1].content == "The person denied this call. Reason: too early"
    assert resumed.tool_executions[0].phase == "skipped"


async def test_a_person_can_answer_in_the_tools_place(runner: MakeRunner, ledger: Ledger) -> None:
    agent, model = agent_with(ledger.tool()), ScriptedModel(ASKS)
    one = runner(model)
    result, request = await asked(one, agent)
    with pytest.raises(AgentConfigurationError, match="needs an output"):
        await one.decide(request.approval_id, "respond", args_sha=request.args_sha)
    await one.decide(request.approval_id, "respond", args_sha=request.args_sha, output="I did it myself")
    await one.resume(agent, run_id=result.run_id, thread_id="th")
    assert model.requests[1].messages[-1].content == "I did it myself"
    assert ledger.lines == []


async def test_edited_arguments_run_in_place_of_the_proposed_ones_and_the_model_is_told(
    runner: MakeRunner, ledger: Ledger
) -> None:
    agent, model = agent_with(ledger.tool()), ScriptedModel(ASKS)
    one = runner(model)
    result, request = await asked(one, agent)
    await one.decide(request.approval_id, "allow", args_sha=request.args_sha, arguments={"what": "less"})
    resumed = await one.resume(agent, run_id=result.run_id, thread_id="th")
    assert ledger.lines == ["act less"]
    told = model.requests[1].messages[-1].content
    assert told == '[The person changed the arguments before it ran: {"what": "less"}]\nact did less'
    assert resumed.tool_executions[0].arguments == {"what": "less"}


async def test_edited_arguments_are_brought_into_the_tools_normal_form(runner: MakeRunner) -> None:
    ran: list[tuple[int, bool]] = []

    @tool(effect="once")
    async def dose(amount: int, twice: bool = False) -> str:
        """Give a dose."""
        ran.append((amount, twice))
        return "given"

    one = runner(ScriptedModel(call(("dose", {"amount": 100}))))
    result, request = await asked(one, agent_with(dose))
    await one.decide(request.approval_id, "allow", args_sha=request.args_sha, arguments={"amount": 1})
    resumed = await one.resume(agent_with(dose), run_id=result.run_id, thread_id="th")
    assert (resumed.state, ran) == ("completed", [(1, False)])


async def test_edited_arguments_that_do_not_fit_the_tool_are_asked_about_anew(
    runner: MakeRunner, ledger: Ledger
) -> None:
    agent = agent_with(ledger.tool())
    one = runner(ScriptedModel(ASKS))
    result, request = await asked(one, agent)
    await one.decide(request.approval_id, "allow", args_sha=request.args_sha, arguments={"wat": 1})
    again = await one.resume(agent, run_id=result.run_id, thread_id="th")
    (anew,) = await one.list_approvals()
    assert (again.state, ledger.lines) == ("awaiting_approval", [])
    assert anew.approval_id != request.approval_id
    assert anew.arguments == {"what": "it"}
    assert "do not fit the tool" in anew.reason


async def test_a_rule_that_denies_beats_edited_arguments_a_yes_and_a_grant(
    runner: MakeRunner, ledger: Ledger
) -> None:
    agent = agent_with(ledger.tool())
    script = [ASKS, say("1"), ASKS, say("2"), ASKS]
    one = runner(ScriptedModel(*script))
    result, request = await asked(one, agent)
    await one.decide(request.approval_id, "allow", args_sha=request.args_sha, scope="thread")
    strict = runner(ScriptedModel(*script), policy=[PolicyRule("act", "deny", {"what": "i*"}, "never it")])
    resumed = await strict.resume(agent, run_id=result.run_id, thread_id="th")
    assert (resumed.state, ledger.lines) == ("completed", [])
    assert resumed.tool_executions[0].output.endswith("a rule of the policy denies it. Reason: never it")
    granted = await strict.run(agent, user_message="again", thread_id="th")
    assert (granted.state, granted.tool_executions[0].phase) == ("completed", "skipped")
    lenient = await one.run(agent, user_message="again", thread_id="th")
    assert (lenient.state, ledger.lines) == ("completed", ["act it"])


async def test_edited_into_what_a_rule_denies_is_refused(runner: MakeRunner, ledger: Ledger) -> None:
    agent = agent_with(ledger.tool())
    one = runner(ScriptedModel(ASKS), policy=[PolicyRule("act", "deny", {"what": "rm*"})])
    result, request = await asked(one, agent)
    await one.decide(request.approval_id, "allow", args_sha=request.args_sha, arguments={"what": "rm -rf"})
    resumed = await one.resume(agent, run_id=result.run_id, thread_id="th")
    assert (resumed.tool_executions[0].phase, ledger.lines) == ("skipped", [])


@pytest.mark.parametrize(
    ("rules", "approval", "state", "ran"),
    [
        ([PolicyRule("a*", "allow")], None, "completed", 1),
        ([PolicyRule("act", "allow")], "always", "awaiting_approval", 0),
        ([PolicyRule("act", "ask", reason="look first")], "never", "awaiting_approval", 0),
        ([PolicyRule("act", "deny")], "never", "completed", 0),
        ([PolicyRule("act", "deny", {"what": "it"}), PolicyRule("act", "allow")], None, "completed", 0),
        ([PolicyRule("act", "deny", {"what": "other"}), PolicyRule("act", "allow")], None, "completed", 1),
        ([PolicyRule("other", "allow")], None, "awaiting_approval", 0),
    ],
)
async def test_the_first_rule_that_matches_answers(
    runner: MakeRunner, ledger: Ledger, rules: Any, approval: Any, state: str, ran: int
) -> None:
    one = runner(ScriptedModel(ASKS), policy=rules)
    result = await one.run(agent_with(ledger.tool(approval=approval)), user_message="go")
    assert (result.state, len(ledger.lines)) == (state, ran)


@pytest.mark.parametrize(
    ("scope", "elsewhere"), [("thread", "awaiting_approval"), ("workspace", "completed")]
)
async def test_a_remembered_yes_holds_for_the_very_same_call_in_its_scope_only(
    runner: MakeRunner, ledger: Ledger, scope: Any, elsewhere: str
) -> None:
    agent = agent_with(ledger.tool())
    one = runner(ScriptedModel(ASKS, say("1"), ASKS, say("2"), call(("act", {"what": "other"}))))
    result, request = await asked(one, agent)
    await one.decide(request.approval_id, "allow", args_sha=request.args_sha, scope=scope)
    await one.resume(agent, run_id=result.run_id, thread_id="th")
    same = await one.run(agent, user_message="again", thread_id="th")
    assert (same.state, ledger.lines) == ("completed", ["act it", "act it"])
    other = await one.run(agent, user_message="another", thread_id="th")
    assert other.state == "awaiting_approval"
    there = await one.run(agent, user_message="go", thread_id="th2")
    assert there.state == elsewhere
    moved = runner(ScriptedModel(ASKS), workspace="/")
    assert (await moved.run(agent, user_message="go", thread_id="th3")).state == "awaiting_approval"


async def test_only_a_yes_can_be_remembered(runner: MakeRunner, ledger: Ledger, db: Path) -> None:
    one = runner(ScriptedModel(ASKS))
    _, request = await asked(one, agent_with(ledger.tool()))
    with pytest.raises(AgentConfigurationError, match="Only the decision 'allow' can be remembered"):
        await one.decide(request.approval_id, "deny", args_sha=request.args_sha, scope="workspace")
    provided = Decision("deny", request.args_sha, "bot", scope="workspace")
    await SQLiteMemoryStore.decide(one._given_store, request.approval_id, provided)  # type: ignore[arg-type]
    assert rows(db, "SELECT * FROM approval_grant") == []


async def test_a_second_decision_is_told_who_decided_what_and_when(
    runner: MakeRunner, ledger: Ledger
) -> None:
    one = runner(ScriptedModel(ASKS))
    _, request = await asked(one, agent_with(ledger.tool()))
    first = await one.decide(request.approval_id, "deny", args_sha=request.args_sha, by="ada")
    with pytest.raises(ApprovalAlreadyDecidedError, match="denied, by ada, on 20") as caught:
        await one.decide(request.approval_id, "allow", args_sha=request.args_sha)
    assert (caught.value.status, caught.value.decided_by) == ("denied", "ada")
    assert caught.value.decided_at_ms == first.decided_at_ms


async def test_a_decision_about_something_else_is_refused(runner: MakeRunner, ledger: Ledger) -> None:
    one = runner(ScriptedModel(ASKS))
    _, request = await asked(one, agent_with(ledger.tool()))
    with pytest.raises(ApprovalStaleError):
        await one.decide(request.approval_id, "allow", args_sha="0" * 64)
    with pytest.raises(ApprovalNotFoundError, match="apr_none"):
        await one.decide("apr_none", "allow", args_sha=request.args_sha)
    with pytest.raises(ApprovalError, match="choose one of allow, deny, respond"):
        await one.decide(request.approval_id, "run_again", args_sha=request.args_sha)
    with pytest.raises(AgentConfigurationError, match="Edited arguments"):
        await one.decide(request.approval_id, "deny", args_sha=request.args_sha, arguments={})
    with pytest.raises(AgentConfigurationError, match="approval_id"):
        await one.decide("", "allow", args_sha=request.args_sha)
    assert [a.status for a in await one.list_approvals()] == ["pending"]


async def test_an_expired_request_is_asked_again_by_a_resume(
    runner: MakeRunner, ledger: Ledger, db: Path
) -> None:
    agent, now = agent_with(ledger.tool()), [1_000_000]
    store = SQLiteMemoryStore(db, clock=lambda: now[0])
    one = runner(ScriptedModel(ASKS), memory_store=store, approval_expires_after_s=60)
    result, request = await asked(one, agent)
    now[0] += 60_000
    with pytest.raises(ApprovalExpiredError, match="Resume run"):
        await one.decide(request.approval_id, "allow", args_sha=request.args_sha)
    # another configuration does not make it stand for ever
    other = runner(ScriptedModel(ASKS), memory_store=store)
    again = await other.resume(agent, run_id=result.run_id, thread_id="th")
    (anew,) = await one.list_approvals()
    assert (again.state, ledger.lines) == ("awaiting_approval", [])
    assert (anew.approval_id != request.approval_id, anew.args_sha) == (True, request.args_sha)


async def test_a_yes_that_expired_before_it_was_used_allows_nothing(
    runner: MakeRunner, ledger: Ledger, db: Path
) -> None:
    agent, now = agent_with(ledger.tool()), [1_000_000]
    store = SQLiteMemoryStore(db, clock=lambda: now[0])
    one = runner(ScriptedModel(ASKS), memory_store=store, approval_expires_after_s=60)
    result, request = await asked(one, agent)
    await one.decide(request.approval_id, "allow", args_sha=request.args_sha)
    now[0] += 60_000
    again = await one.resume(agent, run_id=result.run_id, thread_id="th")
    assert (again.state, ledger.lines) == ("awaiting_approval", [])


async def test_headless_with_the_fallback_deny_a_no_is_given_and_the_run_completes(
    runner: MakeRunner, ledger: Ledger
) -> None:
    one = runner(ScriptedModel(ASKS), approval_fallback="deny")
    result = await one.run(agent_with(ledger.tool()), user_message="go")
    assert (result.state, ledger.lines) == ("completed", [])
    assert (
        result.tool_executions[0].output == "The person denied this call. Reason: Nobody is there to decide."
    )


async def test_interactive_the_run_waits_and_goes_on_when_its_own_process_decides(
    runner: MakeRunner, ledger: Ledger
) -> None:
    one = runner(ScriptedModel(ASKS), interaction_mode="interactive")
    handle = await one.run_handle(agent_with(ledger.tool()), user_message="go")
    asking = await event_of(handle, ApprovalRequested)
    request = (await one.list_approvals())[0]
    assert request.approval_id == asking.approval_id  # type: ignore[union-attr]
    await one.decide(request.approval_id, "allow", args_sha=request.args_sha, by="ada")
    assert await event_of(handle, ApprovalDecided)
    assert (await handle.await_result()).state == "completed"
    assert ledger.lines == ["act it"]


async def test_several_calls_of_one_step_are_decided_one_by_one_in_any_order(
    runner: MakeRunner, ledger: Ledger
) -> None:
    model = ScriptedModel(call(("act", {"what": "a"}), ("act", {"what": "b"}), ("act", {"what": "c"})))
    one = runner(model, interaction_mode="interactive")
    handle = await one.run_handle(agent_with(ledger.tool()), user_message="go")
    await event_of(handle, ApprovalRequested)
    a, b, c = await one.list_approvals()
    await one.decide(c.approval_id, "allow", args_sha=c.args_sha)
    await until(lambda: ledger.lines == ["act c"])
    await one.decide(a.approval_id, "deny", args_sha=a.args_sha)
    await one.decide(b.approval_id, "allow", args_sha=b.args_sha)
    result = await handle.await_result()
    assert (result.state, ledger.lines) == ("completed", ["act c", "act b"])
    results = [m.content for m in model.requests[1].messages if m.role == "tool"]
    assert results == ["The person denied this call.", "act did b", "act did c"]


async def test_a_decision_of_another_process_is_seen_while_the_run_waits(
    runner: MakeRunner, ledger: Ledger, db: Path
) -> None:
    one = runner(ScriptedModel(ASKS), interaction_mode="interactive")
    handle = await one.run_handle(agent_with(ledger.tool()), user_message="go")
    await event_of(handle, ApprovalRequested)
    code = (
        "import asyncio, sys\n"
        "from afk.core import Runner\n"
        "from afk.memory import SQLiteMemoryStore\n"
        "async def main():\n"
        "    async with Runner(memory_store=SQLiteMemoryStore(sys.argv[1])) as runner:\n"
        "        (one,) = await runner.list_approvals()\n"
        "        await runner.decide(one.approval_id, 'allow', args_sha=one.args_sha, by='the other')\n"
        "asyncio.run(main())\n"
    )
    other = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", code, str(db)], capture_output=True, text=True, timeout=30
    )
    assert (other.returncode, other.stderr) == (0, "")
    decided = await event_of(handle, ApprovalDecided)
    assert decided.decided_by == "the other"  # type: ignore[union-attr]
    assert (await handle.await_result()).state == "completed"
    assert ledger.lines == ["act it"]


@pytest.mark.parametrize("mode", ["interactive", "headless"])
async def test_a_decision_between_the_stop_and_the_waiting_is_not_missed(
    runner: MakeRunner, ledger: Ledger, db: Path, mode: str
) -> None:
    """Boundary A gives the run up; whoever decides right then must still wake it."""

    class DecidedAtOnce(SQLiteMemoryStore):
        async def record_answer(self, *args: Any, **kwargs: Any) -> Any:
            recorded = await super().record_answer(*args, **kwargs)
            for request in await self.list_approvals():
                await self.decide(request.approval_id, Decision("allow", request.args_sha, "somebody quick"))
            return recorded

    one = runner(ScriptedModel(ASKS), interaction_mode=mode, memory_store=DecidedAtOnce(db))
    async with asyncio.timeout(15):
        result = await one.run(agent_with(ledger.tool()), user_message="go")
    assert (result.state, ledger.lines) == ("completed", ["act it"])


class Provider:
    def __init__(self, *decisions: Any) -> None:
        self.decisions = list(decisions)
        self.asked: list[str] = []

    async def decide(self, approval: ApprovalRecord) -> Decision | None:
        self.asked.append(approval.approval_id)
        kind = self.decisions.pop(0)
        return kind and Decision(args_sha=approval.args_sha, by="provider", **kind)


async def test_a_provider_decides_also_with_edited_arguments(runner: MakeRunner, ledger: Ledger) -> None:
    provider = Provider({"decision": "allow", "arguments": {"what": "less"}})
    one = runner(ScriptedModel(ASKS), interaction_provider=provider)
    result = await one.run(agent_with(ledger.tool()), user_message="go")
    assert (result.state, ledger.lines) == ("completed", ["act less"])


async def test_a_provider_that_leaves_a_request_waiting_is_asked_once(
    runner: MakeRunner, ledger: Ledger
) -> None:
    provider = Provider(None)
    one = runner(ScriptedModel(ASKS), interaction_provider=provider)
    result = await one.run(agent_with(ledger.tool()), user_message="go")
    assert (result.state, len(provider.asked)) == ("awaiting_approval", 1)


async def test_a_run_can_be_stopped_while_its_provider_still_thinks(
    runner: MakeRunner, ledger: Ledger
) -> None:
    class Thinks:
        thinking = False

        async def decide(self, approval: ApprovalRecord) -> Decision | None:
            self.thinking = True
            await asyncio.Event().wait()
            return None

    provider = Thinks()
    one = runner(ScriptedModel(ASKS), interaction_provider=provider)
    handle = await one.run_handle(agent_with(ledger.tool()), user_message="go")
    await until(lambda: provider.thinking)
    async with asyncio.timeout(15):
        result = await handle.interrupt()
    assert result.state == "awaiting_approval"


async def test_a_waiting_run_that_a_new_message_closed_ends_as_superseded(
    runner: MakeRunner, ledger: Ledger
) -> None:
    one = runner(ScriptedModel(ASKS), interaction_mode="interactive")
    handle = await one.run_handle(agent_with(ledger.tool()), user_message="go", thread_id="th")
    await event_of(handle, ApprovalRequested)
    await until(lambda: handle.run_id not in one._given_store.live_runs)  # type: ignore[union-attr]
    newer = await one.run(agent_with(ledger.tool()), user_message="never mind", thread_id="th")
    result = await handle.await_result()
    assert (newer.state, result.state) == ("completed", "cancelled")
    assert result.interruption is not None
    assert (result.interruption.kind, result.interruption.superseded_by) == ("superseded", newer.run_id)
