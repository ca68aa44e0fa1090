"""The part of a store that is about deleting threads."""

from __future__ import annotations

from collections.abc import Callable

from afk.memory.deletion import ThreadDeletion
from afk.memory.sqlite import deleting, deletion
from afk.memory.sqlite.connection import Connection
from afk.memory.sqlite.owners import Owners


class DeletionStore:
    """See `MemoryStore`."""

    clock: Callable[[], int]
    _connection: Connection
    _owners: Owners

    async def delete_thread(
        self, thread_id: str, *, keep: bool = False, dry_run: bool = False
    ) -> ThreadDeletion:
        """Delete a thread, at once or so that it can be restored."""
        return await deleting.delete_thread(
            self._connection, self._owners, thread_id, self.clock, keep=keep, dry_run=dry_run
        )

    async def restore_thread(self, thread_id: str) -> None:
        """Undo the deletion of a thread that is kept."""
        await self._connection.write("FULL", deletion.restore, self._owners, thread_id, self.clock())

    async def remove_deleted(self, *, kept_here: bool = False) -> int:
        """Remove what is left of deleted threads."""
        if kept_here:
            await self._connection.write("NORMAL", deletion.let_go, self._owners)
        return await deleting.remove_deleted(self._connection, self._owners)
