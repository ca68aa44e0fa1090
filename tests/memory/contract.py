"""What every store promises. A test module for a store subclasses `StoreContract` and says how one is made.

A clock that only moves when told, and ids in order, make what is stored predictable.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from afk.agents.errors import (
    AgentCheckpointNotFoundError,
    AgentRunBusyError,
    AgentRunSupersededError,
    ApprovalAlreadyDecidedError,
    ApprovalError,
    ApprovalExpiredError,
    ApprovalNotFoundError,
    ApprovalStaleError,
    RunFencedError,
    StoreError,
)
from afk.memory import MemoryStore
from afk.memory.records import CallResult, Decision, EffectRecord, RunKey, RunRecord, RunSnapshot, RunStop
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
    progress,
    proposed,
    settle,
)


class StoreContract:
    """Override `make_store`."""

    def make_store(self, tmp_path: Any, clock: Clock) -> MemoryStore:
        raise NotImplementedError

    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    async def store(self, tmp_path: Any, clock: Clock) -> AsyncGenerator[MemoryStore, None]:
        store = self.make_store(tmp_path, clock)
        await store.open()
        yield store
        await store.close()

    @pytest.fixture
    async def story(self, store: MemoryStore) -> Story:
        """A run whose model asked for one call that needs a yes."""
        return await ask(store)

    # S

    async def test_s_keeps_the_run_its_message_and_a_checkpoint(self, store: MemoryStore) -> None:
        snapshot = await begin(store)
        assert snapshot.run.state == "running"
        assert (snapshot.run.epoch, snapshot.run.owner) == (1, store.owner_id)
        assert [(m.seq, m.role, m.text) for m in snapshot.messages] == [(1, "user", "go")]
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
        assert await store.step_results("run_1", 1) == [(c, f"result of {c}") for c in "abc"]

    async def test_a_settles_what_was_judged_already(self, store: MemoryStore) -> None:
        key = (await begin(store)).run
        refused = proposed("a", result=CallResult("failed", "no such tool"))
        _, (effect,) = await answer(store, key, refused)
        assert (effect.phase, effect.finished_at_ms is None) == ("failed", False)
        assert [m.text for m in await store.messages("th")] == ["go", "answer", "no such tool"]

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

    # I

    async def test_i_without_approval_is_refused(self, story: Story) -> None:
        key = await story.take()
        assert await story.store.begin_effect(key, story.effect_id, {"x": "a"}, "sha_a") is None
        assert (await story.effect()).phase == "proposed"

    async def test_i_after_a_denial_is_refused(self, story: Story) -> None:
        await story.store.decide(story.approval_id, Decision("deny", "sha_a", "ada"))
        key = await story.take()
        assert await story.store.begin_effect(key, story.effect_id, {"x": "a"}, "sha_a") is None

    async def test_i_for_other_arguments_is_refused(self, story: Story) -> None:
        await story.store.decide(story.approval_id, allow())
        key = await story.take()
        assert await story.store.begin_effect(key, story.effect_id, {"x": "z"}, "sha_z") is None
        assert (await story.effect()).arguments == {"x": "a"}

    async def test_i_uses_the_approval_up_once(self, story: Story, clock: Clock) -> None:
        await story.store.decide(story.approval_id, allow())
        key = await story.take()
        began = await story.store.begin_effect(key, story.effect_id, {"x": "a"}, "sha_a")
        assert began is not None
        assert (began.phase, began.attempt, began.epoch) == ("executing", 1, key.epoch)
        assert (await story.store.get_approval(story.approval_id)).consumed_at_ms == clock.now
        assert await story.store.begin_effect(key, story.effect_id, {"x": "a"}, "sha_a") is None

    async def test_i_after_the_approval_expired_is_refused(self, store: MemoryStore, clock: Clock) -> None:
        story = await ask(store, expires_at_ms=clock.now + 10)
        await store.decide(story.approval_id, allow())
        key = await story.take()
        clock.now += 10
        assert await store.begin_effect(key, story.effect_id, {"x": "a"}, "sha_a") is None

    async def test_i_runs_what_was_edited_under_the_hash_that_was_decided(self, story: Story) -> None:
        edited = Decision("allow", "sha_a", "ada", arguments={"x": "e"}, edited_sha="sha_e")
        await story.store.decide(story.approval_id, edited)
        key = await story.take()
        assert await story.store.begin_effect(key, story.effect_id, {"x": "a"}, "sha_a") is None
        began = await story.store.begin_effect(
            key, story.effect_id, {"x": "e", "y": 1}, "sha_normal", decided_sha="sha_e"
        )
        assert began is not None
        assert (began.arguments, began.args_sha) == ({"x": "e", "y": 1}, "sha_normal")

    async def test_i_of_what_an_earlier_epoch_left_executing(self, store: MemoryStore) -> None:
        """read and idempotent calls may be repeated, `once` calls only when they are known not to have happened."""
        run = (await begin(store)).run
        kinds = ("once", "idempotent", "once")
        calls = [proposed(name, effect=kind) for name, kind in zip("abc", kinds, strict=True)]
        _, effects = await answer(store, run, *calls)
        for effect in effects:
            key = key_of(run)
            assert await store.begin_effect(key, effect.effect_id, effect.arguments, effect.args_sha)
        store.live_runs.clear()
        later = key_of((await take(store)).run)

        async def again(n: int, *, known_absent: bool = False) -> EffectRecord | None:
            effect = effects[n]
            return await store.begin_effect(
                later, effect.effect_id, effect.arguments, effect.args_sha, known_absent=known_absent
            )

        assert await again(0) is None
        repeated, verified = await again(1), await again(2, known_absent=True)
        assert repeated is not None
        assert verified is not None
        assert (repeated.attempt, verified.attempt) == (2, 2)
        assert repeated.idempotency_key == effects[1].idempotency_key
        assert await again(1) is None

    async def test_i_of_an_uncertain_call_needs_run_again(self, story: Story) -> None:
        key = await story.make_uncertain()
        (request,) = await story.store.list_approvals(run_id="run_1")
        assert (request.kind, (await story.effect()).phase) == ("uncertain", "uncertain")
        assert await story.store.begin_effect(key, story.effect_id, {"x": "a"}, "sha_a") is None
        await story.store.decide(request.approval_id, Decision("run_again", "sha_a", "ada"))
        began = await story.store.begin_effect(key, story.effect_id, {"x": "a"}, "sha_a")
        assert began is not None
        assert (began.phase, began.attempt) == ("executing", 2)
        assert await story.store.begin_effect(key, story.effect_id, {"x": "a"}, "sha_a") is None

    async def test_withdrawing_an_intent_makes_the_approval_usable_again(self, story: Story) -> None:
        await story.store.decide(story.approval_id, allow())
        key = await story.take()
        await story.store.begin_effect(key, story.effect_id, {"x": "a"}, "sha_a")
        await story.store.withdraw_effect(key, story.effect_id)
        effect = await story.effect()
        assert (effect.phase, effect.attempt, effect.started_at_ms) == ("proposed", 0, None)
        assert await story.store.begin_effect(key, story.effect_id, {"x": "a"}, "sha_a") is not None

    async def test_withdrawing_what_did_not_begin_changes_nothing(self, story: Story) -> None:
        key = await story.take()
        before = await story.effect()
        await story.store.withdraw_effect(key, story.effect_id)
        assert await story.effect() == before

    async def test_withdrawing_run_again_leaves_the_call_uncertain(self, story: Story) -> None:
        key = await story.make_uncertain()
        (request,) = await story.store.list_approvals(run_id="run_1")
        await story.store.decide(request.approval_id, Decision("run_again", "sha_a", "ada"))
        await story.store.begin_effect(key, story.effect_id, {"x": "a"}, "sha_a")
        await story.store.withdraw_effect(key, story.effect_id)
        assert (await story.effect()).phase == "uncertain"

    # B

    async def test_b_is_recorded_once(self, story: Story) -> None:
        key = await story.execute()
        done = await settle(story.store, key, await story.effect())
        assert (done.phase, done.finished_at_ms is None) == ("done", False)
        with pytest.raises(RunFencedError, match="recorded before"):
            await settle(story.store, key, done)
        assert [m.text for m in await story.store.messages("th")] == ["go", "answer", "result of a"]
        latest = (await story.store.list_checkpoints("th"))[0]
        assert (latest.phase, latest.state["open_calls"]) == ("result", [])

    async def test_b_from_another_phase_is_refused(self, story: Story) -> None:
        key = await story.execute()
        with pytest.raises(RunFencedError):
            await story.store.record_result(
                key, await story.effect(), CallResult("skipped", "no"), ("proposed",), progress(), 0
            )
        assert (await story.effect()).phase == "executing"

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

    # epochs

    async def test_a_former_owners_late_write_changes_no_row(self, story: Story) -> None:
        store = story.store
        old = await story.execute()
        effect = await story.effect()
        store.live_runs.clear()
        await story.take()
        before = await everything(store)
        late = [
            store.record_answer(old, "late", [], [], progress(2), {}, None),
            store.begin_effect(old, story.effect_id, {"x": "a"}, "sha_a", known_absent=True),
            store.withdraw_effect(old, story.effect_id),
            store.record_result(old, effect, CallResult("done", "late"), ("executing",), progress(), 0),
            store.ask_about(old, story.effect_id, story.request),
            store.stop_run(old, interrupted()),
        ]
        for write in late:
            with pytest.raises(RunFencedError, match="taken over"):
                await write
        assert await everything(store) == before

    # taking a run

    async def test_taking_a_run_raises_its_epoch_and_gives_all_a_resume_needs(self, story: Story) -> None:
        await story.store.decide(story.approval_id, allow("ada"))
        snapshot = await take(story.store)
        assert (snapshot.run.state, snapshot.run.epoch, snapshot.run.owner) == (
            "running",
            story.key.epoch + 1,
            story.store.owner_id,
        )
        assert [m.text for m in snapshot.messages] == ["go", "answer"]
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
        assert (run.state, (run.interruption or {})["kind"]) == ("interrupted", "process_died")
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
        texts = {m.call_id: m.text for m in snapshot.messages if m.role == "tool"}
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

    # reading

    async def test_lists_are_in_order_and_in_pages(self, store: MemoryStore, clock: Clock) -> None:
        for n in range(5):
            clock.now += 1
            await store.begin_run(new_run(f"run_{n}", f"th_{n}", workspace=f"/w{n % 2}"), f"Title {n}")
        threads = await store.list_threads()
        assert [t.thread_id for t in threads] == ["th_4", "th_3", "th_2", "th_1", "th_0"]
        assert [t.thread_id for t in await store.list_threads(offset=1, limit=2)] == ["th_3", "th_2"]
        assert [t.thread_id for t in await store.list_threads(workspace="/w1")] == ["th_3", "th_1"]
        assert (await store.count_threads(), await store.count_threads(workspace="/w0")) == (5, 3)
        assert [r.run_id for r in await store.list_runs()] == ["run_4", "run_3", "run_2", "run_1", "run_0"]
        assert [r.run_id for r in await store.list_runs("th_2")] == ["run_2"]
        assert [r.run_id for r in await store.list_runs(offset=3, limit=9)] == ["run_1", "run_0"]
        assert len(await store.list_open_runs(workspace="/w0")) == 3
        assert (await store.get_thread("th_9"), await store.get_run("run_9")) == (None, None)
        clock.now += 1
        await answer(store, (await store.get_run("run_1")), stop=interrupted())
        assert (await store.list_threads())[0].thread_id == "th_1"

    async def test_checkpoints_are_numbered_and_the_newest_comes_first(self, story: Story) -> None:
        key = await story.execute()
        await settle(story.store, key, await story.effect())
        found = await story.store.list_checkpoints("th")
        assert [(c.number, c.phase, c.step) for c in found] == [
            (2, "result", 1),
            (1, "answer", 1),
            (0, "start", 0),
        ]
        assert [(c.head_seq, c.message_count) for c in found] == [(3, 3), (3, 2), (1, 1)]
        assert await story.store.count_checkpoints("th") == 3
        assert [c.number for c in await story.store.list_checkpoints("th", offset=1, limit=1)] == [1]

    async def test_requests_are_listed_by_thread_by_run_and_by_status(self, story: Story) -> None:
        store = story.store
        assert [a.approval_id for a in await store.list_approvals(thread_id="th")] == [story.approval_id]
        assert await store.list_approvals(thread_id="other") == []
        assert await store.list_approvals(run_id="run_2") == []
        thread = await store.get_thread("th")
        assert thread is not None
        assert thread.pending_approvals == 1
        await store.decide(story.approval_id, allow())
        assert await store.list_approvals() == []
        assert [a.status for a in await store.list_approvals(pending_only=False)] == ["allowed"]

    async def test_heads_of_messages_hold_a_place_for_each_call(self, store: MemoryStore) -> None:
        run = (await begin(store)).run
        _, (a, _) = await answer(store, run, proposed("a"), proposed("b"), text="one\ntwo")
        await settle(store, run, a)
        heads = await store.message_heads("th")
        assert [(h.seq, h.role, h.chars, h.lines) for h in heads] == [
            (1, "user", 2, 1),
            (2, "assistant", 7, 2),
            (3, "call", 11, 1),
            (4, "call", 0, 1),
        ]
        messages, calls = await store.read_range("th", 2, 3)
        assert ([m.seq for m in messages], [e.call_id for e, _ in calls]) == ([2, 3], ["a"])

    async def test_an_answer_without_text_has_no_head_of_its_own(self, store: MemoryStore) -> None:
        run = (await begin(store)).run
        await answer(store, run, proposed("a"), text="")
        assert [h.role for h in await store.message_heads("th")] == ["user", "call"]

    async def test_events_are_in_order_and_can_be_read_from_a_place(self, story: Story) -> None:
        events = await story.store.list_events("th")
        assert [e.type for e in events] == ["state", "approval_requested", "llm_call", "state"]
        later = await story.store.list_events("th", after=events[1].event_id)
        assert [e.type for e in later] == ["llm_call", "state"]
        await story.store.add_event("th", None, "custom", {"n": 1})
        assert (await story.store.list_events("th", after=later[-1].event_id))[0].body == {"n": 1}

    async def test_the_version_changes_with_every_boundary(self, story: Story) -> None:
        versions = [await story.store.data_version()]
        await story.store.decide(story.approval_id, allow())
        versions.append(await story.store.data_version())
        await story.take()
        versions.append(await story.store.data_version())
        assert len(set(versions)) == 3
        assert await story.store.data_version() == versions[-1]

    async def test_preferences_are_kept_and_forgotten(self, store: MemoryStore) -> None:
        assert await store.get_preference("draft:th") is None
        await store.set_preference("draft:th", "hel")
        await store.set_preference("draft:th", "hello")
        assert await store.get_preference("draft:th") == "hello"
        await store.set_preference("draft:th", None)
        assert await store.get_preference("draft:th") is None

    # the store itself

    async def test_a_store_can_be_opened_by_many_at_once_and_closed_twice(
        self, tmp_path: Any, clock: Clock
    ) -> None:
        store = self.make_store(tmp_path, clock)
        await asyncio.gather(*(store.open() for _ in range(5)))
        await begin(store)
        await store.close()
        await store.close()
        with pytest.raises(StoreError, match="closed"):
            await store.get_run("run_1")

    async def test_a_write_that_was_begun_is_whole_though_its_caller_is_cancelled(
        self, store: MemoryStore
    ) -> None:
        writing = asyncio.ensure_future(store.begin_run(new_run("run_1"), "Title"))
        await asyncio.sleep(0)
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        assert len(await store.messages("th")) == 1
        fenced = asyncio.ensure_future(store.stop_run(RunKey("run_1", "th", 9), interrupted()))
        await asyncio.sleep(0)
        fenced.cancel()
        with pytest.raises(asyncio.CancelledError):
            await fenced

    async def test_text_that_utf8_can_not_hold_is_kept_as_far_as_it_can(self, store: MemoryStore) -> None:
        run = (await begin(store)).run
        _, (effect,) = await answer(
            store, run, proposed("a", arguments={"x": "\ud800"}), text="\ud83d\ude00 \ud800"
        )
        assert (await store.messages("th"))[1].text == "😀 \ufffd"
        assert (await store.list_effects("run_1"))[0][0].arguments == {"x": "\ud800"}
        assert effect.arguments == {"x": "\ud800"}


async def take(store: MemoryStore) -> RunSnapshot:
    taken = await store.take_run("run_1", "th", None)
    assert isinstance(taken, RunSnapshot)
    return taken


async def everything(store: MemoryStore) -> list[Any]:
    """All that a late write could have changed."""
    return [
        await store.get_run("run_1"),
        await store.messages("th"),
        await store.list_effects("run_1"),
        await store.list_approvals(pending_only=False),
        await store.list_checkpoints("th"),
        await store.list_events("th"),
    ]
