"""A person has a conversation summarised, edits what came of it, drops it, and pins what must stay."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from afk.agents.errors import (
    AgentConfigurationError,
    AgentRunBusyError,
    SummaryError,
    ThreadNotFoundError,
)
from afk.core import Runner
from afk.llms.demo import DemoModel
from afk.llms.protocol import Answer, ModelRequest
from afk.llms.summary_request import record_in
from afk.memory import SQLiteMemoryStore
from tests.core.conftest import MakeRunner
from tests.core.kit import Ledger, ScriptedModel, agent_with, call, rows, say, until
from tests.core.summaries_kit import LongWinded, questions, shown, talk


async def test_by_hand_a_thread_is_summarised_long_before_it_is_full(runner: MakeRunner) -> None:
    model = LongWinded("What mattered.")
    bot = runner(model)
    await talk(bot, *questions(1, 6))
    row = await bot.summarise("th")
    assert (row.made_by, row.text, row.run_id) == ("person", "What mattered.", None)
    assert (await bot.list_summaries("th")) == [row]
    assert (await bot.context_of("th")).summary == row
    await talk(bot, "And now?")
    assert shown(model.requests[-1])[:3] == ["system: Work.", "user: Question 1", "summary"]
    assert shown(model.requests[-1])[-1] == "user: And now?"


async def test_by_hand_what_is_kept_can_be_said(runner: MakeRunner) -> None:
    bot = runner(LongWinded())
    await talk(bot, *questions(1, 6))
    row = await bot.summarise("th", keep_recent=6)
    assert row.through_seq == 6
    row = await bot.summarise("th", keep_recent=0)
    assert row.through_seq == 11  # the last answer always stays
    with pytest.raises(SummaryError, match="nothing to summarise"):
        await bot.summarise("th", keep_recent=0)
    with pytest.raises(AgentConfigurationError):
        await bot.summarise("th", keep_recent=-1)


async def test_by_hand_a_summary_is_made_anew_from_the_messages_themselves(runner: MakeRunner) -> None:
    model = LongWinded("The first try.", "The second try.")
    bot = runner(model)
    await talk(bot, *questions(1, 6))
    first = await bot.summarise("th")
    second = await bot.summarise("th", anew=True)
    assert (second.text, second.previous) == ("The second try.", None)
    assert second.through_seq == first.through_seq
    previous, record = record_in(model.summary_requests[-1]) or ("", "")
    assert previous is None
    assert record.startswith("[1] The person: Question 1")
    assert (await bot.context_of("th")).summary == second


async def test_an_edit_is_a_newer_row_and_a_drop_sends_every_message_again(
    runner: MakeRunner, db: Path
) -> None:
    model = LongWinded("What mattered.")
    bot = runner(model)
    await talk(bot, *questions(1, 6))
    made = await bot.summarise("th")
    edited = await bot.edit_summary("th", made.summary_id, "  What really mattered.  ")
    assert (edited.text, edited.edited, edited.previous) == ("What really mattered.", True, made.summary_id)
    assert (edited.through_seq, edited.message_count) == (made.through_seq, made.message_count)
    await talk(bot, "And now?")
    assert "What really mattered." in model.requests[-1].messages[2].content
    dropped = await bot.drop_summary("th", edited.summary_id)
    assert dropped.dropped
    await talk(bot, "And then?")
    assert "summary" not in shown(model.requests[-1])
    assert len(model.requests[-1].messages) == 16
    assert [(row.edited, row.dropped) for row in await bot.list_summaries("th")] == [
        (False, True),
        (True, False),
        (False, False),
    ]
    assert (await bot.context_of("th")).summary is None
    assert rows(db, "SELECT type FROM event WHERE type LIKE 'summary%' ORDER BY id") == [
        ("summary_recorded",),
        ("summary_edited",),
        ("summary_dropped",),
    ]
    again = await bot.summarise("th")
    assert again.previous is None


async def test_what_somebody_else_changed_meanwhile_is_not_written_over(runner: MakeRunner) -> None:
    bot = runner(LongWinded())
    await talk(bot, *questions(1, 6))
    made = await bot.summarise("th")
    edited = await bot.edit_summary("th", made.summary_id, "Mine.")
    with pytest.raises(SummaryError, match=f"it is summary {edited.summary_id} now"):
        await bot.edit_summary("th", made.summary_id, "Theirs.")
    with pytest.raises(SummaryError, match="changed by someone else"):
        await bot.drop_summary("th", made.summary_id)
    await bot.drop_summary("th", edited.summary_id)
    with pytest.raises(SummaryError, match="there is none now"):
        await bot.drop_summary("th", edited.summary_id)
    with pytest.raises(AgentConfigurationError, match="empty"):
        await bot.edit_summary("th", edited.summary_id, " \n")


async def test_two_summaries_by_hand_at_once_leave_one_and_the_other_is_told(
    runner: MakeRunner, db: Path
) -> None:
    model = Held()
    bot = runner(model)
    await talk(bot, *questions(1, 6))
    model.holds.clear()
    tasks = [
        asyncio.ensure_future(runner(model).summarise("th")),
        asyncio.ensure_future(bot.summarise("th")),
    ]
    await until(lambda: model.waiting == 2)
    model.holds.set()
    told = await asyncio.gather(*tasks, return_exceptions=True)
    assert sorted(type(one).__name__ for one in told) == ["SummaryError", "SummaryRecord"]
    assert len(rows(db, "SELECT key FROM state")) == 1


async def test_while_a_run_is_live_summaries_are_left_alone_and_once_it_waits_they_are_not(
    runner: MakeRunner, ledger: Ledger, db: Path
) -> None:
    bot = runner(LongWinded())
    await talk(bot, *questions(1, 6))
    made = await bot.summarise("th")
    model = Held(say("Done."))
    agent = agent_with(ledger.tool("act"))
    live = runner(model)
    model.holds.clear()
    handle = await live.run_handle(agent, user_message="Go", thread_id="th")
    await until(lambda: model.waiting == 1)
    elsewhere = runner(LongWinded(), memory_store=SQLiteMemoryStore(db))
    attempts: list[Callable[[Runner], Awaitable[Any]]] = [
        lambda r: r.summarise("th"),
        lambda r: r.edit_summary("th", made.summary_id, "Mine."),
        lambda r: r.drop_summary("th", made.summary_id),
    ]
    for who in (live, elsewhere):
        for attempt in attempts:
            with pytest.raises(AgentRunBusyError):
                await attempt(who)
    model.holds.set()
    assert (await handle.await_result()).state == "completed"
    assert (await elsewhere.edit_summary("th", made.summary_id, "Mine.")).edited


async def test_a_run_that_began_meanwhile_keeps_a_summary_by_hand_from_being_written(
    runner: MakeRunner, ledger: Ledger, db: Path
) -> None:
    slow = Held()
    bot = runner(slow)
    await talk(bot, *questions(1, 6))
    slow.holds.clear()
    making = asyncio.ensure_future(bot.summarise("th"))
    await until(lambda: slow.waiting == 1)
    other = Held(say("Done."))
    other.holds.clear()
    live = runner(other)
    handle = await live.run_handle(agent_with(), user_message="Go", thread_id="th")
    await until(lambda: other.waiting == 1)
    slow.holds.set()
    with pytest.raises(AgentRunBusyError):
        await making
    assert rows(db, "SELECT key FROM state") == []
    other.holds.set()
    await handle.await_result()


async def test_a_summary_made_while_a_run_waits_for_a_person_is_used_by_its_resume(
    runner: MakeRunner, ledger: Ledger
) -> None:
    bot = runner(LongWinded())
    await talk(bot, *questions(1, 4))
    agent = agent_with(ledger.tool("act"))
    asks = ScriptedModel(*[say("?")] * 4, call(("act", {"what": "it"})))
    waiting = await runner(asks).run(agent, user_message="Act", thread_id="th")
    assert waiting.state == "awaiting_approval"
    row = await bot.summarise("th", keep_recent=2)
    assert row.through_seq == 8
    (request,) = await bot.list_approvals()
    await bot.decide(request.approval_id, "allow", args_sha=request.args_sha)
    model = LongWinded()
    result = await runner(model).resume(agent, run_id=waiting.run_id, thread_id="th")
    assert result.state == "completed"
    assert shown(model.requests[0])[1:] == [
        "user: Question 1",
        "summary",
        "user: Act",
        "assistant: act",
        "tool: act did it",
    ]
    assert ledger.lines == ["act it"]


async def test_a_summary_by_hand_that_fails_is_told_and_changes_nothing(runner: MakeRunner, db: Path) -> None:
    bot = runner(LongWinded(Answer("")))
    await talk(bot, *questions(1, 6))
    with pytest.raises(SummaryError, match=r"the model's answer was empty. The conversation is as it was"):
        await bot.summarise("th")
    assert rows(db, "SELECT key FROM state") == []
    tiny = runner(ScriptedModel(*[say("Yes.")] * 3))
    await talk(tiny, "a", "b", "c", thread_id="tiny")
    with pytest.raises(SummaryError, match="longer"):
        await runner(LongWinded("A summary of no use. " * 5)).summarise("tiny")
    with pytest.raises(ThreadNotFoundError):
        await bot.summarise("nowhere")


async def test_a_backlog_refused_by_a_small_server_is_summarised_by_hand_in_rounds(
    runner: MakeRunner,
) -> None:
    await talk(runner(LongWinded()), *questions(1, 20))
    small = LongWinded(limit=3000)
    bot = runner(small)
    row = await bot.summarise("th")
    assert row.through_seq >= 20
    assert small.refused
    assert (await bot.context_of("th")).window_tokens == 3000


async def test_pins_are_of_messages_that_are_there(runner: MakeRunner) -> None:
    bot = runner(LongWinded())
    await talk(bot, "Hello")
    first = await bot.pin("th", 1)
    assert await bot.pin("th", 1) == first
    with pytest.raises(AgentConfigurationError, match="no message at place 9"):
        await bot.pin("th", 9)
    with pytest.raises(ThreadNotFoundError):
        await bot.pin("nowhere", 1)


async def test_with_a_thread_its_summaries_and_pins_go(runner: MakeRunner, db: Path) -> None:
    bot = runner(LongWinded())
    await talk(bot, *questions(1, 6))
    await bot.summarise("th")
    await bot.pin("th", 1)
    await bot.delete_thread("th")
    for table in ("state", "pin", "thread"):
        assert rows(db, f"SELECT * FROM {table}") == [], table


async def test_the_demo_model_writes_a_short_digest_and_goes_on_where_it_was(
    runner: MakeRunner, ledger: Ledger, tmp_path: Path
) -> None:
    from afk.agents import Agent
    from afk.tools.workspace import workspace_tools

    for n in range(4):
        (tmp_path / f"{n}.txt").write_text(f"file {n} " + "x" * 400)
    bot = runner(DemoModel())
    agent = Agent(name="bot", model="gpt-5.2-mini", instructions="Work.", tools=workspace_tools())
    first = await bot.run(agent, user_message="list", thread_id="th")
    assert first.state == "completed"
    plan = "read 0.txt and then read 1.txt and then write 2.txt: new and then read 3.txt"
    waiting = await bot.run(agent, user_message=plan, thread_id="th")
    assert waiting.state == "awaiting_approval"
    row = await bot.summarise("th", keep_recent=1)
    assert row.text.startswith("Asked so far:\n- list\n- read 0.txt and then")
    assert row.model == "demo model (offline)"
    (request,) = await bot.list_approvals()
    await bot.decide(request.approval_id, "allow", args_sha=request.args_sha)
    result = await bot.resume(agent, run_id=waiting.run_id, thread_id="th")
    assert result.state == "completed"
    assert [one.tool_name for one in result.tool_executions] == [
        *("read_file", "read_file", "write_file", "read_file")
    ]
    assert "file 3" in result.final_text


class Held(LongWinded):
    """Says nothing for as long as it is held."""

    def __init__(self, *answers: Answer) -> None:
        super().__init__(answers=(lambda _: answers[0]) if answers else None)
        self.holds = asyncio.Event()
        self.holds.set()
        self.waiting = 0

    async def stream(self, request: ModelRequest) -> Any:
        self.waiting += 1
        await self.holds.wait()
        self.waiting -= 1
        async for event in super().stream(request):
            yield event
