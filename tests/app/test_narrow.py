"""Narrow terminals, and terminals that change their size at any moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from afk.llms.protocol import Answer, ModelEvent, ModelRequest, TextDelta

NARROW = (40, 15)


class Streaming:
    """A model that says a line whenever it is told to, and three at first."""

    label = "streaming"

    def __init__(self) -> None:
        self.lines: asyncio.Queue[bool] = asyncio.Queue()
        for _ in range(3):
            self.more()

    def more(self) -> None:
        self.lines.put_nowait(True)

    def end(self) -> None:
        self.lines.put_nowait(False)

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        said = ""
        while await self.lines.get():
            line = f"line {said.count('line') + 1}\n\n"
            said += line
            yield TextDelta(line)
        yield Answer(said)

    async def close(self) -> None:
        return None


async def two_threads(driven) -> str:
    """A thread that is done and, shown, one that waits; the name of the first."""
    await driven.say("list")
    await driven.until_state("done")
    first = driven.main.thread_id
    await driven.pilot.press("ctrl+n")
    await driven.until(lambda: driven.main.thread_id is None, "a new thread")
    await driven.say("write b.txt: hello")
    await driven.until(lambda: driven.main.request_bar.count == 1, "the bar")
    return first


def shows_the_list(driven) -> bool:
    return driven.main.threads.is_on_screen and "Threads" in driven.text()


async def test_at_40_columns_composer_bar_and_status_are_there_and_the_list_is_not(start) -> None:
    async with start(size=NARROW) as driven:
        await two_threads(driven)
        for shown in ("≡ write b.txt", "F4: 1 call waits", "Write a message", "waiting for you", "f2 menu"):
            await driven.until_shown(shown)
        assert not shows_the_list(driven)


async def test_the_drawer_opens_by_key_and_closes_by_key_escape_and_choice(start) -> None:
    async with start(size=NARROW) as driven:
        first = await two_threads(driven)
        for closing in ("f9", "escape"):
            await driven.pilot.press("f9")
            await driven.until(lambda: shows_the_list(driven) and driven.main.threads.has_focus, "the drawer")
            await driven.pilot.press(closing)
            await driven.until(lambda: not shows_the_list(driven), "it to be closed")
            assert driven.main.composer.has_focus
        # the escape that closed it stopped nothing and answered nothing
        assert driven.main.request_bar.count == 1
        await driven.pilot.press("f9")
        await driven.until(lambda: shows_the_list(driven), "the drawer")
        await driven.pilot.press("down", "enter")
        await driven.until(lambda: driven.main.thread_id == first, "the other thread")
        assert not shows_the_list(driven)


async def test_the_drawer_opens_and_closes_by_mouse(start) -> None:
    async with start(size=NARROW) as driven:
        first = await two_threads(driven)
        await driven.pilot.click("#title")
        await driven.until(lambda: shows_the_list(driven), "the drawer")
        await driven.pilot.click(offset=(NARROW[0] - 4, NARROW[1] - 4))  # what is seen of the composer
        await driven.until(lambda: not shows_the_list(driven), "it to be closed")
        assert driven.main.composer.has_focus
        await driven.pilot.click("#title")
        await driven.until(lambda: shows_the_list(driven), "the drawer")
        row = next(n for n, line in enumerate(driven.text().splitlines()) if line.startswith(" list"))
        await driven.pilot.click(offset=(5, row))
        await driven.until(lambda: driven.main.thread_id == first, "the other thread")


async def test_a_list_beside_the_conversation_becomes_a_drawer_that_is_closed(start) -> None:
    async with start() as driven:
        await two_threads(driven)
        await driven.pilot.press("f9", "tab")
        await driven.until(lambda: not driven.main.threads.has_focus, "another focus")
        await driven.pilot.resize_terminal(*NARROW)
        await driven.until(lambda: not shows_the_list(driven), "no list")
        await driven.pilot.resize_terminal(110, 34)
        await driven.until(lambda: shows_the_list(driven), "the list")


@pytest.mark.parametrize("key", ["f1", "f2", "f3", "f4", "f5", "f6"])
async def test_every_size_at_any_moment_with_something_open(start, key: str) -> None:
    async with start() as driven:
        await two_threads(driven)
        await driven.pilot.press(key)
        await driven.until(lambda: driven.app.screen is not driven.main, f"what {key} opens")
        opened = driven.app.screen
        for size in ((1, 1), NARROW, (30, 8), (200, 60), (3, 40), (110, 34)):
            await driven.pilot.resize_terminal(*size)
        assert driven.app.screen is opened
        await driven.pilot.press("escape")
        await driven.until(lambda: driven.app.screen is driven.main, "the main screen")
        await driven.until_shown("Write a message")


async def test_every_size_while_an_answer_streams(start) -> None:
    streaming = Streaming()
    async with start(llm=streaming) as driven:
        await driven.say("go on")
        await driven.until_shown("line 3")
        for size in ((1, 1), NARROW, (30, 8), (200, 60), (110, 34)):
            await driven.pilot.resize_terminal(*size)
            streaming.more()
        await driven.until_shown("line 8")
        streaming.end()
        await driven.until_state("done")
        await driven.until_shown("line 8")
