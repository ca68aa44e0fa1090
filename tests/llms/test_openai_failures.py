"""Every way a server can fail is one ModelError that says who was asked, what came back and what to do."""

from __future__ import annotations

import json
import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from afk.llms.failures import retry_after_s
from afk.llms.openai_client import OpenAIChat
from afk.llms.protocol import ModelError, ModelErrorKind
from tests.llms.kit import ask, request
from tests.support.model_server import (
    ModelServer,
    Reply,
    cut_after,
    end_after,
    error_after,
    html,
    malformed_after,
    stall_after,
    status,
)

KEY = "sk-very-secret-key-0123456789"


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


async def failure_of(reply: Reply, *, timeout_s: float = 10.0) -> ModelError:
    with ModelServer([reply]) as server:
        llm = OpenAIChat(api_key=KEY, base_url=server.base_url)
        with pytest.raises(ModelError) as caught:
            await ask(llm, request(timeout_s=timeout_s))
        await llm.close()
    assert len(server.requests) == 1, "the client itself never asks twice"
    assert str(caught.value).startswith("Asked 'test-model' at 127.0.0.1:")
    return caught.value


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (status(400), "bad_request"),
        (status(400, error_code="context_length_exceeded"), "context_length"),
        (status(400, message="This model's maximum context length is 8192 tokens"), "context_length"),
        (status(400, message="the request exceeds the available context size"), "context_length"),
        (status(401), "auth"),
        (status(402), "auth"),
        (status(403), "auth"),
        (status(404), "not_found"),
        (status(408), "unavailable"),
        (status(409), "unavailable"),
        (status(422), "bad_request"),
        (status(429), "rate_limit"),
        (status(429, error_code="insufficient_quota"), "auth"),
        (status(429, error_type="insufficient_quota"), "auth"),
        (status(500), "unavailable"),
        (status(503), "unavailable"),
        (status(529), "unavailable"),
        (Reply(status=502, body="<html>Bad Gateway</html>", content_type="text/html"), "unavailable"),
        (html(), "protocol"),
        (Reply(body='{"choices": []}'), "protocol"),
        (Reply(body="data: [1, 2]\n\n", content_type="text/event-stream"), "protocol"),
        (cut_after(0), "unavailable"),
        (cut_after(2), "unavailable"),
        (end_after(0), "protocol"),
        (end_after(2), "protocol"),
        (malformed_after(0), "protocol"),
        (malformed_after(2), "protocol"),
        (error_after(1, {"message": "overloaded", "type": "server_error"}), "unavailable"),
        (error_after(1, {"message": "slow down", "code": 429}), "rate_limit"),
        (error_after(1, {"message": "slow down", "type": "rate_limit_error"}), "rate_limit"),
        (error_after(1, {"message": "no more", "code": "insufficient_quota"}), "auth"),
        (error_after(1, {"message": "prompt is too long", "type": "whatever"}), "context_length"),
        (error_after(1, "the model runner crashed"), "unavailable"),
    ],
)
async def test_a_failure_has_its_kind(reply: Reply, kind: ModelErrorKind) -> None:
    assert (await failure_of(reply)).kind == kind


async def test_a_spent_quota_is_not_asked_again_and_says_what_to_do() -> None:
    error = await failure_of(status(429, error_code="insufficient_quota", message="You exceeded your quota"))
    assert not error.retryable
    assert error.status == 429
    assert "quota is spent: check its plan and billing" in str(error)


async def test_silence_is_a_timeout() -> None:
    error = await failure_of(stall_after(1), timeout_s=0.2)
    assert error.kind == "timeout"
    assert "nothing came back for 0.2 s" in str(error)


async def test_what_the_server_said_is_in_the_message_in_one_line() -> None:
    error = await failure_of(status(400, message="max_tokens\n  is wrong"))
    assert "it answered 400: max_tokens is wrong." in str(error)
    error = await failure_of(error_after(1, "the model runner crashed"))
    assert "the model runner crashed" in str(error)


