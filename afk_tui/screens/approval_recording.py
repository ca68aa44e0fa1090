"""The approval modal's decisions: each is on disk before the next one, and before anything is said of it."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence

from afk_tui.gateway.errors import GatewayError
from afk_tui.gateway.views import ApprovalView, PatternChoice
from afk_tui.screens import approval_words as words
from afk_tui.screens.approval_showing import ApprovalShowing
from afk_tui.screens.approval_words import Decision, Mode, WideScope

UNKNOWN = "It is not known whether this was recorded. Try again: a decision counts once. Or esc, and look at the inbox."


class ApprovalRecording(ApprovalShowing):
    """Records decisions, one or one after another."""

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
        self._in_flight = frozenset({view.approval_id})
        self._enter("sending")
        self._begin_recording(self._record(view, before, decision, reason, output, scope, pattern))

    def _begin_recording(self, work: Coroutine[None, None, None]) -> None:
        self.run_worker(self._recording(work), group="decide", exit_on_error=False)

    async def _recording(self, work: Coroutine[None, None, None]) -> None:
        try:
            await work
        except Exception:
            self._enter("choosing", UNKNOWN, bad=True)
            raise

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
        self._drop(view)
        if self._requests:
            self._show(self._requests[min(index, len(self._requests) - 1)], notice, bad=not known)
        elif known:
            self._leave()
        else:
            self._deafen()
            self._enter("over", notice, bad=True)

    def _drop(self, view: ApprovalView) -> None:
        self._settled.add(view.approval_id)
        self._requests = [r for r in self._requests if r.approval_id != view.approval_id]

    # several at once

    def _batch(self) -> list[ApprovalView]:
        """The requests that a yes or a no can be given to: what became of a call is asked about one by one."""
        return [r for r in self._requests if r.kind == "call"]

    def _decide_all(self, decision: Decision, reason: str | None = None) -> None:
        views = self._batch()
        self._in_flight = frozenset(r.approval_id for r in views)
        self._enter("sending")
        self._begin_recording(self._record_all(views, decision, reason))

    async def _record_all(
        self, views: Sequence[ApprovalView], decision: Decision, reason: str | None
    ) -> None:
        """One after another, each on disk before the next: what was recorded when it is cut off stays so."""
        done = 0
        problems: list[str] = []
        for view in views:
            try:
                await self._gateway.decide(view, decision, reason=reason)
            except GatewayError as error:
                problems.append(f"{view.tool_name}: {error}")
                if error.kind == "decided" or not await self._still_waits(view):
                    self._drop(view)
                elif error.kind == "store":
                    break  # the others would fail of the same
                continue
            done += 1
            self._drop(view)
            self.panel.say(f"{done} of {len(views)} recorded.")
        self._tell_all(words.PAST[decision], done, len(views), problems)

    def _tell_all(self, past: str, done: int, wanted: int, problems: Sequence[str]) -> None:
        said = f"{past}: {done} of {wanted}." if problems else f"{past}: all {done}."
        notice = " ".join((said, *problems))
        if self._requests:
            self._show(self._requests[0], notice, bad=bool(problems))
        elif problems:
            self._deafen()
            self._enter("over", notice, bad=True)
        else:
            self._leave()
