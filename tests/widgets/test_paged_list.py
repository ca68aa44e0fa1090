"""The list over pages: reads little, keeps the cursor on its row, says what is wrong, and is inert."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

import pytest
from rich.text import Text
from textual import events
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from afk_tui.widgets.paged_list import PagedList
from afk_tui.widgets.row_pages import PAGE_ROWS, PAGES_KEPT, Source


class Numbers:
    """Rows "n0", "n1", … and a note of what was asked for."""

    def __init__(self, rows: Sequence[str]) -> None:
        self.rows = list(rows)
        self.asked: list[int] = []
        self.broken: Exception | None = None

    async def count(self) -> int:
        if self.broken:
            raise self.broken
        return len(self.rows)

    async def page(self, offset: int, limit: int) -> Sequence[str]:
        if self.broken:
            raise self.broken
        self.asked.append(offset)
        return self.rows[offset : offset + limit]


class Locating(Numbers):
    async def locate(self, key: str) -> int | None:
        return self.rows.index(key) if key in self.rows else None


def numbers(count: int) -> list[str]:
    return [f"n{index}" for index in range(count)]


class Shelf(App[None]):
    def __init__(self, source: Source[str], height: int = 1) -> None:
        super().__init__()
        self.source = source
        self.height = height
        self.highlighted: list[str] = []
        self.chosen: list[str] = []
        self.failures: list[Exception] = []

    def compose(self) -> ComposeResult:
        def render(row: str, width: int, selected: bool) -> Text:
            return Text(f"{'>' if selected else ' '}{row}\nsecond of {row}" if self.height == 2 else row)

        yield PagedList(
            self.source,
            render_row=render,
            row_key=str,
            row_height=self.height,
            empty_text="ctrl+n begins [/one]",
        )

    @property
    def rows(self) -> PagedList[str]:
        return self.query_one(PagedList)

    def screen_lines(self) -> list[str]:
        height = self.rows.size.height
        return ["".join(s.text for s in self.rows.render_line(y)).rstrip() for y in range(height)]

    def on_paged_list_row_highlighted(self, message: PagedList.RowHighlighted) -> None:
        self.highlighted.append(message.key)

    def on_paged_list_row_chosen(self, message: PagedList.RowChosen) -> None:
        self.chosen.append(message.key)

    def on_paged_list_load_failed(self, message: PagedList.LoadFailed) -> None:
        self.failures.append(message.error)


async def until(pilot: Pilot[None], holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        await pilot.pause()


async def test_the_cursor_goes_by_row_screen_and_end_and_enter_chooses() -> None:
    app = Shelf(Numbers(numbers(500)))
    async with app.run_test(size=(40, 10)) as pilot:
        await until(pilot, lambda: app.highlighted == ["n0"])
        await pilot.press("down", "down", "up", "enter")
        await until(pilot, lambda: app.chosen == ["n1"])
        await pilot.press("pagedown", "enter")
        await until(pilot, lambda: app.chosen == ["n1", "n10"])
        await pilot.press("end")
        await until(pilot, lambda: app.highlighted[-1] == "n499")
        assert app.screen_lines()[-1] == "n499"
        await pilot.press("down", "home", "up")
        await until(pilot, lambda: app.highlighted[-1] == "n0")
        assert app.screen_lines()[0] == "n0"


async def test_of_100_000_rows_only_what_is_near_the_screen_is_read_and_kept() -> None:
    source = Numbers(numbers(100_000))
    app = Shelf(source)
    async with app.run_test(size=(40, 20)) as pilot:
        await until(pilot, lambda: app.highlighted == ["n0"])
        assert len(source.asked) <= 2
        await pilot.press("end")
        await until(pilot, lambda: app.screen_lines()[-1] == "n99999")
        assert app.highlighted == ["n0", "n99999"]
        assert len(source.asked) <= 5
        for row in range(0, 100_000, 4_000):
            app.rows.move_to(row)
            await until(pilot, lambda row=row: app.highlighted[-1] == f"n{row}")
        assert app.rows._rows is not None
        assert app.rows._rows.held() <= PAGES_KEPT
        assert len(source.asked) <= 5 + 3 * 25


async def test_a_reload_keeps_the_cursor_on_its_row_wherever_that_went() -> None:
    source = Numbers(numbers(300))
    app = Shelf(source)
    async with app.run_test(size=(40, 10)) as pilot:
        await until(pilot, lambda: app.highlighted == ["n0"])
        app.rows.move_to(50)
        await until(pilot, lambda: app.highlighted[-1] == "n50")
        place = app.screen_lines().index("n50")
        source.rows[:0] = ["new1", "new2", "new3"]
        await app.rows.reload()
        assert app.rows.cursor == 53
        assert app.screen_lines().index("n50") == place
        source.rows.remove("n50")
        await app.rows.reload()
        await until(pilot, lambda: app.highlighted[-1] == "n51")
        assert app.rows.cursor == 53


async def test_a_reload_of_fewer_rows_leaves_the_cursor_on_one() -> None:
    source = Numbers(numbers(300))
    app = Shelf(source)
    async with app.run_test(size=(40, 10)) as pilot:
        await until(pilot, lambda: app.highlighted == ["n0"])
        await pilot.press("end")
        await until(pilot, lambda: app.highlighted[-1] == "n299")
        source.rows = numbers(3)
        await app.rows.reload(keep=False)
        await until(pilot, lambda: app.highlighted[-1] == "n2")
        await until(pilot, lambda: app.screen_lines()[:4] == ["n0", "n1", "n2", ""])


@pytest.mark.parametrize(("kind", "key"), [(Numbers, "n1500"), (Locating, "n79999")])
async def test_a_row_is_selected_by_its_key_near_or_far(kind: type[Numbers], key: str) -> None:
    app = Shelf(kind(numbers(80_000)))
    async with app.run_test(size=(40, 10)) as pilot:
        await until(pilot, lambda: app.highlighted == ["n0"])
        assert await app.rows.select_key(key)
        await until(pilot, lambda: app.highlighted == ["n0", key])
        assert key in app.screen_lines()
        assert not await app.rows.select_key("nowhere")


async def test_an_empty_list_says_what_to_do_and_broken_is_not_empty() -> None:
    source = Numbers([])
    app = Shelf(source)
    async with app.run_test(size=(50, 10)) as pilot:
        await until(pilot, lambda: app.screen_lines()[0] == " ctrl+n begins [/one]")
        await pilot.press("enter", "down", "end", "pageup")
        assert app.chosen == []
        source.broken = OSError("disk \x1bgone")
        await app.rows.reload()
        await until(pilot, lambda: app.screen_lines()[0] == "Could not be read: disk ␛gone")
        await until(pilot, lambda: app.failures == [source.broken])
        source.broken, source.rows = None, ["back"]
        await app.rows.reload()
        await until(pilot, lambda: app.screen_lines()[0] == "back")
        assert app.rows.error is None


async def test_a_failing_page_leaves_the_rows_that_were_read() -> None:
    source = Numbers(numbers(5_000))
    app = Shelf(source)
    async with app.run_test(size=(50, 10)) as pilot:
        await until(pilot, lambda: app.highlighted == ["n0"])
        source.broken = OSError("gone")
        await pilot.press("end")
        await until(pilot, lambda: app.screen_lines()[-1] == "Could not be read: gone")
        await pilot.press("home")
        await until(pilot, lambda: app.screen_lines()[0] == "n0")


async def test_rows_that_went_between_count_and_page_leave_no_hole() -> None:
    class Shrinking(Numbers):
        async def count(self) -> int:
            return len(self.rows) + 30

    app = Shelf(Shrinking(numbers(PAGE_ROWS - 1)))
    async with app.run_test(size=(40, 10)) as pilot:
        await until(pilot, lambda: app.rows.count == PAGE_ROWS - 1)


async def test_a_click_chooses_the_row_under_it_also_of_two_lines_and_scrolled() -> None:
    app = Shelf(Numbers(numbers(300)), height=2)
    async with app.run_test(size=(40, 10)) as pilot:
        await until(pilot, lambda: app.highlighted == ["n0"])
        assert app.screen_lines()[:4] == [">n0", "second of n0", " n1", "second of n1"]
        app.rows.move_to(100)
        await until(pilot, lambda: app.highlighted[-1] == "n100")
        await pilot.click(PagedList, offset=(3, 3))
        await until(pilot, lambda: app.chosen == ["n97"])
        assert app.highlighted[-1] == "n97"


async def test_the_wheel_scrolls_and_leaves_the_cursor() -> None:
    app = Shelf(Numbers(numbers(1_000)))
    async with app.run_test(size=(40, 10)) as pilot:
        await until(pilot, lambda: app.highlighted == ["n0"])
        app.rows.post_message(
            events.MouseScrollDown(app.rows, 1, 1, 0, 1, 0, False, False, False, screen_x=1, screen_y=1)
        )
        await until(pilot, lambda: app.rows.scroll_offset.y > 0)
        assert app.rows.cursor == 0


async def test_what_a_row_holds_runs_nothing_and_is_cut_at_the_width() -> None:
    rows = ["[@click=app.quit]click[/]", "[/nope]", "日本語" * 40, "x" * 400]
    app = Shelf(Numbers(rows))
    async with app.run_test(size=(30, 10)) as pilot:
        await until(pilot, lambda: app.highlighted == rows[:1])
        lines = app.screen_lines()
        assert lines[:2] == rows[:2]
        assert lines[2].endswith("…")
        assert all(app.rows.render_line(y).cell_length == app.rows.size.width for y in range(10))


@pytest.mark.parametrize("size", [(1, 1), (2, 1), (1, 9), (3, 2)])
@pytest.mark.parametrize("height", [1, 2])
async def test_it_stands_a_terminal_of_any_size(size: tuple[int, int], height: int) -> None:
    app = Shelf(Numbers(numbers(1_000)), height=height)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.highlighted == ["n0"])
        await pilot.press("down", "pagedown", "end", "up")
        await until(pilot, lambda: app.highlighted[-1] == "n998")
        await pilot.resize_terminal(60, 12)
        await until(pilot, lambda: app.rows.size.height == 12)
        await until(pilot, lambda: any("n998" in line for line in app.screen_lines()))


async def test_another_source_starts_at_its_own_first_row() -> None:
    app = Shelf(Numbers(numbers(1_000)))
    async with app.run_test(size=(40, 10)) as pilot:
        await until(pilot, lambda: app.highlighted == ["n0"])
        await pilot.press("end")
        await app.rows.set_source(Numbers(["other", "rows"]), select_key="rows")
        await until(pilot, lambda: app.highlighted[-1] == "rows")
        await until(pilot, lambda: app.screen_lines()[:3] == ["other", "rows", ""])


class Held(Numbers):
    """Its count waits for `gate`, once there is one; `reached`: somebody waits there."""

    gate: asyncio.Event | None = None

    def hold(self) -> None:
        self.gate, self.reached = asyncio.Event(), asyncio.Event()

    async def count(self) -> int:
        if self.gate is not None:
            self.reached.set()
            await self.gate.wait()
        return await super().count()


async def test_a_cursor_that_is_moved_while_the_rows_are_read_again_stays_where_it_was_moved() -> None:
    source = Held(numbers(9))
    app = Shelf(source)
    async with app.run_test(size=(20, 10)) as pilot:
        await until(pilot, lambda: app.rows.highlighted == "n0")
        source.hold()
        reading = asyncio.ensure_future(app.rows.reload())
        await source.reached.wait()
        app.rows.action_move(3)
        source.gate.set()
        await reading
        assert app.rows.highlighted == "n3"


async def test_a_row_that_was_asked_for_before_it_was_there_is_selected_when_it_comes() -> None:
    source = Numbers(numbers(5))
    app = Shelf(source)
    async with app.run_test(size=(20, 10)) as pilot:
        await until(pilot, lambda: app.rows.highlighted == "n0")
        assert not await app.rows.select_key("new")
        await app.rows.reload()
        assert app.rows.highlighted == "n0"
        source.rows.insert(0, "new")
        await app.rows.reload()
        assert app.rows.highlighted == "new"
        assert not await app.rows.select_key("newer")
        app.rows.action_move(2)
        source.rows.insert(0, "newer")
        await app.rows.reload()
        assert app.rows.highlighted == "n1"
