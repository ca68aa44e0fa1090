"""Settings, connections and event loops."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from afk.llms.openai_client import OpenAIChat
from afk.llms.protocol import TextDelta
from tests.llms.kit import ask, request
from tests.support.model_server import ModelServer, stall_after, text


async def test_settings_are_read_when_they_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    llm = OpenAIChat()
    with ModelServer([text("hello")]) as server:
        monkeypatch.setenv("OPENAI_API_KEY", "  key-with-a-newline\n")
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        assert (await ask(llm))[0] == "hello"
        assert server.exchanges[0].headers["authorization"] == "Bearer key-with-a-newline"
        await llm.close()


async def test_arguments_win_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "of-the-environment")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    with ModelServer([text("hello")], api_key="given") as server:
        llm = OpenAIChat(api_key="given", base_url=server.base_url)
        assert (await ask(llm))[0] == "hello"
        await llm.close()


async def test_a_url_alone_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with ModelServer([text("hello")]) as server:
        llm = OpenAIChat(base_url=server.base_url)
        assert (await ask(llm))[0] == "hello"
        await llm.close()


@pytest.mark.parametrize(
    ("url", "label"),
    [
        (None, "api.openai.com"),
        ("http://localhost:11434/v1", "localhost:11434"),
        ("https://user:password@models.example/v1", "models.example"),
    ],
)
def test_the_label_is_the_host(url: str | None, label: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    assert OpenAIChat(base_url=url).label == label


async def test_closing_the_stream_early_closes_the_connection() -> None:
    with ModelServer([text("a long answer", hold_after=2), text("next")]) as server:
        llm = OpenAIChat(base_url=server.base_url)
        events = llm.stream(request())
        assert await anext(events) == TextDelta("a long a")
        await asyncio.to_thread(server.wait_until_held)
        await events.aclose()
        await asyncio.to_thread(server.wait_until, lambda seen: seen.exchanges[0].client_left)
        assert (await ask(llm))[0] == "next"
        await llm.close()


async def test_a_cancelled_task_closes_the_connection() -> None:
    with ModelServer([stall_after(1)]) as server:
        llm = OpenAIChat(base_url=server.base_url)
        task = asyncio.create_task(ask(llm))
        await asyncio.to_thread(server.wait_until_held)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.to_thread(server.wait_until, lambda seen: seen.exchanges[0].client_left)
        await llm.close()


async def test_close_ends_with_a_stream_open_and_may_come_twice() -> None:
    with ModelServer([stall_after(2), text("after")]) as server:
        llm = OpenAIChat(base_url=server.base_url)
        events = llm.stream(request())
        await anext(events)
        async with asyncio.timeout(10):
            await llm.close()
            await llm.close()
        await events.aclose()
        assert (await ask(llm))[0] == "after", "a request after close opens a new connection"
        await llm.close()


async def test_several_answers_stream_at_once() -> None:
    with ModelServer(lambda asked: text(asked["messages"][0]["content"])) as server:
        llm = OpenAIChat(base_url=server.base_url)
        answers = await asyncio.gather(*(ask(llm) for _ in range(5)))
        assert [streamed for streamed, _ in answers] == ["hello"] * 5
        await llm.close()


TWO_LOOPS = """
import asyncio, logging, sys
from afk.llms.openai_client import OpenAIChat
from tests.llms.kit import ask

logging.getLogger("asyncio").setLevel(logging.ERROR)  # that a busy machine is slow is a warning there
llm = OpenAIChat(base_url=sys.argv[1])
for _ in range(2):
    print(asyncio.run(ask(llm))[0])
"""


def test_one_object_serves_two_event_loops_and_leaves_nothing_open() -> None:
    with ModelServer([text("first"), text("second")]) as server:
        done = subprocess.run(
            [sys.executable, "-X", "dev", "-W", "error", "-c", TWO_LOOPS, server.base_url],
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert (done.stdout, done.stderr, done.returncode) == ("first\nsecond\n", "", 0)


def test_the_room_is_imported_without_the_client_it_may_never_need() -> None:
    code = (
        "import sys, afk.llms, afk.llms.choose, afk.llms.retry; from afk.llms import LLM, ModelRequest; "
        "print([name for name in ('openai', 'httpx2', 'pydantic') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


WARM_UP = """
import asyncio, sys
from afk.llms.openai_client import OpenAIChat

asyncio.run(OpenAIChat(base_url=sys.argv[1] or None).warm_up())
print("openai" in sys.modules)
"""


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/v1", ""])
def test_warming_up_imports_the_client_with_or_without_settings(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    done = subprocess.run([sys.executable, "-c", WARM_UP, url], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("True\n", "")
