"""The app: puts gateway, screens and styles together."""

from __future__ import annotations

import asyncio
import importlib
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import work
from textual.app import App
from textual.binding import Binding, BindingType
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message
from textual.screen import Screen
from textual.worker import Worker, WorkerState

from afk_tui import last_net
from afk_tui.actions import Action
from afk_tui.attention import Attention, alerts_of
from afk_tui.bugs import is_of_leaving
from afk_tui.continuing import install_continue_handler
from afk_tui.garbage import begin_search, keep_what_is_there
from afk_tui.gateway.clean import clean
from afk_tui.gateway.errors import GatewayError
from afk_tui.gateway.launch import Settings
from afk_tui.gateway.messages import BugFound
from afk_tui.keys import keymap, names_of, rebound
from afk_tui.legible import legible
from afk_tui.palette import AfkCommands
from afk_tui.screens.main import MainScreen
from afk_tui.screens.main_view import RequestsWait
from afk_tui.screens.too_small import SizeGuard
from afk_tui.shutdown import install_signal_handlers
from afk_tui.styles_folder import styles_folder
from afk_tui.telling import tell_error
from afk_tui.terminal.driver import TerminalDriver
from afk_tui.terminal.pacing import PacedApp
from afk_tui.user_config import UserConfig, no_such_theme, read_config
from afk_tui.widgets.key_hints import PressesKeys

if TYPE_CHECKING:
    from textual.types import CSSPathType

    from afk_tui.gateway.gateway import Gateway


