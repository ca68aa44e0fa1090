"""What is read and what is told of arrive in any order, and are shown in that of the thread."""

from __future__ import annotations

import asyncio

import pytest

from afk_tui.gateway import messages as told
from afk_tui.gateway.errors import GatewayError
from afk_tui.gateway.items import key_of, seq_of
from afk_tui.gateway.sources import ConversationSource
from afk_tui.screens.main_view import STREAM_KEY


def shown(driven) -> list[int]:
    entries = driven.main.conversation.pages.entries
    return [seq for entry in entries if (seq := seq_of(entry.key)) is not None]


async def test_a_message_read_after_its_answer_was_told_of_stands_before_it(
    start, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with start() as driven:
        await driven.say("list")
        await driven.until_state("done")
        await driven.until(lambda: len(shown(driven)) > 2, "the whole turn")
        in_order, main = shown(driven), driven.main
        # the answer is there already, and what was asked comes only now
        asked = await main._source.at(in_order[0])
        main.conversation.remove_item(asked.key)

        async def changed(self: ConversationSource):
            return [asked], False

        monkeypatch.setattr(ConversationSource, "changed", changed)
        await main.catch_up()
        assert shown(driven) == in_order


class HeldReading:
    """Reads of a thread's items wait until `gate` is open, or fail while `fails`; `reached`: one has come to it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.gate, self.reached, self.fails = asyncio.Event(), asyncio.Event(), False
        real = ConversationSource.between

        async def between(source: ConversationSource, first_seq: int, last_seq: int):
            self.reached.set()
            await self.gate.wait()
            if self.fails:
                raise GatewayError("The database does not answer.", "store")
            return await real(source, first_seq, last_seq)

        monkeypatch.setattr(ConversationSource, "between", between)


async def lose_two(driven) -> list[int]:
    """The places of a turn; the last two of them are as good as not shown and not read yet."""
    await driven.say("list")
    await driven.until_state("done")
    everything = shown(driven)
    for seq in everything[-2:]:
        driven.main.conversation.remove_item(key_of(seq))
    driven.main._source._seqs = everything[:-2]
    return everything


async def test_an_answer_that_begins_while_what_was_asked_is_read_stands_below_it(
    start, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with start() as driven:
        everything, main = await lose_two(driven), driven.main
        reading = HeldReading(monkeypatch)
        async with asyncio.timeout(20), asyncio.TaskGroup() as both:
            both.create_task(main.catch_up())
            await reading.reached.wait()
            both.create_task(main.begin_answer(told.AnswerBegan(main.thread_id, 1)))
            await asyncio.sleep(0)  # it asks the store before the held one goes on
            reading.gate.set()
        keys = [entry.key for entry in main.conversation.pages.entries]
        assert keys == [*map(key_of, everything), STREAM_KEY]


async def test_what_was_not_read_for_an_error_is_read_the_next_time(
    start, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with start() as driven:
        everything, main = await lose_two(driven), driven.main
        reading = HeldReading(monkeypatch)
        reading.fails = True
        reading.gate.set()
        said = driven.notices()
        main.sync()
        await driven.until(lambda: bool(said), "the error to be told")
        assert shown(driven) == everything[:-2]
        reading.fails = False
        main.sync()
        await driven.until(lambda: shown(driven) == everything, "what was missing")


async def test_what_is_being_read_is_shown_although_more_comes(
    start, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with start() as driven:
        everything, main = await lose_two(driven), driven.main
        reading = HeldReading(monkeypatch)
        main.sync()
        await asyncio.wait_for(reading.reached.wait(), 20)
        main.sync()
        reading.gate.set()
        await driven.until(lambda: shown(driven) == everything, "what was missing")
