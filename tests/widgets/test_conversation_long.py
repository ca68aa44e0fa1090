"""A long conversation is opened at its end; what is before that comes later, and moves nothing."""

from __future__ import annotations

import asyncio

from afk_tui.gateway.views import ItemHead
from afk_tui.widgets import conversation_source
from afk_tui.widgets.conversation import Conversation
from tests.widgets.conversation_kit import CountingSource, item, running, screen, shown, until


class LongCountingSource(CountingSource):
    """`handed`: how many heads each question gave. `gate` holds the earlier ones back."""

    def __init__(self, count: int) -> None:
        super().__init__(item(f"m{n}", "user" if n % 2 else "assistant", f"number {n}") for n in range(count))
        self.handed: list[int] = []
        self._first = count
        self.waits = False

    async def last_heads(self, count: int, place: str | None = None) -> list[ItemHead]:
        keys = [one.key for one in self.items]
        start = max(0, len(keys) - count)
        self._first = min(start, keys.index(place)) if place in keys else start
        return self._heads(self._first, len(keys))

    async def earlier_heads(self, count: int) -> list[ItemHead]:
        self.waits = True
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        last, self._first = self._first, max(0, self._first - count)
        return self._heads(self._first, last)

    async def load(self, first: int, last: int) -> list:
        return await super().load(first + self._first, last + self._first)

    def _heads(self, first: int, last: int) -> list[ItemHead]:
        self.handed.append(last - first)
        return [ItemHead(one.key, one.kind, len(one.text), 1) for one in self.items[first:last]]


async def test_opening_asks_for_the_end_alone_and_what_comes_before_it_moves_nothing() -> None:
    source = LongCountingSource(5000)
    source.gate = asyncio.Event()
    async with running((60, 20)) as (pilot, app):
        conversation = app.conversation
        await conversation.open(source)
        await until(pilot, lambda: "number 4999" in shown(app.conversation))
        assert source.handed == [conversation_source.OPENED_WITH]
        conversation.focus()
        await pilot.press("pageup", "pageup")
        await until(pilot, lambda: "…" not in shown(app.conversation))
        before = shown(app.conversation)
        place = conversation.place
        source.gate.set()
        await until(pilot, lambda: len(conversation.pages.entries) == 5000)
        assert sum(source.handed) == 5000
        assert shown(app.conversation) == before
        assert conversation.place == place
        assert [entry.key for entry in conversation.pages.entries] == [one.key for one in source.items]
        await pilot.press("home")
        await until(pilot, lambda: "number 0" in screen(app.conversation)[0])
        await pilot.press("end")
        await until(pilot, lambda: "number 4999" in shown(app.conversation))


async def test_at_the_end_it_goes_on_to_follow_while_what_is_earlier_comes() -> None:
    source = LongCountingSource(2000)
    source.gate = asyncio.Event()
    async with running((60, 20)) as (pilot, app):
        conversation = app.conversation
        await conversation.open(source)
        conversation.append(item("new", "user", "just sent"))
        source.gate.set()
        await until(pilot, lambda: len(conversation.pages.entries) == 2001)
        assert conversation.follow
        assert "just sent" in shown(app.conversation)
        assert conversation.pages.entries[-1].key == "new"


async def test_a_place_far_above_is_opened_at_once() -> None:
    source = LongCountingSource(3000)
    async with running((60, 20)) as (pilot, app):
        await app.conversation.open(source, place="m100")
        await until(pilot, lambda: "number 100" in screen(app.conversation)[0])
        await until(pilot, lambda: len(app.conversation.pages.entries) == 3000)
        assert "number 100" in screen(app.conversation)[0]


async def test_another_conversation_that_is_opened_meanwhile_gets_nothing_of_the_first() -> None:
    first, second = LongCountingSource(2000), LongCountingSource(10)
    first.gate = asyncio.Event()
    async with running((60, 20)) as (pilot, app):
        await app.conversation.open(first)
        await until(pilot, lambda: first.waits)
        await app.conversation.open(second)
        first.gate.set()
        await until(pilot, lambda: sum(first.handed) > conversation_source.OPENED_WITH)
        await pilot.pause()
        assert len(app.conversation.pages.entries) == 10


async def test_what_is_earlier_and_can_not_be_read_is_told_and_the_rest_stays() -> None:
    source = LongCountingSource(2000)
    source.error = OSError("no more")
    async with running((60, 20)) as (pilot, app):
        source.gate = asyncio.Event()
        await app.conversation.open(source)
        source.gate.set()
        await until(pilot, lambda: any(isinstance(m, Conversation.LoadFailed) for m in app.messages))
        assert len(app.conversation.pages.entries) == conversation_source.OPENED_WITH


async def test_the_first_bodies_fill_a_tall_screen() -> None:
    source = LongCountingSource(5000)
    async with running((60, 100)) as (pilot, app):
        await app.conversation.open(source)
        await until(pilot, lambda: "number 4999" in shown(app.conversation))
        assert source.asked[0] == (4950, 5000)


async def test_painted_lines_are_kept_for_a_few_screens_and_painted_again_when_they_are_seen() -> None:
    height = 20
    async with running((60, height)) as (pilot, app):
        conversation = app.conversation
        await conversation.open(LongCountingSource(600))
        conversation.focus()
        pages = conversation.pages
        await until(pilot, lambda: len(pages.entries) == 600)
        end = shown(conversation)
        for _ in range(30):
            await pilot.press("pageup")
            await until(pilot, lambda: "…" not in shown(conversation))
        kept = sum(len(piece.strips) for entry in pages.entries for piece in entry.pieces)
        assert height <= kept <= 6 * height
        await pilot.press("end")
        assert shown(conversation).replace("▌", " ") == end
