"""A plugin that finds tests which pass by luck: `PYTEST_PLUGINS=tests.support.unkind python -m pytest -n 3 tests/app`.

Whatever waits in a function whose name begins with "until" looks at every turn of the loop, so that it returns at the
first moment at which what it waits for holds: what is asserted after it has to hold from then on. And what other
threads tell the loop (a database's answer) comes up to `LATE_S` late, in its order, as on a machine that is busy.
"""

from __future__ import annotations

import asyncio
import random
import sys
import threading
from asyncio import base_events
from typing import Any

from textual.pilot import Pilot

LATE_S = 0.04

_pause, _sleep = Pilot.pause, asyncio.sleep
_call_soon_threadsafe = base_events.BaseEventLoop.call_soon_threadsafe


def _is_a_wait() -> bool:
    return sys._getframe(2).f_code.co_name.startswith("until")


async def _pause_shortly(self: Pilot[Any], delay: float | None = None) -> None:
    if _is_a_wait():
        await _sleep(0)
    else:
        await _pause(self, delay)


async def _sleep_shortly(delay: float, result: Any = None) -> Any:
    return await _sleep(0 if _is_a_wait() else delay, result)


def _call_late(self: Any, callback: Any, *args: Any, context: Any = None) -> Any:
    if threading.get_ident() == self._thread_id:
        return _call_soon_threadsafe(self, callback, *args, context=context)

    def put_off() -> None:
        at_s = max(self.time() + random.uniform(0, LATE_S), getattr(self, "_late_until_s", 0.0) + 1e-6)
        self._late_until_s = at_s
        self.call_at(at_s, callback, *args, context=context)

    return _call_soon_threadsafe(self, put_off)


Pilot.pause = _pause_shortly
asyncio.sleep = _sleep_shortly
base_events.BaseEventLoop.call_soon_threadsafe = _call_late
