"""What tests of long conversations share: a model that can be asked for summaries, and what requests look like."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable
from typing import Any

from afk.agents import AgentResult
from afk.core import Runner
from afk.llms.protocol import Answer, ChatMessage, ModelError, ModelEvent, ModelRequest, TextDelta, Usage
from afk.llms.summary_request import is_summary_message, record_in
from afk.llms.tokens import TokenCounter
from tests.core.kit import agent_with, say

# about as many tokens as a test has words for
FILLER = "word " * 300
SMALL = {"context_window_tokens": 3000, "answer_tokens": 200}


def long(text: str, **fields: Any) -> Answer:
    """An answer that fills the context."""
    return say(f"{text} {FILLER}", **fields)


class LongWinded:
    """Answers each message by a long text, or as `answers` says of the request; gives the n-th of `summaries` to the
    n-th request for one, and short ones past their end. With `limit`, requests of more tokens are refused as servers
    do, `said` being their words."""

    label = "script"

    def __init__(
        self,
        *summaries: str | Answer | ModelError,
        answers: Callable[[ModelRequest], Answer] | None = None,
        limit: int | None = None,
        said: Callable[[int, int], ModelError] | None = None,
    ) -> None:
        self.requests: list[ModelRequest] = []
        self.summary_requests: list[ModelRequest] = []
        self.refused: list[ModelRequest] = []
        self._summaries = summaries
        self._answers = answers
        self._limit = limit
        self._said = said or stated

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        tokens = TokenCounter().messages(request.messages)
        if self._limit is not None and tokens > self._limit:
            self.refused.append(request)
            raise self._said(self._limit, tokens)
        if record_in(request) is not None:
            n = len(self.summary_requests)
            self.summary_requests.append(request)
            given = self._summaries[n] if n < len(self._summaries) else f"Summary number {n + 1}."
            if isinstance(given, ModelError):
                raise given
            yield given if isinstance(given, Answer) else Answer(given, usage=Usage(100, 20))
            return
        self.requests.append(request)
        answer = self._answers(request) if self._answers else long(f"Answer {len(self.requests)}.")
        yield TextDelta(answer.text)
        yield answer

    async def close(self) -> None:
        return


def stated(limit: int, sent: int) -> ModelError:
    return ModelError("context_length", "Too long.", status=400, window_tokens=limit, sent_tokens=sent)


def unstated(limit: int, sent: int) -> ModelError:
    return ModelError("context_length", "Too long.", status=400)


def shown(request: ModelRequest) -> list[str]:
    """A request at a glance."""
    return [_glance(message) for message in request.messages]


def _glance(message: ChatMessage) -> str:
    if is_summary_message(message):
        return "summary"
    calls = ",".join(call.name for call in message.tool_calls)
    return f"{message.role}: {calls or message.content[:14].strip()}"


def sent(request: ModelRequest) -> str:
    """All of a request, to be compared."""
    return json.dumps([repr(message) for message in request.messages], indent=0)


async def talk(runner: Runner, *messages: str, thread_id: str = "th") -> list[AgentResult]:
    """One run for each message."""
    return [await runner.run(agent_with(), user_message=message, thread_id=thread_id) for message in messages]


def questions(first: int, last: int) -> list[str]:
    return [f"Question {n}" for n in range(first, last + 1)]
