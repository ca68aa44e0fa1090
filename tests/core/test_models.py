"""A provider that fails, refuses, says nothing, or is cut off: over real HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from afk.core.events import AnswerDelta, AnswerRestarted, RunWarning
from afk.llms.openai_client import OpenAIChat
from tests.core.conftest import MakeRunner
from tests.core.kit import Ledger, agent_with, events_of
from tests.support.model_server import (
    ModelServer,
    Reply,
    calls,
    cut_after,
    end_after,
    refusal,
    stall_after,
    status,
    text,
)

Serve = Callable[..., ModelServer]


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers: list[ModelServer] = []

    def start(*script: Reply, **options: Any) -> ModelServer:
        server = ModelServer(script, **options).start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.close()
        assert server.refused == []


def llm(server: ModelServer) -> OpenAIChat:
    return OpenAIChat(api_key="sk-test", base_url=server.base_url)


@pytest.mark.parametrize(
    "failure",
    [status(408), status(409), status(429), status(500), status(503), cut_after(2), end_after(2), text("")],
    ids=["408", "409", "429", "500", "503", "cut", "ended early", "empty"],
)
async def test_what_may_pass_is_asked_again_and_the_void_text_is_not_kept(
    runner: MakeRunner, serve: Serve, failure: Reply
) -> None:
    server = serve(failure, text("Whole."))
    handle = await runner(llm(server)).run_handle(agent_with(), user_message="go")
    events = await events_of(handle)
    result = await handle.await_result()
    assert (result.state, result.final_text) == ("completed", "Whole.")
    restarts = [e for e in events if isinstance(e, AnswerRestarted)]
    assert [e.attempt for e in restarts] == [2]
    after = events[events.index(restarts[0]) :]
    assert "".join(e.text for e in after if isinstance(e, AnswerDelta)) == "Whole."
    assert (len(server.requests), result.usage.model_calls) == (2, 1)


async def test_the_server_says_how_long_to_wait(runner: MakeRunner, serve: Serve) -> None:
    server = serve(status(429, retry_after=0.25), text("Now."))
    handle = await runner(llm(server)).run_handle(agent_with(), user_message="go")
    (restart,) = [e for e in await events_of(handle) if isinstance(e, AnswerRestarted)]
    assert restart.delay_s == 0.25  # by itself it would have been a thousandth of that
    assert (await handle.await_result()).state == "completed"


@pytest.mark.parametrize(
    ("failure", "kind"),
    [(status(503), "infrastructure"), (text(""), "infrastructure"), (cut_after(2), "infrastructure")],
    ids=["503", "empty", "cut"],
)
async def test_when_the_repetitions_run_out_the_run_is_interrupted_and_can_be_resumed(
    runner: MakeRunner, serve: Serve, failure: Reply, kind: str
) -> None:
    server = serve(failure, failure, failure, text("Back."))
    one = runner(llm(server), max_model_retries=2)
    result = await one.run(agent_with(), user_message="go")
    assert result.interruption is not None
    assert (result.state, result.interruption.kind, result.step) == ("interrupted", kind, 0)
    assert len(server.requests) == 3
    resumed = await one.resume(agent_with(), run_id=result.run_id, thread_id=result.thread_id)
    assert (resumed.state, resumed.final_text, resumed.interruption) == ("completed", "Back.", None)
    assert resumed.messages_count == 2


async def test_a_silent_server_is_a_timeout(runner: MakeRunner, serve: Serve) -> None:
    server = serve(stall_after(2))
    one = runner(llm(server), max_model_retries=0, llm_timeout_s=0.2)
    result = await one.run(agent_with(), user_message="go")
    assert result.interruption is not None
    assert (result.state, result.interruption.kind) == ("interrupted", "timeout")


@pytest.mark.parametrize("code", [401, 403, 404, 400])
async def test_what_will_not_pass_is_asked_once_and_the_run_stays_resumable(
    runner: MakeRunner, serve: Serve, code: int
) -> None:
    server = serve(status(code), text("Fixed."))
    one = runner(llm(server))
    result = await one.run(agent_with(), user_message="go")
    assert result.interruption is not None
    assert (result.state, result.interruption.kind) == ("interrupted", "infrastructure")
    assert str(code) in result.interruption.detail
    assert len(server.requests) == 1
    resumed = await one.resume(agent_with(), run_id=result.run_id, thread_id=result.thread_id)
    assert resumed.final_text == "Fixed."


async def test_a_server_that_is_down_interrupts(runner: MakeRunner) -> None:
    gone = ModelServer([]).start()
    url = gone.base_url
    gone.close()
    one = runner(OpenAIChat(base_url=url), max_model_retries=1)
    result = await one.run(agent_with(), user_message="go")
    assert result.interruption is not None
    assert (result.state, result.interruption.kind) == ("interrupted", "infrastructure")
    assert "Check that the server is up" in result.interruption.detail


async def test_no_key_and_no_url_interrupts_and_says_what_to_set(
    runner: MakeRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    result = await runner(OpenAIChat()).run(agent_with(), user_message="go")
    assert result.interruption is not None
    assert (result.state, result.interruption.kind) == ("interrupted", "infrastructure")
    assert "OPENAI_API_KEY" in result.interruption.detail


@pytest.mark.parametrize(
    ("reply", "kept"),
    [
        (text("As far as it goes", finish_reason="length"), "As far as it goes"),
        (text("Cut", finish_reason="content_filter"), "Cut"),
        (text("", finish_reason="length"), ""),
        (refusal("I can't help with that"), "I can't help with that"),
    ],
    ids=["length", "content filter", "length before the first word", "refusal"],
)
async def test_an_answer_that_is_cut_or_refused_is_kept_and_the_run_is_degraded(
    runner: MakeRunner, serve: Serve, reply: Reply, kept: str
) -> None:
    server = serve(reply)
    handle = await runner(llm(server)).run_handle(agent_with(), user_message="go")
    events = await events_of(handle)
    result = await handle.await_result()
    assert (result.state, result.final_text) == ("degraded", kept)
    assert any(isinstance(e, RunWarning) for e in events)
    assert len(server.requests) == 1


async def test_several_calls_in_fragments_are_whole_and_counted(
    runner: MakeRunner, serve: Serve, ledger: Ledger
) -> None:
    server = serve(
        calls(("look", {"what": "a" * 50}), ("look", {"what": "b"}), usage=(100, 20)),
        text("End.", usage=(200, 3)),
    )
    result = await runner(llm(server)).run(agent_with(ledger.tool("look", "read")), user_message="go")
    assert sorted(ledger.lines) == ["look " + "a" * 50, "look b"]
    usage = result.usage
    assert (usage.input_tokens, usage.output_tokens) == (300, 23)
    assert (usage.model_calls, usage.tool_calls) == (2, 2)
    tools = [m for m in server.requests[1]["messages"] if m["role"] == "tool"]
    assert [m["content"][-4:] for m in tools] == ["aaaa", "id b"]


async def test_invalid_json_in_a_call_never_poisons_the_conversation(
    runner: MakeRunner, serve: Serve, ledger: Ledger
) -> None:
    server = serve(calls(("look", "{broken")), calls(("look", {"what": "x"})), text("End."))
    result = await runner(llm(server)).run(agent_with(ledger.tool("look", "read")), user_message="go")
    assert (result.state, ledger.lines) == ("completed", ["look x"])


async def test_stopping_a_run_closes_the_connection_to_its_model(runner: MakeRunner, serve: Serve) -> None:
    server = serve(text("a long answer", hold_after=2))
    handle = await runner(llm(server)).run_handle(agent_with(), user_message="go")
    await asyncio.to_thread(server.wait_until_held)
    result = await handle.interrupt()
    await asyncio.to_thread(server.wait_until, lambda s: s.exchanges[0].client_left)
    assert (result.state, result.messages_count) == ("interrupted", 1)
