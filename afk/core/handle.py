"""A run in progress, as its caller holds it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from afk.agents.results import AgentResult
from afk.core.events import RunEvent, RunStopped
from afk.core.signals import Signals, StopOrder


class AgentRunHandle:
    """Follow, pause, stop and await one run.

    `events` yields every event from the beginning of the run to its `RunStopped`, once; it may be left unread.
    """

    def __init__(self, run_id: str, thread_id: str) -> None:
        self.run_id = run_id
        self.thread_id = thread_id
        self.signals = Signals()
        self._events: deque[RunEvent] = deque()
        self._more = asyncio.Event()
        self._stopped = False
        self._is_unread = False
        self._over = False
        self._task: asyncio.Task[AgentResult] | None = None

    @property
    def events(self) -> AsyncIterator[RunEvent]:
        """The run's events, in order. They come to their end when the run stops, whatever stopped it."""
        return self._read()

    @property
    def is_running(self) -> bool:
        """Whether the run has not stopped yet."""
        return self._task is not None and not self._task.done()

    async def pause(self) -> None:
        """Stop at the next boundary, in memory: the run stays this process's. Calls that run come to their end."""
        self.signals.pause()

    async def resume(self) -> None:
        """Go on after `pause`."""
        self.signals.go_on()

    def try_now(self) -> None:
        """Where the run waits before it asks a model again that failed, ask at once. The wait was the server's wish, or
        patience: it may fail again, and then waits anew."""
        self.signals.try_now()

    async def interrupt(self) -> AgentResult:
        """Stop now, meaning to go on later: on return the run is on disk as `interrupted`."""
        return await self.stop(StopOrder("interrupted", "paused", "It was stopped, to be resumed later."))

    async def cancel(self) -> AgentResult:
        """Stop now, not meaning to go on: on return the run is on disk as `cancelled`; it can be resumed all the
        same."""
        return await self.stop(StopOrder("cancelled", "cancelled", "It was cancelled."))

    async def stop(self, order: StopOrder) -> AgentResult:
        """Stop now, for the reason given."""
        self.signals.stop(order)
        self.signals.go_on()
        self.signals.decided.set()
        return await self.await_result()

    async def await_result(self) -> AgentResult:
        """How the run stands when it stops. Raises what stopped it, if that was an error of the store or a bug.
        Cancelling this leaves the run as it is."""
        assert self._task is not None
        return await asyncio.shield(self._task)

    # for the runner

    def attach(self, task: asyncio.Task[AgentResult]) -> None:
        """The task that executes the run."""
        self._task = task
        task.add_done_callback(self._end)

    def emit(self, event: RunEvent) -> None:
        """Pass an event on. Nothing comes after `RunStopped`: not what a tool still says in its thread."""
        if self._stopped:
            return
        self._stopped = isinstance(event, RunStopped)
        if not self._is_unread:
            self._events.append(event)
            self._more.set()

    def leave_unread(self) -> None:
        """Nobody will read the events: they are kept no longer."""
        self._is_unread = True
        self._events.clear()

    def _end(self, task: asyncio.Task[AgentResult]) -> None:
        self._over = True
        self._more.set()
        if not task.cancelled():
            task.exception()  # told by await_result; a caller that only reads events sees them end

    async def _read(self) -> AsyncIterator[RunEvent]:
        while True:
            while self._events:
                yield self._events.popleft()
            if self._over:
                return
            self._more.clear()
            await self._more.wait()
