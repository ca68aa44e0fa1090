"""Taking a run, and closing one."""

from __future__ import annotations

import asyncio

import pytest

from afk.agents.errors import (
    AgentCheckpointNotFoundError,
    AgentRunBusyError,
    AgentRunSupersededError,
    ApprovalAlreadyDecidedError,
)
from afk.memory import MemoryStore
from afk.memory.records import RunRecord, RunSnapshot, RunStop
from tests.memory.kit import (
    Story,
    allow,
    answer,
    begin,
    interrupted,
    key_of,
    new_run,
    proposed,
)
from tests.memory.promises import StorePromises, take


class TakingContract(StorePromises):
    """Who may go on with a run."""

    # taking a run

    async def test_taking_a_run_raises_its_epoch_and_gives_all_a_resume_needs(self, story: Story) -> None:
        await story.store.decide(story.approval_id, allow("ada"))
        snapshot = await take(story.store)
        assert (snapshot.run.state, snapshot.run.epoch, snapshot.run.owner) == (
            "running",
            story.key.epoch + 1,
            story.store.owner_id,
        )
        assert [m.content for m in snapshot.transcript.messages] == ["go", "answer"]
        assert [e.effect_id for e in snapshot.effects] == [story.effect_id]
        assert snapshot.approvals[story.effect_id].decided_by == "ada"
        assert "run_1" in story.store.live_runs

    async def test_taking_a_run_tells_why_it_had_stopped_and_forgets_it(self, store: MemoryStore) -> None:
        key = (await begin(store)).run
        await store.stop_run(key_of(key), interrupted())
        store.live_runs.clear()
        snapshot = await take(store)
        assert snapshot.run.interruption == interrupted().interruption
        run = await store.get_run("run_1")
        assert run is not None
        assert (run.state, run.interruption) == ("running", None)

    async def test_a_terminal_run_is_given_back_and_not_taken(self, store: MemoryStore) -> None:
        key = (await begin(store)).run
        await answer(store, key, stop=RunStop("degraded", None, {"final_text": "cut"}))
        store.live_runs.clear()
        before = await store.get_run("run_1")
        assert await store.take_run("run_1", "th", {"a": 1}) == before
        assert isinstance(before, RunRecord)
        assert (await store.get_run("run_1"), store.live_runs) == (before, set())

    @pytest.mark.parametrize(("run_id", "thread_id"), [("run_none", "th"), ("run_1", "other")])
    async def test_a_run_that_is_not_there_is_not_found(
        self, store: MemoryStore, run_id: str, thread_id: str
    ) -> None:
        await begin(store)
        with pytest.raises(AgentCheckpointNotFoundError, match=run_id):
            await store.take_run(run_id, thread_id, None)

    async def test_a_live_run_is_busy_unless_it_is_taken_over(self, store: MemoryStore) -> None:
        await begin(store)
        with pytest.raises(AgentRunBusyError):
            await store.take_run("run_1", "th", None)
        taken = await store.take_run("run_1", "th", None, take_over=True)
        assert isinstance(taken, RunSnapshot)
        assert (taken.run.epoch, taken.owner_died) == (2, True)

    async def test_of_many_who_take_a_run_at_once_one_gets_it(self, story: Story) -> None:
        takes = [story.store.take_run("run_1", "th", None) for _ in range(5)]
        outcomes = await asyncio.gather(*takes, return_exceptions=True)
        assert sorted(type(o).__name__ for o in outcomes) == ["AgentRunBusyError"] * 4 + ["RunSnapshot"]

    async def test_a_run_that_nobody_executes_reads_as_interrupted(self, store: MemoryStore) -> None:
        await begin(store)
        store.live_runs.clear()
        run, thread = await store.get_run("run_1"), await store.get_thread("th")
        assert run is not None
        assert thread is not None
        assert (run.state, (run.interruption or {})["kind"]) == ("interrupted", "infrastructure")
        assert thread.state == "interrupted"
        assert [r.state for r in await store.list_open_runs()] == ["interrupted"]
        assert (await take(store)).run.epoch == 2

    async def test_the_context_is_merged_over_the_stored_one(self, store: MemoryStore) -> None:
        await store.begin_run(new_run("run_1", context={"a": 1, "b": 1}), "Title")
        taken = await store.take_run("run_1", "th", {"b": 2})
        assert isinstance(taken, RunSnapshot)
        assert taken.run.context == {"a": 1, "b": 2}

    # superseding

    async def test_a_new_run_closes_the_one_left_open_and_every_call_gets_a_result(
        self, store: MemoryStore
    ) -> None:
        run = (await begin(store)).run
        asks = proposed("a", asks=True)
        _, (waits, runs, ready) = await answer(store, run, asks, proposed("b"), proposed("c"))
        await store.begin_effect(key_of(run), runs.effect_id, runs.arguments, runs.args_sha)
        store.live_runs.clear()
        snapshot = await begin(store, "run_2")
        texts = {m.tool_call_id: m.content for m in snapshot.transcript.messages if m.role == "tool"}
        assert list(texts) == ["a", "b", "c"]
        assert "never executed" in texts["a"]
        assert "never executed" in texts["c"]
        assert "is not known" in texts["b"]
        assert [e.phase for e, _ in await store.list_effects("run_1")] == ["skipped", "uncertain", "skipped"]
        assert waits.approval_id is not None
        assert (await store.get_approval(waits.approval_id)).status == "closed"
        with pytest.raises(ApprovalAlreadyDecidedError, match="closed before anyone decided"):
            await store.decide(waits.approval_id, allow())
        with pytest.raises(AgentRunSupersededError, match="run_2") as caught:
            await store.take_run("run_1", "th", None)
        assert caught.value.superseded_by == "run_2"
        closed = await store.get_run("run_1")
        assert closed is not None
        assert (closed.state, (closed.interruption or {})["superseded_by"]) == ("cancelled", "run_2")
        assert await store.begin_effect(key_of(snapshot.run), ready.effect_id, {}, ready.args_sha) is None

    async def test_a_finished_run_is_not_closed_again(self, store: MemoryStore) -> None:
        key = (await begin(store)).run
        await answer(store, key, stop=RunStop("completed", None, {"final_text": "answer"}))
        await begin(store, "run_2")
        first = await store.get_run("run_1")
        assert first is not None
        assert (first.state, first.interruption) == ("completed", None)
