"""A conversation that outgrows its model's context goes on, with a summary in the place of its older messages."""

from __future__ import annotations

from pathlib import Path

import pytest

from afk.agents import Agent
from afk.core.events import RunEvent, StepStarted, SummaryRecorded, SummaryStarted
from afk.llms.protocol import Answer, ModelError, ModelRequest, ToolCall
from afk.llms.summary_request import record_in
from afk.memory import StateRetentionPolicy
from tests.core.conftest import MakeRunner
from tests.core.family import delegate
from tests.core.kit import Ledger, agent_with, call, events_of, rows, say
from tests.core.summaries_kit import FILLER, SMALL, LongWinded, long, questions, sent, shown, talk
from tests.support.request_rules import objection


def looks(times: int) -> LongWinded:
    """A model whose run looks so many times, at long things."""

    def answers(request: ModelRequest) -> Answer:
        done = len(model.requests) - 1
        if done < times:
            return Answer(f"Step {done + 1}. {FILLER}", (ToolCall(f"c{done}", "look", '{"what": "x"}'),))
        return say("All seen.")

    model = LongWinded(answers=answers)
    return model


async def test_older_messages_are_summarised_before_the_window_is_full_and_the_first_one_stays(
    runner: MakeRunner,
) -> None:
    model = LongWinded()
    bot = runner(model, **SMALL)
    await talk(bot, *questions(1, 7))
    assert shown(model.requests[-1]) == [
        "system: Work.",
        "user: Question 1",
        "summary",
        *("user: Question 4", "assistant: Answer 4. word"),
        *("user: Question 5", "assistant: Answer 5. word"),
        *("user: Question 6", "assistant: Answer 6. word"),
        "user: Question 7",
    ]
    told = model.requests[-1].messages[2]
    assert (told.role, "Summary of 5 earlier messages" in told.content) == ("user", True)
    assert "Summary number 1." in told.content
    (row,) = await bot.list_summaries("th")
    assert (row.first_seq, row.through_seq, row.message_count, row.verbatim) == (1, 6, 5, (1,))
    assert (row.made_by, row.model, row.input_tokens, row.output_tokens) == ("auto", "test-model", 100, 20)
    assert row.tokens < row.replaced_tokens
    assert (row.previous, row.edited, row.dropped, row.text) == (None, False, False, "Summary number 1.")


async def test_nothing_of_the_conversation_is_removed(runner: MakeRunner, db: Path) -> None:
    bot = runner(LongWinded(), **SMALL)
    await talk(bot, *questions(1, 7))
    assert len(await (await bot._store()).messages("th")) == 14


async def test_a_later_summary_is_made_of_the_one_before_and_what_came_after_it(runner: MakeRunner) -> None:
    model = LongWinded("The early part.", "The early part and the middle.")
    bot = runner(model, **SMALL)
    await talk(bot, *questions(1, 10))
    second, first = await bot.list_summaries("th")
    assert second.previous == first.summary_id
    assert second.first_seq == 1
    assert second.message_count == second.through_seq - 1
    previous, record = record_in(model.summary_requests[1]) or ("", "")
    assert previous == "The early part."
    assert [f"[{n}]" in record for n in (first.through_seq, first.through_seq + 1, second.through_seq)] == [
        False,
        True,
        True,
    ]
    assert "The early part and the middle." in model.requests[-1].messages[2].content


async def test_a_request_for_a_summary_offers_no_tools_and_tells_calls_and_results_as_a_record(
    runner: MakeRunner, ledger: Ledger
) -> None:
    model = looks(5)
    bot = runner(model, **SMALL)
    await bot.run(agent_with(ledger.tool("look", "read")), user_message="See.", thread_id="th")
    request = model.summary_requests[0]
    assert request.tools == ()
    assert [m.role for m in request.messages] == ["system", "user"]
    _, record = record_in(request) or ("", "")
    assert "[1] The person: See." in record
    assert '[2] The agent calls look: {"what": "x"}' in record
    assert "[3] A tool's result: look did x" in record


async def test_a_call_is_never_parted_from_its_result_and_the_request_in_progress_stays(
    runner: MakeRunner, ledger: Ledger
) -> None:
    model = looks(12)
    bot = runner(model, **SMALL)
    agent = agent_with(ledger.tool("look", "read"))
    await talk(bot, "Hello")
    model.requests.clear()
    result = await bot.run(agent, user_message="Look around", thread_id="th")
    assert (result.state, result.final_text) == ("completed", "All seen.")
    assert len(model.summary_requests) > 2
    for request in model.requests:
        wire = {
            "model": "m",
            "stream": True,
            "messages": [
                {
                    "role": m.role,
                    "content": m.content,
                    "tool_call_id": m.tool_call_id,
                    "tool_calls": [
                        {"id": c.id, "function": {"name": c.name, "arguments": c.arguments}}
                        for c in m.tool_calls
                    ],
                }
                for m in request.messages
            ],
        }
        assert objection(wire) is None
        assert shown(request).count("user: Look around") == 1
    assert shown(model.requests[-1])[:4] == ["system: Work.", "user: Hello", "summary", "user: Look around"]
    assert shown(model.requests[-1])[-2:] == ["assistant: look", "tool: look did x"]


