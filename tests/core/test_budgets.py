"""What a run may use up, and what does not count."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from afk.agents.errors import AgentConfigurationError
from afk.core import RunnerConfig
from afk.core.budget import Budget
from afk.llms.protocol import Answer
from afk.tools import tool
from tests.core.conftest import MakeRunner
from tests.core.kit import Ledger, ScriptedModel, agent_with, call


def looks(n: int) -> list[Answer]:
    return [call(("look", {"what": str(at)})) for at in range(n)]


async def test_a_run_out_of_steps_is_interrupted_and_a_resume_grants_as_many_again(
    runner: MakeRunner, ledger: Ledger
) -> None:
    agent = agent_with(ledger.tool("look", "read"))
    one = runner(ScriptedModel(*looks(5)), max_steps=2)
    result = await one.run(agent, user_message="go")
    steps = [result.step]
    while result.state == "interrupted" and len(steps) < 5:
        assert result.interruption is not None
        assert (result.interruption.kind, "max_steps" in result.interruption.detail) == ("budget", True)
        result = await one.resume(agent, run_id=result.run_id, thread_id=result.thread_id)
        steps.append(result.step)
    assert (result.state, steps) == ("completed", [2, 4, 6])
    assert ledger.lines == [f"look {n}" for n in range(5)]


async def test_parallel_calls_can_not_pass_the_limit_of_calls_together(
    runner: MakeRunner, ledger: Ledger
) -> None:
    agent = agent_with(ledger.tool("look", "read"))
    one = runner(ScriptedModel(call(*(("look", {"what": str(n)}) for n in range(3)))), max_tool_calls=2)
    result = await one.run(agent, user_message="go")
    assert result.interruption is not None
    assert (result.state, result.interruption.kind) == ("interrupted", "budget")
    assert len(ledger.lines) == 2
    resumed = await one.resume(agent, run_id=result.run_id, thread_id=result.thread_id)
    assert resumed.state == "completed"
    assert sorted(ledger.lines) == ["look 0", "look 1", "look 2"]


async def test_a_run_out_of_time_is_interrupted_and_its_tool_is_stopped(runner: MakeRunner) -> None:
    attempts: list[int] = []

    @tool(effect="read")
    async def hang() -> str:
        """Hang the first time."""
        attempts.append(1)
        if len(attempts) == 1:
            await asyncio.Event().wait()
        return "fine"

    one = runner(ScriptedModel(call(("hang", {}))), max_wall_time_s=0.2)
    result = await one.run(agent_with(hang), user_message="go")
    assert result.interruption is not None
    assert (result.state, result.interruption.kind) == ("interrupted", "timeout")
    assert "max_wall_time_s" in result.interruption.detail
    unlimited = runner(ScriptedModel(call(("hang", {}))))
    resumed = await unlimited.resume(agent_with(hang), run_id=result.run_id, thread_id=result.thread_id)
    assert (resumed.state, len(attempts)) == ("completed", 2)


async def test_waiting_for_a_person_uses_up_no_time(runner: MakeRunner, ledger: Ledger) -> None:
    agent = agent_with(ledger.tool())
    limit_s = 0.3
    one = runner(
        ScriptedModel(call(("act", {"what": "it"}))), interaction_mode="interactive", max_wall_time_s=limit_s
    )
    handle = await one.run_handle(agent, user_message="go")
    loop = asyncio.get_running_loop()
    while not (requests := await one.list_approvals()):
        await asyncio.sleep(0.002)
    waited_from = loop.time()
    while loop.time() < waited_from + 2 * limit_s:  # longer than the run may work
        await asyncio.sleep(0.05)
    await one.decide(requests[0].approval_id, "allow", args_sha=requests[0].args_sha)
    assert (await handle.await_result()).state == "completed"


async def test_a_paused_run_uses_up_no_time() -> None:
    expired: list[bool] = []
    budget = Budget(RunnerConfig(max_wall_time_s=0.05), {}, lambda: expired.append(True))
    budget.start()
    budget.stop()
    used = budget.active_ms
    await asyncio.sleep(0.1)
    assert (budget.active_ms, expired) == (used, [])
    budget.start()
    while not expired:
        await asyncio.sleep(0.005)


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_steps": 0},
        {"max_tool_calls": -1},
        {"max_wall_time_s": 0},
        {"max_parallel_tools": 0},
        {"llm_timeout_s": 0},
        {"max_model_retries": -1},
        {"interaction_mode": "maybe"},
        {"approval_fallback": "shrug"},
        {"approval_expires_after_s": 0},
    ],
)
def test_a_limit_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(AgentConfigurationError, match=next(iter(wrong))):
        RunnerConfig(**wrong)
