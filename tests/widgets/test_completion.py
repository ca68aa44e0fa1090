"""What is being written becomes what it could be."""

from __future__ import annotations

import pytest
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.widgets import Button

from afk_tui.widgets.completion_list import Completion, CompletionList, Token, token_before
from afk_tui.widgets.composer import Composer
from tests.widgets.test_composer import Hands, until

OFFERS = {
    "/": [Completion("/help", "/help"), Completion("/hello", "/hello")],
    "@": [Completion("@src/a.py ", "src/a.py"), Completion('@"b c.py" ', "b c.py")],
}


class Desk(App[None]):
    BINDINGS = [Binding("escape", "stop")]  # noqa: RUF012
    ENABLE_COMMAND_PALETTE = False

    def __init__(self) -> None:
        super().__init__()
        self.tokens: list[Token | None] = []
        self.sent: list[str] = []
        self.stopped = 0
        self.deaf = False

    def compose(self) -> ComposeResult:
        yield CompletionList()
        yield Composer(clock=Hands(), cursor_blink=False)
        yield Button()

    def on_mount(self) -> None:
        self.composer.popup = self.popup
        self.composer.focus()

    @property
    def composer(self) -> Composer:
        return self.query_one(Composer)

    @property
    def popup(self) -> CompletionList:
        return self.query_one(CompletionList)

    def on_composer_token_changed(self, message: Composer.TokenChanged) -> None:
        self.tokens.append(message.token)
        if message.token is None:
            self.popup.hide()
        elif not self.deaf:
            self.popup.show(message.token, OFFERS[message.token.kind])

    def on_composer_submitted(self, message: Composer.Submitted) -> None:
        self.sent.append(message.text)

    def on_completion_list_chosen(self, message: CompletionList.Chosen) -> None:
        self.composer.complete(message.completion.value)

    def action_stop(self) -> None:
        self.stopped += 1


@pytest.mark.parametrize(
    ("line", "token"),
    [
        ("/", Token("/", "", 0, 0)),
        ("/copy-a", Token("/", "copy-a", 0, 0)),
        ("/etc/hosts", None),
        ("see /etc", None),
        ("@", Token("@", "", 0, 0)),
        ("see @src/a", Token("@", "src/a", 0, 4)),
        ('see @"my fi', Token("@", "my fi", 0, 4)),
        ("ada@example.org", None),
        ("(@a", Token("@", "a", 0, 1)),
        ("@a b", None),
        ('@"a b" ', None),
    ],
)
def test_which_words_can_be_completed(line: str, token: Token | None) -> None:
    assert token_before(line, 0, whole=True) == token


def test_a_command_is_all_that_is_written() -> None:
    assert token_before("/help", 0, whole=False) is None


@pytest.mark.parametrize("key", ["tab", "enter"])
async def test_tab_and_enter_take_the_file_that_is_selected_and_send_nothing(key: str) -> None:
    app = Desk()
    async with app.run_test() as pilot:
        await pilot.press(*"see @s")
        await until(pilot, lambda: app.popup.display)
        await pilot.press("down", key)
        assert app.composer.text == 'see @"b c.py" '
        await until(pilot, lambda: not app.popup.display)
        assert app.sent == []
        assert app.composer.has_focus


async def test_enter_does_the_command_that_is_selected_and_tab_only_writes_it() -> None:
    app = Desk()
    async with app.run_test() as pilot:
        await pilot.press("/", "h")
        await until(pilot, lambda: app.popup.is_open)
        await pilot.press("down", "tab")
        assert app.composer.text == "/hello"
        assert (app.sent, app.popup.is_open) == ([], False)
        await pilot.press("enter")
        await until(pilot, lambda: app.sent == ["/hello"])
        await pilot.press("/", "h")
        await until(pilot, lambda: app.popup.is_open)
        await pilot.press("enter")
        await until(pilot, lambda: app.sent == ["/hello", "/help"])


async def test_escape_closes_it_for_this_word_and_does_nothing_else() -> None:
    app = Desk()
    async with app.run_test() as pilot:
        await pilot.press("@", "a")
        await until(pilot, lambda: app.popup.is_open)
        await pilot.press("escape", "b")
        await pilot.pause()
        assert (app.popup.is_open, app.stopped) == (False, 0)
        await pilot.press("escape")
        assert app.stopped == 1
        await pilot.press("space", "@")
        await until(pilot, lambda: app.popup.is_open)


async def test_without_it_tab_moves_the_focus() -> None:
    app = Desk()
    async with app.run_test() as pilot:
        await pilot.press("a", "tab")
        assert not app.composer.has_focus


async def test_what_was_offered_for_another_word_is_not_taken() -> None:
    app = Desk()
    async with app.run_test() as pilot:
        await pilot.press("@", "a")
        await until(pilot, lambda: app.popup.is_open)
        app.deaf = True
        await pilot.press("b", "tab")
        assert app.composer.text == "@ab"
        assert app.composer.has_focus


async def test_a_click_takes_one_and_the_list_scrolls_round_with_the_arrows() -> None:
    app = Desk()
    async with app.run_test(size=(40, 24)) as pilot:
        many = [Completion(f"@{n} ", f"file {n}", "x" * 90) for n in range(30)]
        await pilot.press("@")
        await until(pilot, lambda: app.popup.is_open)
        app.popup.show(app.tokens[-1], many)
        await pilot.pause()
        assert app.popup.size.height == 8
        await pilot.press("up")
        rows = app.popup.render().plain.split("\n")
        assert rows[-1].startswith("file 29")
        assert max(len(row) for row in rows) <= app.popup.size.width
        await pilot.press("down", "down")
        assert app.popup.selected == many[1]
        await pilot.click(CompletionList, offset=(3, 3))
        await until(pilot, lambda: app.composer.text == "@2 ")
