"""The events of a run, one by one, as messages for the app."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import assert_never

from textual.message import Message

from afk.core import events
from afk.core.handle import AgentRunHandle
from afk_tui.gateway import messages as told
from afk_tui.gateway.clean import clean, clean_line
from afk_tui.gateway.sources import ConversationSource
from afk_tui.gateway.views import ConversationItem

# what is shown of a command that still runs: its end, this often
LIVE_OUTPUT_CHARS = 8_000
LIVE_OUTPUT_EVERY_S = 0.1
# A fast model says a thousand pieces a second. Each message costs the app a tenth of a millisecond, and it paints less
# often than this.
ANSWER_EVERY_S = 0.02


class Pump:
    """Carries one run's events to the app until the run stops."""

    def __init__(
        self, handle: AgentRunHandle, source: ConversationSource, post: Callable[[Message], object]
    ) -> None:
        self._handle = handle
        self._source = source
        self._post = post
        self._thread_id = handle.thread_id
        self._seqs: dict[str, int] = {}
        self._items: dict[str, ConversationItem] = {}
        self._output: dict[str, str] = {}
        self._shown_at: dict[str, float] = {}
        # of the runs inside the run: where the call stands that each works for, and whose they are
        self._inside: dict[str, tuple[int, str]] = {}
        self._allowed: set[str] = set()
        self._grown: list[str] = []  # of the answer, and not told yet
        self._grown_told_at = 0.0
        self._grown_timer: asyncio.TimerHandle | None = None
        self.ended_in = ""

    async def run(self) -> None:
        """Carry every event; returns when the run has stopped."""
        try:
            async for event in self._handle.events:
                if not isinstance(event, events.AnswerDelta):
                    self._tell_grown()
                await self._tell(event)
        finally:
            self._tell_grown()

    def _grow_answer(self, text: str) -> None:
        self._grown.append(text)
        if self._grown_timer is None:
            loop = asyncio.get_running_loop()
            self._grown_timer = loop.call_at(self._grown_told_at + ANSWER_EVERY_S, self._tell_grown)

    def _tell_grown(self) -> None:
        """The first piece after a while is told at once, what comes within 20 ms of it together."""
        if self._grown_timer is not None:
            self._grown_timer.cancel()
            self._grown_timer = None
        if self._grown:
            text = "".join(self._grown)
            self._grown.clear()
            self._grown_told_at = asyncio.get_running_loop().time()
            self._post(told.AnswerGrew(self._thread_id, clean(text)))

    async def _tell(self, event: events.RunEvent) -> None:
        if event.run_id == self._handle.run_id:
            await self._tell_own(event)
        else:
            await self._tell_inside(event)

    async def _tell_own(self, event: events.RunEvent) -> None:
        thread_id = self._thread_id
        match event:
            case events.RunStarted():
                self._post(told.RunBegan(thread_id, event.run_id))
            case events.StepStarted():
                self._post(told.AnswerBegan(thread_id, event.step))
            case events.AnswerDelta():
                self._grow_answer(event.text)
            case events.AnswerRestarted():
                self._post(told.AnswerRestarted(thread_id, event.attempt, event.delay_s, clean(event.reason)))
            case events.AnswerRecorded():
                item = await self._source.at(event.seq) if event.text else None
                self._post(told.AnswerEnded(thread_id, item))
            case events.CallProposed():
                self._seqs[event.call_id] = event.seq
                await self._tell_call(event.call_id)
            case events.ApprovalRequested():
                await self._tell_call(event.call_id)
                self._post(told.RequestsChanged(thread_id))
                if event.kind == "call" and event.call_id in self._allowed:
                    text = f"{self._title(event)} was not run: {event.reason} You are asked again."
                    self._post(told.Warned(thread_id, clean(text)))
            case events.ApprovalDecided():
                await self._tell_call(event.call_id)
                self._post(told.RequestsChanged(thread_id))
                if event.status == "allowed":
                    self._allowed.add(event.call_id)
            case events.CallStarted():
                self._output.pop(event.call_id, None)
                await self._tell_call(event.call_id)
            case events.CallOutput():
                self._tell_output(event.call_id, event.text)
            case events.CallFinished():
                self._seqs[event.call_id] = event.seq
                self._output.pop(event.call_id, None)
                await self._tell_call(event.call_id)
            case events.SubagentStarted():
                self._seqs[event.call_id] = event.seq
                self._inside[event.child_run_id] = (event.seq, event.agent_name)
                await self._tell_call(event.call_id)
            case events.SubagentStopped():
                await self._tell_call(event.call_id)
            case events.OutcomeKept():
                self._post(told.OutcomeKept(thread_id, self._title(event), clean(event.reason)))
            case events.SummaryStarted():
                self._post(told.SummaryBegan(thread_id, event.messages))
            case events.SummaryRecorded():
                self._post(told.SummaryEnded(thread_id, event.messages))
            case events.RunWarning():
                self._post(told.Warned(thread_id, clean(event.text)))
            case events.RunPaused():
                self._post(told.Warned(thread_id, "Paused."))
            case events.RunStopped():
                self.ended_in = event.state
                reason = event.interruption.detail if event.interruption else ""
                self._post(told.RunEnded(thread_id, event.run_id, event.state, clean(reason)))
            case _:
                assert_never(event)

    def _title(self, event: events.ApprovalRequested | events.OutcomeKept) -> str:
        known = self._items.get(event.call_id)
        return clean_line(known.title if known else event.tool_name)

    async def _tell_inside(self, event: events.RunEvent) -> None:
        """What happens in a run inside this one changes the call that it works for."""
        seq, name = self._inside.get(event.run_id, (0, ""))
        match event:
            case events.SubagentStarted():
                self._inside[event.child_run_id] = (seq, event.agent_name)
            case events.ApprovalRequested() | events.ApprovalDecided():
                self._post(told.RequestsChanged(self._thread_id))
            case events.RunWarning():
                self._post(told.Warned(self._thread_id, clean(f"{name}: {event.text}")))
            case events.OutcomeKept():
                title = clean_line(f"{name} › {event.tool_name}")
                self._post(told.OutcomeKept(self._thread_id, title, clean(event.reason)))
            case events.AnswerRestarted():
                text = f"{name}: {event.reason} Asking again in {event.delay_s:.0f} s."
                self._post(told.Warned(self._thread_id, clean(text)))
            case (
                events.AnswerDelta()
                | events.CallOutput()
                | events.StepStarted()
                | events.SummaryStarted()
                | events.SummaryRecorded()
                | events.RunStarted()
                | events.RunPaused()
                | events.RunStopped()
            ):
                return
            case (
                events.AnswerRecorded()
                | events.CallProposed()
                | events.CallStarted()
                | events.CallFinished()
                | events.SubagentStopped()
            ):
                pass
            case _:
                assert_never(event)
        if seq and (item := await self._source.at(seq)):
            self._post(told.ItemChanged(self._thread_id, item))

    async def _tell_call(self, call_id: str) -> None:
        """How the call stands in the journal now."""
        seq = self._seqs.get(call_id)
        if seq is None:  # a call of before this resume: the conversation reads it from the store
            self._post(told.RequestsChanged(self._thread_id))
            return
        item = await self._source.at(seq)
        if item:
            self._items[call_id] = item
            self._post(told.ItemChanged(self._thread_id, item))

    def _tell_output(self, call_id: str, text: str) -> None:
        output = (self._output.get(call_id, "") + clean(text))[-LIVE_OUTPUT_CHARS:]
        self._output[call_id] = output
        now = time.monotonic()
        item = self._items.get(call_id)
        if item and now - self._shown_at.get(call_id, 0.0) >= LIVE_OUTPUT_EVERY_S:
            self._shown_at[call_id] = now
            self._post(told.ItemChanged(self._thread_id, replace(item, text=output)))
