"""What stands for older messages is shown where it stands, and can be made, edited, dropped and looked at by keys."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from afk.llms.protocol import Answer, ModelEvent, ModelRequest, Usage
from afk.llms.summary_request import is_summary_message, record_in
from afk_tui.screens.summary import SummaryScreen
from tests.app.conftest import Driven, Start

LONG = "many words of an answer " * 12


class Talkative:
    """Answers at length; writes a short summary, where it is asked for one and `gate` is open."""

    label = "talkative"

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked_for_summary = 0
        self.requests: list[ModelRequest] = []

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        if record_in(request) is not None:
            self.asked_for_summary += 1
            await self.gate.wait()
            yield Answer(f"What was said, in short ({self.asked_for_summary}).", usage=Usage(900, 12))
            return
        self.requests.append(request)
        yield Answer(f"Answer {len(self.requests)}. {LONG}", usage=Usage(40_000, 100))

    async def close(self) -> None:
        return


async def talk(driven: Driven, *messages: str) -> None:
    for message in messages:
        before = len(driven.main.gateway._engine.llm.requests)
        await driven.say(message)
        await driven.until_shown(f"Answer {before + 1}.")
        await driven.until_state("done")


async def open_summary(driven: Driven) -> SummaryScreen:
    await driven.pilot.press("f8")
    await driven.until(lambda: isinstance(driven.app.screen, SummaryScreen), "the summary to be open")
    screen = driven.app.screen
    assert isinstance(screen, SummaryScreen)
    await driven.until_shown("The next request takes")
    return screen


async def test_summarising_by_hand_shows_how_many_messages_it_stands_for_in_the_conversation(
    start: Start,
) -> None:
    llm = Talkative()
    async with start(llm=llm) as driven:
        await talk(driven, "one", "two", "three", "four")
        await driven.say("/summarise")
        await driven.until_shown("What was said, in short (1).")
        assert "made by" in driven.text()
        assert "because you asked" in driven.text()
        await driven.pilot.press("escape")
        # the first message and the last step are sent as they are
        driven.main.conversation.focus()
        await driven.pilot.press("home")
        await driven.until_shown("messages summarised · /summary")
        await talk(driven, "five")
    sent = llm.requests[-1].messages
    assert sent[1].content == "one"
    assert is_summary_message(sent[2])
    assert "two" not in [message.content for message in sent]


async def test_the_status_line_says_how_full_the_context_is(start: Start) -> None:
    async with start(llm=Talkative()) as driven:
        await talk(driven, "one")
        await driven.until_state("context 10%")  # 40,000 of 400,000 tokens, as the server counted them


async def test_a_summary_is_edited_and_the_model_reads_what_the_person_wrote(start: Start) -> None:
    llm = Talkative()
    async with start(llm=llm) as driven:
        await talk(driven, "one", "two", "three", "four")
        await open_summary(driven)
        await driven.pilot.press("s")
        await driven.until_shown("What was said, in short (1).")
        await driven.pilot.press("e", "X", "y", " ")
        assert "ctrl+s keep this text" in driven.text()
        await driven.pilot.press("ctrl+s")
        await driven.until_shown("edited by you")
        await driven.pilot.press("escape")
        await talk(driven, "five")
    assert "Xy What was said, in short (1)." in llm.requests[-1].messages[2].content


async def test_what_was_written_is_not_thrown_away_by_one_escape(start: Start) -> None:
    async with start(llm=Talkative()) as driven:
        await talk(driven, "one", "two", "three", "four")
        screen = await open_summary(driven)
        await driven.pilot.press("s")
        await driven.until_shown("in short (1).")
        await driven.pilot.press("e", "X", "escape")
        await driven.until_screen("ConfirmScreen")
        await driven.pilot.press("escape")
        await driven.until(lambda: driven.app.screen is screen, "the editor to be back")
        assert screen.is_editing
        assert "XWhat was said" in driven.text()


async def test_a_dropped_summary_is_no_longer_sent_and_can_still_be_read(start: Start) -> None:
    llm = Talkative()
    async with start(llm=llm) as driven:
        await talk(driven, "one", "two", "three", "four")
        await open_summary(driven)
        await driven.pilot.press("s")
        await driven.until_shown("in short (1).")
        await driven.pilot.press("d")
        await driven.until_screen("ConfirmScreen")
        await driven.until(lambda: driven.app.screen.is_ready, "the question to hear keys")  # type: ignore[attr-defined]
        await driven.pilot.press("d")
        await driven.until_shown("dropped just now")
        await driven.pilot.press("left_square_bracket")
        await driven.until_shown("2 of 2, newest first")
        assert "It is no longer in use." in driven.text()
        assert "in short (1)." in driven.text()
        await driven.pilot.press("escape")
        driven.main.conversation.focus()
        await driven.pilot.press("home")
        await driven.until_shown("one")
        assert "messages summarised" not in driven.text()
        await talk(driven, "five")
    assert not any(is_summary_message(message) for message in llm.requests[-1].messages)


async def test_made_anew_it_is_written_from_the_messages_alone(start: Start) -> None:
    llm = Talkative()
    async with start(llm=llm) as driven:
        await talk(driven, "one", "two", "three", "four")
        await open_summary(driven)
        await driven.pilot.press("s")
        await driven.until_shown("in short (1).")
        await driven.pilot.press("n")
        await driven.until_shown("in short (2).")
        assert "1 of 2, newest first" in driven.text()


async def test_escape_stops_the_making_and_leaves_everything_as_it_was(start: Start) -> None:
    llm = Talkative()
    llm.gate.clear()
    async with start(llm=llm) as driven:
        await talk(driven, "one", "two", "three", "four")
        screen = await open_summary(driven)
        await driven.pilot.press("s")
        await driven.until(lambda: llm.asked_for_summary == 1, "the model to be asked")
        await driven.until_shown("esc stops it")
        await driven.pilot.press("escape")
        await driven.until(lambda: not screen.is_making, "the making to be over")
        await driven.until_shown("Nothing is summarised")
        assert await driven.main.gateway.summaries.history(driven.main.thread_id or "") == []


async def test_a_pinned_message_says_so_and_is_sent_word_for_word(start: Start) -> None:
    llm = Talkative()
    async with start(llm=llm) as driven:
        await talk(driven, "one", "two: never forget this", "three", "four")
        driven.main.conversation.focus()
        await driven.pilot.press("home", "]")
        await driven.until_shown("two: never forget this")
        await driven.pilot.press("p")
        await driven.until_shown("pinned: always sent word for word")
        await open_summary(driven)
        assert "• two: never forget this" in driven.text()
        await driven.pilot.press("s")
        await driven.until_shown("in short (1).")
        await driven.pilot.press("escape")
        await talk(driven, "five")
        assert "two: never forget this" in [message.content for message in llm.requests[-1].messages]
