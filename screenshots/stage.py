"""An app whose pictures are the same bytes each time: a clock that stands still, names that count, one folder name."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing, asynccontextmanager, contextmanager
from itertools import count
from pathlib import Path
from types import SimpleNamespace

from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from afk.core import budget, calls
from afk.llms.demo import DemoModel
from afk.llms.protocol import Answer, ModelError, ModelEvent, ModelRequest, TextDelta, ToolCall
from afk.memory import SQLiteMemoryStore
from afk.memory.sqlite import effects
from afk_tui.app import AfkApp
from afk_tui.gateway.gateway import Gateway
from afk_tui.gateway.settings import Settings, build
from afk_tui.screens import main_trouble, main_view
from afk_tui.screens.trust import TrustScreen

DEADLINE_S = 60.0
PROCESS = 4242
# what stands in a picture in place of the temporary folder: as long as that, so that nothing moves, with the same end
SHOWN_FOLDER = "/home/ada/notes"
SHOWN_DB = "/home/ada/.local/afk.db"
PARENT = "/tmp"
SIZE, THEME = (120, 36), "textual-dark"
VARIANTS = (
    ("light", SIZE, "textual-light"),
    ("80x24-light", (80, 24), "textual-light"),
    ("80x24", (80, 24), THEME),
)
NOON_MS = 1_767_268_800_000


@contextmanager
def made_folder() -> Generator[Path]:
    """An empty folder, whose name ends as the shown one does: what covers its beginning leaves the same end."""
    shown = Path(SHOWN_FOLDER)
    room = len(str(shown.parent)) - len(PARENT) - 1
    while True:
        above = Path(PARENT, secrets.token_hex(room)[:room])
        try:
            above.mkdir()
            break
        except FileExistsError:
            continue
    try:
        folder = above / shown.name
        folder.mkdir()
        yield folder
    finally:
        shutil.rmtree(above)


class StandingClock:
    """Milliseconds since the epoch; moves only when it is told to."""

    def __init__(self) -> None:
        self.at_ms = NOON_MS

    def __call__(self) -> int:
        return self.at_ms

    def move(self, minutes: int) -> None:
        """Let time pass."""
        self.at_ms += minutes * 60_000


@contextmanager
def standing_still() -> Generator[None]:
    """How long a call took and which process made it is stored, and the size of what is stored is shown."""
    stopwatch, process = SimpleNamespace(monotonic=lambda: 0.0), SimpleNamespace(getpid=lambda: PROCESS)
    replaced = [(module, "time", stopwatch) for module in (budget, calls, main_view, main_trouble)]
    replaced.append((effects, "os", process))
    before = [(module, name, getattr(module, name)) for module, name, _ in replaced]
    try:
        for module, name, value in replaced:
            setattr(module, name, value)
        yield
    finally:
        for module, name, value in before:
            setattr(module, name, value)


class HeldDemo(DemoModel):
    """The demo model, which can be held in the middle of an answer, fail, or call a tool that it does not know."""

    def __init__(self) -> None:
        super().__init__(delta_delay_s=0.0)
        self.hold_after: int | None = None
        self.held = asyncio.Event()
        self.fails: ModelError | None = None
        self.calls: ToolCall | None = None

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """The same stream, up to the delta it is held at."""
        if self.fails is not None:
            raise self.fails
        if self.calls is not None:
            call, self.calls = self.calls, None
            yield Answer("", (call,), "tool_calls")
            return
        async with aclosing(super().stream(request)) as events:
            number = 0
            async for event in events:
                number += isinstance(event, TextDelta)
                if self.hold_after is not None and number > self.hold_after:
                    self.held.set()
                    await asyncio.Event().wait()
                yield event


class Stage:
    """The app, its clock and its model; `shoot` takes a picture."""

    def __init__(
        self,
        app: AfkApp,
        pilot: Pilot[None],
        clock: StandingClock,
        model: HeldDemo,
        folder: Path,
        store: SQLiteMemoryStore,
    ) -> None:
        self.app = app
        self.pilot = pilot
        self.clock = clock
        self.model = model
        self.folder = folder
        self.store = store

    @property
    def main(self):
        """The main screen."""
        return self.app.main

    @property
    def text(self) -> str:
        """What is on the screen, as lines of text."""
        return "\n".join(strip.text for strip in self.app.screen._compositor.render_strips())

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for a state that can be observed."""
        deadline = time.monotonic() + DEADLINE_S
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"waited for {what}")
            await self.pilot.pause()
            await asyncio.sleep(0.01)

    async def say(self, text: str) -> None:
        """Send a message."""
        self.main.composer.focus()
        self.main.composer.set_draft(text)
        await self.pilot.press("enter")

    async def until_standing(self, *standings: str) -> None:
        """Wait until the shown thread's run stands so."""

        def stands() -> bool:
            view = self.main.run_view
            return view is not None and view.standing in standings and not self.main.gateway.is_working()

        await self.until(stands, f"the run to be {standings}")
        await self.quiet()

    async def until_screen(self, name: str) -> None:
        """Wait for a screen to be on top and painted."""
        await self.until(lambda: type(self.app.screen).__name__ == name, name)
        await self.quiet()

    async def open_request(self) -> None:
        """Open what waits in the shown thread, and wait until it hears an answer."""
        self.main.open_requests()
        await self.until_screen("ApprovalScreen")
        await self.until_ready()

    async def allow(self) -> None:
        """Answer the request that is open with yes."""
        await self.pilot.press("a")
        await self.until_screen("MainScreen")

    async def until_ready(self) -> None:
        """Wait until the request that is shown hears an answer."""
        await self.until(lambda: "ready" in self.text, "the request to be ready")
        await self.quiet()

    async def quiet(self) -> None:
        """Wait until no worker works and nothing is left to be painted."""
        # what begins waits for the answer to that question
        waited_for = set[str]() if isinstance(self.app.screen, TrustScreen) else QUIET_GROUPS
        await self.until(
            lambda: not [w for w in self.app.workers if not w.is_finished and w.group in waited_for],
            "quiet",
        )
        await self.pilot.pause()

    async def shoot(self, path: Path) -> None:
        """Write the picture, and of a stage of the usual size and theme the same in the others: in folders beside."""
        for field in [*self.app.screen.query(Input), *self.app.screen.query(TextArea)]:
            field.cursor_blink = False
        await self._settle()
        self._write(path)
        if (tuple(self.app.size), self.app.theme) != (SIZE, THEME):
            return
        for folder, size, theme in VARIANTS:
            await self._change(size, theme)
            await self._settle()
            self._write(path.parent / folder / path.name)
        await self._change(SIZE, THEME)
        await self.quiet()

    async def _change(self, size: tuple[int, int], theme: str) -> None:
        """The same in another size and theme."""
        if self.app.theme != theme:
            self.app.theme = theme
        if tuple(self.app.size) != size:
            await self.pilot.resize_terminal(*size)
            await self.until(lambda: tuple(self.app.size) == size, "the other size")

    async def _settle(self) -> None:
        """Everything painted once more, ages and what lies below a dialog too, until nothing moves."""
        await self.quiet()
        for screen in self.app.screen_stack:
            for widget in screen.walk_children(with_self=True):
                widget.refresh()
        before = None
        while before != (now := self._cells()):
            before = now
            await self.quiet()
            await asyncio.sleep(0.02)

    def _cells(self) -> list[object]:
        return [list(strip) for strip in self.app.screen._compositor.render_strips()]

    def _write(self, path: Path) -> None:
        path.parent.mkdir(exist_ok=True)
        path.write_text(self._picture())

    def _picture(self) -> str:
        svg = self.app.export_screenshot(title="afk-tui")
        assert self.store.path is not None
        for real, shown in ((str(self.folder), SHOWN_FOLDER), (str(self.store.path), SHOWN_DB)):
            if len(real) != len(shown):
                raise AssertionError(f"{real} and {shown} must be equally long")
            for kept in range(
                len(real), 5, -1
            ):  # where something covers a part of it, its end or its beginning
                svg = svg.replace(real[-kept:], shown[-kept:]).replace(real[:kept], shown[:kept])
        svg = re.sub(r"@font-face\s*\{[^}]*\}", "", svg)
        svg = re.sub(r"terminal-[0-9a-z]+-", "afk-", svg)
        svg = re.sub(
            r"font-family:[^;]*;", 'font-family: "DejaVu Sans Mono", Menlo, Consolas, monospace;', svg
        )
        svg = re.sub(r"[ \t]+$", "", svg, flags=re.MULTILINE)
        return svg.rstrip() + "\n"


