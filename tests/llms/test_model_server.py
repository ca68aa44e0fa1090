"""The loopback model server keeps its own promises: other tests stand on it."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.support.model_server import ModelServer, calls, replies_from_json, text

CALL = {"id": "call_1", "type": "function", "function": {"name": "read_file", "arguments": "{}"}}


def ask(base_url: str, *messages: dict[str, Any]) -> str:
    body = {"model": "test-model", "stream": True, "messages": list(messages)}
    request = urllib.request.Request(
        f"{base_url}/chat/completions",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        return response.read().decode()


def user(content: str | None) -> dict[str, Any]:
    return {"role": "user", "content": content}


def test_replies_are_served_in_order_and_then_the_script_is_exhausted() -> None:
    with ModelServer([text("first"), text("second")]) as server:
        assert "first" in ask(server.base_url, user("a"))
        assert "second" in ask(server.base_url, user("b"))
        with pytest.raises(urllib.error.HTTPError) as caught:
            ask(server.base_url, user("c"))
        caught.value.close()
        assert caught.value.code == 500
        assert [request["messages"][0]["content"] for request in server.requests] == ["a", "b", "c"]


def test_a_callable_script_sees_the_request() -> None:
    with ModelServer(lambda request: text(request["messages"][-1]["content"].upper())) as server:
        assert "HELLO" in ask(server.base_url, user("hello"))


@pytest.mark.parametrize(
    ("messages", "complaint"),
    [
        ([user(None)], "content must be a string"),
        ([user("a"), {"role": "assistant", "content": "", "tool_calls": [CALL]}], "without their results"),
        (
            [user("a"), {"role": "assistant", "content": "", "tool_calls": [CALL]}, user("b")],
            "without their results",
        ),
        ([user("a"), {"role": "tool", "tool_call_id": "x", "content": ""}], "a tool result without its call"),
    ],
)
def test_a_request_that_no_server_would_accept_is_refused(
    messages: list[dict[str, Any]], complaint: str
) -> None:
    with ModelServer([text("never")]) as server:
        with pytest.raises(urllib.error.HTTPError) as caught:
            ask(server.base_url, *messages)
        caught.value.close()
        assert caught.value.code == 400
        assert complaint in server.refused[0]


def test_arguments_of_several_calls_come_in_interleaved_fragments() -> None:
    reply = calls(("one", {"path": "a.txt"}), ("two", {"path": "b.txt"}))
    events = [json.loads(event) for event in reply.events("m", 1, with_usage=False)[:-1]]
    indexes = [
        event["choices"][0]["delta"]["tool_calls"][0]["index"]
        for event in events
        if "tool_calls" in event["choices"][0]["delta"]
    ]
    assert indexes[:4] == [0, 1, 0, 1]


def test_a_script_with_an_unknown_field_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown fields in a reply: txet"):
        replies_from_json([{"txet": "hello"}])


def test_it_runs_as_a_process_that_prints_its_url_first(tmp_path: Path) -> None:
    script = tmp_path / "script.json"
    script.write_text(json.dumps([{"text": "from a process", "hold_after": 1}]))
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.model_server", "--port", "0", "--script", str(script)],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            base_url = process.stdout.readline().strip()
            release = urllib.request.Request(base_url.replace("/v1", "/release"), data=b"")
            urllib.request.urlopen(release, timeout=10).close()
            assert "from a " in ask(base_url, user("hello"))
            with urllib.request.urlopen(base_url.replace("/v1", "/requests"), timeout=10) as response:
                assert json.load(response)[0]["messages"] == [user("hello")]
            with urllib.request.urlopen(f"{base_url}/models", timeout=10) as response:
                assert json.load(response)["data"][0]["id"] == "test-model"
        finally:
            process.kill()
