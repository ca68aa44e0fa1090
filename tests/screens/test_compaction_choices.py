"""The compaction screen's choices: presets, all threads, the schedule, by key and by mouse; what it lists."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from afk_tui.gateway.compaction_views import CompactionForm
from afk_tui.gateway.gateway import Gateway
from afk_tui.screens.compaction import CompactionScreen
from afk_tui.screens.compaction_form import CompactionFormPanel
from afk_tui.screens.compaction_space import SpacePanel
from afk_tui.widgets.bar_chart import BarChart, drawn_bar
from afk_tui.widgets.choice_row import ChoiceRow
from afk_tui.widgets.key_hints import KeyHints
from tests.memory.compaction_kit import add_events, noise, on_a_slow_disk
from tests.screens.history_kit import Holder, gateway_at, said, until, until_true
from tests.screens.test_compaction import DAY_MS, counted, fill, kinds_of, said_on, table_of
from tests.support.tables import writable


def form_on(app: Holder) -> CompactionForm | None:
    return app.screen.query_one(CompactionFormPanel).read()


def choice(app: Holder, name: str) -> ChoiceRow:
    return app.screen.query_one(f"#{name}", ChoiceRow)


def text_of(app: Holder, name: str) -> str:
    return str(app.screen.query_one(f"#{name}", Static).content)


async def click_word(pilot: Pilot[None], app: Holder, name: str, word: str) -> None:
    """Click on a word of a row of choices."""
    row = choice(app, name)
    for y, line in enumerate(str(row.render()).split("\n")):
        if word in line:
            assert await pilot.click(row, offset=(line.index(word), y))
            return
    raise AssertionError(f"no {word!r} there")


async def click_hint(pilot: Pilot[None], app: Holder, what: str) -> None:
    """Click on what a key does, where the keys are listed."""
    hints = app.screen.query_one(KeyHints)
    assert await pilot.click(hints, offset=(str(hints.render()).index(what) + 1, 0))


async def click_button(pilot: Pilot[None], app: Holder, selector: str) -> None:
    """Click on a button, once it has its place on the screen."""
    await until_true(lambda: app.screen.query_one(selector).region.area > 0)
    assert await pilot.click(selector)


PRESETS = [
    ("1", "a day", CompactionForm()),
    ("2", "a week", CompactionForm(event_age_ms=7 * DAY_MS)),
    ("3", "newest 50", CompactionForm(event_age_ms=None, event_count=50)),
]


@pytest.mark.parametrize("by", ["key", "mouse"])
async def test_a_preset_fills_the_form_and_what_would_go_is_counted(tmp_path: Path, by: str) -> None:
    async with gateway_at(tmp_path) as gateway:
        thread = await said(gateway, "list .")
        add_events(tmp_path / "afk.db", thread, 70)
        app = Holder(CompactionScreen(gateway, thread, "list ."))
        async with app.run_test(size=(120, 36)) as pilot:
            await until_true(lambda: said_on(app) == "What would go:")
            for key, word, form in [*PRESETS[1:], PRESETS[0]]:
                if by == "key":
                    await pilot.press(key)
                else:
                    await click_word(pilot, app, "preset", word)
                await until_true(lambda form=form: form_on(app) == form)
                assert choice(app, "preset").value == word
            await pilot.press("3")
            going = counted(tmp_path, thread)[0] - 50
            await until_true(lambda: table_of(app).get("would be removed") == (going, 0))
            fill(app, "event-count", "49")
            await until_true(lambda: choice(app, "preset").value == "custom")
            await pilot.press("4")
            assert app.focused is not None
            assert app.focused.parent is not None
            await until_true(lambda: table_of(app).get("would be removed") == (going + 1, 0))


async def test_of_all_threads_each_is_listed_and_what_goes_is_what_was_said(tmp_path: Path) -> None:
    db = tmp_path / "afk.db"
    async with gateway_at(tmp_path) as gateway:
        first = await said(gateway, "list .")
        second = await said(gateway, "read a.txt")
        third = await said(gateway, "search one")
        add_events(db, first, 30)
        add_events(db, second, 50)
        app = Holder(CompactionScreen(gateway, first, "list ."))
        async with app.run_test(size=(120, 36)) as pilot:
            await until_true(lambda: table_of(app).get("would be removed") == (30, 0))
            await pilot.press("a")
            await until_true(lambda: table_of(app).get("would be removed") == (80, 0))
            lines = text_of(app, "parts").split("\n")
            assert "would go by thread" in lines[0]
            assert [line.split()[-4] for line in lines[1:3]] == ["50", "30"]
            assert "read a.txt" in lines[1]
            await pilot.press("c")
            await until_true(lambda: "80 events and 0 states" in said_on(app))
            await pilot.press("y")
            await until_true(lambda: said_on(app).startswith("Done: 80 events"))
            assert [noise(db, thread) for thread in (first, second, third)] == [0, 0, 0]
            assert table_of(app)["after"] == tuple(
                sum(numbers)
                for numbers in zip(*(counted(tmp_path, t) for t in (first, second, third)), strict=True)
            )
            await until_true(lambda: text_of(app, "past").count("by hand") == 2)
            assert "read a.txt" in text_of(app, "past")
        assert await gateway.compactions.past(third) == []


async def test_by_mouse_all_threads_are_chosen_compacted_and_left(tmp_path: Path) -> None:
    db = tmp_path / "afk.db"
    async with gateway_at(tmp_path) as gateway:
        first = await said(gateway, "list .")
        second = await said(gateway, "read a.txt")
        add_events(db, second, 50)
        app = Holder(CompactionScreen(gateway, first, "list ."))
        async with app.run_test(size=(120, 36)) as pilot:
            await until_true(lambda: "Nothing would" in said_on(app))
            await click_word(pilot, app, "scope", "all threads")
            await until_true(lambda: table_of(app).get("would be removed") == (50, 0))
            await click_button(pilot, app, "#compact")
            await until_true(lambda: "for good?" in said_on(app))
            await click_hint(pilot, app, "keep everything")
            await until_true(lambda: "Nothing was removed" in said_on(app))
            await click_hint(pilot, app, "compact")
            await until_true(lambda: "for good?" in said_on(app))
            await click_button(pilot, app, "#remove")
            await until_true(lambda: said_on(app).startswith("Done:"))
            await click_hint(pilot, app, "close")
            await until_true(lambda: app.outcome)
        assert noise(db, second) == 0


async def test_a_removal_is_stopped_by_the_mouse_and_says_how_much_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = tmp_path / "afk.db"
    on_a_slow_disk(monkeypatch)
    async with gateway_at(tmp_path) as gateway:
        thread = await said(gateway, "list .")
        add_events(db, thread, 20_000)
        app = Holder(CompactionScreen(gateway, thread, "list ."))
        async with app.run_test(size=(120, 36)) as pilot:
            await until_true(lambda: table_of(app).get("would be removed") == (20_000, 0))
            await pilot.press("c")
            await until_true(lambda: "for good?" in said_on(app))
            await pilot.press("y")
            await until_true(lambda: "of 20,000 removed; removing events" in said_on(app))
            await click_button(pilot, app, "#stop")
            await until_true(lambda: said_on(app).startswith("Stopped:"))
            gone = 20_000 - noise(db, thread)
            assert 0 < gone < 20_000
            assert f"{gone:,} records removed for good" in said_on(app)
            await until_true(
                lambda: f"stopped before its end, {gone:,} records removed" in text_of(app, "past")
            )


async def test_each_run_is_listed_with_what_goes_of_it_and_what_stays_and_why(tmp_path: Path) -> None:
    async with gateway_at(tmp_path) as gateway:
        thread = await said(gateway, "list .")
        await said(gateway, "write notes.txt: hello", thread)
        with closing(writable(tmp_path / "afk.db")) as other, other:
            other.execute("UPDATE checkpoint SET created_at_ms = 1")
        app = Holder(CompactionScreen(gateway, thread, "list ."))
        async with app.run_test(size=(120, 36)):
            fill(app, "state-age", "1d")
            await until_true(lambda: kinds_of(app).get("checkpoints", {}).get("protected") == 1)
            head, *lines = text_of(app, "parts").split("\n")
            assert head.split()[-4:] == ["events", "checkp.", "summar.", "meta"]
            signs = {line.split()[0]: line for line in lines}
            assert set(signs) == {"✓", "◆", "1"}
            assert signs["1"] == "  1 stay: newest checkpoint of an unfinished run"
            assert lines.index(signs["1"]) == lines.index(signs["◆"]) + 1
            gone = sum(int(signs[sign].split()[-3]) for sign in "✓◆")
            assert gone == kinds_of(app)["checkpoints"]["would be removed"]


@pytest.mark.parametrize("by", ["key", "mouse"])
async def test_the_schedule_is_set_with_what_the_form_keeps(tmp_path: Path, by: str) -> None:
    async with gateway_at(tmp_path) as gateway:
        thread = await said(gateway, "list .")
        app = Holder(CompactionScreen(gateway, thread, "list ."))
        async with app.run_test(size=(120, 36)) as pilot:
            await until_true(lambda: choice(app, "every").value == "off")
            await pilot.press("2")
            await until_true(lambda: form_on(app) == PRESETS[1][2])
            if by == "key":
                await pilot.press("s", "s")
            else:
                await click_word(pilot, app, "every", "daily")
            await until_true(lambda: "events older than 7d" in text_of(app, "every-keeps"))
            await until(lambda: schedule_is(gateway, "daily"))
            assert (await gateway.compactions.schedule())[1] == PRESETS[1][2]
        app = Holder(CompactionScreen(gateway, thread, "list ."))
        async with app.run_test(size=(120, 36)) as pilot:
            await until_true(lambda: choice(app, "every").value == "daily")
            await pilot.press("s")
            await until(lambda: schedule_is(gateway, "off"))


async def schedule_is(gateway: Gateway, every: str) -> bool:
    return (await gateway.compactions.schedule())[0] == every


async def test_a_form_that_cannot_be_read_sets_no_schedule(tmp_path: Path) -> None:
    async with gateway_at(tmp_path) as gateway:
        thread = await said(gateway, "list .")
        app = Holder(CompactionScreen(gateway, thread, "list ."))
        async with app.run_test(size=(120, 36)) as pilot:
            await until_true(lambda: choice(app, "every").value == "off")
            fill(app, "event-age", "24 bananas")
            await until_true(lambda: "Mend the field" in said_on(app))
            choice(app, "every").focus()
            await pilot.press("right")
            await until_true(lambda: choice(app, "every").value == "off")
        assert await schedule_is(gateway, "off")


async def test_past_ones_say_why_and_name_those_that_are_unfinished(tmp_path: Path) -> None:
    db = tmp_path / "afk.db"
    async with gateway_at(tmp_path) as gateway:
        thread = await said(gateway, "list .")
        with closing(sqlite3.connect(db)) as other, other:
            for why, owner, stopped in (
                ("hand", None, None),
                ("schedule", "own_dead", None),
                ("schedule", None, '{"why":"live","events_removed":20,"states_removed":1}'),
                ("resume", None, '{"why":"cancelled","events_removed":1,"states_removed":0}'),
            ):
                other.execute(
                    "INSERT INTO compaction (thread_id, policies, created_at_ms, why, owner, stopped)"
                    " VALUES (?, '{}', 1, ?, ?, ?)",
                    (thread, why, owner, stopped),
                )
        app = Holder(CompactionScreen(gateway, thread, "list ."))
        async with app.run_test(size=(120, 36)):
            await until_true(lambda: "unfinished" in text_of(app, "past"))
            lines = text_of(app, "past").split("\n")
    told = [
        (said.split("  ")[1], about.split(":")[0].strip())
        for said, about in zip(lines[::2], lines[1::2], strict=True)
    ]
    assert told == [
        ("unfinished: stopped before its end, 1 record removed", "before a resume"),
        ("unfinished: a run of the thread began, 21 records removed", "by the schedule"),
        ("unfinished: its program ended before it", "by the schedule"),
        ("unfinished: its program ended before it", "by hand"),
    ]


@pytest.mark.parametrize("size", [(120, 36), (80, 24)])
async def test_bars_show_what_takes_the_space(tmp_path: Path, size: tuple[int, int]) -> None:
    async with gateway_at(tmp_path) as gateway:
        thread = await said(gateway, "list .")
        add_events(tmp_path / "afk.db", thread, 3_000)
        app = Holder(CompactionScreen(gateway, thread, "list ."))
        async with app.run_test(size=size) as pilot:
            (panel,) = [panel for panel in app.screen.query(SpacePanel) if panel.display]
            chart = panel.query_one(BarChart)
            await until_true(lambda: chart.bars)
            assert chart.bars[0].label == "events"

            def is_drawn() -> bool:
                chart.scroll_visible(animate=False)  # what is counted meanwhile moves it
                return any("events" in line and "█████" in line for line in app.shown().split("\n"))

            await until_true(is_drawn)
            await pilot.press("a")
            heading = panel.query_one(".heading", Static)
            await until_true(lambda: "of the file" in str(heading.content))


def test_a_bar_is_as_long_as_its_part() -> None:
    assert drawn_bar(1, 8) == "████████"
    assert drawn_bar(0.5, 8) == "████"
    assert drawn_bar(0.5, 1) == "▌"
    assert drawn_bar(0.0001, 8) == "▏"
    assert drawn_bar(0, 8) == ""


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (40, 15), (3, 3)])
async def test_with_no_thread_there_are_all_threads_at_every_size(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async with gateway_at(tmp_path) as gateway:
        thread = await said(gateway, "list .")
        add_events(tmp_path / "afk.db", thread, 7)
        app = Holder(CompactionScreen(gateway, None, ""))
        async with app.run_test(size=size) as pilot:
            await until_true(lambda: table_of(app).get("would be removed") == (7, 0))
            await pilot.press("c")
            await until_true(lambda: "for good?" in said_on(app))
            await pilot.press("y")
            await until_true(lambda: said_on(app).startswith("Done:"))
        assert noise(tmp_path / "afk.db", thread) == 0
