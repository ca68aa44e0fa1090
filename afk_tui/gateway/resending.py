"""Saying something else in place of a message that was sent: a new thread, beside the old one."""

from __future__ import annotations

from afk.agents.errors import AgentConfigurationError
from afk.core.runner import Runner
from afk.memory.store import MemoryStore
from afk_tui.gateway.errors import told


class Resending:
    """Everything raises GatewayError."""

    def __init__(self, runner: Runner, store: MemoryStore) -> None:
        self._runner = runner
        self._store = store

    async def fork_at(self, thread_id: str, key: str, text: str) -> str:
        """A new thread that goes on as this one did before the message `key`, with `text` in its place; its id. Nothing
        runs yet, and the old thread stays as it was. Not where a compaction removed the checkpoint before it."""
        with told():
            seq = int(key[1:]) if key.startswith("m") and key[1:].isdigit() else -1
            messages, _ = await self._store.read_range(thread_id, seq, seq)
            if not messages or messages[0].role != "user":
                raise AgentConfigurationError("This is no message of yours: only these can be sent again.")
            run_id = messages[0].run_id
            checkpoint_id = await self._before(run_id)
            return await self._runner.fork(checkpoint_id.rpartition(".")[0], checkpoint_id, message=text)

    async def _before(self, run_id: str) -> str:
        """The checkpoint in whose place the run's message can be replaced: its first, or that which it was forked from:
        a fork's own first one stands behind the message."""
        first = await self._store.first_checkpoint(run_id)
        if first is not None and first.phase == "fork":
            return str(first.state["forked_from"])
        return f"{run_id}.0"
