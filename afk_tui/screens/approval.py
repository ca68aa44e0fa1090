"""Deciding about calls that wait: everything that would be executed, and never an answer by accident."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.screen import ModalScreen

from afk_tui.gateway.errors import GatewayError
from afk_tui.gateway.gateway import Gateway
from afk_tui.gateway.views import ApprovalView, PatternChoice
from afk_tui.screens import approval_words as words
from afk_tui.screens.approval_panel import SHORT_HEIGHT, RequestPanel
from afk_tui.screens.approval_words import Decision, Mode, WideScope
from afk_tui.screens.deafness import LOOK_EVERY_S, Clock, Deafness, key_time
from afk_tui.screens.fields import LineField
from afk_tui.styles_folder import styles_folder
from afk_tui.widgets.argument_view import ArgumentView

# They answer nothing, so they work even while the modal is deaf.
HARMLESS_KEYS = frozenset({"escape", "[", "]"})
FOCUS_KEYS = frozenset({"tab", "shift+tab"})
SEND_KEYS = frozenset({"ctrl+s", "ctrl+enter"})
# the end of a process is recorded nowhere: it has to be looked for
CALL_LOOK_EVERY_S = 0.5


class ApprovalScreen(ModalScreen[None]):
    """Shows requests one after another and records what a person decides, each at once.

    Nothing is selected, enter and space answer nothing, there is nothing to click. Letters count only after half a
    second without any key, and what executes the call only when its last line has been on the screen. It is
    dismissed when no request is left. `clock` gives the time of a key (see `deafness.Clock`).
    """

    AUTO_FOCUS: ClassVar[str | None] = ""
    CSS_PATH = styles_folder() / "approval.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - as Textual declares it
    VERTICAL_BREAKPOINTS = [(0, "-short"), (SHORT_HEIGHT, "-normal"), (30, "-tall")]  # noqa: RUF012

    def __init__(
        self,
        gateway: Gateway,
        requests: Sequence[ApprovalView],
        start: int = 0,
        *,
        clock: Clock = key_time,
    ) -> None:
        super().__init__()
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

    def compose(self) -> ComposeResult:
        """One panel for all requests."""
        yield RequestPanel(id="dialog")

    def on_mount(self) -> None:
        """The first request, with the focus on its arguments; nothing said in passing before lies over them."""
        self.app.clear_notifications()
        self.set_interval(LOOK_EVERY_S, self._tell_readiness)
        self.set_interval(CALL_LOOK_EVERY_S, self._look_at_call)
        if self._requests:
            self._show(self._requests[max(0, min(self._start, len(self._requests) - 1))])
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
        """All that is shown."""
        return self.query_one("#dialog", RequestPanel)

    # showing

    def _show(self, view: ApprovalView, notice: str = "", *, bad: bool = False) -> None:
        """Another request, from its first line; deaf until it has been on the screen for a while."""
        self._view = view
        self._deafen()
        self.panel.show_request(view, several_threads=len({r.thread_id for r in self._requests}) > 1)
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

    def _deafen(self) -> None:
        self._deafness.deafen()
        self.call_after_refresh(self._deafness.begin)

    def _tell_readiness(self) -> None:
        self.panel.sign(self._mode, deaf=not self._deafness.is_over)

    @on(ArgumentView.LastLineSeen)
    def free_keys(self) -> None:
        """Everything that would be executed has been on the screen."""
        self._list()

    def on_screen_resume(self) -> None:
        """What was decided elsewhere while another screen was on top."""
        if self._view is not None and not self._requests and self._mode not in ("over", "sending"):
            self._leave()

    # keys

    def on_key(self, event: events.Key) -> None:
        """Every key that no field took for itself comes by here."""
        key = event.character if event.character in ("[", "]") else event.key
        heard = self._deafness.hears(event)
        match self._mode:
            case "reasoning" | "answering" | "narrowing":
                taken = self._write(key, event)
            case "remembering":
                taken = self._confirm(key, heard=heard)
            case "choosing" if heard or key in HARMLESS_KEYS:
                taken = self._choose(key)
            case "over" if heard and key in ("escape", "l"):
                taken = True
                self._leave()
            case "choosing" | "over" | "sending":
                taken = key not in FOCUS_KEYS
        if taken and key not in self.panel.arguments._bindings.key_to_bindings:
            event.stop()
            event.prevent_default()

    def _choose(self, key: str) -> bool:
        view = self._view
        assert view is not None
        if key not in words.decision_keys(view):
            return self._look(key)
        if key in words.EXECUTING_KEYS and not self.panel.arguments.last_line_seen:
            self.panel.hint_to_scroll()
            return True
        match key:
            case "t" | "w":
                self._scope = words.SCOPE_OF_KEY[key]
                self._offer(None)
            case "r":
                self._enter("reasoning")
            case "p":
                self._enter("answering", "Your text stands in the tool's place; the call is not made.")
            case _:
                self._decide(words.DECISION_OF_KEY[key])
        return True

    def _offer(self, pattern: PatternChoice | None) -> None:
        """Say what would be remembered, and hear no yes to it before that has been on the screen for a while."""
        view = self._view
        assert view is not None
        self._pattern = pattern
        self._deafen()
        self._enter("remembering", words.remembered(view, self._scope, pattern))

    def _look(self, key: str) -> bool:
        """What answers nothing."""
        match key:
            case "escape" | "l":
                self._leave()
            case "[" | "]":
                if len(self._requests) > 1:
                    by = 1 if key == "]" else -1
                    self._show(self._requests[(self._index() + by) % len(self._requests)])
            case _:
                return False
        return True

    def _confirm(self, key: str, *, heard: bool) -> bool:
        if key == "escape":
            self._enter("choosing")
        elif key in ("left", "right") and self._view is not None and self._view.patterns:
            self._offer(words.next_pattern(self._view, self._pattern, 1 if key == "right" else -1))
        elif key == "e" and self._view is not None and self._view.patterns:
            self._narrow(self._view)
        elif heard and (key == "y" or words.SCOPE_OF_KEY.get(key) == self._scope):
            self._decide("allow", scope=self._scope, pattern=self._pattern)
        else:
            return key not in FOCUS_KEYS
        return True

    def _narrow(self, view: ApprovalView) -> None:
        """Let the pattern be written, beginning with the one that is offered."""
        self._enter("narrowing")
        field = self.panel.pattern
        field.value = (self._pattern or view.patterns[0]).value
        field.cursor_position = len(field.value)

    @on(LineField.Changed, "#pattern")
    def weigh_pattern(self) -> None:
        """Say of each change what it would remember, or what is wrong with it."""
        if self._mode == "narrowing":
            self.run_worker(partial(self._weigh, self.panel.pattern.value), group="pattern", exclusive=True)

    async def _weigh(self, text: str) -> PatternChoice | None:
        view = self._view
        assert view is not None
        try:
            pattern = await self._gateway.typed_pattern(view, text)
        except GatewayError as error:
            if self._mode == "narrowing":
                self.panel.judge_pattern(str(error), bad=True)
            return None
        if self._mode == "narrowing":
            self.panel.judge_pattern(words.remembered(view, self._scope, pattern))
        return pattern

    async def _take_pattern(self) -> None:
        text = self.panel.pattern.value
        pattern = await self._weigh(text)
        if pattern is not None and self._mode == "narrowing" and text == self.panel.pattern.value:
            self._offer(pattern)

    def _write(self, key: str, event: events.Key) -> bool:
        fields = {"reasoning": self.panel.reason, "narrowing": self.panel.pattern}
        field = fields.get(self._mode, self.panel.answer)
        if key == "escape" and self._mode == "narrowing":
            self._offer(self._pattern)
        elif key == "escape":
            self._enter("choosing")
        elif self._mode == "answering" and key in SEND_KEYS:
            self._send_answer()
        elif event.is_printable and event.character:
            # Typed before the field had the focus, or while the arguments had it.
            field.take_key(event.character)
            self.panel.take_focus(self._mode)
        elif key in ("pageup", "pagedown") and self.focused is field:
            arguments = self.panel.arguments
            arguments.action_page_up() if key == "pageup" else arguments.action_page_down()
        else:
            return False
        return True

    @on(LineField.Submitted)
    def take_line(self) -> None:
        """A denial's reason, or a pattern, was written: the pattern is shown before it is remembered."""
        if self._mode == "narrowing":
            self.run_worker(self._take_pattern, group="pattern", exclusive=True)
            return
        reason = self.panel.reason.value.strip()
        if self._mode != "reasoning":
            return
        if reason:
            self._decide("deny", reason=reason)
        else:
            self.panel.say("Write a reason, or go back (esc) and deny without one (d).", bad=True)

    def _send_answer(self) -> None:
        output = self.panel.answer.text
        if output.strip():
            self._decide("respond", output=output)
        else:
            self.panel.say("Write what the tool would have answered, or go back (esc).", bad=True)

    # deciding

    def _decide(
        self,
        decision: Decision,
        *,
        reason: str | None = None,
        output: str | None = None,
        scope: WideScope | None = None,
        pattern: PatternChoice | None = None,
    ) -> None:
        view = self._view
        assert view is not None
        before = "choosing" if self._mode == "remembering" else self._mode
        self._enter("sending")
        self.run_worker(self._record(view, before, decision, reason, output, scope, pattern), group="decide")

    async def _record(
        self,
        view: ApprovalView,
        before: Mode,
        decision: Decision,
        reason: str | None,
        output: str | None,
        scope: WideScope | None,
        pattern: PatternChoice | None,
    ) -> None:
        try:
            await self._gateway.decide(
                view, decision, reason=reason, output=output, scope=scope or "once", pattern=pattern
            )
        except GatewayError as error:
            if error.kind == "decided" or not await self._still_waits(view):
                self._settle(view, f"{view.tool_name}: {error}", known=False)
            else:
                self._enter(before, f"{error} The request still waits: try again, or esc.", bad=True)
            return
        self._settle(view, f"{words.PAST[decision]}: {view.tool_name}.", known=True)

    async def _still_waits(self, view: ApprovalView) -> bool:
        try:
            waiting = await self._gateway.requests(view.thread_id)
        except GatewayError:
            # Nothing is known, so it is not said to be over; trying again is safe, a decision counts once.
            return True
        return any(request.approval_id == view.approval_id for request in waiting)

    def _settle(self, view: ApprovalView, notice: str, *, known: bool) -> None:
        """This request is no longer to be decided. `known`: the person here did it, and needs no telling."""
        index = self._index()
        self._settled.add(view.approval_id)
        self._requests = [r for r in self._requests if r.approval_id != view.approval_id]
        if self._requests:
            self._show(self._requests[min(index, len(self._requests) - 1)], notice, bad=not known)
        elif known:
            self._leave()
        else:
            self._deafen()
            self._enter("over", notice, bad=True)

    # what changes elsewhere

    def refresh_requests(self, requests: Sequence[ApprovalView]) -> None:
        """What waits now. Requests that are gone are dropped, and that is said; new ones come at the end; the one
        shown stays, and is shown anew only if it reads differently. Dismissed when nothing is left."""
        shown, before, index = self._view, self._requests, self._index()
        fresh = {r.approval_id: r for r in requests if r.approval_id not in self._settled}
        if shown is None:
            self._requests = list(fresh.values())
            return
        in_flight = shown.approval_id if self._mode == "sending" else None
        kept = [fresh.pop(r.approval_id, r) for r in before if r.approval_id in {*fresh, in_flight}]
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
