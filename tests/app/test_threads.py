"""Threads are renamed, pinned, archived, filtered and marked as new, by key, by /command and by mouse."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from afk.core import Runner
from afk.memory import SQLiteMemoryStore
from afk_tui.gateway.views import ThreadRow
from afk_tui.screens.ask_text import AskTextScreen
from afk_tui.screens.fields import LineField
from afk_tui.screens.thread_filter import CHOICES, ThreadFilterScreen
from tests.app.conftest import Driven
from tests.core.kit import ScriptedModel, agent_with


async def talk(driven: Driven, *texts: str) -> list[str]:
    """A thread for each message, whose run is over."""
    made: list[str] = []
    for text in texts:
        await driven.pilot.press("ctrl+n")
        await driven.until(lambda: driven.main.thread_id is None, "a new thread")
        await driven.say(text)
        await driven.until(
            lambda: driven.main.run_view is not None and driven.main.run_view.standing == "idle", "the answer"
        )
        made.append(driven.main.thread_id or "")
    return made


def rows_of(driven: Driven) -> list[ThreadRow]:
    """What the list shows, in order."""
    threads = driven.main.threads
    return [row for n in range(threads.count or 0) if (row := threads._row_at(n)) is not None]


def titles(driven: Driven) -> list[str]:
    return [row.title for row in rows_of(driven)]


async def at_row(driven: Driven, thread_id: str) -> None:
    """Put the cursor of the list on a thread."""
    driven.main.threads.focus()
    await driven.main.threads.select_key(thread_id)
    await driven.until(
        lambda: (row := driven.main.threads.highlighted) is not None and row.thread_id == thread_id,
        "the cursor to be there",
    )


async def filter_by(driven: Driven, key: str) -> None:
    await driven.until_screen("ThreadFilterScreen")
    await driven.pilot.press(key)
    await driven.until_screen("MainScreen")


async def test_a_key_pins_archives_and_renames_the_thread_under_the_cursor(start) -> None:
    async with start() as driven:
        first, second, third = await talk(driven, "list", "read a.txt", "help")
        await driven.until(lambda: titles(driven) == ["help", "read a.txt", "list"], "all to be listed")
        await at_row(driven, first)
        await driven.pilot.press("p")
        await driven.until(lambda: titles(driven) == ["list", "help", "read a.txt"], "it to come first")
        assert "pinned" in driven.text()

        await at_row(driven, second)
        await driven.pilot.press("a")
        await driven.until(lambda: titles(driven) == ["list", "help"], "it to be out of the list")

        await at_row(driven, third)
        await driven.pilot.press("r")
        await driven.until_screen("AskTextScreen")
        driven.app.screen.query_one("#line", LineField).value = "What it [b]knows[/b]"
        await driven.pilot.press("enter")
        await driven.until(lambda: titles(driven) == ["list", "What it [b]knows[/b]"], "the new title")
        assert driven.main.thread_id == third
        await driven.until(
            lambda: "What it [b]knows[/b]" in driven.text().splitlines()[0],
            "the title above the conversation",
        )


async def test_it_is_done_and_told_whatever_is_opened_in_that_moment(start, monkeypatch) -> None:
    begun, may_go_on = asyncio.Event(), asyncio.Event()
    async with start() as driven:
        (first, _) = await talk(driven, "list", "help")
        keeping = driven.main.gateway.keeping
        toggle_pin = keeping.toggle_pin

        async def toggle_slowly(thread_id: str) -> bool:
            begun.set()
            await may_go_on.wait()
            return await toggle_pin(thread_id)

        monkeypatch.setattr(keeping, "toggle_pin", toggle_slowly)
        said = driven.notices()
        await at_row(driven, first)
        await driven.pilot.press("p")
        await driven.until(begun.is_set, "it to begin")
        await driven.pilot.press("f5")
        await driven.until_screen("CheckpointsScreen")
        may_go_on.set()
        await driven.until(lambda: any("Pinned" in text for text in said), "it to be told")
        await driven.pilot.press("escape")
        await driven.until(lambda: titles(driven) == ["list", "help"], "it to come first")


async def test_a_command_does_it_to_the_thread_that_is_shown_and_again_undoes_it(start) -> None:
    async with start() as driven:
        (shown, _) = await talk(driven, "list", "help")
        await driven.main.open_thread(shown)
        said = driven.notices()
        await driven.say("/pin-thread")
        await driven.until(lambda: titles(driven) == ["list", "help"], "it to be pinned")
        await driven.say("/pin-thread")
        await driven.until(lambda: titles(driven) == ["help", "list"], "it to be unpinned")
        await driven.say("/archive")
        await driven.until(lambda: titles(driven) == ["help"], "it to be archived")
        assert driven.main.thread_id == shown
        await driven.say("/archive")
        await driven.until(lambda: titles(driven) == ["help", "list"], "it to be back")
        await driven.say("/rename")
        await driven.until_screen("AskTextScreen")
        await driven.pilot.press("escape")
        await driven.until_screen("MainScreen")
        assert titles(driven) == ["help", "list"]
        assert [text.splitlines()[1].split()[0] for text in said] == ["Pinned:", "No", "Archived.", "Out"]


async def test_a_new_conversation_has_nothing_to_be_kept_in_order(start) -> None:
    async with start() as driven:
        said = driven.notices()
        for command in ("/rename", "/pin-thread", "/archive"):
            await driven.say(command)
        await driven.until(lambda: len(said) == 3, "each to be answered")
        assert all("send something first" in text for text in said)
        assert not isinstance(driven.app.screen, AskTextScreen)


async def test_what_is_sent_to_an_archived_thread_brings_it_back(start) -> None:
    async with start() as driven:
        (shown,) = await talk(driven, "list")
        await driven.say("/archive")
        await driven.until(lambda: titles(driven) == [], "it to be archived")
        await driven.say("help")
        await driven.until(lambda: [row.thread_id for row in rows_of(driven)] == [shown], "it to be back")


async def test_the_list_is_filtered_by_how_threads_stand(start) -> None:
    async with start() as driven:
        _, archived = await talk(driven, "list", "help")
        await driven.say("/archive")
        await driven.pilot.press("ctrl+n")
        await driven.until(lambda: driven.main.thread_id is None, "a new thread")
        await driven.say("write b.txt: hello")
        await driven.until(lambda: driven.main.request_bar.count == 1, "the request")
        for key, expected, empty in (
            ("w", ["write b.txt: hello"], ""),
            ("r", [], "Nothing is running."),
            ("i", [], "Nothing was interrupted."),
            ("d", ["list"], ""),
            ("a", ["help"], ""),
            ("l", ["write b.txt: hello", "help", "list"], ""),
            ("c", ["write b.txt: hello", "list"], ""),
        ):
            await driven.say("/filter")
            await filter_by(driven, key)
            await driven.until(lambda expected=expected: titles(driven) == expected, f"the filter {key}")
            await driven.until(lambda: driven.main.threads.has_focus, "the list to have the focus")
            if empty:
                await driven.until_shown(empty)
                assert "f shows other threads" in driven.text()
            side_title = driven.text().splitlines()[0][:31]
            assert ("·" in side_title) == (key != "c")
        await driven.pilot.press("f")
        await driven.until_screen("ThreadFilterScreen")
        assert "1  Archived" in driven.text()
        assert "3  All" in driven.text()
        await driven.pilot.press("down", "up", "escape")
        await driven.until_screen("MainScreen")
        await driven.pilot.click("#side-title")
        await driven.until_screen("ThreadFilterScreen")
        at = [show for _, show, _ in CHOICES].index("archived")
        await driven.pilot.click("#choices", offset=(6, at))
        await driven.until(
            lambda: [row.thread_id for row in rows_of(driven)] == [archived], "a click to filter"
        )


async def test_a_thread_that_changed_elsewhere_is_new_until_it_is_shown_and_that_is_kept(
    start, tmp_path: Path, folder: Path
) -> None:
    async def elsewhere(thread_id: str) -> None:
        store = SQLiteMemoryStore(tmp_path / "afk.db")
        async with Runner(memory_store=store, llm=ScriptedModel("done there"), workspace=folder) as runner:
            await runner.run(agent_with(), user_message="more", thread_id=thread_id)

    def new(driven: Driven) -> list[str]:
        return [row.title for row in rows_of(driven) if row.unread]

    async with start() as driven:
        first, _second = await talk(driven, "list", "help")
        await driven.until(lambda: not new(driven), "nothing to be new")
        await elsewhere(first)
        await driven.until(lambda: new(driven) == ["list"], "the change to be marked")
        assert any("•list" in line for line in driven.text().splitlines())
        assert "· new" in driven.text()
    async with start() as driven:
        await driven.until(lambda: new(driven) == ["list"], "it to be new still")
        await driven.main.open_thread(first)
        await driven.until(lambda: not new(driven), "it to be read")
        assert "•list" not in driven.text()
        # what happens in the thread that is shown is seen
        await elsewhere(first)
        await driven.until(lambda: driven.text().count("┃ more") == 2, "it to be shown")
        await driven.until(lambda: not new(driven), "it to stay read")
    async with start() as driven:
        await driven.until(lambda: driven.main.threads.count == 2, "the list")
        assert new(driven) == []


@pytest.mark.parametrize("size", [(80, 24), (60, 20), (40, 15)])
async def test_the_list_is_kept_in_order_on_narrow_terminals_too(start, size: tuple[int, int]) -> None:
    async with start(size=size) as driven:
        await talk(driven, "list", "help")
        await driven.say("/filter")
        await driven.until_screen("ThreadFilterScreen")
        assert isinstance(driven.app.screen, ThreadFilterScreen)
        assert "All, archived ones too" in driven.text()
        await driven.pilot.press("l")
        await driven.until_screen("MainScreen")
        await driven.until(lambda: driven.main.threads.has_focus, "the list")
        await driven.pilot.press("p")
        await driven.until_shown("pinned")
        await driven.pilot.press("escape")
        await driven.until(lambda: driven.main.composer.has_focus, "the composer")


async def test_the_keys_of_the_list_are_named_while_it_has_the_focus(start) -> None:
    async with start() as driven:
        await talk(driven, "list")
        assert "archive" not in driven.text().splitlines()[-1]
        driven.main.threads.focus()
        await driven.until(lambda: "a archive" in driven.text().splitlines()[-1], "the keys to be named")
        driven.main.composer.focus()
        await driven.until(lambda: "archive" not in driven.text().splitlines()[-1], "them to be gone")
