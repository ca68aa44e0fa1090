"""The app on a file of SIZE threads, or of a thread of SIZE `messages` or `checkpoints`: what a person waits for."""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

from common import FOLDER, SIZE, WORDS, finish

sys.path.insert(0, os.getcwd())

from crowded_file import LONG, prepare
from textual.pilot import Pilot

from afk.llms.demo import DemoModel
from afk.memory import SQLiteMemoryStore
from afk_tui.app import AfkApp
from afk_tui.gateway.gateway import Gateway
from afk_tui.gateway.settings import Settings, build
from afk_tui.screens.checkpoints import CheckpointsScreen
from afk_tui.widgets.paged_list import PagedList

WHAT = WORDS[0]
QUICK = "quick" in WORDS
TIMES = 2 if QUICK else 9
HELD_KEY_S = 1 / 30
# frames from the end of a thread to its beginning: every page of a short one, as often; evenly spread in a long one
FRAMES = 20 if QUICK else 300
DATABASE = FOLDER / "afk.db"
WORKSPACE = FOLDER / "work"

Work = Callable[[], Awaitable[object]]


class Measured:
    """The app, driven, and a clock."""

    def __init__(self, app: AfkApp, pilot: Pilot[None]) -> None:
        self.app, self.pilot, self.screen = app, pilot, app.main
        self.figures: dict[str, float] = {}

    async def painted(self) -> None:
        done = asyncio.Event()
        self.app.screen.call_after_refresh(done.set)
        await done.wait()

    async def time(self, work: Work) -> float:
        """Seconds until it was done and painted."""
        began = time.perf_counter()
        await work()
        await self.painted()
        return time.perf_counter() - began

    async def median(self, name: str, work: Work, times: int = TIMES, *, before: Work | None = None) -> None:
        """Keep the median of several."""
        took: list[float] = []
        for _ in range(times):
            if before is not None:
                await before()
                await self.painted()
            took.append(await self.time(work))
        self.figures[name] = statistics.median(took)

    async def key(
        self,
        name: str,
        key: str,
        seen: Callable[[], object],
        times: int = TIMES,
        *,
        before: Work | None = None,
    ) -> None:
        """A key, until what it changes has changed and is painted; the one before it was as long ago as those of a key
        that is held down are."""

        async def rest() -> None:
            if before is not None:
                await before()
                await self.painted()
            await asyncio.sleep(HELD_KEY_S)

        async def press() -> None:
            old = seen()
            self.app.simulate_key(key)
            while seen() == old:  # noqa: ASYNC110 - nothing tells when
                await asyncio.sleep(0)

        await self.median(name, press, times, before=rest)

    async def list_keys(self, rows: PagedList[Any], name: str, key: str, times: int) -> None:
        """A key of a list, from its beginning: the end of a short one would be reached at once."""

        async def home() -> None:
            await self.pilot.press("home")

        await self.key(name, key, lambda: rows.cursor, times, before=home)

    async def until(self, holds: Callable[[], object]) -> None:
        while not holds():
            await self.pilot.pause(0.005)


async def threads(it: Measured) -> None:
    """Their list."""
    await it.median("open_s", it.screen.list_threads)
    await it.median("change_s", it.screen.threads.reload)
    it.screen.threads.focus()
    await it.list_keys(it.screen.threads, "page_s", "pagedown", TIMES)


async def messages(it: Measured) -> None:
    """The conversation."""
    screen = it.screen
    await it.median("open_s", lambda: screen.show_thread(LONG), before=lambda: screen.show_thread(None))
    await it.median("change_s", screen.catch_up)
    conversation = screen.conversation
    conversation.focus()

    async def to_end() -> None:
        conversation.scroll_to_end()

    await it.key("page_s", "pageup", lambda: conversation.top, before=to_end)
    await scroll(it)


async def scroll(it: Measured) -> None:
    """From the end to the beginning."""
    conversation = it.screen.conversation
    # what is earlier than the opened part is listed first: the way is as long as the thread
    await it.until(lambda: len(conversation.pages.entries) >= SIZE)
    memory_mb = resident_mb()
    took: list[float] = []
    reached = False
    while not reached or len(took) < FRAMES:
        conversation.scroll_to_end()
        await it.painted()
        step = max(conversation.size.height, conversation.pages.total // FRAMES)
        for _ in range(2 * FRAMES):
            took.append(await it.time(partial(jump, conversation, step)))
            if reached := conversation.scroll_y == 0:
                break
        assert reached, "the beginning was not reached"
    took.sort()
    it.figures["frame_s"] = took[len(took) * 95 // 100]
    it.figures["worst_frame_s"] = took[-1]
    it.figures["scrolled_mb"] = max(0.0, resident_mb() - memory_mb)


async def jump(conversation: object, lines: int) -> None:
    """As the scrollbar does it."""
    conversation.scroll_to(y=max(0, conversation.scroll_y - lines), animate=False)  # type: ignore[attr-defined]


async def checkpoints(it: Measured) -> None:
    """The timeline."""
    await it.screen.show_thread(LONG)

    async def open_it() -> None:
        timeline = CheckpointsScreen(it.screen.gateway, LONG, "a thread")
        await it.app.push_screen(timeline)
        await it.until(lambda: timeline.query_one("#rows").highlighted is not None)  # type: ignore[attr-defined]

    async def leave_it() -> None:
        if isinstance(it.app.screen, CheckpointsScreen):
            await it.app.screen.dismiss(None)

    await it.median("open_s", open_it, before=leave_it)
    timeline = it.app.screen
    assert isinstance(timeline, CheckpointsScreen)
    await it.median("change_s", timeline.reload)
    rows = timeline.query_one("#rows", PagedList)
    await it.list_keys(rows, "page_s", "pagedown", TIMES)
    await it.list_keys(rows, "key_s", "down", 3 * TIMES)
    await leave_it()


async def search(it: Measured) -> None:
    """Typing and finding, before and after the texts are indexed."""
    composer = it.screen.composer
    composer.focus()
    await it.key("indexing_key_s", "x", lambda: composer.text, 3 * TIMES)
    while await it.screen.gateway._store.index_messages():
        pass
    await it.key("key_s", "x", lambda: composer.text, 3 * TIMES)
    await it.median("find_s", lambda: it.screen.gateway.find("needle in all", everywhere=False))


def resident_mb() -> float:
    """Memory that the process holds now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


async def main() -> None:
    WORKSPACE.mkdir()
    store = SQLiteMemoryStore(DATABASE)
    await store.open()
    await store.close()
    prepare(DATABASE, WORKSPACE, WHAT, SIZE)
    settings = Settings(workspace=WORKSPACE, db=DATABASE, demo=True, trust=True)
    began = time.perf_counter()
    gc.disable()  # as the command does; the app enables it when it is open
    app = AfkApp(settings, gateway=Gateway(build(settings, llm=DemoModel())), cursor_blink=False)
    async with app.run_test(size=(120, 36)) as pilot:
        it = Measured(app, pilot)
        await it.until(lambda: it.screen.has_begun)
        it.figures["start_s"] = time.perf_counter() - began
        await {"threads": threads, "messages": messages, "checkpoints": checkpoints}[WHAT](it)
        if WHAT != "checkpoints":
            await search(it)
        it.figures["memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        finish(it.figures)


assert Path(os.getcwd(), "afk_tui").is_dir(), "to be started in the project's folder"
asyncio.run(main())
