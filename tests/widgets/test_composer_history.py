"""Going back to what was sent, from the first line and to the last."""

from __future__ import annotations

from textual.app import App, ComposeResult

from afk_tui.widgets.composer import Composer
from tests.widgets.test_composer import Hands, until


class Desk(App[None]):
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, *sent: str) -> None:
        super().__init__()
        self.sent = list(sent)
        self.asked = 0
        self.drafts: list[str] = []
        self.pages: list[int] = []

    def compose(self) -> ComposeResult:
        yield Composer(clock=Hands(), cursor_blink=False)

    @property
    def composer(self) -> Composer:
        return self.query_one(Composer)

    def on_composer_history_asked(self) -> None:
        self.asked += 1
        self.composer.begin_history(list(reversed(self.sent)))

    def on_composer_submitted(self, message: Composer.Submitted) -> None:
        self.sent.append(message.text)

    def on_composer_draft_changed(self, message: Composer.DraftChanged) -> None:
        self.drafts.append(message.text)

    def on_composer_page_asked(self, message: Composer.PageAsked) -> None:
        self.pages.append(message.direction)


async def test_up_shows_what_was_sent_the_newest_first_and_down_comes_back_to_the_draft() -> None:
    app = Desk("first", "second")
    async with app.run_test() as pilot:
        await pilot.press(*"draft", "up")
        await until(pilot, lambda: app.composer.text == "second")
        await pilot.press("up")
        assert app.composer.text == "first"
        await pilot.press("up")
        assert app.composer.text == "first"
        await pilot.press("down", "down")
        assert app.composer.text == "draft"
        assert app.asked == 1


async def test_the_draft_is_what_is_kept_while_one_only_looks() -> None:
    app = Desk("first")
    async with app.run_test() as pilot:
        await pilot.press("d", "up")
        await until(pilot, lambda: app.composer.text == "first")
        assert app.composer.kept_draft == "d"
        assert app.drafts == ["d"]
        await pilot.press("x")
        await until(pilot, lambda: app.drafts == ["d", "firstx"])
        assert app.composer.kept_draft == "firstx"


async def test_what_was_changed_on_the_way_is_still_there_on_the_way_back() -> None:
    app = Desk("first", "second")
    async with app.run_test() as pilot:
        await pilot.press("up")
        await until(pilot, lambda: app.composer.text == "second")
        await pilot.press("!", "up", "down")
        assert app.composer.text == "second!"
        await pilot.press("down")
        assert app.composer.text == ""


async def test_inside_a_draft_of_several_lines_the_arrows_move_the_cursor() -> None:
    app = Desk("sent\nbefore")
    async with app.run_test() as pilot:
        await pilot.press("a", "ctrl+j", "b", "up")
        assert app.asked == 0
        await pilot.press("up")
        await until(pilot, lambda: app.composer.text == "sent\nbefore")
        assert app.composer.cursor_location[0] == 0
        await pilot.press("down")
        assert app.composer.text == "sent\nbefore"
        await pilot.press("down")
        assert app.composer.text == "a\nb"


async def test_a_line_that_is_wrapped_is_several_lines_for_the_arrows() -> None:
    app = Desk("sent")
    async with app.run_test(size=(30, 10)) as pilot:
        app.composer.set_draft("many words " * 6)
        await pilot.press("up")
        assert app.asked == 0
        await pilot.press("up", "up")
        await until(pilot, lambda: app.composer.text == "sent")


async def test_sending_begins_anew_with_what_was_sent_just_now() -> None:
    app = Desk("first")
    async with app.run_test() as pilot:
        await pilot.press("up")
        await until(pilot, lambda: app.composer.text == "first")
        await pilot.press("!", "enter", "up")
        await until(pilot, lambda: app.composer.text == "first!")


async def test_page_keys_of_a_short_draft_are_for_the_conversation() -> None:
    app = Desk()
    async with app.run_test() as pilot:
        await pilot.press("a", "pageup", "pagedown")
        await until(pilot, lambda: app.pages == [-1, 1])
        app.composer.set_draft("line\n" * 40)
        await pilot.press("pageup")
        await pilot.pause()
        assert app.pages == [-1, 1]
        assert app.composer.cursor_location[0] < 40
