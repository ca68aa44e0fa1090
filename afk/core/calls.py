"""The calls of one step: from what the journal and the people say of each to its result, in whatever order."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from afk.core.budget import Budget
from afk.core.conversation_outputs import ConversationOutputs
from afk.core.events import (
    ApprovalDecided,
    ApprovalRequested,
    CallFinished,
    CallOutput,
    CallStarted,
    RunEvent,
    RunWarning,
)
from afk.core.judge import Judge, call_sha
from afk.core.keeping import OutcomeKeeper
from afk.core.shown import changed_since_shown
from afk.core.unknown import TAKEN_OVER, still_running_text, timed_out_in_thread, why_unknown
from afk.memory.bounding import as_shown
from afk.memory.decided import decided_result, with_edited_note
from afk.memory.records import (
    ApprovalRecord,
    CallResult,
    EffectPhase,
    EffectRecord,
    Progress,
    Request,
    RunKey,
    RunRecord,
    RunStop,
    StepResult,
)
from afk.memory.store import Lifeline, MemoryStore
from afk.memory.text import storable
from afk.tools import BasisChangedError, Tool, ToolArgumentsError, ToolContext, ToolError

if TYPE_CHECKING:
    from afk.core.subagents import Delegate

HAPPENED_BY_VERIFY = (
    "This call was cut off, and was then found to have taken effect. Its output is not known."
)
CUT_OFF_AND_DENIED = "An earlier attempt at this call was cut off and may have had an effect. Now:"
NO_LONGER_ALLOWED = "What allowed this call no longer holds: it expired or was revoked."
ASKED_AGAIN = "Asked again: "
STOPPED = "This call was stopped while it ran. It may have had an effect."


class OpenCall:
    """A call without a result yet, and its current request, if it has one. Of a call to a subagent: whether
    `waits_inside` is all that goes on there, or `stop`, how its run stopped short."""

    def __init__(
        self,
        effect: EffectRecord,
        approval: ApprovalRecord | None,
        *,
        waits_inside: bool = False,
        stop: RunStop | None = None,
    ) -> None:
        self.effect = effect
        self.approval = approval
        self.waits_inside = waits_inside
        self.stop = stop

    @property
    def waits(self) -> bool:
        """Whether only a person can go on with it."""
        return self.waits_inside or (self.approval is not None and self.approval.status == "pending")

    @property
    def is_under_way_inside(self) -> bool:
        """Whether a subagent's run works for it."""
        return self.effect.effect == "subagent" and self.effect.phase == "executing"


