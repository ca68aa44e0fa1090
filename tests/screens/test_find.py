"""Finding: a plain text, in titles and messages, and the way to where it stands."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input, Static

from afk.memory.sqlite import search
from afk_tui.gateway.finding import Hit, Hits
from afk_tui.gateway.gateway import Gateway
from afk_tui.screens.find import FindScreen
from afk_tui.widgets.paged_list import PagedList
from tests.screens.history_kit import Holder, gateway_at, said, until_true
from tests.support.tables import writable


def known(app: Holder) -> str:
    return str(app.screen.query_one("#known", Static).content)


def hits_of(app: Holder) -> PagedList[Hit]:
    return app.screen.query_one("#hits", PagedList)


def add_messages(tmp_path: Path, thread: str, texts: list[str]) -> None:
    other = writable(tmp_path / "afk.db")
    with other:
        other.executemany(
            "INSERT INTO message (thread_id, seq, role, chars, lines, run_id, created_at_ms, text)"
            " VALUES (?, ?, 'assistant', ?, 1, 'run_x', 1, ?)",
            [(thread, 1000 + n, len(text), text) for n, text in enumerate(texts)],
        )
    other.close()


async def settled(app: Holder, text: str, *, everywhere: bool = False) -> None:
    """Wait until what is shown was found for this text."""
    screen = app.screen
    assert isinstance(screen, FindScreen)
    await until_true(lambda: screen.found_for == (text, everywhere) and known(app) != "Searching…")


async def found(gateway: Gateway, text: str) -> list[tuple[str, int | None]]:
    return [(hit.role, hit.seq) for hit in (await gateway.find(text, everywhere=False)).hits]


async def test_enter_leads_to_the_message_that_was_found(tmp_path: Path) -> None:
    async with gateway_at(tmp_path) as gateway:
        thread = await said(gateway, "list .")
        await said(gateway, "read a.txt")
        app = Holder(FindScreen(gateway, False))
        async with app.run_test(size=(120, 36)) as pilot:
            await pilot.press(*"LIST")
            await settled(app, "LIST")
            assert hits_of(app).highlighted is not None
            assert "thread" in app.shown()
            await pilot.press("down")
            await pilot.press("end", "enter")
            await until_true(lambda: app.outcome)
    assert app.outcome[0][0] == thread
    assert isinstance(app.outcome[0][1], int)


async def test_a_title_leads_to_its_thread(tmp_path: Path) -> None:
    async with gateway_at(tmp_path) as gateway:
        thread = await said(gateway, "read a.txt")
        app = Holder(FindScreen(gateway, False))
        async with app.run_test(size=(120, 36)) as pilot:
            await pilot.press(*"read")
            await settled(app, "read")
            await pilot.press("enter")
            await until_true(lambda: app.outcome)
    assert app.outcome == [(thread, None)]


async def test_a_text_is_found_whatever_its_case_and_nothing_in_it_is_a_pattern(tmp_path: Path) -> None:
    async with gateway_at(tmp_path) as gateway:
        thread = await said(gateway, "read a.txt")
        add_messages(tmp_path, thread, ["100% done", "1000 done", "snake_case", "snakeXcase", "back\\slash"])
        assert await found(gateway, "100%") == [("assistant", 1000)]
        assert await found(gateway, "SNAKE_") == [("assistant", 1002)]
        assert await found(gateway, "K\\S") == [("assistant", 1004)]
        assert await found(gateway, "READ A.") == [("thread", None), ("user", 1)]
        assert await found(gateway, "  ") == []


async def test_the_excerpt_shows_the_match_however_late_in_the_message_it_stands(tmp_path: Path) -> None:
    async with gateway_at(tmp_path) as gateway:
        thread = await said(gateway, "read a.txt")
        add_messages(tmp_path, thread, ["lorem ipsum " * 400 + "the Needle\nin \x1b[31mhay" + " dolor" * 400])
        (hit,) = (await gateway.find("needle", everywhere=False)).hits
        assert hit.excerpt[hit.start : hit.end] == "Needle"
        assert hit.excerpt.startswith("…")
        assert "Needle in ␛[31mhay" in hit.excerpt
        for width in (120, 40):
            app = Holder(FindScreen(gateway, False))
            async with app.run_test(size=(width, 15)) as pilot:
                await pilot.press(*"needle")
                await settled(app, "needle")
                assert known(app) == "1 hit"
                assert "Needle" in app.shown()


async def test_other_folders_are_looked_in_only_when_asked(tmp_path: Path) -> None:
    async with gateway_at(tmp_path) as gateway:
        thread = await said(gateway, "read a.txt")
        other = writable(tmp_path / "afk.db")
        with other:
            other.execute("UPDATE thread SET workspace = '/elsewhere'")
        other.close()
        app = Holder(FindScreen(gateway, False))
        async with app.run_test(size=(120, 36)) as pilot:
            await pilot.press(*"read")
            await settled(app, "read")
            assert known(app) == "0 hits"
            assert "F7 looks in every folder" in app.shown()
            await pilot.press("f7")
            await settled(app, "read", everywhere=True)
            await pilot.press("enter")
            await until_true(lambda: app.outcome)
    assert app.outcome == [(thread, None)]


async def test_many_hits_are_cut_and_it_says_so(tmp_path: Path) -> None:
    async with gateway_at(tmp_path) as gateway:
        thread = await said(gateway, "read a.txt")
        add_messages(tmp_path, thread, [f"needle {n}" for n in range(300)])
        app = Holder(FindScreen(gateway, False))
        async with app.run_test(size=(120, 36)) as pilot:
            await pilot.press(*"needle")
            await settled(app, "needle")
            assert known(app).startswith("The first 200 hits")
            assert hits_of(app).count == 200
            assert hits_of(app).highlighted is not None
            await pilot.press(*" 29")
            await settled(app, "needle 29")
            assert known(app) == "11 hits"


async def test_a_search_goes_on_over_its_slices_to_the_oldest_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "SLICE_S", 0.0)
    async with gateway_at(tmp_path) as gateway:
        thread = await said(gateway, "read a.txt")
        add_messages(tmp_path, thread, ["a needle", *(f"hay {n}" for n in range(1000)), "another needle"])
        assert await found(gateway, "needle") == [("assistant", 2001), ("assistant", 1000)]


async def test_enter_before_the_hits_are_there_searches_and_chooses_nothing(tmp_path: Path) -> None:
    async with gateway_at(tmp_path) as gateway:
        await said(gateway, "read a.txt")
        app = Holder(FindScreen(gateway, False))
        async with app.run_test(size=(120, 36)) as pilot:
            await pilot.press(*"read")
            await settled(app, "read")
            app.screen.query_one("#text", Input).value = "no such text"
            app.screen.choose()  # pyright: ignore[reportAttributeAccessIssue]
            await until_true(lambda: known(app) == "0 hits")
            await pilot.press("enter")
            assert not app.outcome
            await pilot.press("escape")
            await until_true(lambda: app.outcome)
    assert app.outcome == [None]


async def test_a_store_that_fails_is_told(tmp_path: Path) -> None:
    async with gateway_at(tmp_path) as gateway:
        await said(gateway, "read a.txt")
        other = writable(tmp_path / "afk.db")
        with other:
            other.execute("ALTER TABLE message_row RENAME TO message_away")
        other.close()
        app = Holder(FindScreen(gateway, False))
        async with app.run_test(size=(120, 36)) as pilot:
            await pilot.press(*"read")
            await until_true(lambda: "could not be" in known(app))
            assert app.screen.query_one("#known").has_class("-error")


@pytest.mark.parametrize("size", [(80, 24), (20, 5), (3, 3), (1, 1)])
async def test_it_stands_every_size(tmp_path: Path, size: tuple[int, int]) -> None:
    async with gateway_at(tmp_path) as gateway:
        await said(gateway, "read a.txt")
        app = Holder(FindScreen(gateway, False))
        async with app.run_test(size=size) as pilot:
            await pilot.press(*"read")
            await settled(app, "read")
            await pilot.press("pagedown", "up", "enter")
            await until_true(lambda: app.outcome)


async def test_what_is_nowhere_as_it_stands_is_found_by_its_words_and_each_is_marked(tmp_path: Path) -> None:
    async with gateway_at(tmp_path) as gateway:
        thread = await said(gateway, "read a.txt")
        add_messages(tmp_path, thread, ["the database was migrated by hand", "a migration"])
        (hit,) = (await gateway.find("migrat database", everywhere=False)).hits
        assert [hit.excerpt[start:end] for start, end in hit.marks] == ["database", "migrat"]
        app = Holder(FindScreen(gateway, False))
        async with app.run_test(size=(120, 36)) as pilot:
            await pilot.press(*"migrat database")
            await settled(app, "migrat database")
            assert known(app) == "1 hit with all of these words; nowhere as it stands."


async def test_hits_are_shown_while_the_search_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "SLICE_S", 0.0)
    async with gateway_at(tmp_path) as gateway:
        thread = await said(gateway, "read a.txt")
        add_messages(tmp_path, thread, [*(f"hay {n}" for n in range(1000)), "the needle"])
        app = Holder(FindScreen(gateway, False))
        async with app.run_test(size=(120, 36)):
            screen = app.screen
            assert isinstance(screen, FindScreen)
            shown: list[int] = []
            show = screen._show

            async def watched(found: Hits) -> None:
                await show(found)
                shown.append(len(found.hits))

            monkeypatch.setattr(screen, "_show", watched)
            # at once: a part of the word, on a slow machine, is searched for too
            screen.query_one("#text", Input).value = "needle"
            await settled(app, "needle")
            assert shown == [1, 1]  # the first as soon as it was found, then all there are


async def test_an_archived_thread_is_found_and_marked_and_a_deleted_one_is_not(tmp_path: Path) -> None:
    async with gateway_at(tmp_path) as gateway:
        kept = await said(gateway, "read a.txt")
        gone = await said(gateway, "read a.txt")
        await gateway.keeping.toggle_archive(kept)
        await gateway.delete_thread(gone)
        app = Holder(FindScreen(gateway, False))
        async with app.run_test(size=(120, 36)) as pilot:
            await pilot.press(*"read a")
            await settled(app, "read a")
            assert {hit.thread_id for hit in (await gateway.find("read a", everywhere=False)).hits} == {kept}
            assert "archived" in app.shown()
