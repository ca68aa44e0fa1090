"""The app keeps threads small by itself where it was told to, and says what it could remove where it was not."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Static

from afk.memory.sqlite import connection
from afk_tui.gateway import upkeep
from afk_tui.gateway.compaction_views import CompactionForm
from tests.app.conftest import Driven, Start
from tests.core.kit import rows
from tests.memory.compaction_kit import add_events, compactions, noise, on_a_slow_disk
from tests.support.failing import locked


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The schedule is looked at without delay."""
    monkeypatch.setattr(upkeep, "FIRST_LOOK_S", 0.0)
    monkeypatch.setattr(upkeep, "LOOK_EVERY_S", 0.05)


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each run that ends is followed by a count, however short a while after the last one."""
    monkeypatch.setattr(upkeep, "COUNTING_SHARE", 1e9)


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "afk.db"


async def long_thread(driven: Driven, db: Path, number: int) -> str:
    """A thread with one run that is over, and so many old events."""
    await driven.say("list")
    await driven.until_state("done")
    await driven.until(lambda: not driven.app.main.gateway.is_working(), "the run to be over")
    assert driven.main.thread_id is not None
    add_events(db, driven.main.thread_id, number)
    return driven.main.thread_id


async def again(driven: Driven) -> None:
    """Another run of the thread that is shown."""
    before = rows_of_runs(driven)
    await driven.say("list")
    await driven.until(lambda: rows_of_runs(driven) > before, "another run")
    await driven.until(lambda: not driven.app.main.gateway.is_working(), "it to be over")


def rows_of_runs(driven: Driven) -> int:
    return rows(Path(driven.app.main.gateway.database), "SELECT count(*) FROM run WHERE state = 'completed'")[
        0
    ][0]


def status(driven: Driven) -> str:
    return str(driven.main.status.render())


@pytest.mark.usefixtures("at_once")
async def test_the_open_app_follows_the_schedule_and_does_nothing_without_one(start: Start, db: Path) -> None:
    async with start() as driven:
        thread = await long_thread(driven, db, 50)
        await driven.pilot.press("f6")
        await driven.until_screen("CompactionScreen")
        assert noise(db, thread) == 50
        await driven.pilot.press("s")
        await driven.until(lambda: noise(db, thread) == 0, "the schedule to be followed")
        await driven.until(lambda: compactions(db) == [(thread, "schedule", True)], "its row")


@pytest.mark.usefixtures("at_once")
async def test_a_run_that_waits_or_goes_on_finds_all_it_needs(start: Start, db: Path) -> None:
    async with start() as driven:
        await driven.say("list and then write notes.txt: hello")
        await driven.until(lambda: bool(rows(db, "SELECT 1 FROM run")), "the run to begin")
        await driven.app.main.gateway.compactions.set_schedule(
            "hourly", CompactionForm(event_age_ms=1, state_count=1)
        )
        await driven.until_state("waiting")
        await driven.until(lambda: any(why == "schedule" for _, why, _ in compactions(db)), "a compaction")
        driven.main.open_requests()
        await driven.until_screen("ApprovalScreen")
        await driven.until_shown("ready")
        await driven.pilot.press("a")
        await driven.until_state("done")
    assert (driven.folder / "notes.txt").read_text() == "hello"


@pytest.mark.usefixtures("at_once")
async def test_a_locked_database_is_told_once_and_does_not_end_it(
    start: Start, db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "BUSY_TIMEOUT_MS", 50)
    async with start() as driven:
        thread = await long_thread(driven, db, 50)
        said = driven.notices()
        await driven.app.main.gateway.compactions.set_schedule("hourly", CompactionForm())
        with locked(db):
            await driven.until(lambda: any("by the schedule" in text for text in said), "the warning")
        await driven.until(lambda: noise(db, thread) == 0, "the next time")
        assert sum("by the schedule" in text for text in said) <= 1


@pytest.mark.usefixtures("at_once")
async def test_an_app_that_is_left_in_the_middle_leaves_whole_batches_and_a_row_that_says_so(
    start: Start, db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_a_slow_disk(monkeypatch)
    async with start() as driven:
        thread = await long_thread(driven, db, 20_000)
        await driven.app.main.gateway.compactions.set_schedule("hourly", CompactionForm())
        await driven.until(lambda: noise(db, thread) < 20_000, "the first batches")
    left = noise(db, thread)
    assert 0 < left < 20_000
    ((stopped,),) = rows(db, "SELECT stopped FROM compaction")
    assert f'"events_removed":{20_000 - left}' in stopped


@pytest.mark.usefixtures("often")
async def test_after_a_long_conversation_the_status_line_says_what_would_go_until_it_is_gone(
    start: Start, db: Path
) -> None:
    async with start(size=(180, 34)) as driven:
        thread = await long_thread(driven, db, 1_240)
        assert "compaction would" not in status(driven)
        await again(driven)
        await driven.until_state("compaction would remove 1,240 records · F6")
        assert noise(db, thread) == 1_240
        await driven.pilot.press("f6")
        await driven.until_screen("CompactionScreen")
        say = driven.app.screen.query_one("#say", Static)
        await driven.until(lambda: str(say.content) == "What would go:", "the count")
        await driven.pilot.press("c")
        await driven.until(lambda: "for good?" in str(say.content), "the question")
        await driven.pilot.press("y")
        await driven.until(lambda: str(say.content).startswith("Done:"), "the result")
        await driven.pilot.press("escape")
        await driven.until_screen("MainScreen")
        await driven.until(lambda: "would remove" not in status(driven), "the hint to go")


@pytest.mark.usefixtures("often")
async def test_another_thread_shows_no_hint_of_this_one(start: Start, db: Path) -> None:
    async with start(size=(150, 34)) as driven:
        await long_thread(driven, db, 1_240)
        await again(driven)
        await driven.until_state("would remove 1,240")
        await driven.pilot.press("ctrl+n")
        await driven.until(lambda: "would remove" not in status(driven), "the other thread's line")


@pytest.mark.usefixtures("often")
async def test_a_compaction_in_another_process_takes_the_hint_away(start: Start, db: Path) -> None:
    from tests.memory.children import run_code

    async with start(size=(150, 34)) as driven:
        thread = await long_thread(driven, db, 1_240)
        await again(driven)
        await driven.until_state("would remove 1,240")
        run_code(
            "import asyncio, sys\n"
            "from afk.memory import RetentionPolicy, SQLiteMemoryStore\n"
            "async def main():\n"
            "    store = SQLiteMemoryStore(sys.argv[1])\n"
            "    await store.open()\n"
            "    await store.compact(sys.argv[2], RetentionPolicy(max_age_ms=1_000_000), None)\n"
            "    await store.close()\n"
            "asyncio.run(main())",
            db,
            thread,
        )
        await driven.until(lambda: "would remove" not in status(driven), "the hint to go")


@pytest.mark.usefixtures("often")
@pytest.mark.parametrize("number", [300, 1_240])
async def test_a_short_conversation_or_hints_turned_off_say_nothing(
    start: Start, db: Path, number: int
) -> None:
    async with start(size=(150, 34)) as driven:
        await long_thread(driven, db, number)
        if number > 500:
            await driven.pilot.press("f6")
            await driven.until_screen("CompactionScreen")
            await driven.pilot.press("h")
            await driven.until(hints_are_off(driven), "hints to be off")
            await driven.pilot.press("escape")
            await driven.until_screen("MainScreen")
        looked: list[int] = []
        look = driven.app.main.gateway.hints.look

        async def noted(thread_id: str) -> int:
            looked.append(await look(thread_id))
            return looked[-1]

        driven.app.main.gateway.hints.look = noted  # type: ignore[method-assign]
        await again(driven)
        await driven.until(lambda: looked == [0], "the look")
        assert "would remove" not in status(driven)


def hints_are_off(driven: Driven):
    async def off() -> bool:
        return not await driven.app.main.gateway.compactions.hints_on()

    return off


async def test_it_is_counted_only_now_and_then(
    start: Start, db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "COUNTING_SHARE", 1e-9)
    async with start(size=(150, 34)) as driven:
        thread = await long_thread(driven, db, 1_240)
        # the first run of this thread was counted, and that counts for a long time
        assert await driven.app.main.gateway.hints.look(thread) == 0
        await again(driven)
        assert "would remove" not in status(driven)
