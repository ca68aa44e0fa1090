"""The compaction screen: its numbers are those of the tables, and nothing goes that was not confirmed."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from textual.widgets import Input, ProgressBar, Static

from afk_tui.gateway.messages import StoreChanged
from afk_tui.screens.compaction import CompactionScreen
from afk_tui.screens.limit_field import LimitField, parse_age, parse_count
from tests.screens.history_kit import Holder, gateway_at, rows, said, until_true
from tests.support.tables import writable

DAY_MS = 86_400_000


def age_events(tmp_path: Path, newest_kept: int) -> None:
    """Let all events but the newest be two days old."""
    other = writable(tmp_path / "afk.db")
    with other:
        other.execute(
            "UPDATE event SET created_at_ms = created_at_ms - ? WHERE id NOT IN"
            " (SELECT id FROM event ORDER BY id DESC LIMIT ?)",
            (2 * DAY_MS, newest_kept),
        )
    other.close()


def counted(tmp_path: Path, thread: str) -> tuple[int, int]:
    """(events, states) in the tables."""
    return rows(tmp_path, "event", thread), rows(tmp_path, "checkpoint", thread) + rows(
        tmp_path, "state", thread
    )


def kinds_of(app: Holder) -> dict[str, dict[str, int]]:
    """The table on the screen: for each kind of record the number in each column."""
    head, *lines = str(app.screen.query_one("#table", Static).content).split("\n")
    columns = head.replace("would go", "would be removed").strip().split("  ")
    columns = [name.strip() for name in columns if name.strip()]
    return {
        words[0]: dict(zip(columns, map(int, words[1:]), strict=True))
        for line in lines
        if len(words := line.replace(",", "").split()) > 1
    }


def table_of(app: Holder) -> dict[str, tuple[int, int]]:
    """The same as (events, states) for each column."""
    kinds = kinds_of(app)
    return {
        name: (kinds["events"][name], sum(row[name] for kind, row in kinds.items() if kind != "events"))
        for name in next(iter(kinds.values()), {})
    }


def said_on(app: Holder) -> str:
    return str(app.screen.query_one("#say", Static).content)


def fill(app: Holder, field: str, value: str) -> None:
    app.screen.query_one(f"#{field}", LimitField).query_one(Input).value = value


async def test_what_would_go_is_counted_without_being_asked_and_nothing_is_removed(tmp_path: Path) -> None:
    async with gateway_at(tmp_path) as gateway:
        thread = await said(gateway, "list . and then read a.txt")
        age_events(tmp_path, newest_kept=3)
        before = counted(tmp_path, thread)
        app = Holder(CompactionScreen(gateway, thread, "list ."))
        async with app.run_test(size=(120, 36)):
            await until_true(lambda: said_on(app) == "What would go:")
            table = table_of(app)
    assert table["before"] == before
    assert table["would be removed"] == (before[0] - 3, 0)
    assert table["after"] == (3, before[1])
    assert counted(tmp_path, thread) == before


async def test_the_result_equals_the_counts_in_the_tables_and_the_messages_stay(tmp_path: Path) -> None:
    async with gateway_at(tmp_path) as gateway:
        thread = await said(gateway, "list . and then read a.txt")
        await said(gateway, "write notes.txt: hello", thread)
        age_events(tmp_path, newest_kept=2)
        before, messages = counted(tmp_path, thread), rows(tmp_path, "message", thread)
        app = Holder(CompactionScreen(gateway, thread, "list ."))
        async with app.run_test(size=(120, 36)) as pilot:
            fill(app, "state-count", "3")
            await until_true(lambda: table_of(app).get("after") == (2, 3))
            await pilot.press("c")
            await until_true(lambda: "for good?" in said_on(app))
            assert counted(tmp_path, thread) == before
            await pilot.press("y")
            await until_true(lambda: said_on(app).startswith("Done:"))
            table = table_of(app)
            after = counted(tmp_path, thread)
            await until_true(lambda: "removed," in str(app.screen.query_one("#past", Static).content))
            past = str(app.screen.query_one("#past", Static).content)
    assert table["before"] == before
    assert table["after"] == after == (2, 3)
    assert table["removed"] == (before[0] - after[0], before[1] - after[1])
    assert rows(tmp_path, "message", thread) == messages
    assert f"{before[0] - 2} events and {before[1] - 3} states removed" in past
    assert "events older than 24h; states all but the newest 3" in past


async def test_the_checkpoint_of_a_waiting_run_is_protected_and_it_says_why(tmp_path: Path) -> None:
    async with gateway_at(tmp_path) as gateway:
        thread = await said(gateway, "write notes.txt: hello")
        await said(gateway, "write other.txt: hello", thread)
        other = writable(tmp_path / "afk.db")
        with other:
            other.execute("UPDATE checkpoint SET created_at_ms = created_at_ms - ?", (2 * DAY_MS,))
        other.close()
        app = Holder(CompactionScreen(gateway, thread, "write"))
        async with app.run_test(size=(120, 36)) as pilot:
            fill(app, "state-age", "1d")
            await until_true(lambda: table_of(app).get("protected") == (0, 1))
            await pilot.press("c")
            await until_true(lambda: "for good?" in said_on(app))
            await pilot.press("y")
            await until_true(lambda: said_on(app).startswith("Done:"))
            table = table_of(app)
            why = str(app.screen.query_one("#reasons", Static).content)
        assert table["protected"] == (0, 1)
        assert table["after"] == counted(tmp_path, thread)
        assert counted(tmp_path, thread)[1] == 1
        assert why == "1 protected: newest checkpoint of an unfinished run"
        # the run goes on from what was protected
        request = (await gateway.requests(thread))[0]
        await gateway.decide(request, "allow")
        await until_true(lambda: not gateway.is_working(thread))
    assert (tmp_path / "work" / "other.txt").read_text() == "hello"


async def test_a_bad_value_is_told_at_its_field_and_nothing_runs(tmp_path: Path) -> None:
    bad = [
        ("event-age", "24 bananas", "one of s, m, h, d, w"),
        ("event-count", "many", "a whole number"),
        ("state-count", "0", "More than zero"),
        ("state-age", "[/nope]", "a number and a unit"),
    ]
    async with gateway_at(tmp_path) as gateway:
        thread = await said(gateway, "list .")
        age_events(tmp_path, newest_kept=0)
        before = counted(tmp_path, thread)
        app = Holder(CompactionScreen(gateway, thread, "list ."))
        async with app.run_test(size=(120, 36)) as pilot:
            await until_true(lambda: said_on(app) == "What would go:")
            for field, value, told in bad:
                at = app.screen.query_one(f"#{field}", LimitField)
                good = at.input.value
                fill(app, field, value)
                await until_true(lambda at=at: at.has_class("-wrong"))
                assert told in str(at.query_one(".error", Static).content)
                assert len(app.screen.query("LimitField.-wrong")) == 1
                await until_true(lambda: "Mend the field" in said_on(app))
                assert not app.screen.query_one("#table").display
                app.screen.query_one("#compact").focus()
                await pilot.press("c")
                assert at.input.has_focus
                assert "Mend the field" in said_on(app)
                fill(app, field, good)
                await until_true(lambda: said_on(app) == "What would go:")
    assert counted(tmp_path, thread) == before


async def test_an_empty_form_leaves_everything_alone(tmp_path: Path) -> None:
    async with gateway_at(tmp_path) as gateway:
        thread = await said(gateway, "list .")
        age_events(tmp_path, newest_kept=0)
        before = counted(tmp_path, thread)
        app = Holder(CompactionScreen(gateway, thread, "list ."))
        async with app.run_test(size=(120, 36)):
            fill(app, "event-age", " ")
            fill(app, "state-count", "")
            await until_true(lambda: "Nothing would be removed" in said_on(app))
            assert table_of(app)["after"] == before


@pytest.mark.parametrize("key", ["n", "escape", "enter"])
async def test_only_a_yes_removes(tmp_path: Path, key: str) -> None:
    async with gateway_at(tmp_path) as gateway:
        thread = await said(gateway, "list .")
        age_events(tmp_path, newest_kept=0)
        before = counted(tmp_path, thread)
        app = Holder(CompactionScreen(gateway, thread, "list ."))
        async with app.run_test(size=(120, 36)) as pilot:
            await until_true(lambda: said_on(app) == "What would go:")
            await pilot.press("y")
            await until_true(lambda: said_on(app) == "What would go:")
            await pilot.press("c")
            await until_true(lambda: "for good?" in said_on(app))
            await pilot.press(key)
            await until_true(lambda: "Nothing was removed" in said_on(app))
            assert not app.outcome
            await pilot.press("escape")
            await until_true(lambda: app.outcome)
        assert counted(tmp_path, thread) == before
        assert await gateway.compactions.past(thread) == []


async def test_a_stopped_compaction_keeps_what_it_removed_removed_and_goes_on_when_asked(
    tmp_path: Path,
) -> None:
    async with gateway_at(tmp_path) as gateway:
        thread = await said(gateway, "list .")
        other = writable(tmp_path / "afk.db")
        with other:
            other.execute(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)"
                " INSERT INTO event (thread_id, type, body, created_at_ms) SELECT ?, 'llm_call', '{}', 1 FROM n",
                (thread,),
            )
        other.close()
        before = counted(tmp_path, thread)
        app = Holder(CompactionScreen(gateway, thread, "list ."))
        async with app.run_test(size=(120, 36)) as pilot:
            await until_true(lambda: table_of(app).get("would be removed") == (20_000, 0))
            await pilot.press("c")
            await until_true(lambda: "for good?" in said_on(app))
            app.screen.query_one("#remove").focus()
            app.screen.action_remove()  # pyright: ignore[reportAttributeAccessIssue]
            await until_true(lambda: "of 20,000 removed; removing events" in said_on(app))
            assert app.screen.query_one(ProgressBar).display
            assert app.screen.query_one(ProgressBar).total == 20_000
            app.screen.action_back()  # pyright: ignore[reportAttributeAccessIssue]
            await until_true(lambda: said_on(app).startswith("Stopped:"))
            left = counted(tmp_path, thread)
            assert before[0] - 20_000 < left[0] < before[0]
            assert f"{before[0] - left[0]:,} records removed" in said_on(app)
            assert table_of(app)["before"] == left
            past = str(app.screen.query_one("#past", Static).content)
            await until_true(
                lambda: "stopped before its end" in str(app.screen.query_one("#past", Static).content)
            )
            assert not app.outcome, past
            await pilot.press("c")
            await until_true(lambda: "for good?" in said_on(app))
            await pilot.press("y")
            await until_true(lambda: said_on(app).startswith("Done:"), deadline_s=20)
            assert counted(tmp_path, thread) == (before[0] - 20_000, before[1])


async def test_a_database_that_is_gone_bad_is_told_and_the_screen_stays(tmp_path: Path) -> None:
    async with gateway_at(tmp_path) as gateway:
        thread = await said(gateway, "list .")
        age_events(tmp_path, newest_kept=0)
        app = Holder(CompactionScreen(gateway, thread, "list ."))
        async with app.run_test(size=(120, 36)) as pilot:
            await until_true(lambda: said_on(app) == "What would go:")
            await pilot.press("c")
            await until_true(lambda: "for good?" in said_on(app))
            other = sqlite3.connect(tmp_path / "afk.db")
            with other:
                other.execute("ALTER TABLE event_row RENAME TO event_away")
            await pilot.press("y")
            await until_true(lambda: "could not be" in str(app.screen.query_one("#error", Static).content))
            assert "Nothing was removed." in said_on(app)
            with other:
                other.execute("ALTER TABLE event_away RENAME TO event_row")
            other.close()
            await pilot.press("u")
            await until_true(lambda: said_on(app) == "What would go:")


@pytest.mark.parametrize("size", [(80, 24), (40, 15), (3, 3), (1, 1)])
async def test_it_can_be_used_at_every_size(tmp_path: Path, size: tuple[int, int]) -> None:
    async with gateway_at(tmp_path) as gateway:
        thread = await said(gateway, "list .")
        age_events(tmp_path, newest_kept=1)
        app = Holder(CompactionScreen(gateway, thread, "list ."))
        async with app.run_test(size=size) as pilot:
            await until_true(lambda: said_on(app) == "What would go:")
            await pilot.press("tab", "shift+tab", "c")
            await until_true(lambda: "for good?" in said_on(app))
            if size[0] >= 40:
                assert "Remove" in app.shown()
                assert "y remove" in app.shown()
            await pilot.press("y")
            await until_true(lambda: said_on(app).startswith("Done:"))
        assert counted(tmp_path, thread)[0] == 1


@pytest.mark.parametrize(
    ("text", "age_ms"),
    [
        ("24h", DAY_MS),
        ("7d", 7 * DAY_MS),
        ("90m", 5_400_000),
        (" 1.5 days ", 129_600_000),
        ("2 weeks", 14 * DAY_MS),
        ("", None),
    ],
)
def test_an_age_is_a_number_and_a_unit(text: str, age_ms: int | None) -> None:
    assert parse_age(text) == age_ms


def test_a_count_may_be_grouped() -> None:
    assert [parse_count(text) for text in ("50", "1,000", "12 000", "")] == [50, 1000, 12000, None]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("24", "Add a unit"),
        ("-3h", "a number and a unit"),
        ("0h", "More than zero"),
        ("99999999999999w", "100 years"),
        ("5 moons", "seconds to weeks"),
    ],
)
def test_what_is_no_age_says_what_to_write(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        parse_age(text)


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "many", "1,00", "9" * 40, "9" * 15])
def test_what_is_no_count_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_count(text)


async def test_what_is_recorded_meanwhile_is_counted_too(tmp_path: Path) -> None:
    async with gateway_at(tmp_path) as gateway:
        thread = await said(gateway, "list .")
        app = Holder(CompactionScreen(gateway, thread, "list ."))
        async with app.run_test(size=(80, 24)):
            await until_true(lambda: table_of(app).get("before") == counted(tmp_path, thread))
            await said(gateway, "list .", thread)
            app.screen.post_message(StoreChanged())
            await until_true(lambda: table_of(app).get("before") == counted(tmp_path, thread))
