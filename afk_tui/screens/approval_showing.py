"""The approval modal's parts and state: which requests there are, which one is shown, and what was seen of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.screen import ModalScreen

from afk_tui.bugs import TellsBugs
from afk_tui.gateway.errors import GatewayError
from afk_tui.gateway.gateway import Gateway
from afk_tui.gateway.views import ApprovalView, PatternChoice
from afk_tui.screens.approval_panel import SHORT_HEIGHT, RequestPanel
from afk_tui.screens.approval_words import Mode, WideScope
from afk_tui.screens.deafness import LOOK_EVERY_S, Clock, Deafness, key_time
from afk_tui.terminal.pacing import PaintsKeys
from afk_tui.widgets.argument_view import ArgumentView
from afk_tui.widgets.request_list import ListedRequest, RequestList

# the end of a process and a change of a file are recorded nowhere: they have to be looked for
CALL_LOOK_EVERY_S = 0.5
FILE_LOOK_EVERY_S = 1.0
# narrower, what is executed needs the room
LISTED_WIDTH = 112


class ApprovalShowing(PaintsKeys, TellsBugs, ModalScreen[None]):
    """Shows requests one after another, and keeps up with what changes elsewhere.

    `everywhere`: the requests are of all threads, not of one. `pressed`: the key that the first one was opened with:
    it counts, unless it would execute what nobody has read. `clock` gives the time of a key (see `deafness.Clock`).
    """

    AUTO_FOCUS: ClassVar[str | None] = ""
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - as Textual declares it
    VERTICAL_BREAKPOINTS = [(0, "-short"), (SHORT_HEIGHT, "-normal"), (30, "-tall")]  # noqa: RUF012

    def __init__(
        self,
        gateway: Gateway,
        requests: Sequence[ApprovalView],
        start: int = 0,
        *,
        everywhere: bool = False,
        pressed: str = "",
        clock: Clock = key_time,
    ) -> None:
        super().__init__()
        self.everywhere = everywhere
        self._pressed = pressed
        self._gateway = gateway
        self._requests = list(requests)
        self._start = start
        self._view: ApprovalView | None = None
        self._mode: Mode = "choosing"
        self._scope: WideScope = "thread"
        # What would be remembered; None is the very same call.
        self._pattern: PatternChoice | None = None
        self._deafness = Deafness(clock)
        # Decided or dropped here: a list that was read before must not bring them back.
        self._settled: set[str] = set()
        # What is being decided now.
        self._in_flight: frozenset[str] = frozenset()
        # Of each request what was on the screen to its last line: another text of it was not.
        self._seen: dict[str, str] = {}

    def compose(self) -> ComposeResult:
        """One panel for all requests, and a list of them at its side."""
        yield RequestList(id="list")
        yield RequestPanel(id="dialog")

    def on_mount(self) -> None:
        """The first request, with the focus on its arguments; nothing said in passing before lies over them."""
        self.app.clear_notifications()
        # what is typed, or clicked, on the way back to this window was not meant for it
        self.watch(self.app, "app_focus", self._deafen, init=False)
        self.set_interval(LOOK_EVERY_S, self._tell_readiness)
        self.set_interval(CALL_LOOK_EVERY_S, self._look_at_call)
        self.set_interval(FILE_LOOK_EVERY_S, self._look_at_file)
        if self._requests:
            self._show(self._requests[max(0, min(self._start, len(self._requests) - 1))])
            if self._pressed:
                self._begin_with(self._pressed)
        else:
            self.dismiss()

    @property
    def mode(self) -> Mode:
        """What the modal is about now."""
        return self._mode

    @property
    def view(self) -> ApprovalView | None:
        """The request that is shown."""
        return self._view

    @property
    def is_ready(self) -> bool:
        """Whether a decision pressed now would be heard."""
        return self._mode == "choosing" and self._deafness.is_over

    @property
    def panel(self) -> RequestPanel:
        """All that is shown of a request."""
        return self.query_one("#dialog", RequestPanel)

    def _begin_with(self, key: str) -> None:
        """The key that this was opened with."""
        raise NotImplementedError

    # showing

    def _show(self, view: ApprovalView, notice: str = "", *, bad: bool = False) -> None:
        """Another request, from its first line; deaf until it has been on the screen for a while."""
        self._view = view
        self._deafen()
        several_threads = len({r.thread_id for r in self._requests}) > 1
        self.panel.show_request(view, several_threads=several_threads, seen=self._was_seen(view))
        self._enter("choosing", notice, bad=bad)

    def _enter(self, mode: Mode, notice: str = "", *, bad: bool = False) -> None:
        self._mode = mode
        self.panel.open_fields(mode)
        self.panel.say(notice, bad=bad)
        self._list()
        self._tell_readiness()

    def _list(self) -> None:
        self.panel.count(self._index() + 1, len(self._requests))
        self.panel.list_keys(self._mode, self._scope, several=len(self._requests) > 1)
        several_threads = len({r.thread_id for r in self._requests}) > 1
        listed = [
            ListedRequest(r.title, r.thread_title if several_threads else "", r.kind, self._was_seen(r))
            for r in self._requests
        ]
        at = self._index()
        self.set_class(len(listed) > 1 and self.size.width >= LISTED_WIDTH, "-several")
        self.query_one(RequestList).list_requests(listed, at)

    def on_resize(self) -> None:
        """With or without the list."""
        if self._view is not None:
            self._list()

    def _was_seen(self, view: ApprovalView) -> bool:
        return self._seen.get(view.approval_id) == view.preview

    def _unseen(self) -> list[ApprovalView]:
        return [r for r in self._requests if not self._was_seen(r)]

    def _deafen(self) -> None:
        self._deafness.deafen()
        self.call_after_refresh(self._deafness.begin)

    def _tell_readiness(self) -> None:
        self.panel.sign(self._mode, deaf=not self._deafness.is_over)

    @on(ArgumentView.LastLineSeen)
    def free_keys(self) -> None:
        """Everything that would be executed has been on the screen."""
        # posted by a text shown before, it comes when another one is there
        if self._view is not None and self.panel.arguments.last_line_seen:
            self._seen[self._view.approval_id] = self._view.preview
        self._list()

    @on(ArgumentView.LayoutChanged)
    def list_keys_anew(self) -> None:
        """The other way to show it is another one now."""
        self._list()

    def on_screen_resume(self) -> None:
        """What was decided elsewhere while another screen was on top."""
        if self._view is not None and not self._requests and self._mode not in ("over", "sending"):
            self._leave()

    # what changes elsewhere

    def refresh_requests(self, requests: Sequence[ApprovalView]) -> None:
        """What waits now. Requests that are gone are dropped, and that is said; new ones come at the end; the one
        shown stays, and is shown anew only if it reads differently. Dismissed when nothing is left."""
        shown, before, index = self._view, self._requests, self._index()
        fresh = {r.approval_id: r for r in requests if r.approval_id not in self._settled}
        if shown is None:
            self._requests = list(fresh.values())
            return
        in_flight = self._in_flight if self._mode == "sending" else frozenset[str]()
        kept = [
            r if r.edited is not None and fresh.pop(r.approval_id, None) else fresh.pop(r.approval_id, r)
            for r in before
            if r.approval_id in {*fresh, *in_flight}
        ]
        self._requests = [*kept, *fresh.values()]
        now = next((r for r in kept if r.approval_id == shown.approval_id), None)
        if in_flight:
            self._list()
        elif now is not None:
            self._show_changed(shown, now)
            if len(kept) < len(before):
                self.panel.say("Another of these requests was decided elsewhere.", bad=True)
        elif self._requests:
            gone = f"{shown.tool_name} was decided elsewhere; this is another request."
            said = self.panel.notice if self._mode == "over" else gone
            self._show(self._requests[min(index, len(self._requests) - 1)], said, bad=True)
        elif self._mode != "over":
            self.app.notify(f"{shown.tool_name} was decided elsewhere.", title="Request", markup=False)
            self._leave()

    def _look_at_call(self) -> None:
        if self._view is not None and self._view.kind == "uncertain" and self._mode == "choosing":
            self._learn(self._view)

    @work(exclusive=True, group="learn", exit_on_error=False)
    async def _learn(self, view: ApprovalView) -> None:
        """Say what is known of the call now, where that is something else than before."""
        try:
            known = await self._gateway.known_now(view)
        except GatewayError:  # what was said stays; deciding tells what is wrong
            return
        if self._view is view and known != view.known:
            self._requests = [replace(r, known=known) if r is view else r for r in self._requests]
            self._view = replace(view, known=known)
            self.panel.say_what(self._view)

    def _look_at_file(self) -> None:
        view = self._view
        if view is not None and view.shown is not None and self._mode in ("choosing", "remembering"):
            self._compare(view)

    @work(exclusive=True, group="compare", exit_on_error=False)
    async def _compare(self, view: ApprovalView) -> None:
        """Show what the call would change now, where that is something else than before."""
        try:
            if await self._gateway.is_as_shown(view):
                return
            now = await self._gateway.request_now(view)
        except GatewayError:  # deciding tells what is wrong
            return
        if self._view is view and self._mode in ("choosing", "remembering"):
            self._requests = [now if r is view else r for r in self._requests]
            self._show_changed(view, now)

    def _show_changed(self, shown: ApprovalView, now: ApprovalView) -> None:
        if (now.preview, now.preview_kind) != (shown.preview, shown.preview_kind):
            self._show(now, "What it would change is no longer what was shown. Look again.", bad=True)
            return
        self._view = now
        if replace(now, position=shown.position, total=shown.total) != shown:
            self.panel.say_what(now)
        self._list()

    def _index(self) -> int:
        ids = [request.approval_id for request in self._requests]
        return ids.index(self._view.approval_id) if self._view and self._view.approval_id in ids else 0

    def _leave(self) -> None:
        # dismissing pops whatever is on top; under another screen, it waits for its turn
        if self.is_active:
            self.dismiss()