QUIET_GROUPS = frozenset({"begin", "sync", "submit", "queue", "draft", "open", "warm"})


@asynccontextmanager
async def stage(
    size: tuple[int, int] = SIZE, theme: str = THEME, agent: str | None = None, *, trust: bool = True
) -> AsyncGenerator[Stage]:
    """The app on a new database in a new folder with a few files."""
    os.environ.update(LOGNAME="ada", TZ="UTC", AFK_POLICY="", AFK_CONFIG="")
    time.tzset()
    with standing_still(), made_folder() as folder, tempfile.TemporaryDirectory() as data:
        (folder / "todo.md").write_text("# To do\n\n- buy bread\n- call Grace\n")
        (folder / "ideas.txt").write_text("a clock that stands still\n")
        clock, numbers, model = StandingClock(), count(1), HeldDemo()
        store = SQLiteMemoryStore(
            Path(data) / "afk.db", clock=clock, new_id=lambda prefix: f"{prefix}_{next(numbers):04}"
        )
        settings = Settings(workspace=folder, demo=True, trust=trust, agent=agent)
        app = AfkApp(settings, gateway=Gateway(build(settings, store=store, llm=model)), cursor_blink=False)
        app.animation_level = "none"
        async with app.run_test(size=size) as pilot:
            app.theme = theme
            shown = Stage(app, pilot, clock, model, folder, store)
            if trust:
                await shown.until(lambda: app.main.has_begun, "the app to be ready")
            yield shown
