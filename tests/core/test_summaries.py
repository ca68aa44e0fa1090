"""A conversation that outgrows its model's context goes on, with a summary in the place of its older messages."""

from __future__ import annotations

from typing import Any

from afk.llms.protocol import Answer, ChatMessage, ModelRequest, Usage
from afk.llms.summary_request import is_summary_message, record_in
from tests.core.conftest import MakeRunner
from tests.core.kit import agent_with

LONG = "word " * 300


class Summarising:
    """Says a long thing to whatever it is asked, and a short one when a summary is wanted."""

    label = "script"

    def __init__(self, *summaries: Any) -> None:
        self.requests: list[ModelRequest] = []
        self.summaries: list[ModelRequest] = []
        self._script = list(summaries)

    async def stream(self, request: ModelRequest) -> Any:
        if record_in(request) is not None:
            n = len(self.summaries)
            self.summaries.append(request)
            wanted = self._script[n] if n < len(self._script) else f"Summary {n + 1}."
            if isinstance(wanted, Exception):
                raise wanted
            yield wanted if isinstance(wanted, Answer) else Answer(wanted, usage=Usage(100, 20))
            return
        self.requests.append(request)
        yield Answer(f"Answer {len(self.requests)}. {LONG}", usage=Usage(10, 5))

    async def close(self) -> None:
        return


def shown(messages: tuple[ChatMessage, ...]) -> list[str]:
    return ["summary" if is_summary_message(m) else f"{m.role}: {m.content[:12].strip()}" for m in messages]


async def talk(runner: Any, *messages: str, thread_id: str = "th") -> list[Any]:
    return [await runner.run(agent_with(), user_message=m, thread_id=thread_id) for m in messages]


async def test_what_is_old_is_summarised_before_the_window_is_full_and_the_first_message_stays(
    runner: MakeRunner,
) -> None:
    llm = Summarising()
    bot = runner(llm, context_window_tokens=3000, answer_tokens=200)
    await talk(bot, *(f"Question {n}" for n in range(1, 8)))
    assert len(llm.summaries) >= 1
    last = llm.requests[-1].messages
    assert shown(last)[:4] == ["system: Work.", "user: Question 1", "summary", "user: Question 4"]
    assert shown(last)[-1] == "user: Question 7"
    (stands, *_) = await bot.list_summaries("th")
    assert stands.made_by == "auto"
    assert stands.verbatim == (1,)
    assert stands.message_count == stands.through_seq - 1
    use = await bot.context_of("th", agent=agent_with())
    assert use.window_tokens == 3000
    assert 0 < use.tokens < 3000
    assert use.summarised_messages == stands.message_count
