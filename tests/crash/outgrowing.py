"""Stories that outgrow their model's context, and a model that still knows how far they have come."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import AsyncGenerator
from contextlib import aclosing, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from afk.llms.protocol import Answer, ChatMessage, ModelEvent, ModelRequest
from afk.llms.summary_request import is_summary_message, record_in
from afk.llms.tokens import TokenCounter
from tests.support.model_replies import Reply, text

# an answer is this long, and the window takes no two steps of such with what always stands in a request
PADDING = " and so on and on" * 170
WINDOW_TOKENS = 4_000

_ANSWERS = re.compile(r"^\[(\d+)\] The agent", re.MULTILINE)
_SO_FAR = re.compile(r"Answers so far: (\d+)\.")


def summary_of(previous: str | None, record: str) -> str:
    """What the model writes: how many answers the older messages hold. It follows from the request alone."""
    return f"Answers so far: {_so_far(previous or '') + len(set(_ANSWERS.findall(record)))}."


def unfolded(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The messages of a request over HTTP, with an answer for each that a summary stands for."""
    found: list[dict[str, Any]] = []
    for message in messages:
        one = ChatMessage(message["role"], message["content"])
        if is_summary_message(one):
            found += [{"role": "assistant", "content": ""}] * _so_far(one.content)
        else:
            found.append(message)
    return found


def summary_over_http(request: dict[str, Any]) -> Reply | None:
    """The reply to a request for a summary; None to any other."""
    messages = tuple(ChatMessage(m["role"], m["content"]) for m in request["messages"])
    wanted = record_in(ModelRequest(request["model"], messages))
    return None if wanted is None else text(summary_of(*wanted))


class Unfolding:
    """A scripted model, in process, that is shown an answer for each that a summary stands for."""

    label = "scripts"

    def __init__(self, model: Any) -> None:
        self._model = model

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        if (wanted := record_in(request)) is not None:
            yield Answer(summary_of(*wanted))
            return
        messages: list[ChatMessage] = []
        for message in request.messages:
            if is_summary_message(message):
                messages += [ChatMessage("assistant", "")] * _so_far(message.content)
            else:
                messages.append(message)
        async with aclosing(self._model.stream(replace(request, messages=tuple(messages)))) as events:
            async for event in events:
                yield event

    async def close(self) -> None:
        await self._model.close()


def complaints(request: ModelRequest, db: Path) -> list[str]:
    """What is wrong with a request of such a story: it does not fit, or sends a summary that is not on disk."""
    found: list[str] = []
    counter = TokenCounter()
    if (tokens := counter.messages(request.messages) + counter.tools(request.tools)) > WINDOW_TOKENS:
        found.append(f"the model was sent {tokens} tokens")
    for message in request.messages:
        if is_summary_message(message) and not _is_on_disk(message.content, db):
            found.append(f"the model was sent a summary that is not on disk: {message.content}")
    return found


def _is_on_disk(shown: str, db: Path) -> bool:
    with closing(sqlite3.connect(db)) as reader:
        texts = reader.execute(
            "SELECT value ->> '$.text' FROM state WHERE key = 'summary' OR key LIKE 'summary:%'"
        )
        return any(kept in shown for (kept,) in texts)


def _so_far(text: str) -> int:
    found = _SO_FAR.search(text)
    return int(found[1]) if found else 0