async def test_a_page_in_place_of_a_stream_says_where_to_look() -> None:
    error = await failure_of(html())
    assert "'text/html; charset=utf-8', no event stream" in str(error)
    assert "OPENAI_BASE_URL" in str(error)


async def test_a_tool_call_without_a_name_is_no_answer() -> None:
    delta: dict[str, Any] = {"tool_calls": [{"index": 0, "id": "x", "function": {"arguments": "{}"}}]}
    event = json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": "tool_calls"}]})
    error = await failure_of(Reply(insert_after={0: event}, end_after=1))
    assert error.kind == "protocol"
    assert "a tool call without a name" in str(error)


async def test_a_server_that_is_down_is_unavailable() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound and never listening: refused, and nobody else's
        llm = OpenAIChat(base_url=f"http://127.0.0.1:{unused.getsockname()[1]}/v1")
        with pytest.raises(ModelError, match="the connection failed") as caught:
            await ask(llm)
        await llm.close()
    assert caught.value.kind == "unavailable"


async def test_the_key_is_sent_and_never_shown() -> None:
    with ModelServer([], api_key="another") as server:
        llm = OpenAIChat(api_key=KEY, base_url=server.base_url)
        with pytest.raises(ModelError) as caught:
            await ask(llm)
        await llm.close()
        assert server.exchanges[0].headers["authorization"] == f"Bearer {KEY}"
    assert caught.value.kind == "auth"
    assert "Check OPENAI_API_KEY" in str(caught.value)
    for reply in (
        status(401, message=f"Incorrect API key provided: {KEY}"),
        status(400, message="Incorrect API key provided: sk-very***6789"),
        error_after(1, f"no such key: {KEY}"),
    ):
        error = await failure_of(reply)
        assert "[key]" in str(error)
        assert "sk-very" not in str(error)
        assert error.__cause__ is None


async def test_retry_after_is_read_in_every_form() -> None:
    assert (await failure_of(status(429, retry_after=7))).retry_after_s == 7
    assert (await failure_of(status(503, retry_after=2.5))).retry_after_s == 2.5
    assert (await failure_of(status(429, headers={"retry-after-ms": "250"}))).retry_after_s == 0.25
    assert (await failure_of(status(429))).retry_after_s is None
    now = datetime(2026, 1, 1, tzinfo=UTC)
    later = format_datetime(now + timedelta(seconds=90), usegmt=True)
    assert retry_after_s({"retry-after": later}, now_s=now.timestamp()) == 90
    assert retry_after_s({"retry-after": later}, now_s=now.timestamp() + 900) == 0
    assert retry_after_s({"retry-after": "-5"}) == 0
    assert retry_after_s({"retry-after": "soon"}) is None
    assert retry_after_s({"retry-after": "nan"}) is None


async def test_with_neither_key_nor_url_nothing_is_sent() -> None:
    with pytest.raises(ModelError, match="Set OPENAI_API_KEY to use OpenAI, or OPENAI_BASE_URL") as caught:
        await ask(OpenAIChat())
    assert caught.value.kind == "configuration"
    assert not caught.value.retryable


@pytest.mark.parametrize(
    "url", ["localhost:11434/v1", "ftp://host/v1", "http://", "http://h:99999/v1", "http://["]
)
async def test_an_address_that_is_none_is_told_before_anything_is_sent(url: str) -> None:
    with pytest.raises(ModelError, match="no HTTP address") as caught:
        await ask(OpenAIChat(base_url=url))
    assert caught.value.kind == "configuration"


async def test_a_key_that_cannot_be_sent_is_told_without_showing_it() -> None:
    with pytest.raises(ModelError, match="Copy it again") as caught:
        await ask(OpenAIChat(api_key="sk-schlüssel", base_url="http://127.0.0.1:9/v1"))
    assert caught.value.kind == "configuration"
    assert "schl" not in str(caught.value)