async def test_what_summaries_cost_counts_as_the_runs_and_the_events_tell_of_each(
    runner: MakeRunner,
) -> None:
    model = LongWinded()
    bot = runner(model, **SMALL)
    *_, before = await talk(bot, *questions(1, 5))
    handle = await bot.run_handle(agent_with(), user_message="Question 6", thread_id="th")
    events: list[RunEvent] = await events_of(handle)
    kinds = [type(event) for event in events]
    (row,) = await bot.list_summaries("th")
    assert kinds.index(SummaryStarted) < kinds.index(SummaryRecorded) < kinds.index(StepStarted)
    assert events[kinds.index(SummaryRecorded)] == SummaryRecorded(
        handle.run_id,
        row.summary_id,
        row.message_count,
        row.through_seq,
        row.text,
        row.tokens,
        row.replaced_tokens,
    )
    usage = (await handle.await_result()).usage
    assert (usage.input_tokens, usage.output_tokens) == (110, 25)
    assert usage.model_calls == before.usage.model_calls + 1
    assert row.run_id == handle.run_id


async def test_a_resume_sends_the_very_same_summary(runner: MakeRunner, ledger: Ledger) -> None:
    agent = agent_with(ledger.tool("look", "read"))
    whole = looks(9)
    await runner(whole, **SMALL).run(agent, user_message="See.", thread_id="whole")

    parts = looks(9)
    bot = runner(parts, max_steps=4, **SMALL)
    result = await bot.run(agent, user_message="See.", thread_id="parts")
    while result.state != "completed":
        assert result.interruption
        assert result.interruption.kind == "budget"
        bot = runner(parts, max_steps=1, **SMALL)
        result = await bot.resume(agent, run_id=result.run_id, thread_id="parts")
    assert [sent(request) for request in parts.requests] == [sent(request) for request in whole.requests]
    assert len(parts.summary_requests) == len(whole.summary_requests) > 0


async def test_a_pinned_message_stays_with_its_whole_step_and_what_was_pinned_is_still_in_the_summary(
    runner: MakeRunner, ledger: Ledger
) -> None:
    model = looks(9)
    bot = runner(model, **SMALL)
    agent = agent_with(ledger.tool("look", "read"))
    await bot.run(agent, user_message="See.", thread_id="th")
    assert "assistant: look" not in shown(model.requests[-1])[:3]
    pinned = await bot.pin("th", 5)  # the result of the second call
    assert await bot.list_pins("th") == [pinned]
    assert (await bot.context_of("th")).pinned == 1
    await talk(bot, "And now?")
    (user, answer, result), rest = shown(model.requests[-1])[1:4], shown(model.requests[-1])[4:]
    assert (user, answer, result) == ("user: See.", "assistant: look", "tool: look did x")
    assert model.requests[-1].messages[2].content.startswith("Step 2.")
    assert rest[0] == "summary"
    assert await bot.unpin("th", 5)
    assert not await bot.unpin("th", 5)
    await talk(bot, "And then?")
    assert shown(model.requests[-1])[1:3] == ["user: See.", "summary"]
    told = [record_in(request) for request in model.summary_requests]
    assert sum("Step 2." in (record or ("", ""))[1] for record in told) == 1


async def test_what_is_pinned_before_a_summary_is_left_verbatim_by_it(runner: MakeRunner) -> None:
    model = LongWinded()
    bot = runner(model, **SMALL)
    await talk(bot, *questions(1, 3))
    await bot.pin("th", 3)
    await talk(bot, *questions(4, 7))
    (row, *_) = await bot.list_summaries("th")
    assert row.verbatim == (1, 3)
    assert shown(model.requests[-1])[1:4] == ["user: Question 1", "user: Question 2", "summary"]


