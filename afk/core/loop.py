"""The one loop: ask the model, record, work on its calls, record, and again. Everything else drains it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from afk.agents.agent import Agent
from afk.agents.errors import AgentError, RunFencedError
from afk.chat import Transcript
from afk.core.asking import Asker
from afk.core.budget import Budget
from afk.core.calls import CallWorker, OpenCall
from afk.core.config import RunnerConfig
from afk.core.context import Conversation
from afk.core.events import (
    AnswerRecorded,
    ApprovalRequested,
    CallFinished,
    CallProposed,
    RunEvent,
    RunPaused,
    RunWarning,
    StepStarted,
)
from afk.core.fitting import Fitter
from afk.core.judge import Judge
from afk.core.signals import Signals, StopOrder
from afk.llms.protocol import LLM, Answer, ChatMessage, ModelError, ToolCall, Usage
from afk.memory.records import (
    OPEN_PHASES,
    EffectRecord,
    Progress,
    ProposedCall,
    RunKey,
    RunSnapshot,
    RunStop,
)
from afk.memory.store import MemoryStore
from afk.tools.read_output import read_output

if TYPE_CHECKING:
    from afk.core.subagents import Delegate

# how often a run looks whether another process decided something: within a second is the promise
LOOK_EVERY_S = 0.25


class StepLoop:
    """One run, from a snapshot to its next stop, under one epoch; a root run, or one inside another."""

    def __init__(
        self,
        store: MemoryStore,
        llm: LLM,
        agent: Agent,
        model: str,
        config: RunnerConfig,
        judge: Judge,
        snapshot: RunSnapshot,
        signals: Signals,
        emit: Callable[[RunEvent], None],
        delegate: Delegate,
        above: Budget | None = None,
    ) -> None:
        self._store = store
        self._model = model
        self._config = config
        self._judge = judge
        self._signals = signals
        self._emit = emit
        run = snapshot.run
        part_id = run.transcript_id if run.parent_run_id else None
        self.key = RunKey(run.run_id, run.thread_id, run.epoch, part_id)
        self._step = run.step
        self._usage = dict(run.usage)
        self._budget = Budget(config, run.budget, self._time_is_up, above)
        self._open = {
            e.effect_id: OpenCall(e, snapshot.approvals.get(e.effect_id))
            for e in snapshot.effects
            if e.finished_at_ms is None and e.phase in OPEN_PHASES
        }
        self._chat = Conversation(
            agent.instructions,
            _without_open_step(snapshot.transcript) if self._open else snapshot.transcript,
            snapshot.summary,
            snapshot.pins,
        )
        # those of summarised messages among them
        self._call_ids = set(snapshot.transcript.call_ids)
        self._asker = Asker(llm, agent, model, config, run.run_id, emit, signals.wait)
        if snapshot.transcript.has_outputs:
            self._asker.offer(read_output)
        self._fitter = Fitter(
            store,
            self.key,
            llm,
            self._asker,
            model,
            config,
            self._chat,
            emit,
            self._count_usage,
            self._progress,
        )
        self._worker = CallWorker(store, self.key, run, judge, self._budget, self._progress, emit, delegate)
        self._seen_version: tuple[int, int] | None = None
        # of the step's results; of a step that was begun before this resume only the disk knows them
        self._places: list[int] = []

    @property
    def step(self) -> int:
        """How many answers the run has so far."""
        return self._step

    async def run(self) -> RunStop:
        """Work until the run stops, for whatever reason; then it is on disk, as what is returned or, if its last
        boundary was faster than the order to stop, as that boundary said."""
        self._budget.start()
        body = asyncio.ensure_future(self._body())
        self._signals.on_stop = partial(_cancel, body)
        if self._signals.order:
            body.cancel()
        try:
            stop, written = await body
        except asyncio.CancelledError:
            order = self._signals.order or StopOrder(
                "interrupted", "cancelled", "The task that this run was part of was cancelled."
            )
            stop, written = order.as_stop(), False
        except ModelError as error:
            stop, written = _model_failed(error), False
        except RunFencedError:
            raise
        except Exception as error:
            # whatever it was, the run must not look as if it still ran; what can't be written is told by the error
            said = str(error) if isinstance(error, AgentError) else f"{type(error).__name__}: {error}"
            order = StopOrder("interrupted", "infrastructure", said)
            with contextlib.suppress(AgentError):
                await self._store.stop_run(self.key, order.as_stop())
            raise
        finally:
            self._budget.stop()
        if not written:
            await self._store.stop_run(self.key, stop)
        return stop

    async def run_inside(self) -> RunStop:
        """Work until this run, which is inside another, is over, waits for people or stops short: then that is on
        disk. Cancelled, what is known of its calls is; how it stands then is written with its root."""
        self._budget.start()
        try:
            stop, written = await self._body()
        except ModelError as error:
            stop, written = _model_failed(error), False
        finally:
            self._budget.stop()
        if not written:
            await self._store.stop_child(self.key, stop)
        return stop

    async def _body(self) -> tuple[RunStop, bool]:
        while True:
            if self._open and (stop := await self._work_on_calls()):
                return stop, False
            await self._gate()
            if spent := self._budget.spent_on_steps():
                return StopOrder("interrupted", "budget", spent).as_stop(), False
            answer = await self._ask_model()
            stop = await self._record(answer)
            if stop:
                return stop, True

    async def _ask_model(self) -> Answer:
        return await self._fitter.answer(lambda: self._emit(StepStarted(self.key.run_id, self._step + 1)))

    async def _record(self, answer: Answer) -> RunStop | None:
        """Boundary A. The run's stop, if the answer, or the requests in it, are the end for now."""
        judged = await self._judge.judge(answer.tool_calls, self._call_ids, await self._delegated(answer))
        self._call_ids.update(call.call_id for call in judged)
        self._step += 1
        self._budget.steps += 1
        self._count_usage(answer.usage, 1)
        self._count("tool_calls", len(judged))
        raw = [
            {"id": call.call_id, "name": asked.name, "arguments": asked.arguments}
            for call, asked in zip(judged, answer.tool_calls, strict=True)
        ]
        telemetry = {
            "model": self._model,
            "step": self._step,
            "input_tokens": answer.usage.input_tokens,
            "output_tokens": answer.usage.output_tokens,
            "finish_reason": answer.finish_reason,
            "tool_calls": len(judged),
            **self._fitter.measures(answer.usage),
        }
        stop = self._stop_after(answer, judged)
        seq, effects = await self._store.record_answer(
            self.key, answer.text, raw, judged, self._progress(), telemetry, stop
        )
        calls = tuple(ToolCall(c["id"], c["name"], c["arguments"]) for c in raw)
        self._chat.append(seq, ChatMessage("assistant", answer.text, calls))
        run_id = self.key.run_id
        self._emit(
            AnswerRecorded(run_id, seq, answer.text, answer.usage.input_tokens, answer.usage.output_tokens)
        )
        self._tell_calls(judged, effects)
        if judged and not self._open:
            await self._append_results()
        return stop

    async def _delegated(self, answer: Answer) -> int:
        """How many calls to subagents the run made so far; asked only where the answer makes one."""
        agent = self._judge.agent
        if not any(agent.subagent(call.name) for call in answer.tool_calls):
            return 0
        return await self._store.count_delegated(self.key.run_id)

    def _stop_after(self, answer: Answer, judged: list[ProposedCall]) -> RunStop | None:
        if not judged:
            if answer.refusal or answer.finish_reason in ("length", "content_filter"):
                notice = _why_degraded(answer)
                self._emit(RunWarning(self.key.run_id, notice))
                return RunStop("degraded", None, {"final_text": answer.text, "notice": notice})
            return _completed(answer.text)
        only_waiting = all(call.request or call.result for call in judged) and any(c.request for c in judged)
        return RunStop("awaiting_approval") if only_waiting else None

    def _tell_calls(self, judged: list[ProposedCall], effects: tuple[EffectRecord, ...]) -> None:
        run_id = self.key.run_id
        self._places = [effect.result_seq for effect in effects]
        for call, effect in zip(judged, effects, strict=True):
            self._emit(CallProposed(run_id, call.call_id, effect.result_seq, call.tool_name, call.arguments))
            if call.result:
                self._emit(
                    CallFinished(run_id, call.call_id, effect.result_seq, call.tool_name, effect.phase, 0)
                )
                continue
            self._open[effect.effect_id] = OpenCall(effect, None)
            if call.request and effect.approval_id:
                self._emit(
                    ApprovalRequested(
                        run_id, effect.approval_id, call.call_id, "call", call.tool_name, call.request.reason
                    )
                )

    async def _work_on_calls(self) -> RunStop | None:
        """Work until every call of the step has its result. A stop, if only people or a budget can go on."""
        if any(call.effect.approval_id for call in self._open.values()):
            await self._reread()
        working: dict[asyncio.Task[OpenCall | None], str] = {}
        try:
            while self._open:
                if not working:
                    await self._gate()
                self._start_what_can(working)
                if not working:
                    if stop := next((call.stop for call in self._open.values() if call.stop), None):
                        return stop
                    if all(call.waits for call in self._open.values()):
                        return RunStop("awaiting_approval")
                    spent = self._budget.spent_on_calls() or ""
                    return StopOrder("interrupted", "budget", spent).as_stop()
                await self._wait_for_work_or_decision(working)
        finally:
            await _cancel_all(working)
        await self._append_results()
        return None

    def _start_what_can(self, working: dict[asyncio.Task[OpenCall | None], str]) -> None:
        busy = set(working.values())
        if self._signals.is_paused:
            return
        spent = bool(self._budget.spent_on_calls())
        for effect_id, call in self._open.items():
            if len(working) >= self._config.max_parallel_tools:
                return
            if effect_id in busy or call.waits or call.stop:
                continue
            if not spent or call.is_under_way_inside:
                working[asyncio.ensure_future(self._worker.advance(call))] = effect_id

    async def _wait_for_work_or_decision(self, working: dict[asyncio.Task[OpenCall | None], str]) -> None:
        """Until a call came to its end, or somebody decided about one that waits."""
        someone_waits = any(call.waits for call in self._open.values())
        done, _ = await asyncio.wait(
            working, timeout=LOOK_EVERY_S if someone_waits else None, return_when=asyncio.FIRST_COMPLETED
        )
        for task in done:
            effect_id = working.pop(task)
            call = task.result()
            if call is None:
                del self._open[effect_id]
            else:
                self._open[effect_id] = call
        if someone_waits and await self._changed():
            await self._reread(except_for=set(working.values()))

    async def _changed(self) -> bool:
        """Whether another process recorded something since this was last asked, or this one an event."""
        self._signals.decided.clear()
        version = await self._store.data_version()
        changed = version != self._seen_version
        self._seen_version = version
        return changed

    async def _reread(self, except_for: set[str] | None = None) -> None:
        """How the step's calls stand on disk: decisions come from anywhere."""
        if any(call.approval and call.approval.expires_at_ms is not None for call in self._open.values()):
            await self._store.expire_requests(self.key.run_id)
        for effect, approval in await self._store.read_calls(self.key.run_id, self._step):
            known = self._open.get(effect.effect_id)
            if known is None or known.stop or effect.effect_id in (except_for or ()):
                continue
            call = OpenCall(effect, approval)
            if call.is_under_way_inside:
                call.waits_inside = await self._store.child_waits(effect.effect_id)
            self._open[effect.effect_id] = call

    async def _append_results(self) -> None:
        """The results of the step, in the order of the calls."""
        results = self._worker.take_results(self._places) if self._places else None
        if results is None:  # others wrote some of them
            results = await self._store.step_results(self.key.run_id, self._step)
        for result in results:
            self._chat.append(result.seq, ChatMessage("tool", result.text, (), result.call_id))
            if result.output_sha is not None:
                self._asker.offer(read_output)

    async def _gate(self) -> None:
        """Where `pause()` takes hold. Calls that run go on, and no further one begins."""
        while self._signals.is_paused:  # it may be paused anew before this one woke
            self._budget.pause()
            self._emit(RunPaused(self.key.run_id))
            await self._signals.wait_until_going()
            self._budget.go_on()

    def _progress(self) -> Progress:
        return Progress(self._step, dict(self._usage), self._budget.as_record())

    def _count_usage(self, usage: Usage, requests: int) -> None:
        self._count("model_calls", requests)
        self._count("input_tokens", usage.input_tokens)
        self._count("output_tokens", usage.output_tokens)

    def _count(self, what: str, more: int) -> None:
        self._usage[what] = self._usage.get(what, 0) + more

    def _time_is_up(self) -> None:
        limit = self._config.max_wall_time_s
        detail = f"The run worked for its {limit:g} s (max_wall_time_s). Resume it to grant it as long again."
        self._signals.stop(StopOrder("interrupted", "timeout", detail))


