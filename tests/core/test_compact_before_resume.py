"""A resume that compacts first is the same resume: nothing that goes wrong before it prevents it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from afk.agents.errors import AgentConfigurationError, StoreError
from afk.core import RunnerConfig
from afk.memory import Retention, RetentionPolicy, SQLiteMemoryStore, StateRetentionPolicy
from tests.core.conftest import MakeRunner
from tests.core.kit import Ledger, ScriptedModel, agent_with, call, rows, transcript
from tests.memory.compaction_kit import compactions

NEWEST = Retention(RetentionPolicy(max_events=1), StateRetentionPolicy(max_entries=1))


async def play(runner: MakeRunner, db: Path, ledger: Ledger, **options: Any) -> Any:
    """A run that asks, is allowed, and is resumed by a runner with these options."""
    agent = agent_with(ledger.tool("look", "read"), ledger.tool("act"))
    script = (call(("look", {"what": "1"})), call(("act", {"what": "2"})), call(("look", {"what": "3"})))
    store = options.pop("memory_store", None) or SQLiteMemoryStore(db)
    one = runner(ScriptedModel(*script), memory_store=store, **options)
    first = await one.run(agent, user_message="go", thread_id="th")
    (request,) = await one.list_approvals()
    await one.decide(request.approval_id, "allow", args_sha=request.args_sha)
    resumed = await one.resume(agent, run_id=first.run_id, thread_id="th")
    assert resumed.state == "completed"
    assert ledger.lines == ["look 1", "act 2", "look 3"]
    return one, agent, resumed


async def test_it_compacts_first_and_resumes_to_the_same_transcript(
    runner: MakeRunner, tmp_path: Path
) -> None:
    a, b = tmp_path / "a.db", tmp_path / "b.db"
    await play(runner, a, Ledger(tmp_path / "a"), compact_before_resume=NEWEST)
    await play(runner, b, Ledger(tmp_path / "b"))
    assert transcript(a, "th") == transcript(b, "th")
    assert compactions(a) == [("th", "resume", True)]
    assert compactions(b) == []
    count = "SELECT count(*) FROM checkpoint"
    assert rows(a, count)[0][0] < rows(b, count)[0][0]


async def test_a_finished_run_is_answered_without_compacting(
    runner: MakeRunner, db: Path, ledger: Ledger
) -> None:
    one, agent, done = await play(runner, db, ledger, compact_before_resume=NEWEST)
    before = rows(db, "SELECT * FROM event")
    again = await one.resume(agent, run_id=done.run_id, thread_id="th")
    assert again.final_text == done.final_text
    assert rows(db, "SELECT * FROM event") == before
    assert len(compactions(db)) == 1


async def test_a_compaction_that_fails_does_not_prevent_the_resume(
    runner: MakeRunner, db: Path, ledger: Ledger
) -> None:
    class Fails(SQLiteMemoryStore):
        async def compact_unattended(self, *args: Any, **options: Any) -> Any:
            raise StoreError("The disk is on holiday.")

    await play(runner, db, ledger, memory_store=Fails(db), compact_before_resume=NEWEST)
    ((body,),) = rows(db, "SELECT body FROM event WHERE type = 'compaction_failed'")
    assert "holiday" in body


async def test_what_it_keeps_is_a_retention() -> None:
    with pytest.raises(AgentConfigurationError, match="compact_before_resume"):
        RunnerConfig(compact_before_resume=50)  # pyright: ignore[reportArgumentType]
