"""A blocking function, called in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import Callable
from typing import Any


async def call_in_thread(function: Callable[..., Any], values: dict[str, Any]) -> Any:
    """The result of `function(**values)`, called in a daemon thread with the caller's context variables.

    Cancelled, it returns at once and the function goes on. The threads of `asyncio.to_thread` are joined at
    the end of `asyncio.run`: one tool that hangs would keep the process from ending.
    """
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[Any] = loop.create_future()
    context = contextvars.copy_context()

    def settle(result: Any, error: BaseException | None) -> None:
        if outcome.done():
            return
        if error is None:
            outcome.set_result(result)
        elif isinstance(error, StopIteration):
            outcome.set_exception(RuntimeError(f"{function.__name__} raised StopIteration"))
        else:
            outcome.set_exception(error)

    def work() -> None:
        result, failure = None, None
        try:
            result = context.run(function, **values)
        except BaseException as error:  # noqa: BLE001 - raised again where the call is awaited
            failure = error
        # a loop that is closed has nobody left who waits
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, result, failure)

    threading.Thread(target=work, name=f"tool-{function.__name__}", daemon=True).start()
    return await outcome
