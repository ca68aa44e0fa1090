"""Both stores keep the same promises."""

from __future__ import annotations

from pathlib import Path

import pytest

from afk.agents.errors import AgentCheckpointCompactedError, AgentCheckpointCorruptionError
from afk.memory import InMemoryMemoryStore, MemoryStore, SQLiteMemoryStore
from afk.memory.records import Decision
from tests.memory.contract import StoreContract
from tests.memory.kit import Clock, Story, answer, ask, begin, key_of, proposed
from tests.memory.promises import take
from tests.support.failing import change


class TestSQLiteMemoryStore(StoreContract):
    def make_store(self, tmp_path: Path, clock: Clock) -> MemoryStore:
        return SQLiteMemoryStore(tmp_path / "afk.db", clock=clock)

    async def test_i_on_a_revoked_grant_is_refused(self, tmp_path: Path, store: MemoryStore) -> None:
        story = await ask(store)
        await store.decide(story.approval_id, Decision("allow", "sha_a", "ada", scope="workspace"))
        grant = (await store.matching_grants(["sha_a"], "th", "/w"))["sha_a"]
        run = (await begin(store, "run_2", "th2")).run
        calls = [proposed(c, allowed_by=f"grant:{grant.grant_id}") for c in "ab"]
        _, (before, after) = await answer(store, run, *calls)
        key = key_of(run)
        assert await store.begin_effect(key, before.effect_id, before.arguments, before.args_sha) is not None
        tamper(tmp_path, "UPDATE approval_grant SET revoked_at_ms = 1")
        assert await store.matching_grants(["sha_a"], "th", "/w") == {}
        assert await store.begin_effect(key, after.effect_id, after.arguments, after.args_sha) is None

    async def test_i_on_an_approval_that_was_used_is_refused_whatever_the_call_looks_like(
        self, tmp_path: Path, story: Story
    ) -> None:
        key = await story.execute()
        tamper(tmp_path, "UPDATE effect SET phase = 'proposed'")
        assert await story.store.begin_effect(key, story.effect_id, {"x": "a"}, "sha_a") is None

    @pytest.mark.parametrize(
        "damage",
        [
            'UPDATE checkpoint SET state = \'{"v":1,"open_calls":[]}\' WHERE number = 1',
            "UPDATE checkpoint SET head_seq = head_seq - 1 WHERE number = 1",
            "UPDATE checkpoint SET step = 0 WHERE number = 1",
            "UPDATE checkpoint SET checksum = 'x' WHERE number = 1",
            "DELETE FROM message WHERE seq = 1",
        ],
    )
    async def test_a_damaged_checkpoint_is_told_and_the_run_is_left_as_it_is(
        self, tmp_path: Path, story: Story, damage: str
    ) -> None:
        tamper(tmp_path, damage)
        with pytest.raises(
            AgentCheckpointCorruptionError, match=r"damaged|refers to 2 messages, 1 are there"
        ):
            await take(story.store)
        run = await story.run()
        assert (run.state, run.owner, run.epoch) == ("awaiting_approval", None, 1)
        assert "run_1" not in story.store.live_runs

    async def test_a_run_without_checkpoints_says_so(self, tmp_path: Path, story: Story) -> None:
        tamper(tmp_path, "DELETE FROM checkpoint")
        with pytest.raises(AgentCheckpointCompactedError, match="none of its checkpoints is left"):
            await take(story.store)

    async def test_what_is_stored_is_there_for_the_next_process(
        self, tmp_path: Path, story: Story, clock: Clock
    ) -> None:
        await story.store.close()
        reopened = self.make_store(tmp_path, clock)
        await reopened.open()
        assert [a.approval_id for a in await reopened.list_approvals()] == [story.approval_id]
        await reopened.close()

    async def test_the_store_knows_its_own_files_by_whatever_name(
        self, tmp_path: Path, store: MemoryStore
    ) -> None:
        await ask(store)
        link = tmp_path / "link"
        link.symlink_to(tmp_path / "afk.db")
        (tmp_path / "hard").hardlink_to(tmp_path / "afk.db")
        (tmp_path / "other").touch()
        own = ["afk.db", "afk.db-wal", "afk.db-shm", "link", "hard"]
        assert [store.is_own_file((tmp_path / name).stat()) for name in own] == [True] * 5
        assert not store.is_own_file((tmp_path / "other").stat())

    async def test_nobody_else_can_read_the_database(self, tmp_path: Path, store: MemoryStore) -> None:
        await ask(store)
        modes = {p.name: oct(p.stat().st_mode & 0o777) for p in tmp_path.glob("afk.db*") if p.is_file()}
        assert modes == {"afk.db": "0o600", "afk.db-wal": "0o600", "afk.db-shm": "0o600"}


class TestInMemoryMemoryStore(StoreContract):
    def make_store(self, tmp_path: Path, clock: Clock) -> MemoryStore:
        return InMemoryMemoryStore(clock=clock)

    async def test_it_is_gone_when_it_is_closed(self, store: MemoryStore, tmp_path: Path) -> None:
        await ask(store)
        await store.close()
        await store.open()
        assert await store.list_threads() == []
        assert list(tmp_path.iterdir()) == []


def tamper(tmp_path: Path, *statements: str) -> None:
    for statement in statements:
        change(tmp_path / "afk.db", statement)
