"""The program that is killed, and started again until its run has completed.

It begins a run, or goes on with the one it finds; what waits for a person is decided as the scenario says.
"""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from afk.agents import Agent, AgentResult
from afk.core import Runner, RunnerConfig
from afk.llms.openai_client import OpenAIChat
from afk.memory import RetentionPolicy, StateRetentionPolicy
from afk.memory.records import DecisionText
from afk.tools import ToolContext, tool
from tests.core.kit import ScriptedModel, call, say
from tests.crash.points import Fate, make_compaction_mortal, mortal_store

CALLS = call(("look", {"what": "1"}), ("stamp", {"what": "2"}), ("act", {"what": "3"}), text="Three at once.")
SCRIPT = (CALLS, call(("look", {"what": "4"})), say("All done."))


@dataclass(frozen=True)
class Scenario:
    """`kill` is where the process dies: [point, when, n], the n-th time it gets there. A point is one of `points`, or
    a tool's name ("after" its effect). `settle` is what a
    person says of a call of unknown outcome; `verify` what the tool act finds out by itself."""

    db: str
    ledger: str
    kill: tuple[str, str, int] | None = None
    settle: DecisionText = "run_again"
    verify: bool | None = None
    base_url: str | None = None
    compact: bool = False


def make_agent(scenario: Scenario, fate: Fate) -> Agent:
    def note(name: str, ctx: ToolContext, what: str) -> str:
        descriptor = os.open(scenario.ledger, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(descriptor, f"{name} {what} {ctx.idempotency_key}\n".encode())
        os.fsync(descriptor)
        os.close(descriptor)
        fate.meet(name, "after")
        return f"{name} did {what}\n" * (200 if name == "act" else 1)

    @tool(effect="read")
    async def look(ctx: ToolContext, what: str) -> str:
        """Look."""
        return note("look", ctx, what)

    @tool(effect="idempotent", approval="never")
    async def stamp(ctx: ToolContext, what: str) -> str:
        """Stamp, which may be repeated."""
        return note("stamp", ctx, what)

    async def found(ctx: ToolContext, arguments: dict[str, Any]) -> bool | None:
        return scenario.verify

    @tool(effect="once", verify=found if scenario.verify is not None else None)
    async def act(ctx: ToolContext, what: str) -> str:
        """Act, which must not be repeated."""
        return note("act", ctx, what)

    return Agent(name="bot", model="test-model", instructions="Work.", tools=[look, stamp, act])


async def play(scenario: Scenario) -> dict[str, Any]:
    """Go on until the run has completed; what was asked on the way."""
    fate = Fate(scenario.kill)
    llm = OpenAIChat(base_url=scenario.base_url) if scenario.base_url else ScriptedModel(*SCRIPT)
    agent = make_agent(scenario, fate)
    asked: list[str] = []
    config = RunnerConfig(retry_base_delay_s=0.001, max_result_chars=1_000)
    make_compaction_mortal(fate)
    async with Runner(memory_store=mortal_store(scenario.db, fate), llm=llm, config=config) as runner:

        async def resume(run_id: str) -> AgentResult:
            return await runner.resume(agent, run_id=run_id, thread_id="th")

        runs = await runner.list_runs()
        if runs:
            result = await resume(runs[0].run_id)
        else:
            result = await runner.run(agent, user_message="go", thread_id="th")
        while result.state == "awaiting_approval":
            for request in await runner.list_approvals():
                asked.append(request.kind)
                decision: DecisionText = "allow" if request.kind == "call" else scenario.settle
                await runner.decide(request.approval_id, decision, args_sha=request.args_sha)
            if scenario.compact:
                await compact(runner, fate)
            result = await resume(result.run_id)
        return {"state": result.state, "asked": asked, "final_text": result.final_text}


async def compact(runner: Runner, fate: Fate) -> None:
    """Compact as strictly as can be."""
    await runner.compact_thread(
        thread_id="th",
        event_policy=RetentionPolicy(max_events=1),
        state_policy=StateRetentionPolicy(max_entries=1),
    )
    fate.meet("compact", "after")


def perform(scenario: Scenario, output: Path) -> None:
    output.write_text(json.dumps(asyncio.run(play(scenario))))
