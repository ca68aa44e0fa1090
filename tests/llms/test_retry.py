"""Asking again, against a real server, with the waiting written down in place of done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import pytest

from afk.llms.openai_client import OpenAIChat
from afk.llms.protocol import Answer, ModelError, ModelEvent, ModelRequest, Retrying, TextDelta
from afk.llms.retry import RetryPolicy, stream_with_retries
from tests.llms.kit import request
from tests.support.model_server import ModelServer, Reply, cut_after, end_after, html, status, text


class Waits:
    """Records each wait and goes on at once."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.seconds.append(seconds)
        await asyncio.sleep(0)


async def run(
    *replies: Reply, **options: Any
) -> tuple[list[ModelEvent], list[float], ModelError | None, int]:
    """Events, waits, the error if one ended it, and how often the server was asked."""
    waits = Waits()
    policy = RetryPolicy(sleep=waits.sleep, random=lambda: 1.0, **options)
    events: list[ModelEvent] = []
    error: ModelError | None = None
    with ModelServer(replies) as server:
        llm = OpenAIChat(base_url=server.base_url)
        try:
            async for event in stream_with_retries(llm, request(), policy):
                events.append(event)
        except ModelError as caught:
            error = caught
        await llm.close()
        return events, waits.seconds, error, len(server.requests)


@pytest.mark.parametrize(
    "failure", [status(408), status(409), status(429), status(500), end_after(1), cut_after(1), html()]
)
async def test_a_failure_that_may_pass_is_asked_again(failure: Reply) -> None:
    events, waits, error, asked = await run(failure, text("hello"))
    assert error is None
    assert isinstance(events[0], Retrying)
    assert (events[0].attempt, events[0].delay_s) == (2, waits[0])
    assert isinstance(events[-1], Answer)
    assert events[-1].text == "hello"
    assert asked == 2


async def test_the_waits_double_up_to_their_limit() -> None:
    _, waits, error, asked = await run(*[status(500)] * 6, max_retries=5, base_delay_s=1.0, max_delay_s=6.0)
    assert waits == [1.0, 2.0, 4.0, 6.0, 6.0]
    assert error is not None
    assert (error.kind, asked) == ("unavailable", 6)


def test_jitter_takes_off_up_to_half_of_a_wait() -> None:
    assert RetryPolicy(base_delay_s=8.0, random=lambda: 0.0).delay_s(1, None) == 4.0
    assert RetryPolicy(base_delay_s=8.0, random=lambda: 0.5).delay_s(1, None) == 6.0
    assert RetryPolicy(max_delay_s=30.0, random=lambda: 1.0).delay_s(5000, None) == 30.0


async def test_the_server_is_never_asked_earlier_than_it_wants() -> None:
    events, waits, _, _ = await run(status(429, retry_after=17), text("hello"))
    assert waits == [17.0]
    assert isinstance(events[0], Retrying)
    assert (events[0].delay_s, events[0].kind) == (17.0, "rate_limit")


async def test_a_server_that_wants_too_much_patience_is_given_up_at_once() -> None:
    events, waits, error, asked = await run(status(429, retry_after=3600), text("never"))
    assert (events, waits, asked) == ([], [], 1)
    assert error is not None
    assert error.retry_after_s == 3600


@pytest.mark.parametrize(
    "failure", [status(400), status(401), status(404), status(429, error_code="insufficient_quota")]
)
async def test_a_failure_that_will_not_pass_is_not_asked_again(failure: Reply) -> None:
    events, waits, error, asked = await run(failure, text("never"))
    assert (events, waits, asked) == ([], [], 1)
    assert error is not None


async def test_text_streamed_before_a_failure_is_void_and_said_to_be() -> None:
    events, _, error, _ = await run(cut_after(2, "half an answer"), text("whole"))
    assert error is None
    assert [type(event) for event in events] == [TextDelta, Retrying, TextDelta, Answer]
    assert events[0] == TextDelta("half an ")
    assert events[2] == TextDelta("whole")
    retrying = events[1]
    assert isinstance(retrying, Retrying)
    assert "the connection failed" in retrying.reason


async def test_a_wait_can_be_cancelled() -> None:
    with ModelServer([status(500)]) as server:
        llm = OpenAIChat(base_url=server.base_url)
        events = stream_with_retries(llm, request(), RetryPolicy(base_delay_s=3600, max_delay_s=3600))
        assert isinstance(await anext(events), Retrying)
        waiting = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await events.aclose()
        await llm.close()


class Remembering(OpenAIChat):
    """Keeps its streams, so that the garbage collector can't be the one who closes them."""

    def __init__(self, base_url: str) -> None:
        super().__init__(base_url=base_url)
        self.streams: list[AsyncGenerator[ModelEvent, None]] = []

    def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        self.streams.append(super().stream(request))
        return self.streams[-1]


async def test_closing_early_closes_the_model_stream() -> None:
    with ModelServer([text("a long answer", hold_after=2)]) as server:
        llm = Remembering(server.base_url)
        events = stream_with_retries(llm, request(), RetryPolicy())
        await anext(events)
        await events.aclose()
        await asyncio.to_thread(server.wait_until, lambda seen: seen.exchanges[0].client_left)
        await llm.close()


class Mute:
    """A model that breaks the protocol: it ends without an answer."""

    label = "mute"

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        yield TextDelta("hm")

    async def close(self) -> None:
        return


async def test_a_stream_without_an_answer_is_an_error_not_an_end() -> None:
    with pytest.raises(ModelError, match="ended without an answer"):
        async for _ in stream_with_retries(Mute(), request(), RetryPolicy(max_retries=0)):
            pass
