"""A summary that can't be made changes nothing but what is told of it, and the run goes on for as long as it can."""

from __future__ import annotations

from pathlib import Path

import pytest

from afk.core.events import RunEvent, RunWarning, SummaryRecorded, SummaryStarted
from afk.llms.protocol import Answer, ModelError, ModelRequest, ToolCall, Usage
from tests.core.conftest import MakeRunner
from tests.core.kit import Ledger, agent_with, events_of, rows, say
from tests.core.summaries_kit import FILLER, SMALL, LongWinded, questions, shown, talk, unstated

USAGE = Usage(100, 20)
FAILURES = {
    "empty": Answer("  \n", usage=USAGE),
    "cut off": Answer("The beginning of", finish_reason="length", usage=USAGE),
    "filter": Answer("The beginning of", finish_reason="content_filter", usage=USAGE),
    "refused": Answer("I can't do that.", refusal=True, usage=USAGE),
    "too long": Answer(FILLER * 3, usage=USAGE),
    "server is up": ModelError("unavailable", "Check that the server is up."),
    "key is wrong": ModelError("auth", "The key is wrong."),
}


@pytest.mark.parametrize("why", FAILURES)
async def test_a_summary_that_fails_leaves_the_thread_as_it_was_and_the_run_goes_on(
    runner: MakeRunner, db: Path, why: str
) -> None:
    model = LongWinded(*[FAILURES[why]] * 5)
    bot = runner(model, max_model_retries=0, **SMALL)
    await talk(bot, *questions(1, 5))
    handle = await bot.run_handle(agent_with(), user_message="Question 6", thread_id="th")
    events: list[RunEvent] = await events_of(handle)
    result = await handle.await_result()
    assert (result.state, result.final_text[:9]) == ("completed", "Answer 6.")
    (warning,) = [event.text for event in events if isinstance(event, RunWarning)]
    assert why in warning
    assert "It is as it was." in warning
    assert any(isinstance(event, SummaryStarted) for event in events)
    assert not any(isinstance(event, SummaryRecorded) for event in events)
    assert rows(db, "SELECT key FROM state") == []
    ((body,),) = rows(db, "SELECT body FROM event WHERE type = 'summary_failed'")
    assert why in body
    assert shown(model.requests[-1])[-1] == "user: Question 6"
    assert "summary" not in shown(model.requests[-1])
    spent = 0 if isinstance(FAILURES[why], ModelError) else 100
    assert result.usage.input_tokens == 10 + spent


async def test_after_a_failure_it_is_not_tried_again_for_every_step(
    runner: MakeRunner, ledger: Ledger
) -> None:
    def answers(request: ModelRequest) -> Answer:
        n = len(model.requests)
        if n == 12:
            return say("All seen.")
        return Answer("word " * 60, (ToolCall(f"c{n}", "look", '{"what": "x"}'),))

    model = LongWinded(*[FAILURES["empty"]] * 20, answers=answers)
    bot = runner(model, summarise_at=0.1, context_window_tokens=6000, answer_tokens=0)
    await bot.run(agent_with(ledger.tool("look", "read")), user_message="See.", thread_id="th")
    assert len(model.requests) == 12
    assert 1 < len(model.summary_requests) < 6


async def test_where_nothing_fits_any_more_the_run_stops_resumable_and_says_what_to_do(
    runner: MakeRunner,
) -> None:
    model = LongWinded(*[FAILURES["key is wrong"]] * 99)
    bot = runner(model, **SMALL)
    *_, last = await talk(bot, *questions(1, 9))
    for _ in range(9):
        if last.state != "completed":
            break
        (last,) = await talk(bot, "And?")
    assert (last.state, last.interruption and last.interruption.kind) == ("interrupted", "infrastructure")
    detail = last.interruption.detail if last.interruption else ""
    assert "test-model takes 3000" in detail
    assert "The key is wrong." in detail
    assert "/summarise" in detail
    asked = len(model.requests)
    healed = LongWinded()
    result = await runner(healed, **SMALL).resume(agent_with(), run_id=last.run_id, thread_id="th")
    assert result.state == "completed"
    assert len(healed.summary_requests) >= 1
    assert len(model.requests) == asked


async def test_a_message_that_alone_is_too_long_is_not_sent_where_it_can_only_be_refused(
    runner: MakeRunner,
) -> None:
    model = LongWinded()
    bot = runner(model, **SMALL)
    (result,) = await talk(bot, "Once upon a time. " * 3000)
    assert result.state == "interrupted"
    assert "must be sent whole" in (result.interruption.detail if result.interruption else "")
    assert model.requests == []


