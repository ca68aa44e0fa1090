"""Making a summary: the older messages are told to the model, the oldest first, as many rounds as it takes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from afk.core.config import RunnerConfig
from afk.core.context import Cut, Placed
from afk.llms.protocol import LLM, Answer, ModelError, ModelEvent, ModelRequest, Retrying, Usage
from afk.llms.retry import RetryPolicy, stream_with_retries
from afk.llms.summary_request import summary_request
from afk.llms.tokens import TokenCounter
from afk.memory.text import storable

# what a summary may take of the window, and how short or long it may be whatever the window
SHARE_OF_WINDOW = 0.12
LEAST_TOKENS, MOST_TOKENS = 200, 4_000
# of a round's material, one message; of a window, all that a round sends
SHARE_OF_ROUND = 0.25
ROUND_SHARE = 0.7
MOST_ROUND_TOKENS = 100_000
LONGEST_MESSAGE_TOKENS = 6_000
WORDS_PER_TOKEN = 0.6
MOST_REFUSALS = 6


class SummaryFailedError(Exception):
    """No summary was made; the message says why. `usage` and `requests` are what the attempts cost."""

    def __init__(self, reason: str, usage: Usage, requests: int) -> None:
        super().__init__(reason)
        self.usage = usage
        self.requests = requests


@dataclass(frozen=True, slots=True)
class Made:
    """The text, who wrote it, what it counts, and what it cost."""

    text: str
    model: str
    tokens: int
    usage: Usage
    requests: int


def allowance_tokens(window_tokens: int | None) -> int:
    """How long a summary may be."""
    if window_tokens is None:
        return MOST_TOKENS
    return max(LEAST_TOKENS, min(MOST_TOKENS, int(window_tokens * SHARE_OF_WINDOW)))


class Summariser:
    """Asks one model for summaries. `retrying` is told of each repetition, `refused` of each request that was too long:
    it learns from that and says what the window is now."""

    def __init__(
        self,
        llm: LLM,
        model: str,
        config: RunnerConfig,
        counter: TokenCounter,
        *,
        retrying: Callable[[Retrying], None],
        refused: Callable[[ModelError, int], int],
        wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._wait = wait
        self._llm = llm
        self._model = model
        self._config = config
        self._counter = counter
        self._retrying = retrying
        self._refused = refused
        self._usage = Usage()
        self._requests = 0

    async def make(self, cut: Cut, window_tokens: int | None) -> Made:
        """A summary of what was cut off, in as many rounds as the window asks for. Raises SummaryFailedError; nothing
        of what went before is kept then."""
        from afk.llms.choose import who_answers  # a start pays for no client

        self._usage, self._requests = Usage(), 0
        text = cut.previous.text if cut.previous else None
        left = list(cut.material)
        refusals = 0
        while left:
            allowed = allowance_tokens(window_tokens)
            room = self._room(window_tokens, text, allowed)
            taken, material = self._material(left, room)
            request = summary_request(
                self._model,
                material,
                text,
                words=int(allowed * WORDS_PER_TOKEN),
                timeout_s=self._config.llm_timeout_s,
            )
            try:
                answer = await self._ask(request)
            except ModelError as error:
                if error.kind != "context_length" or refusals == MOST_REFUSALS:
                    raise self._failed(str(error)) from None
                refusals += 1
                window_tokens = self._refused(error, self._counter.messages(request.messages))
                continue
            text = self._checked(answer, allowed)
            left = left[taken:]
        assert text is not None  # a cut has material
        tokens = self._counter.text(text)
        if tokens >= cut.replaced_tokens:
            raise self._failed(
                f"the summary is longer ({tokens} tokens) than what it would replace ({cut.replaced_tokens})"
            )
        return Made(text, who_answers(self._llm, self._model), tokens, self._usage, self._requests)

    def _room(self, window_tokens: int | None, text: str | None, allowed: int) -> int:
        """Tokens of material that one round takes."""
        whole = MOST_ROUND_TOKENS
        if window_tokens is not None:
            whole = min(whole, int(window_tokens * ROUND_SHARE))
        empty = summary_request(self._model, "", text, words=allowed, timeout_s=1.0)
        return max(LEAST_TOKENS // 2, whole - allowed - self._counter.messages(empty.messages))

    def _material(self, left: Sequence[Placed], room: int) -> tuple[int, str]:
        """As many messages as fit, at least one, as text; and how many those are."""
        longest = max(LEAST_TOKENS // 4, min(LONGEST_MESSAGE_TOKENS, int(room * SHARE_OF_ROUND)))
        lines: list[str] = []
        total = 0
        for placed in left:
            told = "\n".join(_told(placed, self._counter, longest))
            total += self._counter.text(told) + 2
            if lines and total > room:
                break
            lines.append(told)
        return len(lines), "\n\n".join(lines)

    async def _ask(self, request: ModelRequest) -> Answer:
        policy = RetryPolicy(
            max_retries=self._config.max_model_retries,
            base_delay_s=self._config.retry_base_delay_s,
            max_delay_s=self._config.retry_max_delay_s,
            sleep=self._wait,
        )
        async with aclosing(stream_with_retries(self._llm, request, policy)) as events:
            answer = await self._drain(events)
        self._requests += 1
        self._usage += answer.usage
        return answer

    async def _drain(self, events: AsyncGenerator[ModelEvent, None]) -> Answer:
        async for event in events:
            if isinstance(event, Retrying):
                self._retrying(event)
            elif isinstance(event, Answer):
                return event
        raise ModelError("protocol", f"{self._llm.label} ended its stream without an answer.")

    def _checked(self, answer: Answer, allowed: int) -> str:
        text = storable(answer.text).strip()
        if answer.refusal:
            raise self._failed("the model refused to write it")
        if answer.finish_reason == "length":
            raise self._failed("it was cut off: it reached the longest length that the model gives")
        if answer.finish_reason == "content_filter":
            raise self._failed("the provider's content filter stopped it")
        if not text:
            raise self._failed("the model's answer was empty")
        tokens = self._counter.text(text)
        # models count badly, so only what is far too long is no summary
        if tokens > 2 * allowed:
            raise self._failed(f"it came out too long ({tokens} tokens, {allowed} were asked for)")
        return text

    def _failed(self, reason: str) -> SummaryFailedError:
        return SummaryFailedError(reason, self._usage, self._requests)


def _told(placed: Placed, counter: TokenCounter, longest: int) -> Iterator[str]:
    """A message as the record tells it."""
    message = placed.message
    who = {"user": "The person", "assistant": "The agent", "tool": "A tool's result"}.get(message.role, "?")
    if message.content or not message.tool_calls:
        yield f"[{placed.seq}] {who}: {_bounded(message.content, counter, longest)}"
    for call in message.tool_calls:
        yield f"[{placed.seq}] The agent calls {call.name}: {_bounded(call.arguments, counter, longest)}"


def _bounded(text: str, counter: TokenCounter, longest: int) -> str:
    """A text's beginning and end, where it is too long to be told whole."""
    tokens = counter.text(text)
    if tokens <= longest:
        return text
    chars = max(80, int(len(text) * longest / tokens))
    head, tail = chars * 2 // 3, chars // 3
    left_out = len(text) - head - tail
    return f"{text[:head]}\n[... {left_out} characters are left out here ...]\n{text[-tail:]}"
