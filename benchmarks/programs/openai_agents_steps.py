"""SIZE turns of an agent with one tool, kept by SQLiteSession; with the word `state`, its RunState is written to a row
after every turn, which is what outlives a crash there."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from typing import Any

import agents
from agents.items import ModelResponse
from agents.usage import Usage
from common import FOLDER, SIZE, WORDS, Clock, bytes_of, finish, result_of
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText

agents.set_tracing_disabled(True)


class Scripted(agents.Model):
    """Asks for the tool SIZE times."""

    def __init__(self) -> None:
        self._done = 0

    async def get_response(self, *args: Any, **kwargs: Any) -> ModelResponse:
        n = self._done
        self._done += 1
        if n < SIZE:
            output: Any = ResponseFunctionToolCall(
                arguments=json.dumps({"n": n}), call_id=f"call_{n}", name="work", type="function_call"
            )
        else:
            text = ResponseOutputText(annotations=[], text="Done.", type="output_text")
            output = ResponseOutputMessage(
                id="m", content=[text], role="assistant", status="completed", type="message"
            )
        return ModelResponse(output=[output], usage=Usage(), response_id=None)

    def stream_response(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError


@agents.function_tool
async def work(n: int) -> str:
    """Work."""
    return result_of(n)


async def with_session() -> dict[str, float]:
    session = agents.SQLiteSession("thread", FOLDER / "session.db")
    agent = agents.Agent(name="worker", model=Scripted(), tools=[work])
    clock = Clock()
    result = await agents.Runner.run(agent, "Work.", session=session, max_turns=SIZE + 2)
    figures = clock.figures()
    assert result.final_output == "Done."
    session.close()
    return {**figures, "bytes": bytes_of("session.db")}


async def with_state() -> dict[str, float]:
    """The state is only to be had where a run stops, so it is stopped at each call: each of them asks for a yes."""
    db = sqlite3.connect(FOLDER / "state.db", isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("CREATE TABLE state (id INTEGER PRIMARY KEY, body TEXT)")
    asking = agents.function_tool(name_override="work", needs_approval=True)(_work)
    agent = agents.Agent(name="worker", model=Scripted(), tools=[asking])
    clock = Clock()
    result = await agents.Runner.run(agent, "Work.", max_turns=SIZE + 2)
    while result.interruptions:
        state = result.to_state()
        for item in result.interruptions:
            state.approve(item)
        db.execute("BEGIN IMMEDIATE")
        db.execute("INSERT OR REPLACE INTO state VALUES (1, ?)", (state.to_string(),))
        db.execute("COMMIT")
        result = await agents.Runner.run(agent, state, max_turns=SIZE + 2)
    figures = clock.figures()
    assert result.final_output == "Done."
    db.close()
    return {**figures, "bytes": bytes_of("state.db")}


async def _work(n: int) -> str:
    """Work."""
    return result_of(n)


finish(asyncio.run(with_state() if "state" in WORDS else with_session()))
