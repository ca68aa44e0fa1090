"""The checkpoint browser, over real runs."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from textual.widgets import Static

from afk_tui.gateway.gateway import Gateway
from afk_tui.gateway.messages import StoreChanged
from afk_tui.screens.checkpoints import EMPTY, CheckpointsScreen
from afk_tui.widgets.paged_list import PagedList
from tests.screens.history_kit import Holder, gateway_at, rows, said, until_true

TOGETHER = "list . and then read a.txt together with list ."


async def test_every_checkpoint_says_in_words_what_it_is_newest_first(tmp_path: Path) -> None:
    async with gateway_at(tmp_path) as gateway:
        thread = await said(gateway, "read a.txt")
        app = Holder(CheckpointsScreen(gateway, thread, "read a.txt"))
        async with app.run_test(size=(120, 36)):
            await until_true(lambda: "since checkpoint" in app.shown())
            text = app.shown()
    places = [
        text.index(word)
        for word in ("the last answer", "a tool's result", "the model answered", "the message")
    ]
    assert places == sorted(places)
    assert text.count("● latest") == 1
    assert "4 messages" in text
    assert "1 of 4" in text


async def test_the_details_say_what_the_checkpoint_added(tmp_path: Path) -> None:
    async with gateway_at(tmp_path) as gateway:
        thread = await said(gateway, "read a.txt")
        app = Holder(CheckpointsScreen(gateway, thread, "read a.txt"))
        async with app.run_test(size=(120, 36)) as pilot:
            await until_true(lambda: "since checkpoint 2" in app.shown())
            await pilot.press("down")
            await until_true(lambda: "since checkpoint 1" in app.shown())
            result = app.shown()
            await pilot.press("down")
            await until_true(lambda: "since checkpoint 0" in app.shown())
            answer = app.shown()
            await pilot.press("end")
            await until_true(lambda: "the thread begins here" in app.shown())
            message = app.shown()
    assert "+1 message" in result
    assert "read_file a.txt →" in result
    assert "one" in result
    assert "asks for read_file a.txt" in answer
    assert "you: read a.txt" in message


async def test_a_result_in_a_reserved_place_is_added_by_its_own_checkpoint_and_no_other(
    tmp_path: Path,
) -> None:
    async with gateway_at(tmp_path) as gateway:
        thread = await said(gateway, TOGETHER)
        source = gateway.checkpoints(thread)
        added: list[tuple[str, str]] = []
        for near, row in reversed(list(enumerate(await source.page(0, 50)))):
            details = await gateway.checkpoint_details(thread, row, near=near)
            assert details is not None
            assert details.added_count == len(details.added) == 1
            added.append((details.added[0].kind, details.added[0].title))
            kept = await gateway.checkpoint_details(thread, row)
            assert kept == details
    assert [kind for kind, _ in added] == [
        "user",
        "assistant",
        "result",
        "assistant",
        "result",
        "result",
        "assistant",
    ]
    assert {added[4][1], added[5][1]} == {"read_file a.txt", "list_directory ."}


async def test_the_results_that_closed_an_open_run_belong_to_the_message_that_closed_it(
    tmp_path: Path,
) -> None:
    async with gateway_at(tmp_path) as gateway:
        thread = await said(gateway, "write notes.txt: hello")
        waiting = (await gateway.checkpoints(thread).page(0, 1))[0]
        before = await gateway.checkpoint_details(thread, waiting)
        await said(gateway, "list .", thread)
        page = await gateway.checkpoints(thread).page(0, 50)
        start = next(n for n, row in enumerate(page) if row.phase == "start")
        details = await gateway.checkpoint_details(thread, page[start], near=start)
    assert before is not None
    assert details is not None
    assert before.open_calls == ("write_file notes.txt",)
    assert [message.kind for message in details.added] == ["result", "user"]
    assert details.added_count == 2
    assert details.before == (1, waiting.run_id)


async def test_runs_are_told_apart_once_a_thread_has_several(tmp_path: Path) -> None:
    async with gateway_at(tmp_path) as gateway:
        thread = await said(gateway, "list .")
        one = Holder(CheckpointsScreen(gateway, thread, "list ."))
        async with one.run_test(size=(120, 36)):
            await until_true(lambda: "1 of 4" in one.shown())
            assert " · run " not in one.shown()
            assert "run " not in one.shown().split("\n")[2].split("Run")[0]
        await said(gateway, "list .", thread)
        runs = {row.run_id.removeprefix("run_")[:6] for row in await gateway.checkpoints(thread).page(0, 50)}
        two = Holder(CheckpointsScreen(gateway, thread, "list ."))
        async with two.run_test(size=(120, 36)):
            await until_true(lambda: "1 of 8" in two.shown())
            assert len(runs) == 2
            assert all(f"run {run}" in two.shown() for run in runs)


async def test_r_asks_to_resume_and_escape_just_closes(tmp_path: Path) -> None:
    async with gateway_at(tmp_path) as gateway:
        thread = await said(gateway, "write notes.txt: hello")
        for key, outcome in (("r", "resume"), ("escape", None)):
            app = Holder(CheckpointsScreen(gateway, thread, "write"))
            async with app.run_test(size=(120, 36)) as pilot:
                await until_true(lambda app=app: "waiting for a decision" in app.shown())
                await pilot.press(key)
                await until_true(lambda app=app: app.outcome)
            assert app.outcome == [outcome]


async def test_a_thread_without_checkpoints_says_how_they_come_about(tmp_path: Path) -> None:
    async with gateway_at(tmp_path) as gateway:
        app = Holder(CheckpointsScreen(gateway, "thr_none", "nothing"))
        async with app.run_test(size=(120, 36)):
            await until_true(lambda: EMPTY.split("\n")[0] in app.shown())
            assert "send a message" in app.shown()


async def test_where_the_former_was_removed_the_details_say_so(tmp_path: Path) -> None:
    async with gateway_at(tmp_path) as gateway:
        thread = await said(gateway, "list .")
        other = sqlite3.connect(tmp_path / "afk.db")
        with other:
            other.execute("DELETE FROM checkpoint WHERE phase IN ('start', 'answer')")
        other.close()
        app = Holder(CheckpointsScreen(gateway, thread, "list ."))
        async with app.run_test(size=(120, 36)) as pilot:
            await until_true(lambda: "since checkpoint 2" in app.shown())
            await pilot.press("down")
            await until_true(lambda: "what was before has been removed" in app.shown())
            assert "list_directory . →" in app.shown()


async def test_a_checkpoint_removed_while_it_was_shown_is_not_shown_any_longer(tmp_path: Path) -> None:
    async with gateway_at(tmp_path) as gateway:
        thread = await said(gateway, "list .")
        app = Holder(CheckpointsScreen(gateway, thread, "list ."))
        async with app.run_test(size=(120, 36)) as pilot:
            await until_true(lambda: "1 of 4" in app.shown())
            other = sqlite3.connect(tmp_path / "afk.db")
            with other:
                other.execute("DELETE FROM checkpoint WHERE phase = 'start'")
            other.close()
            await pilot.press("end")
            await until_true(lambda: "3 of 3" in app.shown())
            await until_true(lambda: "what was before has been removed" in app.shown())


async def test_a_damaged_checkpoint_is_told_with_what_to_do(tmp_path: Path) -> None:
    async with gateway_at(tmp_path) as gateway:
        thread = await said(gateway, "list .")
        other = sqlite3.connect(tmp_path / "afk.db")
        with other:
            other.execute("UPDATE checkpoint SET step = 99 WHERE phase = 'answer'")
        other.close()
        app = Holder(CheckpointsScreen(gateway, thread, "list ."))
        async with app.run_test(size=(120, 36)):
            await until_true(lambda: "Could not be read" in app.shown())
            told = str(app.screen.query_one("#facts", Static).content)
            assert "is damaged" in told
            assert "afk-tui doctor" in told


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (40, 15), (3, 3), (1, 1)])
async def test_it_stands_every_size_and_is_stacked_where_it_is_narrow(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async with gateway_at(tmp_path) as gateway:
        thread = await said(gateway, TOGETHER)
        app = Holder(CheckpointsScreen(gateway, thread, TOGETHER))
        async with app.run_test(size=size) as pilot:
            shown: PagedList[object] = app.screen.query_one("#rows", PagedList)
            await until_true(lambda: shown.count == 7)
            await pilot.press("down", "end", "tab", "down")
            side = app.screen.query_one("#side").region
            assert (side.y > shown.region.y) == (size[0] < 80) or size[1] < 5


async def test_marks_of_a_markup_in_a_title_or_a_message_are_only_text(tmp_path: Path) -> None:
    hostile = "[@click=app.quit]x[/nope] \x1b]52;c;AAAA\x07"
    async with gateway_at(tmp_path) as gateway:
        thread = await said(gateway, hostile)
        row = await gateway.thread(thread)
        assert row is not None
        app = Holder(CheckpointsScreen(gateway, thread, row.title))
        async with app.run_test(size=(120, 36)) as pilot:
            await until_true(lambda: "1 of 2" in app.shown())
            await pilot.press("end")
            await until_true(lambda: "you: [@click=app.quit]x[/nope] ␛]52;c;AAAA␇" in app.shown())
            assert "\x1b" not in app.shown()


async def test_the_numbers_are_those_of_the_table(tmp_path: Path) -> None:
    async with gateway_at(tmp_path) as gateway:
        thread = await said(gateway, TOGETHER)
        assert await _count(gateway, thread) == rows(tmp_path, "checkpoint", thread) == 7


async def _count(gateway: Gateway, thread: str) -> int:
    return await gateway.checkpoints(thread).count()


async def test_what_is_recorded_meanwhile_appears_and_the_cursor_stays_on_its_checkpoint(
    tmp_path: Path,
) -> None:
    async with gateway_at(tmp_path) as gateway:
        thread = await said(gateway, "list .")
        app = Holder(CheckpointsScreen(gateway, thread, "list ."))
        async with app.run_test(size=(120, 36)) as pilot:
            await until_true(lambda: "1 of 4" in app.shown())
            await pilot.press("end")
            await until_true(lambda: "the thread begins here" in app.shown())
            await said(gateway, "list .", thread)
            app.screen.post_message(StoreChanged())
            await until_true(lambda: "8 of 8" in app.shown())
            assert "the thread begins here" in app.shown()


async def test_f_forks_from_the_checkpoint_under_the_cursor_and_the_old_thread_stays(tmp_path: Path) -> None:
    async with gateway_at(tmp_path) as gateway:
        thread = await said(gateway, "read a.txt")
        before = await gateway.checkpoints(thread).count()
        app = Holder(CheckpointsScreen(gateway, thread, "read a.txt"))
        async with app.run_test(size=(120, 36)) as pilot:
            await until_true(lambda: "since checkpoint 2" in app.shown())
            await pilot.press("end")
            await until_true(lambda: "the thread begins here" in app.shown())
            await pilot.press("f")
            await until_true(lambda: bool(app.outcome))
        forked = str(app.outcome[0]).removeprefix("thread:")
        heads = await gateway.conversation(forked).heads()
        assert [head.kind for head in heads] == ["user"]
        assert await gateway.checkpoints(thread).count() == before
        view = await gateway.run_view(forked)
        assert view is not None
        assert view.standing == "stopped"


async def test_e_forks_with_another_message_in_place_of_the_first(tmp_path: Path) -> None:
    async with gateway_at(tmp_path) as gateway:
        thread = await said(gateway, "read a.txt")
        app = Holder(CheckpointsScreen(gateway, thread, "read a.txt"))
        async with app.run_test(size=(120, 36)) as pilot:
            await until_true(lambda: "since checkpoint 2" in app.shown())
            await pilot.press("end")
            await until_true(lambda: "the thread begins here" in app.shown())
            await pilot.press("e")
            await until_true(lambda: type(app.screen).__name__ == "AskTextScreen")
            await pilot.press(*"list", "enter")
            await until_true(lambda: bool(app.outcome))
        source = gateway.conversation(str(app.outcome[0]).removeprefix("thread:"))
        await source.heads()
        [item] = await source.load(0, 1)
        assert (item.kind, item.text) == ("user", "list")