async def test_a_refusal_says_how_long_the_context_is_and_the_same_run_goes_on(
    runner: MakeRunner, db: Path
) -> None:
    model = LongWinded(limit=3000)
    bot = runner(model)
    results = await talk(bot, *questions(1, 9))
    assert {result.state for result in results} == {"completed"}
    assert len(model.refused) == 1
    assert "summary" in shown(model.requests[-1])
    assert (await bot.context_of("th")).window_tokens == 3000

    later = LongWinded(limit=3000)
    again = runner(later)
    await talk(again, *questions(10, 16))
    assert len(later.summary_requests) >= 1
    assert later.refused == []
    await talk(runner(later), *questions(1, 9), thread_id="another")
    assert later.refused == []


async def test_a_refusal_without_a_number_teaches_too(runner: MakeRunner) -> None:
    model = LongWinded(limit=3000, said=unstated)
    bot = runner(model)
    results = await talk(bot, *questions(1, 9))
    assert {result.state for result in results} == {"completed"}
    assert len(model.refused) == 1
    window = (await bot.context_of("th")).window_tokens
    assert window is not None
    assert 1500 < window < 3000


async def test_a_server_that_counts_more_than_we_do_is_understood_in_our_tokens(runner: MakeRunner) -> None:
    def said(limit: int, sent: int) -> ModelError:
        return ModelError("context_length", "Too long.", window_tokens=2 * limit, sent_tokens=2 * sent)

    model = LongWinded(limit=3000, said=said)
    bot = runner(model)
    results = await talk(bot, *questions(1, 9))
    assert {result.state for result in results} == {"completed"}
    assert len(model.refused) == 1
    assert (await bot.context_of("th")).window_tokens == 3000


async def test_what_a_person_set_comes_before_what_was_learned(runner: MakeRunner) -> None:
    await talk(runner(LongWinded(limit=3000)), *questions(1, 9))
    bot = runner(LongWinded(), context_window_tokens=50_000)
    assert (await bot.context_of("th")).window_tokens == 50_000


async def test_what_was_learned_of_a_model_says_nothing_about_another(runner: MakeRunner) -> None:
    bot = runner(LongWinded(limit=3000))
    await talk(bot, *questions(1, 9))
    assert (await bot.context_of("th", model="other-model")).window_tokens is None


async def test_without_leave_to_summarise_a_refusal_stops_the_run_as_any_error(runner: MakeRunner) -> None:
    model = LongWinded(limit=3000)
    bot = runner(model, summarise_at=None)
    results = await talk(bot, *questions(1, 9))
    assert model.summary_requests == []
    assert results[-1].state == "interrupted"


async def test_a_server_that_refuses_everything_is_not_asked_for_ever(runner: MakeRunner) -> None:
    model = LongWinded(limit=1, said=unstated)
    bot = runner(model)
    (result,) = await talk(bot, "Hello")
    assert result.state == "interrupted"
    model = LongWinded()
    await talk(runner(model), *questions(1, 6), thread_id="two")
    model = LongWinded(limit=1, said=unstated)
    (result,) = await talk(runner(model), "And?", thread_id="two")
    assert result.state == "interrupted"
    assert len(model.refused) < 20


async def test_one_wrong_refusal_does_not_close_a_model_for_ever(runner: MakeRunner) -> None:
    odd = LongWinded(limit=1)
    (stopped,) = await talk(runner(odd), "Hello")
    assert stopped.state == "interrupted"
    assert (await runner(odd).context_of("th")).window_tokens == 1
    model = LongWinded()
    result = await runner(model).resume(agent_with(), run_id=stopped.run_id, thread_id="th")
    assert result.state == "completed"
    assert (await runner(model).context_of("th")).window_tokens is None
    await talk(runner(model), *questions(1, 3), thread_id="another")
    assert model.summary_requests == []


async def test_a_backlog_longer_than_the_window_is_summarised_in_rounds_the_oldest_first(
    runner: MakeRunner,
) -> None:
    big = LongWinded()
    await talk(runner(big), *questions(1, 20))
    small = LongWinded(limit=3000)
    (result,) = await talk(runner(small, **SMALL), "And?")
    assert result.state == "completed"
    assert small.refused == []
    assert len(small.summary_requests) > 2
    (row,) = await runner(small).list_summaries("th")
    assert row.text == f"Summary number {len(small.summary_requests)}."
    assert row.input_tokens == 100 * len(small.summary_requests)
    assert "Summary number 1." in small.summary_requests[1].messages[1].content
    places = [
        int(r.messages[1].content.split("begins ===\n[")[1].split("]")[0]) for r in small.summary_requests
    ]
    assert places == sorted(places)
    assert places[0] == 1


async def test_a_very_long_result_is_shortened_in_what_is_summarised_with_a_note(runner: MakeRunner) -> None:
    big = LongWinded()
    await talk(runner(big), "Short", "Once upon a time. " * 3000, *questions(1, 2))
    small = LongWinded(limit=3000)
    (result,) = await talk(runner(small, **SMALL), "And?")
    assert result.state == "completed"
    assert "characters are left out here ...]" in small.summary_requests[0].messages[1].content
    assert small.refused == []
