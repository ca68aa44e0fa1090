"""Asking the model for the next answer, and again where that may help."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace

from afk.agents.agent import Agent
from afk.core.config import RunnerConfig
from afk.core.events import AnswerDelta, AnswerRestarted, RunEvent
from afk.llms.protocol import (
    LLM,
    Answer,
    ChatMessage,
    ModelError,
    ModelEvent,
    ModelRequest,
    Retrying,
    TextDelta,
    ToolCall,
    ToolSpec,
)
from afk.llms.retry import RetryPolicy, stream_with_retries
from afk.memory.text import storable
from afk.tools import Tool


class Asker:
    """Asks one agent's model, and tells what comes of it while it comes."""

    def __init__(
        self,
        llm: LLM,
        agent: Agent,
        model: str,
        config: RunnerConfig,
        run_id: str,
        emit: Callable[[RunEvent], None],
        wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`wait` is awaited before a repetition, with the seconds it is to take."""
        self.wait = wait
        self._llm = _NeverEmpty(llm)
        self._agent = agent
        self._model = model
        self._config = config
        self._run_id = run_id
        self._emit = emit
        self._beside: tuple[Tool, ...] = ()

    @property
    def tools(self) -> tuple[ToolSpec, ...]:
        """What is offered with the next request."""
        offered = (*self._agent.toolbox, *self._beside)
        return tuple(ToolSpec(t.name, t.description, t.parameters) for t in offered)

    def offer(self, tool: Tool) -> None:
        """From now on offer a tool beside the agent's own."""
        self._beside = (tool,)

    async def ask(self, chat: Sequence[ChatMessage]) -> Answer:
        """The answer, in text that can be stored. Raises ModelError when no repetition helped."""
        request = ModelRequest(
            model=self._model,
            messages=tuple(chat),
            tools=self.tools,
            timeout_s=self._config.llm_timeout_s,
        )
        policy = RetryPolicy(
            max_retries=self._config.max_model_retries,
            base_delay_s=self._config.retry_base_delay_s,
            max_delay_s=self._config.retry_max_delay_s,
            sleep=self.wait,
        )
        async with aclosing(stream_with_retries(self._llm, request, policy)) as events:
            return await self._drain(events)

    async def _drain(self, events: AsyncGenerator[ModelEvent, None]) -> Answer:
        async for event in events:
            match event:
                case TextDelta(text):
                    self._emit(AnswerDelta(self._run_id, text))
                case Retrying(attempt, delay_s, _, reason):
                    self._emit(AnswerRestarted(self._run_id, attempt, delay_s, reason))
                case Answer():
                    calls = tuple(
                        ToolCall(storable(c.id), storable(c.name), storable(c.arguments))
                        for c in event.tool_calls
                    )
                    return replace(event, text=storable(event.text), tool_calls=calls)
        raise ModelError(
            "protocol", f"{self._llm.label} ended its stream without an answer. Resume to ask again."
        )


class _NeverEmpty:
    """A model, but for its empty answers: those are failures, so that they are asked again like any other.

    An answer that was cut or refused before its first word says so itself, and is passed on.
    """

    def __init__(self, llm: LLM) -> None:
        self._llm = llm

    @property
    def label(self) -> str:
        return self._llm.label

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        events = self._llm.stream(request)
        try:
            async for event in events:
                if isinstance(event, Answer) and _is_empty(event):
                    raise ModelError(
                        "protocol",
                        f"Asked {request.model!r} at {self.label}: its answer is empty, neither text nor a call. "
                        "Resume to ask again, or choose another model.",
                    )
                yield event
        finally:
            await _close(events)

    async def close(self) -> None:
        await self._llm.close()


def _is_empty(answer: Answer) -> bool:
    whole = answer.finish_reason in ("stop", "tool_calls") and not answer.refusal
    return whole and not answer.tool_calls and not answer.text.strip()


async def _close(events: AsyncIterator[ModelEvent]) -> None:
    if isinstance(events, AsyncGenerator):
        await events.aclose()
