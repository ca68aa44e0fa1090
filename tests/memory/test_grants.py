"""What the store itself promises of grants, whoever judged the call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from afk.agents.errors import ApprovalError
from afk.memory import SQLiteMemoryStore
from afk.memory.grants import GrantPattern
from afk.memory.records import Decision
from tests.memory.kit import answer, ask, begin, key_of, proposed

PATTERN = GrantPattern("act", "command_prefix", "git")


async def granted(store: SQLiteMemoryStore, scope: Any, pattern: GrantPattern | None = PATTERN) -> str:
    story = await ask(store)
    decision = Decision("allow", "sha_a", "ada", scope=scope, pattern=pattern)
    await store.decide(story.approval_id, decision)
    return (await store.list_grants())[0].grant_id


@pytest.mark.parametrize(("scope", "begins"), [("thread", False), ("workspace", True)])
async def test_i_on_a_grant_of_another_thread_is_refused(tmp_path: Path, scope: Any, begins: bool) -> None:
    store = SQLiteMemoryStore(tmp_path / "afk.db")
    await store.open()
    grant_id = await granted(store, scope)
    run = (await begin(store, "run_2", "th2")).run
    _, (effect,) = await answer(store, run, proposed("b", allowed_by=f"grant:{grant_id}"))
    began = await store.begin_effect(key_of(run), effect.effect_id, effect.arguments, effect.args_sha)
    assert (began is not None) == begins
    await store.close()


async def test_i_on_a_grant_over_another_tool_is_refused(tmp_path: Path) -> None:
    store = SQLiteMemoryStore(tmp_path / "afk.db")
    await store.open()
    grant_id = await granted(store, "workspace")
    run = (await begin(store, "run_2", "th2")).run
    call = proposed("b", allowed_by=f"grant:{grant_id}", tool_name="other")
    _, (effect,) = await answer(store, run, call)
    assert (
        await store.begin_effect(key_of(run), effect.effect_id, effect.arguments, effect.args_sha)
    ) is None
    await store.close()


async def test_a_grant_by_a_pattern_is_none_of_the_very_same_call(tmp_path: Path) -> None:
    store = SQLiteMemoryStore(tmp_path / "afk.db")
    await store.open()
    grant_id = await granted(store, "thread")
    assert await store.matching_grants(["sha_a"], "th", "/w") == {}
    (found,) = await store.pattern_grants(["act", "other"], "th", "/w")
    assert (found.grant_id, found.pattern) == (grant_id, PATTERN)
    assert await store.pattern_grants(["other"], "th", "/w") == []
    assert await store.pattern_grants(["act"], "th2", "/w") == []
    await store.close()


async def test_a_pattern_over_another_tool_than_the_one_asked_about_is_refused(tmp_path: Path) -> None:
    store = SQLiteMemoryStore(tmp_path / "afk.db")
    await store.open()
    with pytest.raises(ApprovalError, match="about 'act'"):
        await granted(store, "thread", GrantPattern("other", "command_prefix", "git"))
    assert await store.list_grants() == []
    assert len(await store.list_approvals()) == 1
    await store.close()
