"""The first moments: what is pressed before the conversation can be shown."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from rich.console import RenderableType
from textual import events
from textual.screen import Screen

from afk.llms.demo import DemoModel
from afk_tui.app import AfkApp
from afk_tui.gateway.gateway import Gateway
from afk_tui.gateway.settings import Settings, build
from afk_tui.user_config import UserConfig
from tests.memory.test_version_9 import make_version_9


@pytest.fixture
def held(monkeypatch) -> asyncio.Event:
    """No database is open before this is set."""
    go = asyncio.Event()
    opened = Gateway.open

    async def slowly(gateway: Gateway) -> None:
        await go.wait()
        await opened(gateway)

    monkeypatch.setattr(Gateway, "open", slowly)
    return go


async def test_what_is_typed_while_the_app_starts_is_in_the_composer(start, held) -> None:
    async with start(ready=False) as driven:
        await driven.until(lambda: driven.app.screen is driven.main, "the main screen")
        said = driven.notices()
        await driven.pilot.press("l", "i", "ctrl+n", "f5", "s", "t")
        held.set()
        await driven.until(lambda: driven.app.main.has_begun, "the app to be ready")
        assert driven.main.composer.draft == "list"
        assert said == []
        await driven.pilot.press("enter")
        await driven.until_shown("a.txt")


class Hasty(AfkApp):
    """Somebody types before there is anything to type into. `frames`: the draft at each frame."""

    def __init__(self, folder: Path, keys: Sequence[str]) -> None:
        settings = Settings(workspace=folder, db=folder / "afk.db", demo=True, trust=True)
        super().__init__(settings, gateway=Gateway(build(settings, llm=DemoModel())), config=UserConfig())
        self.frames: list[str] = []
        self.keys = keys

    def on_load(self) -> None:
        for key in self.keys:
            self.post_message(events.Key(key, key if len(key) == 1 else None))

    def on_mount(self) -> None:
        self.post_message(events.Paste(" it"))
        self.call_later(self.post_message, events.Key("!", "!"))

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        if renderable is not None:
            self.frames.append(self.main.composer.draft)
        super()._display(screen, renderable)


async def test_what_is_typed_before_the_first_frame_is_in_it(tmp_path: Path) -> None:
    app = Hasty(tmp_path, ("l", "i", "x", "backspace", "s", "t"))
    async with app.run_test(size=(110, 34)) as pilot:
        while not app.frames:
            await pilot.pause()
        assert app.frames[0].startswith("list")
        while not app.main.has_begun:
            await pilot.pause(0.01)
        # in the order in which it was typed, what came once the composer was there too
        assert app.main.composer.draft == "list it!"
        assert app.bugs == []


async def test_what_is_typed_once_the_composer_is_there_stands_behind_what_was_typed_before(
    tmp_path: Path,
) -> None:
    app = Hasty(tmp_path, ("l", "i"))

    async def go_on_typing() -> None:
        while app.main.focused is None:
            await asyncio.sleep(0)
        for key in "st":
            app.post_message(events.Key(key, key))

    typing = asyncio.create_task(go_on_typing())
    async with app.run_test(size=(110, 34)) as pilot:
        await typing
        while not app.main.has_begun:
            await pilot.pause(0.01)
        assert sorted(app.main.composer.draft) == sorted("list it!")
        assert app.main.composer.draft.startswith("li")


@pytest.mark.parametrize(
    "key", ["/", "@", "tab", "up", "down", "pageup", "escape", "end", "f1", "f2", "f3", "f8", "ctrl+c"]
)
async def test_any_key_may_be_the_first(tmp_path: Path, key: str) -> None:
    app = Hasty(tmp_path, (key, "x"))
    async with app.run_test(size=(110, 34)) as pilot, asyncio.timeout(60):
        while not app.main.has_begun:
            await pilot.pause(0.01)
        assert app.bugs == []
        assert app.frames


async def test_what_is_sent_while_the_app_starts_goes_once_the_conversation_is_shown(start, held) -> None:
    async with start(ready=False) as driven:
        await enter(driven, "list")
        await driven.pilot.press("n", "e", "x", "t")
        assert driven.main.composer.draft == "next"
        held.set()
        await driven.until_shown("a.txt")
        assert driven.main.composer.draft == "next"


async def test_what_is_sent_before_the_question_of_trust_is_a_draft_and_not_sent(start, held) -> None:
    async with start(trust=False) as driven:
        await enter(driven, "list")
        held.set()
        await driven.until_screen("TrustScreen")
        await driven.until(lambda: driven.app.screen.is_ready, "the end of its deafness")
        await driven.pilot.press("y")
        await driven.until(lambda: driven.main.has_begun, "the app to be ready")
        assert driven.main.composer.draft == "list"
        assert await driven.main.gateway.threads(everywhere=True).count() == 0


async def enter(driven, text: str) -> None:
    """Type and send it while nothing is open yet."""
    await driven.until(lambda: driven.app.focused is driven.main.composer, "the composer")
    await driven.pilot.press(*text)
    driven.main.composer._last_key_s = float("-inf")  # no paste
    await driven.pilot.press("enter")
    await driven.until(lambda: driven.main.composer.draft == "", "it to be sent")


async def test_what_is_typed_at_a_start_goes_behind_the_draft_that_was_left(start, held) -> None:
    held.set()
    async with start() as driven:
        await driven.pilot.press("o", "n", "e", " ")
        await driven.pilot.press("ctrl+q")
        await driven.until_left()
    held.clear()
    async with start(ready=False) as driven:
        await driven.until(lambda: driven.app.focused is driven.main.composer, "the composer")
        await driven.pilot.press("t", "w", "o")
        held.set()
        await driven.until(lambda: driven.main.has_begun, "the app to be ready")
        assert driven.main.composer.draft == "one two"
        await driven.pilot.press("ctrl+q")
        await driven.until_left()
    async with start() as driven:
        assert driven.main.composer.draft == "one two"


async def test_the_app_can_be_left_before_anything_is_loaded(start, held) -> None:
    async with start(ready=False) as driven:
        await driven.until(lambda: driven.app.focused is driven.main.composer, "the composer")
        await driven.pilot.press("x", "ctrl+q")
        await driven.until_left()
        assert driven.app.return_code in (None, 0)
        held.set()


async def test_that_the_database_got_another_format_is_told_with_where_it_is_as_it_was(
    start, tmp_path: Path
) -> None:
    make_version_9(tmp_path / "afk.db")
    async with start() as driven:
        await driven.until(lambda: len(driven.app._notifications) == 1, "the notice")
        [notice] = driven.app._notifications
        assert f"kept in {tmp_path / 'afk.db'}.before-v" in notice.message
