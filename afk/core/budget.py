"""What a run may use up, and what it has."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from afk.core.config import RunnerConfig


class Budget:
    """Steps, calls and seconds of work used since the run began, or since a resume granted a fresh budget.

    The clock runs only between `start` and `stop`; `expired` is called once when it reaches the limit. `above` is the
    budget of the run that this one is inside of: its clock stands still too while this run is paused.
    """

    def __init__(
        self,
        config: RunnerConfig,
        spent: dict[str, int],
        expired: Callable[[], None],
        above: Budget | None = None,
    ) -> None:
        self._config = config
        self._above = above
        self.steps = spent.get("steps", 0)
        self.tool_calls = spent.get("tool_calls", 0)
        self._active_ms = spent.get("active_ms", 0)
        self._expired = expired
        self._since: float | None = None
        self._alarm: asyncio.TimerHandle | None = None

    @property
    def active_ms(self) -> int:
        """Milliseconds of work so far."""
        running = 0.0 if self._since is None else time.monotonic() - self._since
        return self._active_ms + int(running * 1000)

    def start(self) -> None:
        """The run works from now on."""
        if self._since is not None:
            return
        self._since = time.monotonic()
        if self._config.max_wall_time_s is not None:
            left = self._config.max_wall_time_s - self._active_ms / 1000
            self._alarm = asyncio.get_running_loop().call_later(max(0.0, left), self._expired)

    def stop(self) -> None:
        """The run waits, or is over."""
        self._active_ms = self.active_ms
        self._since = None
        if self._alarm:
            self._alarm.cancel()
            self._alarm = None

    def pause(self) -> None:
        """The run is paused, and those that it is inside of with it."""
        self.stop()
        if self._above:
            self._above.pause()

    def go_on(self) -> None:
        """Undo `pause`."""
        self.start()
        if self._above:
            self._above.go_on()

    def spent_on_steps(self) -> str | None:
        """Why no further step may begin, or None."""
        limit = self._config.max_steps
        if limit is not None and self.steps >= limit:
            return f"The run used all its {limit} steps (max_steps). Resume it to grant it as many again."
        return None

    def spent_on_calls(self) -> str | None:
        """Why no further call may begin, or None."""
        limit = self._config.max_tool_calls
        if limit is not None and self.tool_calls >= limit:
            return f"The run used all its {limit} tool calls (max_tool_calls). Resume it to grant it as many again."
        return None

    def claim_call(self) -> bool:
        """Use up one call, if there is one left."""
        if self.spent_on_calls():
            return False
        self.tool_calls += 1
        return True

    def give_back_call(self) -> None:
        """A call that was claimed was not made."""
        self.tool_calls -= 1

    def as_record(self) -> dict[str, int]:
        """What is stored with the run."""
        return {"steps": self.steps, "tool_calls": self.tool_calls, "active_ms": self.active_ms}
