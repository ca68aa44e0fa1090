"""The whole app on a real database, driven through Textual's Pilot."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from textual.pilot import Pilot

from afk.llms.demo import DemoModel
from afk.llms.protocol import LLM
from afk_tui.app import AfkApp
from afk_tui.gateway.gateway import Gateway
from afk_tui.gateway.settings import Settings, build
from afk_tui.gateway.views import ApprovalView
from afk_tui.screens.main import MainScreen
from afk_tui.user_config import UserConfig

DEADLINE_S = 20.0


@dataclass
class Driven:
    """An app that runs, and the pilot of its keys."""

    app: AfkApp
    pilot: Pilot[None]
    folder: Path

    @property
    def main(self) -> MainScreen:
        return self.app.main

    async def until(self, condition: Callable[[], bool | Awaitable[bool]], what: str) -> None:
        """Wait for a state that can be observed."""
        deadline = time.monotonic() + DEADLINE_S
        while True:
            met = condition()
            if not isinstance(met, bool):
                met = await met
            if met:
                return
            assert self.app.bugs == []
            if time.monotonic() > deadline:
                raise AssertionError(f"waited {DEADLINE_S:g} s for {what}; on the screen:\n{self.text()}")
            await self.pilot.pause()
            await asyncio.sleep(0.01)

    async def say(self, text: str) -> None:
        """Send a message."""
        self.main.composer.focus()
        self.main.composer.set_draft(text)
        await self.pilot.press("enter")

    async def ask_for(self, text: str) -> ApprovalView:
        """Send a message whose call waits for a decision; what is asked."""
        await self.say(text)
        await self.until(lambda: self.main.request_bar.count == 1, "the bar")
        [request] = await self.main.gateway.requests()
        return request

    async def until_shown(self, text: str) -> None:
        await self.until(lambda: text in self.text(), f"{text!r} to be shown")

    async def until_screen(self, name: str) -> None:
        await self.until(lambda: type(self.app.screen).__name__ == name, f"{name} to be open")

    async def until_left(self) -> None:
        """Wait until the app has ended by itself, and not only begun to."""
        await self.until(lambda: self.app._exit, "the app to be left")
        assert self.app._task is not None
        await asyncio.wait_for(asyncio.shield(self.app._task), DEADLINE_S)

    async def until_state(self, word: str) -> None:
        """Wait for a word on the status line, once it says what became of what was sent."""

        def said() -> bool:
            sending = any(w.group in ("submit", "sync") and not w.is_finished for w in self.app.workers)
            return not sending and word in str(self.main.status.render())

        await self.until(said, f"the status to say {word!r}")

    def notices(self) -> list[str]:
        """What the main screen tells in passing from now on."""
        said: list[str] = []
        self.main.notify = lambda message, **_: said.append(message)
        return said

    def text(self) -> str:
        """What is on the screen, as lines of text."""
        height = self.app.size.height
        lines = self.app.screen._compositor.render_strips()
        return "\n".join(line.text.rstrip() for line in lines[:height])


Start = Callable[..., "asynccontextmanager[Driven]"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A workspace with a file in it."""
    made = tmp_path / "work"
    made.mkdir()
    (made / "a.txt").write_text("first line\n")
    return made


@pytest.fixture
def start(folder: Path, tmp_path: Path):
    """`async with start() as driven`: the app on this test's folder and database; may be started again."""

    @asynccontextmanager
    async def started(
        *,
        llm: LLM | None = None,
        trust: bool = True,
        ready: bool = True,
        size: tuple[int, int] = (110, 34),
        agent: str | None = None,
        config: UserConfig | None = None,
    ) -> AsyncIterator[Driven]:
        settings = Settings(workspace=folder, db=tmp_path / "afk.db", demo=True, trust=trust, agent=agent)
        engine = build(settings, llm=llm or DemoModel())
        app = AfkApp(settings, gateway=Gateway(engine), config=config or UserConfig(), cursor_blink=False)
        async with app.run_test(size=size) as pilot:
            driven = Driven(app, pilot, folder)
            if trust and ready:
                await driven.until(lambda: app.main.has_begun, "the app to be ready")
            yield driven
            assert app.bugs == []

    return started
