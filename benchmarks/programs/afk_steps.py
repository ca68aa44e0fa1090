"""SIZE steps of one run: an answer with one `once` call, allowed by the tool itself, and its result of 1 KB."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator

from common import FOLDER, SIZE, WORDS, Clock, bytes_of, finish, result_of

sys.path.insert(0, os.getcwd())

from afk.agents import Agent
from afk.core import Runner, RunnerConfig
from afk.llms.protocol import Answer, ModelEvent, ModelRequest, ToolCall, Usage
from afk.memory import SQLiteMemoryStore
from afk.tools import tool

RESUMING = "resume" in WORDS
RUN_ID = FOLDER / "run_id"


class Scripted:
    """Asks for the tool SIZE times. With `prepare` the process then ends as if it were killed; with `resume` the first
    request of all is the end of the measurement."""

    label = "scripted"

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        done = len(request.messages) // 2  # behind the message that it began with: a call and its result each
        if RESUMING:
            now = time.monotonic()
            results = sum(message.role == "tool" for message in request.messages)
            assert results == done == SIZE, f"{results} results instead of {SIZE}"
            finish({"start_s": now - float(WORDS[-1]), "load_s": now - resumed_at})
        if done < SIZE:
            call = ToolCall(f"call_{done}", "work", json.dumps({"n": done}))
            yield Answer("", (call,), "tool_calls", usage=Usage(10, 10))
            return
        if "prepare" in WORDS:
            (run,) = await store.list_runs("thread")
            RUN_ID.write_text(run.run_id)  # whoever resumes a run knows which
            finish({})
        yield Answer("Done.", (), "stop", usage=Usage(10, 10))

    async def close(self) -> None:
        return


@tool(effect="once", approval="never")
async def work(n: int) -> str:
    """Work."""
    return result_of(n)


async def main() -> None:
    global resumed_at
    agent = Agent(name="worker", model="scripted", tools=[work])
    async with Runner(memory_store=store, llm=Scripted(), config=RunnerConfig(max_steps=None)) as runner:
        # made once in a process, whatever it runs, by what is imported for it
        assert agent.toolbox[0].parameters
        if RESUMING:
            run_id = RUN_ID.read_text()
            resumed_at = time.monotonic()
            await runner.resume(agent, run_id=run_id, thread_id="thread")
        clock = Clock()
        result = await runner.run(agent, user_message="Work.", thread_id="thread")
        figures = clock.figures()
        assert result.state == "completed", result.state
    finish({**figures, "bytes": bytes_of("afk.db")})


resumed_at = 0.0
store = SQLiteMemoryStore(FOLDER / "afk.db")
asyncio.run(main())
