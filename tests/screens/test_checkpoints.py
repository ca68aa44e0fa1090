"""The checkpoint browser, over real runs."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from textual.widgets import Static

from afk_tui.gateway.checkpoint_details import ChangedCall
from afk_tui.gateway.gateway import Gateway
from afk_tui.gateway.messages import StoreChanged
from afk_tui.gateway.views import CheckpointRow, TimelineRow
from afk_tui.screens.checkpoints import EMPTY, CheckpointsScreen
from afk_tui.widgets.paged_list import PagedList
from tests.screens.history_kit import Holder, gateway_at, rows, said, until_true
from tests.support.tables import writable

TOGETHER = "list . and then read a.txt together with list ."


async def test_every_checkpoint_says_in_words_what_it_is_newest_first(tmp_path: Path) -> None:
    words = (
        "━ run ",
        "● answered: This",
        "✓ ran read_file a.txt",
        "○ wants read_file",
        "❯ asked: read a.txt",
    )
    async with gateway_at(tmp_path) as gateway:
        thread = await said(gateway, "read a.txt")
        app = Holder(CheckpointsScreen(gateway, thread, "read a.txt"))
        async with app.run_test(size=(120, 36)):
            for part in (*words, "since checkpoint", "4 checkpoints · 1 run"):
                await until_true(lambda part=part: part in app.shown())
            text = app.shown()
    places = [text.index(word) for word in words]
    assert places == sorted(places)
    assert text.count("latest · step 2 · now") == 1


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
        for row in reversed(await source.page(0, 50)):
            details = await gateway.checkpoint_details(row)
            assert details is not None
            assert details.added_count == len(details.added) == 1
            added.append((details.added[0].kind, details.added[0].title))
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
        before = await gateway.checkpoint_details(waiting)
        await said(gateway, "list .", thread)
        page = await gateway.checkpoints(thread).page(0, 50)
        start = next(row for row in page if row.phase == "start")
        details = await gateway.checkpoint_details(start)
    assert before is not None
    assert details is not None
    assert before.open_calls == ("write_file notes.txt",)
    assert [message.kind for message in details.added] == ["result", "user"]
    assert details.added_count == 2
    assert details.before == (1, waiting.run_id)


async def test_each_run_has_a_heading_with_how_it_stands(tmp_path: Path) -> None:
    async with gateway_at(tmp_path) as gateway:
        thread = await said(gateway, "write notes.txt: hello")
        await said(gateway, "list .", thread)
        app = Holder(CheckpointsScreen(gateway, thread, "list ."))
        async with app.run_test(size=(120, 36)) as pilot:
            await until_true(lambda: "6 checkpoints · 2 runs" in app.shown())
            lines = app.shown().split("\n")
            headings = [n for n, line in enumerate(lines) if line.startswith("━ run ")]
            assert len(headings) == 2
            assert "· done ·" in lines[headings[0]]
            assert "· cancelled ·" in lines[headings[1]]
            assert "❯ asked: list ." in lines[headings[1] - 1]
            await pilot.press("home")
            await until_true(lambda: "Tool calls" in app.shown())
            await pilot.press("]")
            rows: PagedList[TimelineRow] = app.screen.query_one("#rows", PagedList)
            assert rows.highlighted is not None
            assert (rows.highlighted.mark, rows.highlighted.state) == ("run", "cancelled")


async def test_what_waits_and_how_calls_ended_is_said_in_words(tmp_path: Path) -> None:
    async with gateway_at(tmp_path) as gateway:
        thread = await said(gateway, "write a.md: x together with read none.txt together with run: ls")
        lines = await gateway.timeline(thread).page(0, 50)
        assert [(row.mark, row.what) for row in lines[1:]] == [
            ("failed", "failed: read_file none.txt · waits for 2 decisions"),
            ("wants", "wants write_file a.md and 2 more"),
            ("asked", "asked: write a.md: x together with read none.txt together with run: ls"),
        ]
        alone = await said(gateway, "write b.md: x")
        [_, row, _] = await gateway.timeline(alone).page(0, 50)
        assert (row.mark, row.what) == ("waiting", "waits for 1 decision: write_file b.md")

        first, second, _ = await gateway.requests()
        await gateway.decide(first, "deny")
        await gateway.decide(second, "allow")
        await gateway.resume(thread)
        await until_true(lambda: not gateway.is_working(thread))
        lines = await gateway.timeline(thread).page(0, 50)
        changed: dict[str, tuple[ChangedCall, ...]] = {}
        for row in lines:
            if row.mark in ("denied", "ran", "failed") and row.checkpoint is not None:
                details = await gateway.checkpoint_details(row.checkpoint)
                assert details is not None
                changed[row.what] = details.calls
        assert changed == {
            "denied: write_file a.md": (ChangedCall("write_file a.md", "open", "denied"),),
            "failed: read_file none.txt": (ChangedCall("read_file none.txt", "open", "failed"),),
            "ran run_command ls": (ChangedCall("run_command ls", "open", "ran"),),
        }


async def test_the_details_say_what_the_run_had_used_and_what_came_since(tmp_path: Path) -> None:
    async with gateway_at(tmp_path) as gateway:
        thread = await said(gateway, "read a.txt")
        rows = (await gateway.timeline(thread).page(0, 50))[1:]
        found = [await gateway.checkpoint_details(row.checkpoint) for row in rows if row.checkpoint]
        spent = [details.spent for details in found if details and details.spent]
        assert [(one.steps, one.tool_calls) for one in spent] == [(2, 1), (1, 1), (1, 0), (0, 0)]
        assert spent[0].input_tokens > spent[1].input_tokens == spent[2].input_tokens > 0
        run = await gateway.run_view(thread)
        assert run is not None
        assert (spent[0].input_tokens, spent[0].output_tokens) == (run.input_tokens, run.output_tokens)
        assert found[0] is not None
        assert found[0].spent_before == spent[1]
        app = Holder(CheckpointsScreen(gateway, thread, "read a.txt"))
        async with app.run_test(size=(120, 36)):
            await until_true(lambda: "The run so far:" in app.shown())
            assert f"(+{spent[0].input_tokens - spent[1].input_tokens:,}) tokens in" in app.shown()


async def test_a_subagents_lines_stand_under_the_run_that_asked_and_are_not_forked_alone(
    tmp_path: Path,
) -> None:
    async with gateway_at(tmp_path, agent="screenshots.team:editor") as gateway:
        thread = await said(gateway, "ask researcher: read a.txt")
        rows = list(reversed(await gateway.timeline(thread).page(0, 50)))
        assert [(row.depth, row.agent, row.mark) for row in rows] == [
            (0, "", "asked"),
            (0, "", "wants"),
            (1, "researcher", "asked"),
            (0, "", "handed"),
            (1, "researcher", "wants"),
            (1, "researcher", "ran"),
            (1, "researcher", "said"),
            (0, "", "ran"),
            (0, "", "said"),
            (0, "", "run"),
        ]
        call = next(row for row in rows if row.mark == "handed")
        assert {row.place_seq for row in rows if row.depth} == {call.place_seq}
        inside = next(row.checkpoint for row in rows if row.depth and row.mark == "ran")
        assert inside is not None
        details = await gateway.checkpoint_details(inside)
        assert details is not None
        assert [(one.kind, one.title) for one in details.added] == [("result", "read_file a.txt")]
        app = Holder(CheckpointsScreen(gateway, thread, "ask"))
        async with app.run_test(size=(120, 36), notifications=True) as pilot:
            await until_true(lambda: "│ ✓ researcher ran read_file a.txt" in app.shown())
            await pilot.press("down", "down", "f")
            await until_true(lambda: "A subagent's run" in app.shown())
            assert not app.outcome


async def test_a_summary_stands_where_it_was_made(tmp_path: Path) -> None:
    async with gateway_at(tmp_path) as gateway:
        (tmp_path / "work" / "long.txt").write_text("a line that says nothing new\n" * 400)
        thread = await said(gateway, "read long.txt")
        await said(gateway, "read long.txt", thread)
        await gateway.summaries.make(thread)
        await said(gateway, "list .", thread)
        source = gateway.timeline(thread)
        total = await source.count()
        lines = await source.page(0, 50)
        assert total == len(lines) == 3 + 12 + 1
        at = next(n for n, row in enumerate(lines) if row.mark == "summary")
        assert "summarised" in lines[at].what
        assert [row.mark for row in lines[at - 2 : at + 2]] == ["asked", "run", "summary", "said"]


async def test_pages_that_follow_each_other_and_pages_jumped_to_hold_the_same_lines(tmp_path: Path) -> None:
    async with gateway_at(tmp_path, agent="screenshots.team:editor") as gateway:
        thread = await said(gateway, "list . and then read a.txt")
        for text in ("ask researcher: list .", "write b.txt: x", "read a.txt"):
            await said(gateway, text, thread)
        source = gateway.timeline(thread)
        total = await source.count()
        whole = await source.page(0, 200)
        assert len(whole) == total
        for width in (1, 2, 3, 7):
            await source.count()
            following = [row for offset in range(0, total, width) for row in await source.page(offset, width)]
            assert following == whole
            jumped = gateway.timeline(thread)
            await jumped.count()
            for offset in range(total - 1, -1, -width):
                assert await jumped.page(offset, width) == whole[offset : offset + width]


@pytest.mark.parametrize("how", ["enter", "g", "double click"])
async def test_a_line_leads_to_its_place_in_the_conversation(tmp_path: Path, how: str) -> None:
    async with gateway_at(tmp_path) as gateway:
        thread = await said(gateway, "read a.txt")
        app = Holder(CheckpointsScreen(gateway, thread, "read a.txt"))
        async with app.run_test(size=(120, 36)) as pilot:
            await until_true(lambda: "since checkpoint 2" in app.shown())
            if how == "double click":
                await pilot.click("#rows", offset=(5, 2))
                assert app.screen.query_one("#rows", PagedList).cursor == 2
                assert not app.outcome
                await pilot.click("#rows", offset=(5, 2), times=2)
            else:
                await pilot.press("down", how)
            await until_true(lambda: bool(app.outcome))
        heads = await gateway.conversation(thread).heads()
        call = next(head.key for head in heads if head.kind == "call")
        assert app.outcome == [f"place:{call.removeprefix('m')}"]


async def test_r_asks_to_resume_and_escape_just_closes(tmp_path: Path) -> None:
    async with gateway_at(tmp_path) as gateway:
        thread = await said(gateway, "write notes.txt: hello")
        for key, outcome in (("r", "resume"), ("escape", None)):
            app = Holder(CheckpointsScreen(gateway, thread, "write"))
            async with app.run_test(size=(120, 36)) as pilot:
                await until_true(lambda app=app: "waits for a decision" in app.shown())
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
        other = writable(tmp_path / "afk.db")
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
            await until_true(lambda: "4 checkpoints" in app.shown())
            other = writable(tmp_path / "afk.db")
            with other:
                other.execute("DELETE FROM checkpoint WHERE phase = 'start'")
            other.close()
            await pilot.press("end")
            await until_true(lambda: "3 checkpoints" in app.shown())
            await until_true(lambda: "what was before has been removed" in app.shown())


async def test_a_damaged_checkpoint_is_told_with_what_to_do(tmp_path: Path) -> None:
    async with gateway_at(tmp_path) as gateway:
        thread = await said(gateway, "list .")
        other = writable(tmp_path / "afk.db")
        with other:
            other.execute("UPDATE checkpoint SET step = 99 WHERE phase = 'answer'")
        other.close()
        app = Holder(CheckpointsScreen(gateway, thread, "list ."))
        async with app.run_test(size=(120, 36)):
            await until_true(lambda: "Could not be read" in app.shown())
            headline = app.screen.query_one("#headline", Static)
            await until_true(lambda: "is damaged" in str(headline.content))
            assert "afk-tui doctor" in str(headline.content)


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (40, 15), (3, 3), (1, 1)])
async def test_it_stands_every_size_and_is_stacked_where_it_is_narrow(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async with gateway_at(tmp_path) as gateway:
        thread = await said(gateway, TOGETHER)
        app = Holder(CheckpointsScreen(gateway, thread, TOGETHER))
        async with app.run_test(size=size) as pilot:
            shown: PagedList[object] = app.screen.query_one("#rows", PagedList)
            await until_true(lambda: shown.count == 8)
            await pilot.press("down", "end", "tab", "down")
            side = app.screen.query_one("#side").region
            assert (side.y > shown.region.y) == (size[0] < 100) or size[1] < 5


async def test_marks_of_a_markup_in_a_title_or_a_message_are_only_text(tmp_path: Path) -> None:
    hostile = "[@click=app.quit]x[/nope] \x1b]52;c;AAAA\x07"
    async with gateway_at(tmp_path) as gateway:
        thread = await said(gateway, hostile)
        row = await gateway.thread(thread)
        assert row is not None
        app = Holder(CheckpointsScreen(gateway, thread, row.title))
        async with app.run_test(size=(120, 36)) as pilot:
            await until_true(lambda: "2 checkpoints" in app.shown())
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
            await until_true(lambda: "4 checkpoints" in app.shown())
            await pilot.press("end")
            await until_true(lambda: "the thread begins here" in app.shown())
            await said(gateway, "list .", thread)
            app.screen.post_message(StoreChanged())
            await until_true(lambda: "8 checkpoints" in app.shown())
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


async def test_f_pressed_twice_makes_one_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    may_go_on, asked = asyncio.Event(), 0
    fork = Gateway.fork

    async def fork_slowly(self: Gateway, row: CheckpointRow, message: str | None = None) -> str:
        nonlocal asked
        asked += 1
        await may_go_on.wait()
        return await fork(self, row, message)

    monkeypatch.setattr(Gateway, "fork", fork_slowly)
    async with gateway_at(tmp_path) as gateway:
        thread = await said(gateway, "read a.txt")
        app = Holder(CheckpointsScreen(gateway, thread, "read a.txt"))
        async with app.run_test(size=(120, 36)) as pilot:
            await until_true(lambda: "since checkpoint 2" in app.shown())
            await pilot.press("f", "f")
            may_go_on.set()
            await until_true(lambda: bool(app.outcome))
        assert asked == 1
        assert await gateway.threads(everywhere=True).count() == 2


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
