"""The keys in the last line and in a frame: what fits, and what a click on them does."""

from __future__ import annotations

import pytest
from textual import events
from textual.app import App, ComposeResult
from textual.containers import Vertical
from textual.pilot import Pilot

from afk_tui.widgets.key_hints import KeyHints, PressesKeys, frame_hints

HINTS = (("esc", "close"), ("n N", "next, before"), ("/", "search"), ("[ ]", "others"))


class Room(PressesKeys, App[None]):
    """A frame with hints and a line of them; notes the keys that are pressed and the hints that are told of."""

    CSS = "#box { border: round; height: 5; }"

    def __init__(self, *, presses: bool) -> None:
        super().__init__()
        self._presses = presses
        self.pressed: list[str] = []
        self.told: list[str] = []

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_subtitle = frame_hints(("x", "take it back"), ("", "only said"), ("esc", "close"))
        yield KeyHints(more=("f1", "all keys"), presses=self._presses)

    def on_mount(self) -> None:
        self.query_one(KeyHints).hints = HINTS

    def on_key(self, event: events.Key) -> None:
        self.pressed.append(event.key)

    def on_key_hints_clicked(self, event: KeyHints.Clicked) -> None:
        self.told.append(event.key)

    @property
    def lines(self) -> list[str]:
        return [strip.text.rstrip() for strip in self.screen._compositor.render_strips()]


async def click(pilot: Pilot[None], app: Room, words: str) -> None:
    """Click on the first character of these words."""
    [(row, column)] = [(y, line.index(words)) for y, line in enumerate(app.lines) if words in line]
    await pilot.click(offset=(column, row))
    await pilot.pause()


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (80, "esc close   n N next, before   / search   [ ] others"),
        (54, "esc close   n N next, before   / search   [ ] others"),
        (53, "esc close   n N next, before   f1 all keys"),
        (44, "esc close   n N next, before   f1 all keys"),
        (43, "esc close   f1 all keys"),
    ],
)
async def test_what_has_no_room_makes_way_for_where_all_keys_are(width: int, shown: str) -> None:
    app = Room(presses=True)
    async with app.run_test(size=(width, 10)) as pilot:
        await pilot.pause()
        assert app.lines[5] == f" {shown}"


async def test_a_click_presses_the_key_that_it_is_on() -> None:
    app = Room(presses=True)
    async with app.run_test(size=(80, 10)) as pilot:
        for words in ("n N next", "N next", "next, before", "/ search", "] others", "[ ] others"):
            await click(pilot, app, words)
        assert app.pressed == ["n", "N", "n", "slash", "right_square_bracket", "left_square_bracket"]
        assert app.told == []


async def test_a_screen_may_do_itself_what_is_clicked() -> None:
    app = Room(presses=False)
    async with app.run_test(size=(80, 10)) as pilot:
        await click(pilot, app, "N next")
        assert (app.pressed, app.told) == ([], ["N"])


async def test_a_click_on_a_frame_presses_the_key_and_what_is_only_said_does_nothing() -> None:
    app = Room(presses=True)
    async with app.run_test(size=(80, 10)) as pilot:
        for words in ("take it", "only said", "close ─"):
            await click(pilot, app, words)
        assert app.pressed == ["x", "escape"]
