"""A run that a new message closes: what a person had decided about its calls is not lost with it."""

from __future__ import annotations

from typing import Any

import pytest

from afk.memory import MemoryStore
from afk.memory.decided import (
    CLOSED_ALLOWED,
    CLOSED_NEVER_RAN,
    CLOSED_NOT_AGAIN,
    CLOSED_UNKNOWN,
    HAPPENED_BY_PERSON,
    SKIPPED_BY_PERSON,
)
from afk.memory.records import Decision
from tests.memory.kit import Clock, Story, allow, ask, begin
from tests.memory.promises import StorePromises


async def closed(store: MemoryStore) -> tuple[str, str]:
    """A new message closes run_1: the phase and the text that its call ends with."""
    store.live_runs.clear()
    snapshot = await begin(store, "run_2")
    [(effect, result)] = await store.list_effects("run_1")
    assert effect.finished_at_ms is not None
    assert result is not None
    assert [
        (seq, m.content, m.tool_call_id)
        for seq, m in zip(*snapshot.transcript[:2], strict=True)
        if m.role == "tool"
    ] == [(result.seq, result.text, result.call_id)]
    return effect.phase, result.text


class ClosingContract(StorePromises):
    """Parts of `StoreContract`."""

    @pytest.mark.parametrize(
        ("decision", "fields", "expected"),
        [
            ("respond", {"output": "I did it."}, ("done", "I did it.")),
            ("deny", {}, ("skipped", "The person denied this call.")),
            ("deny", {"reason": "too early"}, ("skipped", "The person denied this call. Reason: too early")),
            ("allow", {}, ("skipped", CLOSED_ALLOWED)),
        ],
    )
    async def test_a_decision_that_no_run_had_carried_out_is_the_calls_result_in_a_closed_run(
        self, store: MemoryStore, story: Story, clock: Clock, decision: Any, fields: Any, expected: Any
    ) -> None:
        await store.decide(story.approval_id, Decision(decision, "sha_a", "ada", **fields))
        clock.now += 7
        assert await closed(store) == expected
        request = await store.get_approval(story.approval_id)
        # a yes was never used
        assert request.consumed_at_ms == (None if decision == "allow" else clock.now)

    @pytest.mark.parametrize(
        ("decision", "expected"),
        [
            ("happened", ("done", HAPPENED_BY_PERSON)),
            ("skip", ("skipped", SKIPPED_BY_PERSON)),
            ("run_again", ("uncertain", CLOSED_NOT_AGAIN)),
            (None, ("uncertain", CLOSED_UNKNOWN)),
        ],
    )
    async def test_what_a_person_said_of_a_lost_outcome_is_the_calls_result_in_a_closed_run(
        self, store: MemoryStore, story: Story, decision: Any, expected: Any
    ) -> None:
        await story.make_uncertain()
        [request] = await store.list_approvals()
        if decision:
            await store.decide(request.approval_id, Decision(decision, "sha_a", "ada"))
        assert await closed(store) == expected

    async def test_a_yes_that_was_used_says_nothing_of_how_its_call_ended(
        self, store: MemoryStore, story: Story
    ) -> None:
        await story.execute()
        assert await closed(store) == ("uncertain", CLOSED_UNKNOWN)

    async def test_an_attempt_to_run_it_again_that_was_cut_off_is_of_unknown_outcome(
        self, store: MemoryStore, story: Story
    ) -> None:
        key = await story.make_uncertain()
        [request] = await store.list_approvals()
        await store.decide(request.approval_id, Decision("run_again", "sha_a", "ada"))
        assert await store.begin_effect(key, story.effect_id, {"x": "a"}, "sha_a")
        assert await closed(store) == ("uncertain", CLOSED_UNKNOWN)

    async def test_a_second_attempt_that_was_taken_from_a_living_owner_is_of_unknown_outcome(
        self, store: MemoryStore, story: Story
    ) -> None:
        key = await story.make_uncertain()
        [request] = await store.list_approvals()
        await store.decide(request.approval_id, Decision("run_again", "sha_a", "ada"))
        assert await store.begin_effect(key, story.effect_id, {"x": "a"}, "sha_a")
        await store.take_run("run_1", "th", None, take_over=True)
        assert (await story.effect()).phase == "uncertain"
        assert await closed(store) == ("uncertain", CLOSED_UNKNOWN)

    async def test_nobody_decided_and_it_never_ran(
        self, store: MemoryStore, story: Story, clock: Clock
    ) -> None:
        assert await closed(store) == ("skipped", CLOSED_NEVER_RAN)

    async def test_a_yes_that_expired_is_no_decision_about_a_closed_run(
        self, store: MemoryStore, clock: Clock
    ) -> None:
        story = await ask(store, expires_at_ms=clock.now + 10)
        clock.now += 11
        await store.expire_requests("run_1")
        assert (await store.get_approval(story.approval_id)).status == "expired"
        assert await closed(store) == ("skipped", CLOSED_NEVER_RAN)

    async def test_a_closed_runs_yes_allows_nothing_any_more(self, store: MemoryStore, story: Story) -> None:
        await store.decide(story.approval_id, allow())
        key = await story.take()
        await closed(store)
        with pytest.raises(Exception, match="taken over"):
            await store.begin_effect(key, story.effect_id, {"x": "a"}, "sha_a")
