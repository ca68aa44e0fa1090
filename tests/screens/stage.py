"""A small app to put a screen on, with a real gateway whose run really came to a waiting request."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Static
from textual.worker import Worker, WorkerState

from afk.llms.demo import DemoModel
from afk.memory.sqlite.store import InMemoryMemoryStore, SQLiteMemoryStore
from afk_tui.gateway.gateway import Gateway
from afk_tui.gateway.settings import Settings, build

DEADLINE_S = 10.0
# The keys of the app that a modal must keep dead.
APP_KEYS = ("f1", "f2", "f3", "f4", "f5", "f6", "f7", "ctrl+n", "ctrl+r", "a", "d", "enter", "space")


class Stage(App[Any]):
    """Pushes `screen`; `dismissed` holds what it was dismissed with, `pressed` which keys reached the app."""

    # A scrollbar in a terminal of one cell comes and goes for ever.
    CSS = "#_default { overflow: hidden; }"
    BINDINGS: ClassVar[list[BindingType]] = [Binding(key, f"pressed('{key}')") for key in APP_KEYS]

    def __init__(self, screen: Screen[Any], *, theme: str = "textual-dark") -> None:
        super().__init__()
        self.shown = screen
        self.dismissed: list[Any] = []
        self.pressed: list[str] = []
        self.theme = theme
        self.animation_level = "none"

    def compose(self) -> ComposeResult:
        yield Static("behind")

    def on_mount(self) -> None:
        self.push_screen(self.shown, self.dismissed.append)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        # of one that was cancelled it is the cancellation, which would end the app without a word
        if event.state is WorkerState.ERROR and event.worker.error is not None:
            raise event.worker.error

    def action_pressed(self, key: str) -> None:
        self.pressed.append(key)


def plain_text(app: App[Any]) -> str:
    """What is on the screen, without colours, a line each."""
    width, height = app.size
    strips = app.screen._compositor.render_strips()[:height]
    return "\n".join(strip.crop(0, width).text.rstrip() for strip in strips)


async def until(pilot: Pilot[Any], holds: Callable[[], bool]) -> None:
    """Wait for a state; what is on the screen is said if it never comes."""
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < deadline, plain_text(pilot.app)
        await pilot.pause(0.005)


async def open_gateway(
    workspace: Path, *, database: Path | None = None, post: Callable[[Message], object] = lambda _: None
) -> Gateway:
    """An open gateway on the demo model; its store is in memory, or the file `database`. Close it."""
    store = InMemoryMemoryStore() if database is None else SQLiteMemoryStore(database)
    engine = build(Settings(workspace=workspace), store=store, llm=DemoModel(delta_delay_s=0))
    gateway = Gateway(engine, post)
    await gateway.open()
    return gateway


async def begin_waiting(gateway: Gateway, message: str) -> str:
    """Send `message` in a new thread and return the thread once its run waits for a decision and has stopped."""
    thread_id = await gateway.send(None, message)
    await until_run(gateway, thread_id, "waiting")
    return thread_id


async def until_run(gateway: Gateway, thread_id: str, standing: str) -> None:
    """Wait until the thread's run stands so (see `RunView.standing`)."""
    deadline = time.monotonic() + DEADLINE_S
    while True:
        run = await gateway.run_view(thread_id)
        if run is not None and run.standing == standing:
            return
        assert time.monotonic() < deadline, run
        await asyncio.sleep(0.005)


async def waiting_gateway(
    workspace: Path, message: str, *, database: Path | None = None
) -> tuple[Gateway, str]:
    """An open gateway and a thread of it whose run waits for a decision. Close it, or use `waiting`."""
    gateway = await open_gateway(workspace, database=database)
    return gateway, await begin_waiting(gateway, message)


@asynccontextmanager
async def waiting(
    workspace: Path, message: str, *, database: Path | None = None
) -> AsyncGenerator[tuple[Gateway, str]]:
    """`waiting_gateway`, closed at the end."""
    gateway, thread_id = await waiting_gateway(workspace, message, database=database)
    try:
        yield gateway, thread_id
    finally:
        await gateway.close()


KILLED = """
import asyncio, pathlib, sys
from tests.screens.stage import waiting_gateway
async def main(workspace, database, command):
    gateway, thread_id = await waiting_gateway(
        pathlib.Path(workspace), f"run: {command}", database=pathlib.Path(database)
    )
    [request] = await gateway.requests()
    await gateway.decide(request, "allow")
    await asyncio.sleep(60)
asyncio.run(main(*sys.argv[1:]))
"""


@asynccontextmanager
async def killed_inside(workspace: Path, database: Path) -> AsyncGenerator[tuple[Gateway, str]]:
    """A gateway and a thread whose one call has a line in `effects.txt` and an unknown outcome: the process that made
    it was killed by it. The run is resumed and waits for a person to settle the call."""
    command = "echo once >> effects.txt; [ $(wc -l < effects.txt) -gt 1 ] || kill -9 $PPID"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", KILLED, str(workspace), str(database), command),
        cwd=Path(__file__).parents[2],
    )
    assert await process.wait() == -9
    gateway = await open_gateway(workspace, database=database)
    try:
        [row] = await gateway.waiting_runs()
        await gateway.resume(row.thread_id)
        await until_run(gateway, row.thread_id, "waiting")
        yield gateway, row.thread_id
    finally:
        await gateway.close()
