"""A real gateway on a file, threads made by running messages, and an app that holds one screen."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from textual.app import App
from textual.message import Message
from textual.screen import Screen

from afk.llms.demo import DemoModel
from afk_tui.gateway.gateway import Gateway
from afk_tui.gateway.settings import Settings, build


@asynccontextmanager
async def gateway_at(tmp_path: Path, *, agent: str | None = None) -> AsyncGenerator[Gateway]:
    """An open gateway on `tmp_path/afk.db` for the workspace `tmp_path/work`, which has a file."""
    workspace = tmp_path / "work"
    workspace.mkdir(exist_ok=True)
    (workspace / "a.txt").write_text("one\ntwo\n")
    posted: list[Message] = []
    settings = Settings(workspace=workspace, db=tmp_path / "afk.db", agent=agent)
    gateway = Gateway(build(settings, llm=DemoModel(delta_delay_s=0)), posted.append)
    await gateway.open()
    try:
        yield gateway
    finally:
        await gateway.close()


async def said(gateway: Gateway, text: str, thread_id: str | None = None) -> str:
    """Run a message until its run stands still; its thread."""
    thread_id = await gateway.send(thread_id, text)
    await until_true(lambda: not gateway.is_working(thread_id))
    return thread_id


async def until_true(condition: Callable[[], object], deadline_s: float = 30) -> None:
    """Wait for something that can be observed."""
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, "the awaited state never came"
        await asyncio.sleep(0.01)


async def until(condition: Callable[[], Awaitable[object]], deadline_s: float = 30) -> None:
    """The same, for something that has to be asked."""
    end = time.monotonic() + deadline_s
    while not await condition():
        assert time.monotonic() < end, "the awaited state never came"
        await asyncio.sleep(0.01)


class Holder(App[None]):
    """Shows one screen and keeps what it was dismissed with."""

    def __init__(self, screen: Screen[Any]) -> None:
        super().__init__()
        self.held = screen
        self.outcome: list[Any] = []

    def on_mount(self) -> None:
        self.push_screen(self.held, self.outcome.append)

    def shown(self) -> str:
        """All the text on the screen."""
        strips = self.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)


def rows(tmp_path: Path, table: str, thread_id: str) -> int:
    """How many rows of a thread a table has, as another program sees it."""
    other = sqlite3.connect(tmp_path / "afk.db")
    try:
        return other.execute(f"SELECT count(*) FROM {table} WHERE thread_id = ?", (thread_id,)).fetchone()[0]
    finally:
        other.close()