def _without_open_step(transcript: Transcript) -> Transcript:
    """The messages up to the answer whose calls are open; its results are appended when all are there."""
    places, messages, *_ = transcript
    end = 1 + next(n for n in range(len(messages) - 1, -1, -1) if messages[n].role == "assistant")
    return transcript._replace(places=places[:end], messages=messages[:end])


def _completed(text: str) -> RunStop:
    return RunStop("completed", None, {"final_text": text})


def _why_degraded(answer: Answer) -> str:
    if answer.refusal:
        return "The model refused to answer."
    if answer.finish_reason == "length":
        return "The answer is cut: it reached the longest length that the model gives."
    return "The answer is cut: the provider's content filter stopped it."


def _model_failed(error: ModelError) -> RunStop:
    kind = "timeout" if error.kind == "timeout" else "infrastructure"
    return StopOrder("interrupted", kind, str(error), error.kind).as_stop()


def _cancel(task: asyncio.Future[Any]) -> None:
    task.cancel()


async def _cancel_all(tasks: Mapping[asyncio.Task[Any], str]) -> None:
    """Return when all are done: what is known of their calls is on disk then. Who cancels meanwhile waits too."""
    for task in tasks:
        task.cancel()
    cancelled: asyncio.CancelledError | None = None
    while left := [task for task in tasks if not task.done()]:
        try:
            await asyncio.wait(left)
        except asyncio.CancelledError as error:
            cancelled = error
    for task in tasks:
        if not task.cancelled():
            task.exception()
    if cancelled:
        raise cancelled
