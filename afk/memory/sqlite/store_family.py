"""The part of a store that is about runs inside runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from afk.memory.records import (
    ApprovalRecord,
    ChildBegun,
    EffectRecord,
    NewChild,
    RunAndCalls,
    RunKey,
    RunRecord,
    RunStop,
)
from afk.memory.sqlite import family
from afk.memory.sqlite.connection import Connection
from afk.memory.sqlite.owners import Owners


class FamilyStore:
    """See `MemoryStore`."""

    clock: Callable[[], int]
    _connection: Connection
    _owners: Owners

    async def find_root(self, run_id: str, thread_id: str) -> RunAndCalls | None:
        """The root of a run of this thread, with the calls of its step."""
        return await self._connection.read(family.find_root, self._owners, run_id, thread_id)

    async def begin_child(
        self,
        key: RunKey,
        effect_id: str,
        arguments: dict[str, Any],
        args_sha: str,
        new: NewChild,
        *,
        decided_sha: str | None = None,
    ) -> ChildBegun | None:
        """I of a call to a subagent and S of its run; or what is needed to go on with it."""
        # NORMAL: it touches nothing but the file itself, and what follows from it is FULL
        return await self._connection.write(
            "NORMAL",
            family.begin_child,
            key,
            effect_id,
            arguments,
            args_sha,
            decided_sha or args_sha,
            new,
            self.clock(),
        )

    async def stop_child(self, key: RunKey, stop: RunStop) -> None:
        """A run inside another waits, or stopped short."""
        await self._connection.write("NORMAL", family.stop_child, key, stop, self.clock())

    async def list_descendants(self, root_run_id: str) -> list[RunRecord]:
        """All runs inside a root run, the oldest first."""
        return await self._connection.read(family.list_descendants, self._owners, root_run_id)

    async def open_calls(self, root_run_id: str) -> list[tuple[EffectRecord, ApprovalRecord | None]]:
        """The calls without a result of a root run and of all inside it."""
        return await self._connection.read(family.open_calls, root_run_id)

    async def child_waits(self, effect_id: str) -> bool:
        """Whether the run that works for this call can go on only when a person decides."""
        return await self._connection.read(family.child_waits, effect_id, self.clock())

    async def child_run(self, effect_id: str) -> RunRecord | None:
        """The run that works, or worked, for a call to a subagent."""
        return await self._connection.read(family.child_run, self._owners, effect_id)

    async def count_delegated(self, run_id: str) -> int:
        """How many calls to subagents a run has made."""
        return await self._connection.read(family.count_delegated, run_id)