async def test_a_fork_takes_the_summary_that_was_in_effect_where_it_was_forked(runner: MakeRunner) -> None:
    model = LongWinded()
    bot = runner(model, **SMALL)
    results = await talk(bot, *questions(1, 10))
    second, first = await bot.list_summaries("th")
    await bot.pin("th", 3)

    async def forked(at: int) -> list[int]:
        run_id = results[at - 1].run_id
        thread_id = await bot.fork(run_id, f"{run_id}.1")
        assert [pin.seq for pin in await bot.list_pins(thread_id)] == [3]
        return [row.through_seq for row in await bot.list_summaries(thread_id)]

    assert await forked(10) == [second.through_seq]
    assert await forked(second.through_seq // 2) == [first.through_seq]
    assert await forked(2) == []
    assert len(await bot.list_summaries("th")) == 2


async def test_a_fork_inside_a_step_takes_no_summary_that_stands_for_that_step(
    runner: MakeRunner, ledger: Ledger
) -> None:
    model = looks(9)
    bot = runner(model, **SMALL)
    agent = agent_with(ledger.tool("look", "read"))
    result = await bot.run(agent, user_message="See.", thread_id="th")
    (newest, *older) = await bot.list_summaries("th")
    through = {row.through_seq for row in (newest, *older)}
    checkpoints = await bot.list_checkpoints("th")
    # where the answer was there and its call not made yet: its result's place is the last of what is summarised
    (inside,) = [c for c in checkpoints if c.phase == "answer" and c.head_seq == newest.through_seq]
    thread_id = await bot.fork(result.run_id, inside.checkpoint_id)
    copied = [row.through_seq for row in await bot.list_summaries(thread_id)]
    assert copied == [max(through - {newest.through_seq})]
    (run,) = await bot.list_runs(thread_id)
    model.requests.clear()
    await bot.resume(agent, run_id=run.run_id, thread_id=thread_id)
    assert shown(model.requests[0])[-2:] == ["assistant: look", "tool: look did x"]


async def test_a_subagent_has_summaries_of_its_own_which_go_with_it(
    runner: MakeRunner, ledger: Ledger, db: Path
) -> None:
    def answers(request: ModelRequest) -> Answer:
        boss = request.messages[0].content == "boss"
        said = sum(1 for m in request.messages if m.role == "assistant")
        if boss:
            return delegate("helper", task="Look.") if not said else say("Over.")
        n = len(model.requests)
        if n > 9:
            return call(("ask", {"what": "more"})) if n == 10 else say("Helped.")
        return Answer(f"Step {n}. {FILLER}", (ToolCall(f"c{n}", "look", '{"what": "x"}'),))

    model = LongWinded(answers=answers)
    bot = runner(model, **SMALL)
    tools = (ledger.tool("look", "read"), ledger.tool("ask"))
    helper = Agent(name="helper", model="test-model", instructions="helper", tools=tools)
    boss = Agent(name="boss", model="test-model", instructions="boss", subagents=(helper,))
    result = await bot.run(boss, user_message="Go.", thread_id="th")
    assert result.state == "awaiting_approval"
    assert await bot.list_summaries("th") == []
    inside = f"summary:{result.subagent_executions[0].run_id}"
    kept = rows(db, "SELECT thread_id, key FROM state")
    assert len(kept) > 1
    assert set(kept) == {("th", inside)}

    # while it is not over, compaction spares the one that it goes on with
    await bot.compact_thread(thread_id="th", state_policy=StateRetentionPolicy(max_entries=1))
    assert rows(db, "SELECT thread_id, key FROM state") == [("th", inside)]
    (request,) = await bot.list_approvals()
    await bot.decide(request.approval_id, "allow", args_sha=request.args_sha)
    result = await bot.resume(boss, run_id=result.run_id, thread_id="th")
    assert result.state == "completed"
    assert "summary" in shown(model.requests[-2])
    await talk(bot, "Next")
    await bot.compact_thread(thread_id="th", state_policy=StateRetentionPolicy(max_entries=1))
    assert rows(db, "SELECT key FROM state") == []


async def test_after_any_compaction_the_next_request_is_what_it_would_have_been(
    runner: MakeRunner, db: Path
) -> None:
    model = LongWinded()
    bot = runner(model, **SMALL)
    await talk(bot, *questions(1, 10))
    before = await bot.context_of("th")
    assert len(rows(db, "SELECT key FROM state")) == 2
    done = await bot.compact_thread(thread_id="th", state_policy=StateRetentionPolicy(max_entries=1))
    assert done.protected_by == {"newest summary of the thread": 1}
    assert rows(db, "SELECT key FROM state") == [("summary",)]
    assert await bot.context_of("th") == before


async def test_how_full_the_context_is_says_what_would_be_sent(runner: MakeRunner, ledger: Ledger) -> None:
    model = LongWinded()
    bot = runner(model, **SMALL)
    await talk(bot, *questions(1, 2))
    early = await bot.context_of("th")
    assert (early.messages, early.summarised_messages, early.summary) == (4, 0, None)
    assert early.window_tokens == 3000
    assert early.share == pytest.approx(early.tokens / 3000)
    with_tools = await bot.context_of("th", agent=agent_with(ledger.tool("look", "read")))
    assert with_tools.tokens > early.tokens
    await talk(bot, *questions(3, 7))
    late = await bot.context_of("th")
    assert late.summarised_messages == 5
    assert late.tokens < 3000
    assert (await runner(model).context_of("th")).window_tokens is None
    assert (await runner(model).context_of("th", model="gpt-4o-mini")).window_tokens == 128_000


async def test_what_a_summary_cost_is_kept_though_the_run_stops_right_after_it(runner: MakeRunner) -> None:
    def answers(request: ModelRequest) -> Answer:
        if model.summary_requests:
            raise ModelError("auth", "The key is wrong.")
        return long(f"Answer {len(model.requests)}.")

    model = LongWinded(answers=answers)
    bot = runner(model, **SMALL)
    *_, last = await talk(bot, *questions(1, 6))
    assert last.state == "interrupted"
    (run, *_) = await bot.list_runs("th")
    assert run.usage == {"model_calls": 1, "input_tokens": 100, "output_tokens": 20}