class AfkApp(PressesKeys, PacedApp[None], SizeGuard[None]):
    """One window on one database. Without a `gateway` the engine is imported once the first frame is painted."""

    TITLE = "afk-tui"
    # the lowest screen's own is not read by itself
    CSS_PATH: ClassVar[CSSPathType | None] = [styles_folder() / "base.tcss", styles_folder() / "main.tcss"]
    COMMANDS: ClassVar[set[Any]] = {AfkCommands}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "quit", "Quit", show=False, priority=True, id="quit"),
        Binding("ctrl+p", "command_palette", "Palette", show=False, priority=True, id="palette"),
        Binding("ctrl+c", "interrupt", "Copy, clear, stop", show=False, priority=True),
        Binding("ctrl+z", "suspend_process", "Suspend", show=False),
    ]

    def __init__(
        self,
        settings: Settings,
        *,
        thread_id: str | None = None,
        gateway: Gateway | None = None,
        config: UserConfig | None = None,
        cursor_blink: bool = True,
    ) -> None:
        super().__init__()
        self.config = read_config() if config is None else config
        self.actions, self.config_problems = self._take_config()
        last_net.install(self)
        self._settings = settings
        self._first_thread = thread_id
        self._gateway = gateway
        self.main = MainScreen(cursor_blink=cursor_blink)
        self._leaving = False
        self.attention = Attention(self)
        self.last_words = ""
        self.bugs: list[BaseException] = []

    def _take_config(self) -> tuple[tuple[Action, ...], list[str]]:
        actions, problems = rebound(self.config.keys)
        self.set_keymap(keymap(actions))
        self.keys_heard = names_of(next(action for action in actions if action.name == "quit"))
        if self.config.theme in self.available_themes:
            self.theme = self.config.theme
        elif self.config.theme is not None:
            problems.append(no_such_theme(self.config.theme, self.available_themes))
        return actions, [*self.config.problems, *problems]

    def _take(self, message: Message) -> None:
        """The gateway tells the main screen, whatever is open above it."""
        if isinstance(message, BugFound):
            self._note_bug(message.error)
        elif self.main.is_mounted:
            self.main.post_message(message)

    def on_mount(self) -> None:
        """Paint first; everything that takes time comes after."""
        self._end_as = install_signal_handlers(self)
        install_continue_handler(self)
        self.app_suspend_signal.subscribe(self, self._give_terminal_back)
        self.app_resume_signal.subscribe(self, self._take_terminal)
        self.call_after_refresh(self._open)

    def get_css_variables(self) -> dict[str, str]:
        """The theme's colours, legible."""
        return legible(super().get_css_variables())

    def get_driver_class(self) -> type[Driver]:
        """Our own, in place of the one that it mends; any other was asked for."""
        chosen = super().get_driver_class()
        return TerminalDriver if chosen is LinuxDriver else chosen

    def on_terminal_gone(self) -> None:
        """Nobody is there any more: as if the terminal had hung up."""
        self._end_as(signal.SIGHUP)

    def _give_terminal_back(self, _: App[Any]) -> None:
        self.attention.restore()

    def _take_terminal(self, _: App[Any]) -> None:
        self.attention.go_on()

    def on_requests_wait(self, event: RequestsWait) -> None:
        """The window's title says how many wait; a new one is told of where nobody looks."""
        self.attention.show_waiting(event.waiting, event.folder)

    def get_default_screen(self) -> Screen[None]:
        """The main screen is the lowest: another one below it would be laid out first and never be seen."""
        return self.main

    @work(exclusive=True, group="open", exit_on_error=False)
    async def _open(self) -> None:
        await self.main.filled.wait()
        try:
            self._gateway = gateway = self._gateway or await self._load_engine()
            begin_search()
            gateway.listen(self._take)
            await gateway.open()
            theme = await gateway.recall("theme")
            if theme in self.available_themes and self.config.theme is None:
                self.theme = theme
            self.attention.alerts = alerts_of(self.config.alerts or await gateway.recall("alerts"))
            if not await self._is_trusted(gateway):
                self.exit(return_code=0)
                return
        except GatewayError as error:
            self.last_words = str(error)
            self.exit(return_code=1)
            return
        self.main.begin(gateway, self._first_thread)
        self._tell_config_problems()
        if gateway.conversion:
            self.notify(gateway.conversion, title="New format", timeout=30, markup=False)
        self._warm_up(gateway)

    def _tell_config_problems(self) -> None:
        if not self.config_problems:
            return
        more = len(self.config_problems) - 1
        text = self.config_problems[0] + (f"\nand {more} more: afk-tui doctor lists them." if more else "")
        self.notify(clean(text), title="config.toml", severity="warning", timeout=15, markup=False)

    async def _load_engine(self) -> Gateway:
        """Import the engine, in a thread: keys are echoed meanwhile."""
        usual_s = sys.getswitchinterval()
        # a thread that imports gives the interpreter up only when asked, and each key asks some ten times
        sys.setswitchinterval(0.0005)
        try:
            await asyncio.to_thread(importlib.import_module, "afk_tui.gateway.settings")
            await asyncio.to_thread(importlib.import_module, "afk_tui.gateway.gateway")
        finally:
            sys.setswitchinterval(usual_s)
        return gateway_for(self._settings)

    @work(group="warm", exit_on_error=False)
    async def _warm_up(self, gateway: Gateway) -> None:
        await gateway.warm_up()
        await asyncio.to_thread(_warm_up_drawing)
        keep_what_is_there()

    async def _is_trusted(self, gateway: Gateway) -> bool:
        """Ask once for each folder; for the home folder and the root every time."""
        folder = self._settings.workspace.expanduser().resolve()
        always = folder in (Path.home(), Path(folder.anchor))
        if self._settings.trust:
            return True
        if not always and await gateway.recall("trust", str(folder)):
            return True
        from afk_tui.screens.trust import TrustScreen

        screen = TrustScreen(gateway.workspace, gateway.host, gateway.model, gateway.is_demo, always)
        if not await self.push_screen_wait(screen):
            return False
        await gateway.remember("trust", str(folder), "yes")
        return True

    async def on_unmount(self) -> None:
        """What runs is interrupted and kept."""
        self.attention.restore()
        if self._gateway is None:
            return
        try:
            await self._gateway.close()
        except GatewayError as error:
            self.last_words = str(error)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Work of the app's own that failed."""
        self.tell_bug(event)

    def tell_bug(self, event: Worker.StateChanged) -> None:
        """An error that no screen knows how to tell is a bug: say so, and go on; what was recorded is kept."""
        error = event.worker.error
        if event.state is not WorkerState.ERROR or error is None:
            return
        if isinstance(error, GatewayError):
            tell_error(self.main, error)
        else:
            self._note_bug(error)

    def _note_bug(self, error: BaseException) -> None:
        self.bugs.append(error)
        self.log.error(error)
        self.notify(
            f"{type(error).__name__}: {clean(str(error))}\nWhat was recorded is kept.",
            title="A bug in afk-tui",
            severity="error",
            timeout=30,
            markup=False,
        )

    async def run_main_action(self, name: str) -> None:
        """Run one of `actions.ACTIONS`, for the palette."""
        await self.main.run_action(name)

    def action_interrupt(self) -> None:
        """ctrl+c, wherever the focus is and whatever is open."""
        self.main.call_later(self.main.interrupt)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The palette acts on the main screen: nothing of it may act through what is open above."""
        if action == "command_palette":
            return self.screen is self.main
        return super().check_action(action, parameters)

    async def action_quit(self) -> None:
        """Leave; asks while a call runs that must not run twice."""
        if self._leaving:
            self.exit()
            return
        self._leave()

    @work(exclusive=True, group="leave", exit_on_error=False)
    async def _leave(self) -> None:
        self._leaving = True
        try:
            if not self.main.has_begun or await self.main.may_stop(None, "quit"):
                await self._keep_place()
                self.exit()
        finally:
            self._leaving = False

    async def request_shutdown(self) -> None:
        """A signal says to end: nobody is there to be asked."""
        await self._keep_place()

    async def _keep_place(self) -> None:
        try:
            await self.main.keep_place()
        except GatewayError as error:  # leaving must not hang on a full disk
            self.last_words = str(error)

    def _handle_exception(self, error: Exception) -> None:
        """What a screen lacks that opens in the moment of leaving is no crash."""
        if is_of_leaving(self, error):
            self.log.error(error)
        else:
            super()._handle_exception(error)

    def _fatal_error(self) -> None:
        """A crash tells where, never the values of variables: there may be keys among them."""
        import traceback

        from rich.segment import Segment, Segments

        error = self._exception
        text = "".join(traceback.format_exception(error)) if error else "Unknown error\n"
        told = clean(f"{text}\nWhat was recorded is kept. Start afk-tui again to go on.\n")
        self._exit_renderables.append(Segments([Segment(told)]))
        self._close_messages_no_wait()


def gateway_for(settings: Settings) -> Gateway:
    """The engine's façade, not opened yet. Raises GatewayError, as `build` does."""
    from afk_tui.gateway.gateway import Gateway
    from afk_tui.gateway.settings import build

    return Gateway(build(settings))


def run_app(settings: Settings, thread_id: str | None = None) -> int:
    """Run the app until it is left; the exit status. Raises GatewayError for what can't be begun with."""
    settings.folder()
    # a module of the person's own may print, ask or fail: not on top of a screen
    gateway = gateway_for(settings) if settings.is_own_agent else None
    app = AfkApp(settings, thread_id=thread_id, gateway=gateway)
    app.run()
    if app.last_words:
        print(app.last_words, file=sys.stderr)
    return app.return_code or 0


def _warm_up_drawing() -> None:
    """What the first answer would wait for: it takes a third of a second."""
    from afk_tui.widgets.conversation_markdown import warm_up

    warm_up()
