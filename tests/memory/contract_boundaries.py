"""A run begins, the model answers, someone decides, the run stops."""

from __future__ import annotations

from typing import Any

import pytest

from afk.agents.errors import (
    AgentRunBusyError,
    ApprovalAlreadyDecidedError,
    ApprovalError,
    ApprovalExpiredError,
    ApprovalNotFoundError,
    ApprovalStaleError,
    RunFencedError,
)
from afk.chat import ChatMessage, Transcript
from afk.memory import MemoryStore
from afk.memory.records import CallResult, Decision, RunSnapshot, RunStop
from tests.memory.kit import (
    Clock,
    Story,
    allow,
    answer,
    ask,
    begin,
    interrupted,
    key_of,
    new_run,
    proposed,
    settle,
)
from tests.memory.promises import StorePromises


class BoundaryContract(StorePromises):
    """S, A, D and E."""

    # S

    async def test_s_keeps_the_run_its_message_and_a_checkpoint(self, store: MemoryStore) -> None:
        snapshot = await begin(store)
        assert snapshot.run.state == "running"
        assert (snapshot.run.epoch, snapshot.run.owner) == (1, store.owner_id)
        assert snapshot.transcript == Transcript([1], [ChatMessage("user", "go")], set(), 1)
        assert (snapshot.checkpoint.number, snapshot.checkpoint.phase) == (0, "start")
        assert await store.get_run("run_1") == snapshot.run
        thread = await store.get_thread("th")
        assert thread is not None
        assert (thread.title, thread.state, thread.message_count) == ("Title", "running", 1)

    async def test_s_is_refused_while_the_threads_last_run_is_live(self, store: MemoryStore) -> None:
        await begin(store)
        with pytest.raises(AgentRunBusyError) as caught:
            await store.begin_run(new_run("run_2"), "Title")
        assert (caught.value.run_id, caught.value.owner) == ("run_1", store.owner_id)
        assert await store.get_run("run_2") is None
        assert len(await store.messages("th")) == 1

    # A

    async def test_a_reserves_the_places_of_the_results(self, store: MemoryStore) -> None:
        key = (await begin(store)).run
        seq, effects = await answer(store, key, proposed("a"), proposed("b"), proposed("c"))
        assert (seq, [e.result_seq for e in effects]) == (2, [3, 4, 5])
        assert [(e.call_id, e.phase, e.position) for e in effects] == [
            ("a", "proposed", 0),
            ("b", "proposed", 1),
            ("c", "proposed", 2),
        ]
        assert len({e.idempotency_key for e in effects}) == 3
        await settle(store, key, effects[2])
        await settle(store, key, effects[0])
        await settle(store, key, effects[1])
        assert [m.call_id for m in await store.messages("th")] == [None, None, "a", "b", "c"]
        results = await store.step_results("run_1", 1)
        assert [(m.call_id, m.text) for m in results] == [(c, f"result of {c}") for c in "abc"]

    async def test_a_settles_what_was_judged_already(self, store: MemoryStore) -> None:
        key = (await begin(store)).run
        refused = proposed("a", result=CallResult("failed", "no such tool"))
        _, (effect,) = await answer(store, key, refused)
        assert (effect.phase, effect.finished_at_ms is None) == ("failed", False)
        assert [m.text for m in await store.messages("th")] == ["go", "answer", "no such tool"]

    async def test_what_a_settles_is_counted_so_that_the_checkpoint_fits(self, store: MemoryStore) -> None:
        key = (await begin(store)).run
        refused = proposed("a", result=CallResult("failed", "no such tool"))
        await answer(store, key, refused, proposed("b"), refused)
        thread = await store.get_thread("th")
        assert thread is not None
        assert thread.message_count == len(await store.messages("th")) == 4
        newest = (await store.list_checkpoints("th"))[0]
        assert (newest.message_count, newest.state["open_calls"]) == (4, ["b"])
        await store.stop_run(key_of(key), interrupted())
        store.live_runs.clear()
        assert isinstance(await store.take_run("run_1", "th", None), RunSnapshot)

    async def test_after_its_stop_a_run_writes_nothing_more_under_that_epoch(
        self, store: MemoryStore
    ) -> None:
        run = (await begin(store)).run
        _, (effect,) = await answer(store, run, proposed("a"))
        await store.stop_run(key_of(run), interrupted())
        before = await store.messages("th")
        with pytest.raises(RunFencedError, match="taken over"):
            await settle(store, run, effect)
        with pytest.raises(RunFencedError, match="taken over"):
            await answer(store, run, step=2)
        assert await store.messages("th") == before

    async def test_a_can_end_the_run_in_the_same_transaction(self, store: MemoryStore) -> None:
        key = (await begin(store)).run
        await answer(store, key, stop=RunStop("completed", None, {"final_text": "answer"}))
        run = await store.get_run("run_1")
        assert run is not None
        assert (run.state, run.owner, run.result) == ("completed", None, {"final_text": "answer"})
        (last, _) = await store.list_checkpoints("th")
        assert (last.phase, last.step, last.message_count) == ("final", 1, 2)

    # D

    async def test_d_is_taken_once_and_says_who_when_and_what(self, story: Story, clock: Clock) -> None:
        clock.now += 5
        decided = await story.store.decide(story.approval_id, allow("ada"))
        assert (decided.status, decided.decided_by, decided.decided_at_ms) == ("allowed", "ada", clock.now)
        with pytest.raises(ApprovalAlreadyDecidedError, match="allowed, by ada") as caught:
            await story.store.decide(story.approval_id, Decision("deny", "sha_a", "bob"))
        error = caught.value
        assert (error.status, error.decided_by, error.decided_at_ms) == ("allowed", "ada", clock.now)
        assert await story.store.get_approval(story.approval_id) == decided

    async def test_d_needs_no_ownership_and_raises_no_epoch(self, story: Story) -> None:
        before = await story.store.get_run("run_1")
        await story.store.decide(story.approval_id, allow())
        assert await story.store.get_run("run_1") == before

    async def test_d_about_other_arguments_is_stale(self, story: Story) -> None:
        with pytest.raises(ApprovalStaleError):
            await story.store.decide(story.approval_id, Decision("allow", "sha_other", "ada"))
        assert (await story.store.get_approval(story.approval_id)).status == "pending"

    async def test_d_of_the_wrong_kind_or_about_nothing_is_refused(self, story: Story) -> None:
        with pytest.raises(ApprovalError, match="choose one of allow, deny, respond"):
            await story.store.decide(story.approval_id, Decision("skip", "sha_a", "ada"))
        with pytest.raises(ApprovalNotFoundError):
            await story.store.decide("apr_none", allow())
        with pytest.raises(ApprovalNotFoundError):
            await story.store.get_approval("apr_none")

    async def test_d_after_expiry_is_refused_and_the_request_can_be_asked_again(
        self, store: MemoryStore, clock: Clock
    ) -> None:
        story = await ask(store, expires_at_ms=clock.now + 10)
        clock.now += 10
        with pytest.raises(ApprovalExpiredError):
            await store.decide(story.approval_id, allow())
        await store.expire_requests("run_1")
        assert (await store.get_approval(story.approval_id)).status == "expired"
        with pytest.raises(ApprovalExpiredError):
            await store.decide(story.approval_id, allow())
        key = await story.take()
        effect, again = await store.ask_about(key, story.effect_id, story.request)
        assert (effect.phase, effect.approval_id) == ("proposed", again)
        assert [a.approval_id for a in await store.list_approvals(run_id="run_1")] == [again]

    async def test_only_a_yes_leaves_a_grant(self, story: Story) -> None:
        await story.store.decide(story.approval_id, Decision("deny", "sha_a", "ada", scope="thread"))
        assert await story.store.matching_grants(["sha_a"], "th", "/w") == {}

    @pytest.mark.parametrize("scope", ["thread", "workspace"])
    async def test_a_grant_holds_in_its_scope_for_the_same_call(self, story: Story, scope: Any) -> None:
        await story.store.decide(story.approval_id, Decision("allow", "sha_a", "ada", scope=scope))
        grants = await story.store.matching_grants(["sha_a", "sha_b"], "th", "/w")
        assert list(grants) == ["sha_a"]
        in_other_thread = await story.store.matching_grants(["sha_a"], "other", "/w")
        assert list(in_other_thread) == (["sha_a"] if scope == "workspace" else [])
        elsewhere = await story.store.matching_grants(["sha_a"], "other", "/elsewhere")
        assert elsewhere == {}

    # E

    async def test_e_gives_the_run_up(self, store: MemoryStore) -> None:
        key = (await begin(store)).run
        await store.stop_run(key_of(key), interrupted())
        run = await store.get_run("run_1")
        assert run is not None
        assert (run.state, run.owner, run.interruption) == ("interrupted", None, interrupted().interruption)

    async def test_e_after_the_end_changes_nothing(self, store: MemoryStore) -> None:
        key = (await begin(store)).run
        await answer(store, key, stop=RunStop("completed", None, {"final_text": "answer"}))
        before = await store.get_run("run_1")
        await store.stop_run(key_of(key), interrupted())
        await store.stop_run(key_of(key), RunStop("cancelled", interrupted().interruption))
        assert await store.get_run("run_1") == before

    async def test_e_can_cancel_what_waits(self, story: Story) -> None:
        await story.store.stop_run(story.key, interrupted())
        assert (await story.run()).state == "awaiting_approval"
        await story.store.stop_run(story.key, RunStop("cancelled", interrupted().interruption))
        assert (await story.run()).state == "cancelled"