class CallWorker:
    """Works on the calls of one run under one epoch.

    `advance` does for one call all that can be done without a person; it returns when the call has its result, when
    it waits for a decision, or, cancelled, when what is known of it is on disk.
    """

    def __init__(
        self,
        store: MemoryStore,
        key: RunKey,
        run: RunRecord,
        judge: Judge,
        budget: Budget,
        progress: Callable[[], Progress],
        emit: Callable[[RunEvent], None],
        delegate: Delegate,
    ) -> None:
        self._store = store
        self._delegate = delegate
        self._key = key
        self._run = run
        self._judge = judge
        self._budget = budget
        self._keeper = OutcomeKeeper(store, key, progress, emit)
        self._emit = emit
        self._results: dict[int, StepResult] = {}

    def take_results(self, places: Sequence[int]) -> list[StepResult] | None:
        """The results at these places as they were written here; None where that was not all of them."""
        known = [self._results.get(seq) for seq in places]
        self._results.clear()
        results = [result for result in known if result is not None]
        return results if len(results) == len(known) else None

    async def advance(self, call: OpenCall) -> OpenCall | None:
        """The call as it then stands if it waits for a person, None when it has its result."""
        effect, approval = call.effect, call.approval
        if approval is not None and approval.status in ("expired", "closed"):
            reason = f"{ASKED_AGAIN}{approval.reason.removeprefix(ASKED_AGAIN)}"
            return await self._ask(effect, approval.kind, reason)
        if call.waits:
            return call
        if effect.phase == "uncertain" and (
            approval is None or approval.kind == "call" or approval.consumed_at_ms is not None
        ):
            return await self._ask(effect, "uncertain", TAKEN_OVER)
        if effect.phase == "executing":
            return await self._recover(effect, approval)
        if approval is None:
            return await self._execute(effect, None)
        self._tell_decided(approval)
        match approval.status:
            case "allowed":
                return await self._execute_allowed(effect, approval)
            case "run_again":
                running = self._store.still_running(effect.effect_id)
                if running is not None:  # two of it at once is what nobody asked for
                    return await self._ask(effect, "uncertain", still_running_text(running))
                return await self._execute(effect, approval)
            case status:
                decided = decided_result(approval)
                assert decided is not None, f"request {approval.approval_id} is {status}"
                phase: EffectPhase = "uncertain" if approval.kind == "uncertain" else "proposed"
                return await self._settle(effect, decided, (phase,))

    async def _recover(self, effect: EffectRecord, approval: ApprovalRecord | None) -> OpenCall | None:
        """A call that a former owner had begun, and whose outcome is not on disk."""
        if (kept := self._keeper.kept(effect)) is not None:
            return await self._settle(effect, kept, ("executing",))
        if effect.effect != "once":
            return await self._execute_allowed(effect, approval)
        running = self._store.still_running(effect.effect_id)
        if running is not None:
            return await self._ask(effect, "uncertain", still_running_text(running))
        tool = self._tool(effect)
        if tool.verify is not None:
            happened = await self._verify(tool, effect)
            if happened is True:
                return await self._settle(effect, CallResult("done", HAPPENED_BY_VERIFY), ("executing",))
            if happened is False:
                return await self._execute_allowed(effect, approval, known_absent=True)
        return await self._ask(effect, "uncertain", why_unknown(self._run.interruption))

    async def _verify(self, tool: Tool, effect: EffectRecord) -> bool | None:
        assert tool.verify is not None
        try:
            happened = tool.verify(self._context(effect), effect.arguments)
            return await happened if inspect.isawaitable(happened) else happened
        except Exception as error:  # noqa: BLE001 - a tool is somebody else's code; what it can't tell, a person must
            self._emit(RunWarning(self._key.run_id, f"{tool.name} could not be verified: {error}"))
            return None

    async def _execute_allowed(
        self, effect: EffectRecord, approval: ApprovalRecord | None, *, known_absent: bool = False
    ) -> OpenCall | None:
        edited = approval.edited_arguments if approval else None
        if edited is None:
            return await self._execute(effect, approval, known_absent=known_absent)
        try:
            arguments = self._tool(effect).validate(edited)
        except ToolArgumentsError as error:
            return await self._ask(effect, "call", f"The edited arguments do not fit the tool: {error}")
        decided_sha = call_sha(effect.tool_name, edited, self._run.workspace)
        return await self._execute(
            effect, approval, known_absent=known_absent, arguments=arguments, decided_sha=decided_sha
        )

    async def _execute(
        self,
        effect: EffectRecord,
        approval: ApprovalRecord | None,
        *,
        known_absent: bool = False,
        arguments: dict[str, Any] | None = None,
        decided_sha: str | None = None,
    ) -> OpenCall | None:
        values = effect.arguments if arguments is None else arguments
        if effect.effect == "subagent" and effect.phase == "executing":
            return await self._work_inside(effect, approval, values, decided_sha)
        # the rules of now: they may be others than those under which the call was proposed
        if refusal := self._judge.refusal(effect.tool_name, values):
            if effect.phase != "proposed":
                refusal = CallResult("failed", f"{CUT_OFF_AND_DENIED} {refusal.text}")
            return await self._settle(effect, refusal, (effect.phase,))
        if not await self._judge.still_covers(effect, values):
            return await self._ask(effect, "call", "What allowed calls like this one no longer covers it.")
        if (changed := await self._changed(effect, approval, values, known_absent)) is not None:
            return await self._ask(effect, approval.kind if approval else "call", changed)
        if not self._budget.claim_call():
            return OpenCall(effect, approval)
        if effect.effect == "subagent":
            return await self._work_inside(effect, approval, values, decided_sha)
        try:
            # before the intent is on disk: nothing was begun where it can't be had
            lifeline = self._store.lifeline(effect.effect_id) if effect.effect == "once" else None
        except BlockingIOError:
            self._budget.give_back_call()
            return await self._ask(effect, approval.kind if approval else "call", still_running_text(0))
        try:
            return await self._execute_held(effect, approval, values, lifeline, known_absent, decided_sha)
        finally:
            if lifeline is not None:
                lifeline.close()

    async def _work_inside(
        self,
        effect: EffectRecord,
        approval: ApprovalRecord | None,
        values: dict[str, Any],
        decided_sha: str | None,
    ) -> OpenCall | None:
        """Have a subagent work on the call, from the beginning or from where its run stands."""
        sha = call_sha(effect.tool_name, values, self._run.workspace)
        if effect.phase != "executing":
            self._emit(CallStarted(self._key.run_id, effect.call_id, effect.tool_name, 1))
        delegated = await self._delegate(self._key, effect, values, sha, decided_sha, self._budget)
        if delegated is None:
            self._budget.give_back_call()
            return await self._ask(effect, "call", NO_LONGER_ALLOWED)
        effect, result, stop = delegated.effect, delegated.result, delegated.stop
        if stop is not None:
            waits = stop.state == "awaiting_approval"
            return OpenCall(effect, approval, waits_inside=waits, stop=None if waits else stop)
        assert result is not None
        if decided_sha is not None:
            result = with_edited_note(result, values)
        took_ms = max(0, self._store.clock() - (effect.started_at_ms or self._store.clock()))
        return await self._settle(effect, result, ("executing",), took_ms)

    async def _execute_held(
        self,
        effect: EffectRecord,
        approval: ApprovalRecord | None,
        values: dict[str, Any],
        lifeline: Lifeline | None,
        known_absent: bool,
        decided_sha: str | None,
    ) -> OpenCall | None:
        edited = decided_sha is not None or await self._was_edited_before(effect, approval)
        started = effect
        if effect.effect != "read" or approval is not None or (effect.allowed_by or "").startswith("grant:"):
            began = await self._intend(effect, values, known_absent, decided_sha)
            if began is None:
                return await self._ask(effect, "call", NO_LONGER_ALLOWED)
            started = began
        self._emit(CallStarted(self._key.run_id, effect.call_id, effect.tool_name, max(1, started.attempt)))
        began_at = time.monotonic()
        try:
            result = await self._call(started, values, lifeline, approval.shown if approval else None)
        except BasisChangedError as error:  # in the last moment, and nothing was done
            self._budget.give_back_call()
            await self._store.withdraw_effect(self._key, started.effect_id)
            changed = await self._changed(effect, approval, values, known_absent)
            return await self._ask(effect, approval.kind if approval else "call", changed or f"{error}.")
        if result is None:
            return await self._ask(started, "uncertain", timed_out_in_thread(self._tool(effect)))
        if edited:
            result = with_edited_note(result, values)
        phases: tuple[EffectPhase, ...] = ("executing",) if started is not effect else ("proposed",)
        return await self._settle(started, result, phases, int((time.monotonic() - began_at) * 1000))

    async def _intend(
        self, effect: EffectRecord, arguments: dict[str, Any], known_absent: bool, decided_sha: str | None
    ) -> EffectRecord | None:
        sha = call_sha(effect.tool_name, arguments, self._run.workspace)
        try:
            began = await self._store.begin_effect(
                self._key,
                effect.effect_id,
                arguments,
                sha,
                known_absent=known_absent,
                decided_sha=decided_sha,
            )
        except asyncio.CancelledError:
            # the intent may be on disk, and the tool was certainly not called
            self._budget.give_back_call()
            await self._store.withdraw_effect(self._key, effect.effect_id)
            raise
        if began is None:
            self._budget.give_back_call()
        return began

    async def _changed(
        self,
        effect: EffectRecord,
        approval: ApprovalRecord | None,
        values: dict[str, Any],
        known_absent: bool,
    ) -> str | None:
        """Why a yes no longer holds: what the call would change is not what was shown with it. What an interrupted
        attempt may have changed itself says nothing."""
        if approval is None or approval.shown is None or (effect.phase == "executing" and not known_absent):
            return None
        tool, folder = self._tool(effect), Path(self._run.workspace)
        return await asyncio.to_thread(
            changed_since_shown, tool, approval.shown, folder, values, self._store.is_own_file
        )

    async def _was_edited_before(self, effect: EffectRecord, approval: ApprovalRecord | None) -> bool:
        """Whether a person, asked about the call before its outcome was lost, had changed its arguments."""
        if approval is None or approval.kind != "uncertain":
            return False
        requests = await self._store.list_approvals(run_id=self._key.run_id, pending_only=False)
        return any(
            r.effect_id == effect.effect_id and r.status == "allowed" and r.edited_arguments is not None
            for r in requests
        )

    async def _call(
        self, effect: EffectRecord, arguments: dict[str, Any], lifeline: Lifeline | None, shown: str | None
    ) -> CallResult | None:
        """Call the tool. None: its time is over, it can't be killed, and so nobody knows. Raises BasisChangedError
        where what it would change is not what was `shown`: then nothing was done."""
        tool = self._tool(effect)
        timeout = asyncio.timeout(tool.timeout_s)
        try:
            async with timeout:
                return CallResult("done", await tool.call(self._context(effect, lifeline, shown), arguments))
        except ToolError as error:
            if shown is not None and isinstance(error, BasisChangedError):
                raise
            return CallResult("failed", str(error) or f"{tool.name} failed.")
        except TimeoutError as error:
            if not timeout.expired():
                return CallResult("failed", _failure(tool, error))
            if tool.is_threaded and effect.effect == "once":
                return None
            return CallResult(
                "failed", f"{tool.name} was given up after {tool.timeout_s:g} s. It may have had an effect."
            )
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if (
                task is not None and not task.cancelling()
            ):  # nobody stopped it, it let a cancellation of its own out
                return CallResult("failed", _failure(tool, error))
            # a coroutine that was cancelled is gone; what runs in a thread, or may be repeated, stays `executing`
            if effect.effect == "once" and not tool.is_threaded:
                await self._settle(effect, CallResult("failed", STOPPED), ("executing",))
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001 - somebody else's code: what it raises is its result
            return CallResult("failed", _failure(tool, error))

    async def _settle(
        self, effect: EffectRecord, result: CallResult, phases: tuple[EffectPhase, ...], duration_ms: int = 0
    ) -> None:
        result = as_shown(replace(result, text=storable(result.text)), self._judge.config.result_limits)
        done = await self._keeper.record(effect, result, phases, duration_ms)
        sha = result.whole.sha256 if result.whole else None
        place = done.result_seq
        self._results[place] = StepResult(place, result.text, done.call_id, sha)
        self._emit(
            CallFinished(
                self._key.run_id, done.call_id, done.result_seq, done.tool_name, done.phase, duration_ms
            )
        )

    async def _ask(self, effect: EffectRecord, kind: str, reason: str) -> OpenCall:
        request: Request = self._judge.request(self._tool(effect), reason, kind)
        asked, approval_id = await self._store.ask_about(self._key, effect.effect_id, request)
        self._emit(
            ApprovalRequested(
                self._key.run_id, approval_id, effect.call_id, request.kind, effect.tool_name, reason
            )
        )
        return OpenCall(asked, await self._store.get_approval(approval_id))

    def _tell_decided(self, approval: ApprovalRecord) -> None:
        self._emit(
            ApprovalDecided(
                self._key.run_id,
                approval.approval_id,
                approval.call_id,
                approval.status,
                approval.decided_by or "",
            )
        )

    def _tool(self, effect: EffectRecord) -> Tool:
        tool = self._judge.tool(effect.tool_name)
        assert tool is not None  # checked before the run was taken, and before the call was proposed
        return tool

    def _context(
        self, effect: EffectRecord, lifeline: Lifeline | None = None, shown: str | None = None
    ) -> ToolContext:
        loop = asyncio.get_running_loop()

        def emit(text: str) -> None:
            event = CallOutput(self._key.run_id, effect.call_id, text)
            with contextlib.suppress(RuntimeError):  # a tool in a thread can outlive the loop
                loop.call_soon_threadsafe(self._emit, event)

        return ToolContext(
            workspace=Path(self._run.workspace),
            run_id=self._key.run_id,
            thread_id=self._key.thread_id,
            call_id=effect.call_id,
            idempotency_key=effect.idempotency_key,
            attempt=max(1, effect.attempt),
            context=self._run.context,
            emit=emit,
            off_limits=self._store.is_own_file,
            lifeline=lifeline,
            shown=shown,
            limits=self._judge.config.result_limits,
            outputs=ConversationOutputs(self._store, self._key.transcript_id),
        )


def _failure(tool: Tool, error: BaseException) -> str:
    return f"{tool.name} failed: {type(error).__name__}: {error}"
