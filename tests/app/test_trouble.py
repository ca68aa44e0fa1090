"""A model that does not answer: what is said, what is safe, and the key that goes on from there. Over real HTTP."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from afk.llms.openai_client import OpenAIChat
from afk_tui.app import AfkApp
from afk_tui.gateway.gateway import Gateway
from afk_tui.gateway.settings import Settings, build
from afk_tui.user_config import UserConfig
from tests.app.conftest import Driven
from tests.support.model_server import ModelServer, Reply, status, text


def chat(server: ModelServer) -> OpenAIChat:
    return OpenAIChat(base_url=server.base_url, api_key="sk-something")


def conversation(driven) -> str:
    """What is said beside the list of threads, however its lines are broken."""
    return " ".join(line.partition("▕")[2].strip() for line in driven.text().splitlines())


def left_s(driven) -> int | None:
    found = re.search(r"asked again in (\d+) s", conversation(driven))
    return int(found[1]) if found else None


async def test_a_rate_limit_is_counted_down_and_a_key_asks_at_once(start) -> None:
    too_often = status(429, message="Slow down", retry_after=100)
    with ModelServer([too_often, text("Here it is.")]) as server:
        async with start(llm=chat(server)) as driven:
            await driven.say("hello")
            await driven.until(lambda: (left_s(driven) or 0) > 90, "the countdown")
            first = left_s(driven)
            await driven.until_shown("Slow down")
            await driven.main.show_standing()
            assert "asking again in" in str(driven.main.status.render())
            await driven.until_shown("ctrl+r asks at once")
            await driven.until_shown("ctrl+r ask now")
            await driven.until(lambda: (left_s(driven) or first) < first, "it to count down")
            await driven.pilot.press("ctrl+r")
            await driven.until_shown("Here it is.")
            await driven.until_state("done")
            assert left_s(driven) is None
            assert "ask now" not in driven.text()
            assert len(server.requests) == 2


async def test_leaving_a_thread_that_waits_and_coming_back_shows_how_long_it_still_waits(start) -> None:
    with ModelServer([status(429, message="Slow down", retry_after=100), text("Here it is.")]) as server:
        async with start(llm=chat(server)) as driven:
            await driven.say("hello")
            await driven.until(lambda: left_s(driven) is not None, "the countdown")
            thread_id = driven.main.thread_id
            await driven.pilot.press("ctrl+n")
            await driven.until(lambda: left_s(driven) is None, "nothing of it in a new thread")
            await driven.main.open_thread(thread_id)
            await driven.until(lambda: left_s(driven) is not None, "the countdown again")


async def test_escape_stops_the_wait_and_the_run_is_kept(start) -> None:
    with ModelServer([status(429, message="Slow down", retry_after=100), text("Here it is.")]) as server:
        async with start(llm=chat(server)) as driven:
            await driven.say("hello")
            await driven.until(lambda: left_s(driven) is not None, "the countdown")
            driven.main._closed_at = float("-inf")
            await driven.pilot.press("escape")
            await driven.until_state("interrupted")
            assert left_s(driven) is None
            await driven.pilot.press("ctrl+r")
            await driven.until_shown("Here it is.")


@pytest.mark.parametrize(
    ("code", "happened"),
    [
        (401, "The server did not accept the key."),
        (404, "The server has no such model, or is another one."),
        (400, "The server did not accept the request."),
    ],
)
async def test_what_the_server_refuses_is_said_with_what_is_safe_and_a_key(
    start, code: int, happened: str
) -> None:
    with ModelServer([status(code, message="No, because."), text("Here it is.")]) as server:
        async with start(llm=chat(server)) as driven:
            await driven.say("hello")
            await driven.until_state("interrupted")
            await driven.until_shown(happened)
            shown = conversation(driven)
            assert "No, because." in shown
            assert "What was recorded is kept" in shown
            await driven.pilot.press("ctrl+r")
            await driven.until_shown("Here it is.")
            await driven.until(lambda: happened not in driven.text(), "it to be over")


async def test_a_server_that_is_away_is_asked_again_by_a_key_as_often_as_one_likes(start) -> None:
    server = ModelServer([text("Here it is.")])
    llm = chat(server)
    server.close()
    async with start(llm=llm) as driven:
        await driven.say("hello")

        async def impatient() -> bool:
            await driven.pilot.press("ctrl+r")
            return "interrupted" in str(driven.main.status.render())

        await driven.until_shown("asks at once")
        await driven.until(impatient, "it to be given up")
        await driven.until_shown("The server is away.")
        await driven.until_shown("ctrl+r asks again")


async def test_a_conversation_that_is_too_long_offers_to_summarise_it(start) -> None:
    with ModelServer(
        [status(400, message="too long", error_code="context_length_exceeded")], repeat_last=True
    ) as server:
        async with start(llm=chat(server)) as driven:
            await driven.say("hello")
            await driven.until_state("interrupted")
            await driven.until_shown("longer than the model takes")
            await driven.until_shown("f8 summary")
            await driven.pilot.press("f8")
            await driven.until_screen("SummaryScreen")


async def test_a_key_has_a_conversation_that_is_too_long_summarised_and_goes_on(start) -> None:
    is_long = can_summarise = False

    def reply(request: dict[str, Any]) -> Reply:
        if "tools" not in request:  # a summary is asked for without any
            return text("They greeted.") if can_summarise else status(400, message="Not now.")
        if is_long and "They greeted." not in str(request["messages"]):
            return status(400, message="too long", error_code="context_length_exceeded")
        return text("Here it is.")

    with ModelServer(reply) as server:
        async with start(llm=chat(server)) as driven:
            for _ in range(5):
                await driven.say("good morning " * 200)
                await driven.until_state("done")
            is_long = True
            await driven.say("and how many?")
            await driven.until_state("interrupted")
            await driven.until_shown("longer than the model takes")
            await driven.until_shown("ctrl+r summarise, go on")
            can_summarise = True
            await driven.pilot.press("ctrl+r")
            await driven.until_state("done")
            assert "They greeted." in str(server.requests[-1]["messages"])
            assert "and how many?" in str(server.requests[-1]["messages"])
            assert "longer than the model takes" not in conversation(driven)


async def test_without_a_key_and_an_address_it_says_what_to_set(start, monkeypatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    async with start(llm=OpenAIChat()) as driven:
        await driven.say("hello")
        await driven.until_state("interrupted")
        await driven.until_shown("No model could be asked.")
        await driven.until_shown("Set OPENAI_API_KEY")
        await driven.until_shown("ctrl+q leaves")


@pytest.mark.parametrize("demo", [False, True])
async def test_the_demo_model_says_why_it_answers_where_it_was_not_asked_for(
    demo: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    settings = Settings(workspace=tmp_path, db=tmp_path / "afk.db", demo=demo, trust=True)
    app = AfkApp(settings, gateway=Gateway(build(settings)), config=UserConfig(), cursor_blink=False)
    async with app.run_test(size=(110, 34)) as pilot:
        driven = Driven(app, pilot, tmp_path)
        await driven.until(lambda: app.main.has_begun, "the app to be ready")
        await driven.until_shown("with the demo model")
        assert ("There is no OPENAI_API_KEY" in driven.text()) != demo
