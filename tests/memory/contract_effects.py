"""A call is about to act, and has acted."""

from __future__ import annotations

import pytest

from afk.agents.errors import (
    RunFencedError,
)
from afk.memory import MemoryStore
from afk.memory.records import CallResult, Decision, EffectRecord
from tests.memory.kit import (
    Clock,
    Story,
    allow,
    answer,
    ask,
    begin,
    interrupted,
    key_of,
    progress,
    proposed,
    settle,
)
from tests.memory.promises import StorePromises, everything, take


class EffectContract(StorePromises):
    """I and B, and whose writes are refused."""

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
