"""Work beside the screen, whose errors reach the app instead of being lost in a task."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from textual.message import Message

from afk_tui.gateway import messages
from afk_tui.gateway.errors import GatewayError, told, unless_busy


class Background:
    """Tasks that belong to one gateway; `post` is told of what goes wrong in them."""

    def __init__(self, post: Callable[[Message], object]) -> None:
        self._post = post
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Let it run until it is over, or until `end`. An error that ends it is a bug: BugFound."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._over)

    async def warn(self, work: Callable[[], Awaitable[None]]) -> None:
        """Await it; the engine's errors become a Warned. That a run is busy elsewhere is no news: it is shown."""
        try:
            with unless_busy(), told():
                await work()
        except GatewayError as error:
            self._post(messages.Warned("", str(error)))

    async def end(self) -> None:
        """Cancel everything; on return nothing of it runs any more."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._post(messages.BugFound(error))
