"""The screen of a whole result: 8 MB open at once, and every place of it can be reached."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from afk.memory import MemoryStore, SQLiteMemoryStore
from afk.memory.sqlite.connection import Connection
from afk_tui.gateway.outputs import LongResults
from afk_tui.screens.output import OutputScreen
from afk_tui.widgets.output_view import KEPT_PIECES, OutputView
from tests.memory.contract_outputs import keep
from tests.screens.stage import Stage, plain_text, until

BIG = "".join(f"{n} of the big log, which goes on\n" for n in range(1, 220_001))
LOG = "".join(f"{n} of the log\n" for n in range(1, 3_001))
HOSTILE = "\x1b[2J\x07[red]\u202eevil[/nope]\n" * 2_000


@asynccontextmanager
async def opened(
    store: MemoryStore, *texts: str, size: tuple[int, int] = (100, 30), named: int | None = None
) -> AsyncGenerator[tuple[Pilot[None], OutputScreen], None]:
    """The screen on a thread with these results."""
    await store.open()
    try:
        shas = [await keep(store, text, f"run_{n}") for n, text in enumerate(texts)]
        screen = OutputScreen(LongResults(store), "th", None if named is None else shas[named])
        app = Stage(screen)
        async with app.run_test(size=size) as pilot:
            await until(pilot, lambda: " · " in plain_text(app) or not texts)
            yield pilot, screen
    finally:
        await store.close()


@pytest.fixture
def store(tmp_path: Path) -> MemoryStore:
    return SQLiteMemoryStore(tmp_path / "afk.db")


def shown(pilot: Pilot[None]) -> str:
    return plain_text(pilot.app)


async def type_in(pilot: Pilot[None], key: str, text: str) -> None:
    await pilot.press(key)
    await until(pilot, lambda: isinstance(pilot.app.focused, Input))
    pilot.app.screen.query_one("#typed", Input).value = text
    await pilot.press("enter")


async def test_eight_megabytes_open_where_they_begin_and_little_of_them_is_read(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(store, BIG) as (pilot, screen):
        assert "1  1 of the big log" in shown(pilot)
        assert "of 220,000 lines · " in shown(pilot)
        view = screen.query_one(OutputView)
        assert sum(len(piece.text) for piece in view._near) < 200_000
        read: list[int] = []
        whole = Connection.read

        async def counting(self: Connection, *args: object, **kwargs: object) -> object:
            found = await whole(self, *args, **kwargs)  # pyright: ignore[reportArgumentType]
            read.append(len(getattr(found, "text", "")))
            return found

        monkeypatch.setattr(Connection, "read", counting)
        await pilot.press("end")
        await until(pilot, lambda: "220000 of the big log" in shown(pilot))
        assert sum(read) < 300_000
        for _ in range(3):
            await pilot.press("pageup")
        await until(pilot, lambda: "219900 of the big log" in shown(pilot))
        await pilot.press("home")
        await until(pilot, lambda: "1  1 of the big log" in shown(pilot))


async def test_what_was_passed_over_is_forgotten(store: MemoryStore) -> None:
    async with opened(store, BIG) as (pilot, screen):
        view = screen.query_one(OutputView)
        for _ in range(400):
            await view.action_page(1)
        assert len(view._near) <= 2 * KEPT_PIECES
        assert view._near[0].offset > 0
        await pilot.press("down")
        await until(pilot, lambda: f"{view._near[view._top].line} of the big log" in shown(pilot))
        for _ in range(401):
            await view.action_page(-1)
        await until(pilot, lambda: "1  1 of the big log" in shown(pilot))


async def test_a_line_is_gone_to_by_its_number(store: MemoryStore) -> None:
    async with opened(store, BIG) as (pilot, _):
        await type_in(pilot, "g", "150,000")
        await until(pilot, lambda: "150000  150000 of the big log" in shown(pilot))
        await type_in(pilot, "g", "999999999")
        await until(pilot, lambda: "the last one is 220,000" in shown(pilot))
        assert "220000 of the big log" in shown(pilot)
        await type_in(pilot, "g", "nowhere")
        await until(pilot, lambda: "nowhere is no line's number." in shown(pilot))


async def test_a_search_goes_on_both_ways_and_around(store: MemoryStore) -> None:
    async with opened(store, BIG) as (pilot, _):
        await type_in(pilot, "slash", "99999 OF THE")
        await until(pilot, lambda: "line 99,999" in shown(pilot))
        assert "99999 of the big log" in shown(pilot)
        await pilot.press("n")
        await until(pilot, lambda: "line 199,999" in shown(pilot))
        await pilot.press("n")
        await until(pilot, lambda: "line 99,999 · from the start on" in shown(pilot))
        await pilot.press("N")
        await until(pilot, lambda: "line 199,999 · from the end on" in shown(pilot))
        await type_in(pilot, "ctrl+f", "[/no such thing]")
        await until(pilot, lambda: "Nothing here holds “[/no such thing]”." in shown(pilot))


async def test_a_line_of_megabytes_is_wrapped_and_its_end_can_be_seen(store: MemoryStore) -> None:
    text = "".join(f"<{n}>" for n in range(300_000)) + "the very end"
    async with opened(store, text) as (pilot, _):
        assert "1  <0><1>" in shown(pilot)
        await pilot.press("end")
        await until(pilot, lambda: "the very end" in shown(pilot))
        await type_in(pilot, "slash", "<150000>")
        await until(pilot, lambda: "<150000>" in shown(pilot) and "line 1" in shown(pilot))


async def test_escape_closes_what_is_open_first(store: MemoryStore) -> None:
    async with opened(store, LOG) as (pilot, screen):
        await pilot.press("slash")
        await until(pilot, lambda: isinstance(pilot.app.focused, Input))
        await pilot.press("escape")
        assert pilot.app.screen is screen
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is not screen)


async def test_the_last_result_is_shown_and_the_others_are_a_key_away(store: MemoryStore) -> None:
    async with opened(store, LOG, BIG) as (pilot, _):
        assert "2 of 2" in shown(pilot)
        await pilot.press("left_square_bracket")
        await until(pilot, lambda: "1 of 2" in shown(pilot) and "of 3,000 lines" in shown(pilot))
        await pilot.press("left_square_bracket")
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: "2 of 2" in shown(pilot))


async def test_the_result_that_is_named_is_shown(store: MemoryStore) -> None:
    async with opened(store, LOG, BIG, named=0) as (pilot, _):
        assert "1 of 2" in shown(pilot)


async def test_without_a_long_result_it_says_so(store: MemoryStore) -> None:
    async with opened(store) as (pilot, _):
        await until(pilot, lambda: "No result of this thread is longer" in shown(pilot))
        for key in ("slash", "g", "n", "N", "c", "C", "left_square_bracket", "down", "end"):
            await pilot.press(key)


async def test_what_is_shown_and_all_of_it_can_be_copied(store: MemoryStore) -> None:
    async with opened(store, LOG, size=(60, 12)) as (pilot, _):
        await pilot.press("c")
        await until(pilot, lambda: "Copied what is shown." in shown(pilot))
        assert pilot.app.clipboard.splitlines()[:2] == ["1 of the log", "2 of the log"]
        assert len(pilot.app.clipboard.splitlines()) < 12
        await pilot.press("C")
        await until(pilot, lambda: "Copied all" in shown(pilot))
        assert pilot.app.clipboard == LOG


async def test_too_much_for_a_clipboard_says_what_to_do(store: MemoryStore) -> None:
    async with opened(store, BIG) as (pilot, _):
        await pilot.press("C")
        await until(pilot, lambda: "afk-tui export --format json" in shown(pilot))
        assert pilot.app.clipboard == ""


async def test_the_wheel_and_the_bar_move_too(store: MemoryStore) -> None:
    async with opened(store, BIG) as (pilot, screen):
        view = screen.query_one(OutputView)
        await pilot.click(view, offset=(view.size.width - 1, view.size.height // 2))
        await until(pilot, lambda: 100_000 < view._told[0] < 130_000)
        before = view._told[0]
        view.post_message(_wheel(view))
        await until(pilot, lambda: view._told[0] == before + 3)


def _wheel(view: OutputView):
    from textual.events import MouseScrollDown

    return MouseScrollDown(view, 1, 1, 0, 1, 0, False, False, False)


@pytest.mark.parametrize("size", [(80, 24), (40, 10), (20, 5), (3, 3), (1, 1)])
async def test_it_fits_any_terminal_and_hostile_text_is_text(
    store: MemoryStore, size: tuple[int, int]
) -> None:
    await store.open()
    await keep(store, HOSTILE)
    screen = OutputScreen(LongResults(store), "th")
    app = Stage(screen)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: bool(screen.query_one(OutputView)._near))
        await pilot.press("end", "pageup", "down", "home", "space")
        await pilot.resize_terminal(max(1, size[0] - 1), size[1])
        await pilot.pause()
        assert not set("\x1b\x07\u202e") & set(shown(pilot))
        if size[0] >= 80:
            assert "␛[2J␇[red]⟨U+202E⟩evil[/nope]" in shown(pilot)
    await store.close()


async def test_a_damaged_result_says_so_and_what_is_there_is_shown(store: MemoryStore) -> None:
    await store.open()
    await keep(store, BIG)
    connection: Connection = store._connection  # pyright: ignore[reportAttributeAccessIssue]
    await connection.write(
        "NORMAL",
        lambda db: db.execute("DELETE FROM output_part WHERE first_char > 100000 AND first_char < 400000"),
    )
    app = Stage(OutputScreen(LongResults(store), "th"))
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: "1 of the big log" in shown(pilot))
        await type_in(pilot, "g", "6000")
        await until(pilot, lambda: "is damaged:" in shown(pilot))
        await pilot.press("end")
        await until(pilot, lambda: "220000 of the big log" in shown(pilot))
    await store.close()
