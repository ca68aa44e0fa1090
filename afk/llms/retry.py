"""Asking again: exponential backoff with jitter, and what the server itself asks for."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from afk.llms.protocol import LLM, Answer, ModelError, ModelEvent, ModelRequest, Retrying


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how patiently to ask again.

    The n-th delay is `base_delay_s` doubled n - 1 times, at most `max_delay_s`, less a random part of up to
    its half; never less than the server's Retry-After. A server that asks for more than `retry_after_cap_s` is
    not asked again. `random` gives numbers in [0, 1).
    """

    max_retries: int = 4
    base_delay_s: float = 0.5
    max_delay_s: float = 30.0
    retry_after_cap_s: float = 120.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    random: Callable[[], float] = random.random

    def delay_s(self, retry: int, asked_for_s: float | None) -> float:
        """Seconds to wait before the `retry`-th repetition (from 1)."""
        # The exponent is bounded because a large one overflows a float.
        backoff = min(self.max_delay_s, self.base_delay_s * 2.0 ** min(retry - 1, 60))
        return max(backoff * (0.5 + 0.5 * self.random()), asked_for_s or 0.0)


async def stream_with_retries(
    llm: LLM, request: ModelRequest, policy: RetryPolicy
) -> AsyncGenerator[ModelEvent, None]:
    """`llm.stream(request)`, repeated after errors that may pass.

    A `Retrying` comes before each wait; text streamed before it is void. Raises the last `ModelError` when
    the repetitions run out, when it is not retryable, or when the server asks for more patience than the
    policy has.
    """
    retry = 0
    while True:
        try:
            async with _closing(llm.stream(request)) as events:
                async for event in events:
                    yield event
                    if isinstance(event, Answer):
                        return
            raise ModelError(
                "protocol",
                f"Asked {request.model!r} at {llm.label}: the stream ended without an answer. Resume.",
            )
        except ModelError as error:
            retry += 1
            wait_s = error.retry_after_s
            too_long = wait_s is not None and wait_s > policy.retry_after_cap_s
            if not error.retryable or too_long or retry > policy.max_retries:
                raise
            delay_s = policy.delay_s(retry, wait_s)
            again = Retrying(attempt=retry + 1, delay_s=delay_s, kind=error.kind, reason=str(error))
        yield again
        await policy.sleep(delay_s)


@asynccontextmanager
async def _closing(events: AsyncIterator[ModelEvent]) -> AsyncGenerator[AsyncIterator[ModelEvent], None]:
    """Close a generator early, so that its connection is; a plain iterator has nothing to close."""
    try:
        yield events
    finally:
        if isinstance(events, AsyncGenerator):
            await events.aclose()
