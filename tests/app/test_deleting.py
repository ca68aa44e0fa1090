"""Deleting a thread in the app: asked once, gone at once, undone until the app is left, and removed then."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

from textual.keys import Keys

from afk.core import Runner
from afk.memory import SQLiteMemoryStore
from afk_tui.screens.main import MainScreen
from tests.screens.stage import open_gateway


def threads(driven: Any) -> int:
    db = sqlite3.connect(driven.folder.parent / "afk.db")
    try:
        return db.execute("SELECT count(*) FROM thread").fetchone()[0]
    finally:
        db.close()


async def talk(driven: Any, text: str) -> str:
    await driven.say(text)
    await driven.until_state("done")
    assert driven.main.thread_id
    return driven.main.thread_id


async def confirm(driven: Any, key: str) -> None:
    await driven.until_screen("ConfirmScreen")
    await driven.until(lambda: driven.app.screen.is_ready, "the dialog to hear")
    await driven.pilot.press(key)
    await driven.until_screen("MainScreen")


async def listed(driven: Any) -> list[str]:
    return [t.thread_id for t in await driven.main.gateway._store.list_threads()]


async def test_a_deleted_thread_is_gone_at_once_u_brings_it_back_and_leaving_removes_it(start) -> None:
    async with start() as driven:
        thread_id = await talk(driven, "read a.txt")
        said = driven.notices()
        await driven.say("/delete")
        await driven.until_screen("ConfirmScreen")
        text = driven.text()
        assert "read a.txt" in text
        assert "4 messages, 1 call, 4" in text
        await confirm(driven, "d")
        await driven.until(lambda: driven.main.thread_id is None, "the thread to be left")
        assert await listed(driven) == []
        await driven.until(lambda: any("/undo" in text for text in said), "the way back to be said")
        await driven.until(lambda: driven.main.threads.has_focus, "the list to have the focus")
        await driven.pilot.press("u")
        await driven.until(lambda: driven.main.thread_id == thread_id, "the thread to be back")
        await driven.until_shown("first line")
        assert await listed(driven) == [thread_id]

        await driven.say("/delete")
        await confirm(driven, "d")
        await driven.until(lambda: driven.main.thread_id is None, "the thread to be left")
        assert threads(driven) == 1
    assert threads(driven) == 0
    async with start() as driven:
        # and nothing is said of a last thread that is not there
        await driven.until(lambda: driven.main.has_begun, "the app to have begun")
        assert driven.main.thread_id is None


async def test_without_a_yes_a_thread_stays(start) -> None:
    async with start() as driven:
        thread_id = await talk(driven, "list")
        for key in ("b", "escape", Keys.Enter):
            await driven.say("/delete")
            await confirm(driven, key)
        assert await listed(driven) == [thread_id]
        assert driven.main.thread_id == thread_id


async def test_what_waits_and_which_forks_stay_is_said_and_the_key_acts_on_the_row_under_the_cursor(
    start,
) -> None:
    async with start() as driven:
        await driven.say("write b.txt: hello")
        await driven.until(lambda: driven.main.request_bar.count == 1, "the bar")
        first = driven.main.thread_id
        gateway = driven.main.gateway
        row = (await gateway.checkpoints(first).page(0, 1))[0]
        fork = await gateway.fork(row)
        driven.main.sync()
        await driven.until(lambda: driven.main.threads.count == 2, "both threads to be listed")
        driven.main.threads.focus()
        await driven.pilot.press("end")
        await driven.until(
            lambda: (
                driven.main.threads.highlighted is not None
                and driven.main.threads.highlighted.thread_id == first
            ),
            "the cursor to be on the old thread",
        )
        await driven.pilot.press("delete")
        await driven.until_screen("ConfirmScreen")
        assert "1 request that waits goes undecided" in driven.text()
        assert "1 fork of it stays, with the 2 messages read there" in driven.text()
        await confirm(driven, "d")
        await driven.until(lambda: driven.main.thread_id is None, "the thread to be left")
        assert await listed(driven) == [fork]
        assert [r.thread_id for r in await gateway.requests()] == [fork]


async def test_undo_with_nothing_deleted_and_delete_with_nothing_to_delete_say_so(start) -> None:
    async with start() as driven:
        said = driven.notices()
        await driven.say("/undo")
        await driven.say("/delete")
        await driven.until(lambda: len(said) == 2, "both to be answered")
        assert "Nothing was deleted" in said[0]
        assert "nothing to delete" in said[1]
        assert isinstance(driven.app.screen, MainScreen)


async def test_who_brings_a_thread_back_in_the_list_stays_in_the_list(start) -> None:
    async with start() as driven:
        thread_id = await talk(driven, "read a.txt")
        driven.main.threads.focus()
        await driven.pilot.press("delete")
        await confirm(driven, "d")
        await driven.until(lambda: driven.main.threads.has_focus, "the list to have the focus")
        await driven.pilot.press("u")
        await driven.until(lambda: driven.main.thread_id == thread_id, "the thread to be back")
        await driven.until(lambda: driven.main.threads.has_focus, "the list to have the focus still")


async def test_a_thread_whose_run_goes_on_is_not_deleted(start) -> None:
    async with start() as driven:
        await driven.say("run: sleep 60")
        await driven.until(lambda: driven.main.request_bar.count == 1, "the bar")
        gateway, thread_id = driven.main.gateway, driven.main.thread_id
        [request] = await gateway.requests()
        await gateway.decide(request, "allow")
        await driven.until(lambda: gateway.is_working(thread_id), "the run to go on")
        said = driven.notices()
        await driven.say("/delete")
        await driven.until(lambda: any("Stop it first" in text for text in said), "the reason")
        assert await listed(driven) == [thread_id]


async def test_a_thread_deleted_in_another_process_is_left_and_what_was_being_written_is_kept(
    start, tmp_path: Path
) -> None:
    async with start() as driven:
        thread_id = await talk(driven, "list")
        said = driven.notices()
        driven.main.composer.set_draft("half a thought")
        store = SQLiteMemoryStore(tmp_path / "afk.db")
        await Runner(memory_store=store).delete_thread(thread_id)
        await store.close()
        await driven.until(lambda: driven.main.thread_id is None, "the thread to be left")
        await driven.until(lambda: any("another process" in text for text in said), "it to be said")
        assert driven.main.composer.draft == "half a thought"


async def test_what_a_killed_app_had_deleted_is_removed_after_the_next_start(start, tmp_path: Path) -> None:
    async with start() as driven:
        thread_id = await talk(driven, "list")
    store = SQLiteMemoryStore(tmp_path / "afk.db")
    await store.open()
    await store.delete_thread(thread_id, keep=True)
    await store.close()  # as a killed one is: its deletion is marked, and nobody keeps it any more
    assert threads(driven) == 1
    async with start() as driven:
        await driven.until(lambda: threads(driven) == 0, "the rest to be removed")


async def test_an_app_that_is_left_at_once_leaves_its_store_closed(tmp_path: Path) -> None:
    gateway = await open_gateway(tmp_path, database=tmp_path / "afk.db")
    await gateway.close()
    await asyncio.sleep(0)
    assert not gateway._store._connection.is_open  # type: ignore[attr-defined]
    assert not list(tmp_path.glob("afk.db-owners/*"))
