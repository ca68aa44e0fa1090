"""Not waiting for what a server asks to be waited for."""

from __future__ import annotations

import asyncio

from afk.core.events import AnswerRestarted
from afk.llms.openai_client import OpenAIChat
from tests.core.conftest import MakeRunner
from tests.core.kit import agent_with
from tests.support.model_server import ModelServer, status, text


async def test_a_run_that_waits_to_ask_again_asks_at_once_when_told_to(runner: MakeRunner) -> None:
    with ModelServer([status(429, retry_after=100), status(429, retry_after=100), text("Here.")]) as server:
        engine = runner(OpenAIChat(base_url=server.base_url, api_key="x"))
        handle = await engine.run_handle(agent_with(), user_message="hello")
        waits: list[float] = []
        async with asyncio.timeout(30):
            async for event in handle.events:
                if isinstance(event, AnswerRestarted):
                    waits.append(event.delay_s)
                    await asyncio.sleep(0)  # the wait begins after the event
                    handle.try_now()
        result = await handle.await_result()
    assert (result.state, result.final_text) == ("completed", "Here.")
    assert [delay_s >= 100 for delay_s in waits] == [True, True]


async def test_impatience_before_anything_is_waited_for_is_forgotten(runner: MakeRunner) -> None:
    with ModelServer([text("Here.")]) as server:
        engine = runner(OpenAIChat(base_url=server.base_url, api_key="x"))
        handle = await engine.run_handle(agent_with(), user_message="hello")
        handle.try_now()
        assert (await handle.await_result()).state == "completed"
