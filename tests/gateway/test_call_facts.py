"""What is told of a call, from a real journal."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from afk.memory import SQLiteMemoryStore
from afk.memory.records import Decision
from afk_tui.gateway.sources import ConversationSource
from tests.memory.kit import Clock, answer, ask, begin, key_of, proposed, settle


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(tmp_path: Path, clock: Clock) -> AsyncGenerator[SQLiteMemoryStore]:
    made = SQLiteMemoryStore(tmp_path / "afk.db", clock=clock)
    await made.open()
    yield made
    await made.close()


async def told(store: SQLiteMemoryStore) -> list[tuple[str, str]]:
    """The facts of the thread's one call, each time in them as "T"."""
    source = ConversationSource(store, "th", lambda _: False)
    heads = await source.heads()
    [call] = [i for i in await source.load(0, len(heads)) if i.kind == "call"]
    return [(word, re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "T", text)) for word, text in call.facts]


async def test_who_was_asked_who_decided_and_how_long_it_ran(store: SQLiteMemoryStore, clock: Clock) -> None:
    story = await ask(store)
    assert await told(store) == [("asked", "T · It changes something.")]
    await store.decide(story.approval_id, Decision("allow", "sha_a", "ada", reason="go on"))
    key = await story.take()
    effect = await store.begin_effect(key, story.effect_id, {"x": "a"}, "sha_a")
    clock.now += 2_500
    assert effect is not None
    await settle(store, key, effect)
    assert await told(store) == [
        ("asked", "T · It changes something."),
        ("decided", "allowed by ada, T: “go on”"),
        ("ran", "T, took 2.5 s"),
    ]


async def test_of_a_call_of_unknown_outcome_both_requests_and_the_attempt_are_told(
    store: SQLiteMemoryStore,
) -> None:
    story = await ask(store)
    key = await story.make_uncertain()
    [request] = await store.list_approvals()
    await store.decide(request.approval_id, Decision("run_again", request.args_sha, "grace"))
    store.live_runs.clear()
    key = await story.take()
    again = await store.begin_effect(key, story.effect_id, {"x": "a"}, "sha_a")
    assert again is not None
    await settle(store, key, again)
    assert [word for word, _ in await told(store)] == ["asked", "decided", "asked", "decided", "ran"]
    assert (await told(store))[1:] == [
        ("decided", "allowed by ada, T"),
        ("asked", "T · Lost."),
        ("decided", "to be run again by grace, T"),
        ("ran", "T, took 0.0 s, attempt 2"),
    ]


async def test_what_was_asked_for_before_somebody_edited_it_is_told(store: SQLiteMemoryStore) -> None:
    story = await ask(store)
    await store.decide(
        story.approval_id,
        Decision("allow", "sha_a", "ada", arguments={"x": "better"}, edited_sha="sha_b"),
    )
    assert ("edited", 'what was asked for: {"x": "a"}') in await told(store)


async def test_a_call_that_needed_no_yes_says_so(store: SQLiteMemoryStore) -> None:
    run = (await begin(store)).run
    _, (effect,) = await answer(store, run, proposed("a"))
    begun = await store.begin_effect(key_of(run), effect.effect_id, {"x": "a"}, "sha_a")
    assert begun is not None
    assert await told(store) == [("decided", "needs no yes"), ("ran", "T")]


async def test_hostile_reasons_are_one_clean_line(store: SQLiteMemoryStore) -> None:
    story = await ask(store)
    await store.decide(story.approval_id, Decision("deny", "sha_a", "ada\x1b[2J", reason="no\nway\u202e"))
    assert ("decided", "denied by ada␛[2J, T: “no⏎way⟨U+202E⟩”") in await told(store)
