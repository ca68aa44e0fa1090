"""Large pastes: a line stands for them, and all of it is sent."""

from __future__ import annotations

import pytest
from textual import events
from textual.app import App, ComposeResult

from afk_tui.widgets.composer import Composer
from afk_tui.widgets.composer_pastes import FOLD_CHARS, FOLD_LINES, UNFOLD_CHARS
from tests.widgets.test_composer import Hands, until

LARGE = "a line of words and [brackets]\tand a tab\n" * 25_000


class Desk(App[None]):
    ENABLE_COMMAND_PALETTE = False

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[str] = []
        self.drafts: list[str] = []
        self.shown: list[str] = []

    def compose(self) -> ComposeResult:
        yield Composer(clock=Hands(), cursor_blink=False)

    @property
    def composer(self) -> Composer:
        return self.query_one(Composer)

    def on_composer_submitted(self, message: Composer.Submitted) -> None:
        self.sent.append(message.text)

    def on_composer_draft_changed(self, message: Composer.DraftChanged) -> None:
        self.drafts.append(message.text)

    def on_composer_paste_shown(self, message: Composer.PasteShown) -> None:
        self.shown.append(message.text)


async def paste(app: Desk, pilot, text: str) -> None:
    before = app.composer.text
    app.composer.post_message(events.Paste(text))
    await until(pilot, lambda: app.composer.text != before)


async def test_a_megabyte_is_one_line_in_the_composer_and_sent_whole() -> None:
    app = Desk()
    async with app.run_test() as pilot:
        await pilot.press(*"see: ")
        await paste(app, pilot, LARGE)
        assert app.composer.text == "see: [pasted 1: 25,000 lines · ctrl+o]"
        await pilot.press(*" ok", "enter")
        await until(pilot, lambda: app.sent == [f"see: {LARGE} ok"])


@pytest.mark.parametrize("text", ["x" * FOLD_CHARS, "\n" * (FOLD_LINES - 1)])
async def test_what_one_still_reads_where_one_writes_is_not_folded(text: str) -> None:
    app = Desk()
    async with app.run_test() as pilot:
        await paste(app, pilot, text)
        assert app.composer.text == text
        app.composer.clear()
        await paste(app, pilot, text + "\nx")
        assert app.composer.text.startswith("[pasted 1: ")


async def test_it_goes_whole_and_nothing_is_written_inside_it() -> None:
    app = Desk()
    async with app.run_test() as pilot:
        await pilot.press(*"ab")
        await paste(app, pilot, LARGE)
        await pilot.press("left", "left", "x")
        assert app.composer.draft == f"ab{LARGE}x"
        await pilot.press("left", "backspace")
        assert app.composer.text == "abx"
        await pilot.press("ctrl+underscore")
        assert app.composer.draft == f"ab{LARGE}x"


async def test_a_draft_that_was_kept_is_folded_again_where_it_was_folded() -> None:
    app = Desk()
    async with app.run_test() as pilot:
        await pilot.press(*"see: ")
        await paste(app, pilot, LARGE)
        await pilot.press(*"!")
        await until(pilot, lambda: bool(app.drafts) and app.drafts[-1].endswith("!"))
        kept = app.drafts[-1]
        assert kept == app.composer.kept_draft
        app.composer.set_draft("")
        app.composer.set_draft(kept)
        assert app.composer.text == "see: [pasted 2: 25,000 lines · ctrl+o]!"
        assert app.composer.draft == f"see: {LARGE}!"


async def test_a_large_draft_from_elsewhere_is_folded_too() -> None:
    app = Desk()
    async with app.run_test():
        app.composer.set_draft(LARGE)
        assert app.composer.text.startswith("[pasted 1: ")
        assert app.composer.draft == LARGE


async def test_it_is_unfolded_where_it_stands_or_shown_if_it_is_too_large_for_that() -> None:
    app = Desk()
    middle = "a line\n" * (UNFOLD_CHARS // 10)
    async with app.run_test() as pilot:
        await paste(app, pilot, middle)
        assert app.composer.text.startswith("[pasted 1")
        await pilot.press("ctrl+o")
        assert app.composer.text == middle
        app.composer.clear()
        await paste(app, pilot, LARGE)
        await pilot.press("ctrl+o")
        await until(pilot, lambda: app.shown == [LARGE])
        assert app.composer.text.startswith("[pasted 2")


async def test_a_line_that_only_looks_like_one_is_text() -> None:
    app = Desk()
    async with app.run_test() as pilot:
        await paste(app, pilot, LARGE)
        app.composer.clear()
        await pilot.press(*"[pasted 9: x]", "enter")
        await until(pilot, lambda: app.sent == ["[pasted 9: x]"])


async def test_a_composer_grows_up_to_eight_lines_and_then_scrolls() -> None:
    app = Desk()
    async with app.run_test(size=(60, 30)) as pilot:
        for lines, height in ((1, 1), (5, 5), (8, 8), (30, 8)):
            app.composer.set_draft("\n".join(["x"] * lines))
            await pilot.pause()
            assert app.composer.size.height == height
        assert app.composer.scroll_offset.y > 0
