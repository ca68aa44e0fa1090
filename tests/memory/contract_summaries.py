"""Summaries and pins: rows that are only ever added, under the epoch of who makes them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from afk.agents.errors import (
    AgentConfigurationError,
    AgentRunBusyError,
    RunFencedError,
    SummaryError,
    ThreadNotFoundError,
)
from afk.memory import MemoryStore
from afk.memory.records import RunSnapshot
from afk.memory.summaries import NewSummary
from tests.memory.kit import Clock, answer, begin, interrupted, key_of, progress
from tests.memory.promises import StorePromises, take


def new(text: str = "So far.", through_seq: int = 2, **fields: Any) -> NewSummary:
    return NewSummary("th", text, 1, through_seq, through_seq - 1, (1,), model="m", tokens=3, **fields)


async def talk(store: MemoryStore, turns: int) -> RunSnapshot:
    """A thread of so many messages and answers, and a run that is under way."""
    for n in range(turns):
        run = (await begin(store, f"run_{n}")).run
        await answer(store, run, stop=interrupted())
        store.live_runs.discard(run.run_id)
    return await begin(store, "run_1st" if turns == 0 else "run_last")


class SummariesContract(StorePromises):
    """What is in effect, for whom, and who may change it."""

    async def test_a_summary_comes_back_with_the_snapshot_of_whoever_takes_the_run(
        self, store: MemoryStore, clock: Clock
    ) -> None:
        snapshot = await talk(store, 2)
        assert snapshot.summary is None
        made = await store.record_summary(key_of(snapshot.run), new(), progress(7), {"model": "m"})
        assert (made.text, made.through_seq, made.run_id) == ("So far.", 2, snapshot.run.run_id)
        assert (made.created_at_ms, made.made_by, made.verbatim) == (clock.now, "auto", (1,))
        await store.stop_run(key_of(snapshot.run), interrupted())
        store.live_runs.clear()
        taken = await store.take_run(snapshot.run.run_id, "th", None)
        assert isinstance(taken, RunSnapshot)
        assert taken.summary == made
        assert taken.run.usage == progress(7).usage
        assert (await store.read_conversation("th")).summary == made

    async def test_of_several_the_newest_that_the_conversation_has_come_to_is_in_effect(
        self, store: MemoryStore
    ) -> None:
        key = key_of((await talk(store, 3)).run)
        first = await store.record_summary(key, new(), progress(), {})
        second = await store.record_summary(
            key, new("And on.", 4, previous=first.summary_id, expected=first.summary_id), progress(), {}
        )
        assert await store.list_summaries("th") == [second, first]
        assert (await store.read_conversation("th")).summary == second
        await store.record_summary(
            key, new("Not come to yet.", 99, expected=second.summary_id), progress(), {}
        )
        assert (await store.read_conversation("th")).summary == second

    async def test_who_lost_the_run_records_no_summary(self, store: MemoryStore) -> None:
        snapshot = await begin(store)
        await store.take_run("run_1", "th", None, take_over=True)
        with pytest.raises(RunFencedError):
            await store.record_summary(key_of(snapshot.run), new(through_seq=1), progress(), {})
        assert await store.list_summaries("th") == []

    async def test_a_summary_of_what_is_not_in_effect_any_more_is_refused_whole(
        self, store: MemoryStore
    ) -> None:
        key = key_of((await talk(store, 2)).run)
        await store.record_summary(key, new(), progress(1), {})
        with pytest.raises(SummaryError, match="changed by someone else"):
            await store.record_summary(key, new("Late."), progress(9), {})
        run = await store.get_run(key.run_id)
        assert run is not None
        assert run.usage == progress(1).usage
        assert len(await store.list_summaries("th")) == 1

    async def test_while_a_run_is_live_nobody_else_changes_its_summary(self, store: MemoryStore) -> None:
        snapshot = await talk(store, 2)
        made = await store.record_summary(key_of(snapshot.run), new(), progress(), {})
        for change in (
            store.add_summary("th", new(expected=made.summary_id), {}),
            store.edit_summary("th", made.summary_id, "Mine.", 2),
            store.drop_summary("th", made.summary_id),
            store.require_idle("th"),
        ):
            with pytest.raises(AgentRunBusyError):
                await change
        await store.stop_run(key_of(snapshot.run), interrupted())
        store.live_runs.clear()
        edited = await store.edit_summary("th", made.summary_id, "Mine.", 2)
        assert (edited.text, edited.tokens, edited.edited) == ("Mine.", 2, True)
        assert (edited.through_seq, edited.verbatim) == (made.through_seq, made.verbatim)
        dropped = await store.drop_summary("th", edited.summary_id)
        assert (dropped.dropped, dropped.text) == (True, "")
        assert (await store.read_conversation("th")).summary is None
        assert await store.list_summaries("th") == [dropped, edited, made]
        added = await store.add_summary("th", replace(new("By hand."), made_by="person"), {})
        assert (added.made_by, added.run_id) == ("person", None)

    async def test_pins_are_in_order_once_each_and_of_messages_that_are_there(
        self, store: MemoryStore, clock: Clock
    ) -> None:
        await talk(store, 2)
        later = await store.pin("th", 3)
        clock.now += 1
        first = await store.pin("th", 1)
        assert await store.pin("th", 3) == later
        assert await store.list_pins("th") == [first, later]
        assert (await store.read_conversation("th")).pins == (1, 3)
        assert await store.unpin("th", 3)
        assert not await store.unpin("th", 3)
        assert await store.list_pins("th") == [first]
        with pytest.raises(AgentConfigurationError):
            await store.pin("th", 99)
        with pytest.raises(ThreadNotFoundError):
            await store.pin("nowhere", 1)

    async def test_of_a_thread_that_is_not_there_there_is_no_conversation(self, store: MemoryStore) -> None:
        for change in (
            store.read_conversation("th"),
            store.add_summary("th", new(), {}),
            store.drop_summary("th", 1),
        ):
            with pytest.raises(ThreadNotFoundError):
                await change
        assert await store.list_summaries("th") == []
        assert await store.list_pins("th") == []
        assert (await begin(store)).pins == ()
        store.live_runs.clear()
        assert (await take(store)).summary is None
