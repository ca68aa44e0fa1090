"""The app on a file of SIZE threads, or (`messages`) on a thread of SIZE messages: what a person waits for there."""

from __future__ import annotations

import asyncio
import os
import resource
import sqlite3
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from common import FOLDER, SIZE, WORDS, finish

sys.path.insert(0, os.getcwd())

from afk.llms.demo import DemoModel
from afk.memory import SQLiteMemoryStore
from afk_tui.app import AfkApp
from afk_tui.gateway.gateway import Gateway
from afk_tui.gateway.settings import Settings, build

OF_MESSAGES = "messages" in WORDS
TIMES = 9
FEW = 20
DATABASE = FOLDER / "afk.db"
WORKSPACE = FOLDER / "work"
TEXT = (
    "Some words of an answer that nobody needs to read twice, of the length that they have most of the time. "
)
NEEDLE = "a needle in all of this hay"

THREAD = (
    "INSERT INTO thread (id, title, agent_name, workspace, created_at_ms, updated_at_ms, last_run_id, head_seq,"
    " message_count, state_ordinal) VALUES (?, ?, 'assistant', ?, 1, ?, ?, ?, ?, 0)"
)
RUN = (
    "INSERT INTO run (id, thread_id, transcript_id, agent_name, model, fingerprint, workspace, state, step, context,"
    " usage, budget, epoch, checkpoint, root_run_id, created_at_ms, updated_at_ms)"
    " VALUES (?1, ?2, ?2, 'assistant', 'm', '{}', ?3, 'completed', 1, '{}', '{}', '{}', 1, 0, ?1, 1, 1)"
)
MESSAGE = (
    "INSERT INTO message (thread_id, seq, role, chars, lines, run_id, created_at_ms, text)"
    " VALUES (?, ?, ?, ?, 1, ?, 1, ?)"
)


async def prepare() -> None:
    """The file: SIZE threads of two messages, or 20 of which one has SIZE messages."""
    WORKSPACE.mkdir()
    store = SQLiteMemoryStore(DATABASE)
    await store.open()
    await store.close()
    threads, messages = (FEW, SIZE) if OF_MESSAGES else (SIZE, 2)
    db = sqlite3.connect(DATABASE)
    with db:
        for n in range(threads):
            of_this = messages if n == threads - 1 else 2
            name, run = f"thread_{n:07d}", f"run_{n:07d}"
            db.execute(
                THREAD, (name, f"Thread {n} about things", str(WORKSPACE), n + 1, run, of_this, of_this)
            )
            db.execute(RUN, (run, name, str(WORKSPACE)))
            texts = [TEXT * (1 + at % 7) for at in range(of_this)]
            if n == threads // 2:
                texts[0] = NEEDLE
            db.executemany(
                MESSAGE,
                [
                    (name, at + 1, "user" if at % 2 == 0 else "assistant", len(text), run, text)
                    for at, text in enumerate(texts)
                ],
            )
    db.close()


async def main() -> None:
    await prepare()
    settings = Settings(workspace=WORKSPACE, db=DATABASE, demo=True, trust=True)
    gateway = Gateway(build(settings, llm=DemoModel()))
    app = AfkApp(settings, gateway=gateway, cursor_blink=False)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.main
        while not screen.has_begun:
            await pilot.pause(0.01)

        async def painted() -> None:
            done = asyncio.Event()
            screen.call_after_refresh(done.set)
            await done.wait()

        async def timed(work: Callable[[], Awaitable[object]], times: int = TIMES) -> float:
            """Seconds until it was done and painted, the median of several."""
            took: list[float] = []
            for _ in range(times):
                began = time.perf_counter()
                await work()
                await painted()
                took.append(time.perf_counter() - began)
            return statistics.median(took)

        figures: dict[str, float] = {}
        if OF_MESSAGES:
            shown = f"thread_{FEW - 1:07d}"

            async def open_it() -> None:
                await screen.show_thread(shown)

            async def leave_it() -> None:
                await screen.show_thread(None)

            took: list[float] = []
            for _ in range(TIMES):
                await leave_it()
                took.append(await timed(open_it, 1))
            figures["open_s"] = statistics.median(took)
            figures["change_s"] = await timed(screen.catch_up)
            screen.conversation.focus()
            figures["page_s"] = await timed(lambda: pilot.press("pageup"))
        else:
            figures["open_s"] = await timed(screen.list_threads)
            figures["change_s"] = await timed(screen.threads.reload)
            screen.threads.focus()
            figures["page_s"] = await timed(lambda: pilot.press("pagedown"))
            figures["end_s"] = await timed(lambda: pilot.press("end", "home"))
        screen.composer.focus()
        figures["indexing_key_s"] = await timed(lambda: pilot.press("x"), 3 * TIMES)
        while await gateway._store.index_messages():
            pass
        figures["key_s"] = await timed(lambda: pilot.press("x"), 3 * TIMES)
        figures["find_s"] = await timed(lambda: gateway.find("needle in all", everywhere=False))
        figures["memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        finish(figures)


assert Path(os.getcwd(), "afk_tui").is_dir(), "to be started in the project's folder"
asyncio.run(main())
