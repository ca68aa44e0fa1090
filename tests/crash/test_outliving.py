"""A command that outlives its killed app is still running: that is known, said, and it is not begun a second time."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

from afk.agents import Agent
from afk.core import Runner
from afk.llms.demo import DemoModel
from afk.memory import SQLiteMemoryStore
from afk.tools.workspace import workspace_tools
from tests.core.kit import until

APP = """
import asyncio, sys
from afk.agents import Agent, PolicyRule
from afk.core import Runner
from afk.llms.demo import DemoModel
from afk.memory import SQLiteMemoryStore
from afk.tools.workspace import workspace_tools

async def main(db, folder):
    agent = Agent(name="bot", tools=workspace_tools())
    rules = [PolicyRule("run_command", "allow")]
    runner = Runner(memory_store=SQLiteMemoryStore(db), llm=DemoModel(), workspace=folder, policy=rules)
    await runner.run(agent, user_message="run: echo began >> log; exec sleep 300", thread_id="t")

asyncio.run(main(*sys.argv[1:]))
"""


async def test_a_command_that_outlives_its_killed_app_is_still_running_and_not_begun_again(
    tmp_path: Path,
) -> None:
    db, folder = tmp_path / "afk.db", tmp_path / "work"
    folder.mkdir()
    app = subprocess.Popen([sys.executable, "-c", APP, str(db), str(folder)], cwd=Path(__file__).parents[2])
    lifelines = tmp_path / "afk.db-owners"
    await until(lambda: (folder / "log").exists(), "the command to run")
    await until(lambda: any(f.read_text().strip() for f in lifelines.glob("call_*")), "its lifeline")
    app.send_signal(signal.SIGKILL)
    await asyncio.to_thread(app.wait)
    [lifeline] = lifelines.glob("call_*")
    group = int(lifeline.read_text())
    try:
        agent = Agent(name="bot", tools=workspace_tools())
        async with Runner(memory_store=SQLiteMemoryStore(db), llm=DemoModel(), workspace=folder) as runner:
            [run] = await runner.list_runs("t")
            result = await runner.resume(agent, run_id=run.run_id, thread_id="t")
            assert result.state == "awaiting_approval"
            [request] = await runner.list_approvals()
            assert request.kind == "uncertain"
            assert "still running" in request.reason
            assert f"kill -- -{group}" in request.reason

            await runner.decide(request.approval_id, "run_again", args_sha=request.args_sha)
            await runner.resume(agent, run_id=run.run_id, thread_id="t")
            assert (folder / "log").read_text() == "began\n"
            [again] = await runner.list_approvals()
            assert "still running" in again.reason

            os.killpg(group, signal.SIGKILL)
            store = await runner._store()
            effect_id = again.effect_id
            await until(lambda: store.still_running(effect_id) is None, "the command to be gone")
            await runner.decide(again.approval_id, "happened", args_sha=again.args_sha)
            result = await runner.resume(agent, run_id=run.run_id, thread_id="t")
            assert result.state == "completed"
            assert (folder / "log").read_text() == "began\n"
    finally:
        with_group_gone = subprocess.run(["kill", "-9", "--", f"-{group}"], check=False, capture_output=True)
        assert with_group_gone.returncode in (0, 1)


async def test_a_command_that_ended_leaves_no_lifeline(tmp_path: Path) -> None:
    agent = Agent(name="bot", tools=workspace_tools())
    async with Runner(
        memory_store=SQLiteMemoryStore(tmp_path / "afk.db"), llm=DemoModel(), workspace=tmp_path
    ) as runner:
        result = await runner.run(agent, user_message="run: echo hi")
        [request] = await runner.list_approvals()
        await runner.decide(request.approval_id, "allow", args_sha=request.args_sha)
        result = await runner.resume(agent, run_id=result.run_id, thread_id=result.thread_id)
        assert "hi" in result.tool_executions[0].output
        assert list((tmp_path / "afk.db-owners").glob("call_*")) == []
