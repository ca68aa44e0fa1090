"""What a tool did is known to its process alone until it is on disk."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from afk.agents.errors import StoreError
from afk.core import Runner
from afk.memory import SQLiteMemoryStore
from tests.core.kit import Ledger, ScriptedModel, agent_with, call


async def test_an_outcome_is_not_lost_because_another_program_held_the_database_once(
    db: Path, ledger: Ledger
) -> None:
    refused: list[StoreError] = []

    class Contended(SQLiteMemoryStore):
        """Another program has the database when the outcome is first written, and lets go when that was refused."""

        async def record_result(self, *args: Any, **kwargs: Any) -> Any:
            if refused:
                return await super().record_result(*args, **kwargs)
            await self._connection.bare(lambda db: db.execute("PRAGMA busy_timeout = 0"))
            with closing(sqlite3.connect(db, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                try:
                    return await super().record_result(*args, **kwargs)
                except StoreError as error:
                    refused.append(error)
                    raise

    model = ScriptedModel(call(("act", {"what": "a"})))
    async with Runner(memory_store=Contended(db), llm=model) as runner:
        agent = agent_with(ledger.tool(approval="never"))
        result = await runner.run(agent, user_message="go", thread_id="th")
    assert len(refused) == 1
    assert (result.state, result.tool_executions[0].output) == ("completed", "act did a")
