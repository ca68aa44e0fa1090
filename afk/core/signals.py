"""What people and callers tell a run while it works."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from afk.agents.results import InterruptionKind
from afk.memory.records import RunStop


@dataclass(frozen=True, slots=True)
class StopOrder:
    """Stop now; `state` and `kind` are what the run's row will say."""

    state: str
    kind: InterruptionKind
    detail: str
    cause: str = ""
    """What kind of error it was, where that says more than `kind`: a `ModelErrorKind`."""

    def as_stop(self) -> RunStop:
        """The same, as it is written."""
        state = "cancelled" if self.state == "cancelled" else "interrupted"
        reason = {"kind": self.kind, "detail": self.detail, "superseded_by": None}
        return RunStop(state, {**reason, "cause": self.cause} if self.cause else reason)


class Signals:
    """The wires of one run: pause, go on, stop, and "somebody decided something"."""

    def __init__(self) -> None:
        self._going = asyncio.Event()
        self._going.set()
        self._impatience = asyncio.Event()
        self.decided = asyncio.Event()
        self.stopped = asyncio.Event()
        self.order: StopOrder | None = None
        self.on_stop: Callable[[], None] | None = None

    @property
    def is_paused(self) -> bool:
        """Whether the run stops at its next boundary."""
        return not self._going.is_set()

    def pause(self) -> None:
        """Stop at the next boundary, in memory."""
        self._going.clear()

    def go_on(self) -> None:
        """Undo `pause`."""
        self._going.set()

    async def wait_until_going(self) -> None:
        """Return when the run is not paused."""
        await self._going.wait()

    async def wait(self, delay_s: float) -> None:
        """Return after `delay_s` seconds, or when somebody does not want to wait any longer."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(delay_s):
                await self._impatience.wait()

    def try_now(self) -> None:
        """End every `wait` that goes on."""
        self._impatience.set()
        self._impatience.clear()

    def stop(self, order: StopOrder) -> None:
        """Stop now. The first order wins."""
        if self.order is None:
            self.order = order
            self.stopped.set()
            if self.on_stop:
                self.on_stop()
