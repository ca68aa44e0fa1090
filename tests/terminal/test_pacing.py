"""When a frame is painted. The timer by which Textual paints never ticks here."""

from __future__ import annotations

import asyncio
import importlib
import pkgutil
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import ClassVar

import pytest
from rich.console import RenderableType
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Input, Static

import afk_tui.screens
from afk_tui.terminal import pacing
from afk_tui.terminal.pacing import PacedApp, PaintsKeys

DEADLINE_S = 20.0


class Room(PaintsKeys, Screen[None]):
    BINDINGS: ClassVar[list[BindingType]] = [Binding("f12", "say('f12')")]

    def action_say(self, text: str) -> None:
        self.query_one(Static).update(text)

    def compose(self) -> ComposeResult:
        yield Input()
        yield Static("before")


class House(PacedApp[None]):
    def __init__(self) -> None:
        super().__init__()
        self.room = Room()
        self.frames = 0

    def get_default_screen(self) -> Room:
        return self.room

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        self.frames += 1
        super()._display(screen, renderable)

    def type(self, *keys: str) -> None:
        for key in keys:
            self.post_message(events.Key(key, key))


async def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.001)


@asynccontextmanager
async def house(monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[House]:
    """The app with its first frame painted."""
    monkeypatch.setattr("textual.screen.UPDATE_PERIOD", 1000.0)
    app = House()
    async with app.run_test() as pilot:
        await until(lambda: app.room.is_mounted and app.room.query_one(Input).has_focus)
        while app.room._dirty_widgets or app.room._layout_required:
            await pilot.pause()
        app.frames = 0
        yield app


async def settled(app: House) -> None:
    """Until every message that is on its way was handled, and the screen was idle after it."""
    for _ in range(3):
        for node in (app, app.room.query_one(Input), app.room.query_one(Static), app.room):
            handled = asyncio.Event()
            node.call_later(handled.set)
            await asyncio.wait_for(handled.wait(), DEADLINE_S)


async def test_what_a_key_does_is_painted_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async with house(monkeypatch) as app:
        app.type("x")
        await until(lambda: app.frames > 0)
        assert app.room.query_one(Input).value == "x"
        assert not app.room._dirty_widgets


async def test_what_a_key_does_on_a_screen_without_focus_is_painted_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # what is spent on a paint of nothing would be missing for what the key does
    monkeypatch.setattr(pacing, "BETWEEN_S", 1000.0)
    async with house(monkeypatch) as app:
        app.room.set_focus(None)
        await settled(app)
        app.room._on_timer_update()  # what the focus changed is painted, as at a tick
        app.is_keyed, app.frames = False, 0
        app.type("f12")
        await until(lambda: app.frames > 0)
        assert app.room.query_one(Static).content == "f12"
        assert not app.room._dirty_widgets


async def test_of_a_batch_of_changes_nothing_is_painted_before_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with house(monkeypatch) as app:
        with app.batch_update():
            app.type("x")
            await until(lambda: app.room.query_one(Input).value == "x")
            await settled(app)
            assert app.frames == 0
        app.room.query_one(Input).refresh()
        await until(lambda: app.frames > 0)


async def test_a_tick_that_comes_amid_a_batch_is_made_up_for(monkeypatch: pytest.MonkeyPatch) -> None:
    async with house(monkeypatch) as app:
        app.room.query_one(Input).cursor_blink = False  # it would make up for it
        app.room.query_one(Static).update("after")
        await settled(app)
        assert app.room._update_timer._active.is_set()
        with app.batch_update():
            app.room._on_timer_update()
            for _ in range(20):  # what was on its way to the screen is over
                await asyncio.sleep(0)
            assert not app.room._update_timer._active.is_set()
        # nothing else happens to the screen: another tick is due all the same
        await until(lambda: app.room._update_timer._active.is_set())
        assert app.room._dirty_widgets


async def test_a_screen_that_another_one_lays_out_still_has_its_next_tick(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As Textual does it with a screen below the one that comes."""
    async with house(monkeypatch) as app:
        app.room.query_one(Input).cursor_blink = False  # it would make up for it
        app.room.refresh(layout=True)
        await settled(app)
        assert app.room._update_timer._active.is_set()
        app.room._screen_resized(app.size)
        assert not app.room._update_timer._active.is_set()
        await until(lambda: app.room._update_timer._active.is_set())


async def test_what_changes_by_itself_is_painted_at_the_next_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    async with house(monkeypatch) as app:
        app.room.query_one(Static).update("after")
        await settled(app)
        assert app.room._dirty_widgets
        assert app.frames == 0


async def test_what_changes_by_itself_does_not_take_the_place_of_a_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with house(monkeypatch) as app:
        app.is_keyed = True  # the key is on its way, and the field has not changed yet
        app.room.query_one(Static).update("after")
        await settled(app)
        assert app.frames == 0
        app.room.query_one(Input).refresh()
        await until(lambda: app.frames > 0)
        assert not app.room._dirty_widgets


async def test_a_burst_of_keys_is_not_painted_key_by_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "BETWEEN_S", 1000.0)
    async with house(monkeypatch) as app:
        app.type(*"a paste without brackets")
        await until(lambda: app.room.query_one(Input).value.endswith("brackets"))
        await settled(app)
        assert app.frames == 1


def test_every_screen_of_the_app_paints_so() -> None:
    for module in pkgutil.iter_modules(afk_tui.screens.__path__):
        importlib.import_module(f"afk_tui.screens.{module.name}")
    kinds, screens = [Screen], list[type]()
    while kinds:
        found = kinds.pop().__subclasses__()
        kinds += found
        screens += [kind for kind in found if kind.__module__.startswith("afk_tui.screens.")]
    assert len(screens) > 15
    assert [kind for kind in screens if not issubclass(kind, PaintsKeys)] == []
