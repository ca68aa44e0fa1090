"""Writing: what sends, what begins a line, and which keys are left to the app."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ClassVar

import pytest
from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.pilot import Pilot

from afk_tui.widgets.composer import BURST_S, Composer

APP_KEYS = "f1,f2,f3,f4,f5,f6,f7,ctrl+c,ctrl+n,ctrl+q,ctrl+r,ctrl+z,escape"


class Hands:
    """A clock of keys: each comes `gap_s` after the one before."""

    def __init__(self) -> None:
        self.gap_s = 1.0
        self.now_s = 0.0

    def __call__(self, event: events.Key) -> float:
        self.now_s += self.gap_s
        return self.now_s


class Desk(App[None]):
    BINDINGS: ClassVar[list[BindingType]] = [Binding(key, f"pressed('{key}')") for key in APP_KEYS.split(",")]
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self.hands = Hands()
        self.start = text
        self.sent: list[str] = []
        self.empties = 0
        self.drafts: list[str] = []
        self.keys: list[str] = []

    def compose(self) -> ComposeResult:
        yield Composer(self.start, placeholder="[/nope] ask", clock=self.hands, cursor_blink=False)

    @property
    def composer(self) -> Composer:
        return self.query_one(Composer)

    def on_composer_submitted(self, message: Composer.Submitted) -> None:
        self.sent.append(message.text)

    def on_composer_empty_submitted(self) -> None:
        self.empties += 1

    def on_composer_draft_changed(self, message: Composer.DraftChanged) -> None:
        self.drafts.append(message.text)

    def action_pressed(self, key: str) -> None:
        self.keys.append(key)


async def until(pilot: Pilot[None], holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        await pilot.pause()


async def test_enter_sends_what_was_written_and_empties_the_composer() -> None:
    app = Desk()
    async with app.run_test() as pilot:
        await pilot.press("h", "i", "enter")
        await until(pilot, lambda: app.sent == ["hi"])
        assert app.composer.draft == ""
        assert app.drafts == ["h", "hi"]


async def test_enter_on_an_empty_composer_is_told_apart_and_sends_nothing() -> None:
    app = Desk()
    async with app.run_test() as pilot:
        await pilot.press("enter", "space", "enter")
        await until(pilot, lambda: app.empties == 2)
        assert app.sent == []


@pytest.mark.parametrize("key", ["ctrl+j", "shift+enter"])
async def test_a_new_line_is_a_key_of_its_own(key: str) -> None:
    app = Desk()
    async with app.run_test() as pilot:
        await pilot.press("a", key, "b", "enter")
        await until(pilot, lambda: app.sent == ["a\nb"])


async def test_a_backslash_before_enter_becomes_a_new_line() -> None:
    app = Desk()
    async with app.run_test() as pilot:
        await pilot.press("a", "backslash", "enter", "b")
        await until(pilot, lambda: app.composer.draft == "a\nb")
        assert app.sent == []
        await pilot.press("enter")
        await until(pilot, lambda: app.sent == ["a\nb"])


async def test_an_enter_inside_a_burst_of_keys_is_a_paste_and_sends_nothing() -> None:
    app = Desk()
    async with app.run_test() as pilot:
        app.hands.gap_s = BURST_S / 10
        await pilot.press("r", "m", "enter", "l", "s", "enter")
        await until(pilot, lambda: app.composer.draft == "rm\nls\n")
        app.hands.gap_s = BURST_S * 2
        await pilot.press("enter")
        await until(pilot, lambda: app.sent == ["rm\nls\n"])


async def test_keys_are_timed_when_they_are_read_not_when_a_busy_app_gets_to_them() -> None:
    app = Desk()
    async with app.run_test() as pilot:
        app.composer._clock = Composer()._clock
        typed = [events.Key("a", "a"), events.Key("enter", "\r")]
        typed[1].time = typed[0].time + 0.2
        for event in typed:
            app.composer.post_message(event)
        await until(pilot, lambda: app.sent == ["a"])


async def test_a_paste_is_inserted_whole_with_what_hides_in_it_made_visible() -> None:
    app = Desk()
    async with app.run_test() as pilot:
        app.composer.post_message(events.Paste("one\r\ntwo\rthree\n\ttab \x1b[2J\u202e"))
        await until(pilot, lambda: app.composer.draft == "one\ntwo\nthree\n\ttab ␛[2J⟨U+202E⟩")
        assert app.sent == []


async def test_a_paste_of_half_a_megabyte_arrives_whole() -> None:
    app = Desk()
    text = "a line of words and [brackets]\n" * 16_000
    async with app.run_test() as pilot:
        app.composer.post_message(events.Paste(text))
        await until(pilot, lambda: app.composer.draft == text)
        await pilot.press("enter")
        await until(pilot, lambda: app.sent == [text])


async def test_keys_of_the_app_reach_it_with_the_composer_focused() -> None:
    app = Desk("draft")
    async with app.run_test() as pilot:
        assert app.focused is app.composer
        await pilot.press(*APP_KEYS.split(","))
        await until(pilot, lambda: app.keys == APP_KEYS.split(","))
        assert app.composer.draft == "draft"
        assert app.composer.selection.is_empty


async def test_undo_is_on_ctrl_underscore() -> None:
    app = Desk()
    async with app.run_test() as pilot:
        await pilot.press("a")
        await until(pilot, lambda: app.composer.draft == "a")
        await pilot.press("ctrl+underscore")
        await until(pilot, lambda: app.composer.draft == "")
        assert app.drafts == ["a", ""]


async def test_the_composer_grows_to_eight_lines_and_then_scrolls() -> None:
    app = Desk()
    async with app.run_test(size=(60, 30)) as pilot:
        await until(pilot, lambda: app.composer.content_size.height == 1)
        app.composer.set_draft("\n".join("abcde"))
        await until(pilot, lambda: app.composer.content_size.height == 5)
        app.composer.set_draft("\n".join("abcdefghijkl"))
        await until(pilot, lambda: app.composer.content_size.height == 8)
        await until(pilot, lambda: app.composer.scroll_offset.y == 4)
        app.composer.set_draft("")
        await until(pilot, lambda: app.composer.content_size.height == 1)


async def test_a_draft_that_is_put_back_is_no_change() -> None:
    app = Desk()
    async with app.run_test() as pilot:
        app.composer.set_draft("kept\nfrom before")
        await pilot.press("!")
        await until(pilot, lambda: app.composer.draft == "kept\nfrom before!")
        assert app.drafts == ["kept\nfrom before!"]


async def test_a_draft_that_may_not_be_sent_is_kept() -> None:
    app = Desk()
    async with app.run_test() as pilot:
        app.composer.can_submit = False
        await pilot.press("a", "enter", "b")
        await until(pilot, lambda: app.composer.draft == "ab")
        assert app.sent == []


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (3, 1), (20, 5)])
async def test_it_stands_a_terminal_of_any_size(size: tuple[int, int]) -> None:
    app = Desk("日本 [/nope]\x1b")
    async with app.run_test(size=size) as pilot:
        await pilot.press("a", "ctrl+j", "b")
        await until(pilot, lambda: app.composer.draft == "a\nb日本 [/nope]\x1b")
        await pilot.resize_terminal(80, 24)
        await pilot.press("enter")
        await until(pilot, lambda: len(app.sent) == 1)
