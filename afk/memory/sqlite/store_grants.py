"""The part of a store that is about grants."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from afk.memory.records import GrantRecord
from afk.memory.sqlite import grants, queries
from afk.memory.sqlite.connection import Connection


class GrantStore:
    """See `MemoryStore`."""

    clock: Callable[[], int]
    _connection: Connection

    async def matching_grants(
        self, args_shas: Sequence[str], thread_id: str, workspace: str
    ) -> dict[str, GrantRecord]:
        """Grants of the very same call that stand for these calls, by the hash of the call."""
        return await self._connection.read(queries.matching_grants, args_shas, thread_id, workspace)

    async def pattern_grants(
        self, tool_names: Sequence[str], thread_id: str, workspace: str
    ) -> list[GrantRecord]:
        """Grants by a pattern that stand for these tools here."""
        return await self._connection.read(grants.pattern_grants, tool_names, thread_id, workspace)

    async def list_grants(
        self, *, thread_id: str | None = None, workspace: str | None = None, revoked_too: bool = False
    ) -> list[GrantRecord]:
        """Grants, the newest first."""
        return await self._connection.read(grants.list_grants, thread_id, workspace, revoked_too)

    async def revoke_grant(self, grant_id: str, by: str) -> GrantRecord:
        """Take a grant back."""
        return await self._connection.write("FULL", grants.revoke_grant, grant_id, by, self.clock())
