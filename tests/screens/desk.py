"""A modal on a stage, over the requests of a real run, with a clock that stands still."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from textual import events
from textual.pilot import Pilot

from afk_tui.gateway.gateway import Gateway
from afk_tui.gateway.views import ApprovalView
from afk_tui.screens.approval import ApprovalScreen
from tests.screens.stage import Stage, plain_text, until, waiting

TWO = "write notes.txt: hello together with run: echo ran >> ran.txt"
LONG = "write notes.txt: " + "\n".join(f"row {number}" for number in range(1, 61))


class Clock:
    """Time stands still unless it is moved on; a key is read now."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self, key: events.Key | None) -> float:
        return self.now_s


class Desk:
    """A modal on a stage, over the requests of a real run."""

    def __init__(self, gateway: Gateway, screen: ApprovalScreen, app: Stage, pilot: Pilot[Any], clock: Clock):
        self.gateway, self.screen, self.app, self.pilot, self.clock = gateway, screen, app, pilot, clock

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.pilot.press(key)
        await self.pilot.pause()

    async def wait_out(self) -> None:
        """Let the deafness pass: what is asked is on the screen, then nobody touches a key for a while."""
        await self.until(lambda: self.screen._deafness._quiet_since_s < float("inf"))
        view = self.screen.panel.arguments
        await self.until(
            lambda: view.last_line_seen or view.max_scroll_y > 0 or view.folded or view.size.height == 0
        )
        self.clock.now_s += 0.6
        await self.until(lambda: self.screen._deafness.is_over)

    async def decide(self, *keys: str) -> None:
        await self.wait_out()
        await self.press(*keys)

    async def until(self, holds: Callable[[], object]) -> None:
        await until(self.pilot, holds)

    @property
    def text(self) -> str:
        return plain_text(self.app)

    @property
    def words(self) -> str:
        """The same as one line, however it is wrapped."""
        return re.sub(r"[\s│]+", " ", self.text)

    @property
    def notice(self) -> str:
        return self.screen.panel.notice

    @property
    def shown(self) -> ApprovalView:
        assert self.screen.view is not None
        return self.screen.view

    async def statuses(self) -> list[str]:
        """How each request stands on disk, the oldest first."""
        return [a.status for a in await self.gateway._store.list_approvals(pending_only=False)]

    async def untouched(self) -> bool:
        return set(await self.statuses()) == {"pending"} and not self.app.dismissed


@asynccontextmanager
async def desk(
    gateway: Gateway,
    size: tuple[int, int] = (100, 30),
    requests: list[ApprovalView] | None = None,
    start: int = 0,
) -> AsyncGenerator[Desk]:
    clock = Clock()
    screen = ApprovalScreen(gateway, requests or await gateway.requests(), start, clock=clock)
    app = Stage(screen)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.screen is screen and screen.view is not None)
        yield Desk(gateway, screen, app, pilot, clock)


@asynccontextmanager
async def staged(
    workspace: Path, message: str, size: tuple[int, int] = (100, 30)
) -> AsyncGenerator[tuple[Desk, str]]:
    async with waiting(workspace, message) as (gateway, thread_id), desk(gateway, size) as it:
        yield it, thread_id
