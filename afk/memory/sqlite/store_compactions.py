"""The part of a store that is about keeping it small."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from afk.memory.compaction_detail import CompactionDetail, SpaceTaken
from afk.memory.records import CompactionRecord
from afk.memory.retention import (
    CompactionReason,
    MemoryCompactionResult,
    Retention,
    RetentionPolicy,
    StateRetentionPolicy,
    UnattendedCompaction,
)
from afk.memory.sqlite import compacting, compaction_counts, compaction_rows, due, space
from afk.memory.sqlite.compaction import make_plan
from afk.memory.sqlite.connection import Connection
from afk.memory.sqlite.owners import Owners
from afk.memory.sqlite.store_deletions import DeletionStore
from afk.memory.store import CompactionProgress


def _detail(
    db: sqlite3.Connection, thread_id: str, retention: Retention, now_ms: int, most_runs: int
) -> CompactionDetail:
    plan = make_plan(db, thread_id, retention.events, retention.states, now_ms)
    return compaction_counts.detail(db, plan, most_runs)


class CompactionStore(DeletionStore):
    """See `MemoryStore`."""

    clock: Callable[[], int]
    _connection: Connection
    _owners: Owners

    async def compact(
        self,
        thread_id: str,
        events: RetentionPolicy | None,
        states: StateRetentionPolicy | None,
        *,
        dry_run: bool = False,
        progress: CompactionProgress | None = None,
    ) -> MemoryCompactionResult:
        """Remove old records in small batches, then give the space back; what deletions left behind goes too."""
        if not dry_run:
            await self.remove_deleted()
        return await compacting.compact_thread(
            self._connection,
            self._owners,
            self.clock,
            thread_id,
            Retention(events, states),
            dry_run=dry_run,
            progress=progress,
        )

    async def compaction_detail(
        self, thread_id: str, retention: Retention, *, most_runs: int = 20
    ) -> CompactionDetail:
        """A dry run by kind and by run."""
        arguments = (thread_id, retention, self.clock(), most_runs)
        if most_runs and self._connection.path is not None:
            return await self._connection.aside(lambda db: _detail(db, *arguments))
        return await self._connection.read(_detail, *arguments)

    async def space_taken(self, thread_id: str | None = None) -> list[SpaceTaken]:
        """What takes the space, of a thread or of the file."""
        if thread_id is None and self._connection.path is not None:
            return await self._connection.aside(space.of_file)
        return await self._connection.read(space.of_texts, thread_id)

    async def compact_unattended(
        self,
        thread_id: str,
        retention: Retention,
        *,
        why: CompactionReason,
        every_ms: int = 0,
        progress: CompactionProgress | None = None,
    ) -> UnattendedCompaction:
        """A compaction that nobody stands beside."""
        return await compacting.compact_unattended(
            self._connection,
            self._owners,
            self.clock,
            thread_id,
            retention,
            why=why,
            every_ms=every_ms,
            progress=progress,
        )

    async def due_threads(
        self, retention: Retention, every_ms: int, *, after: int = 0
    ) -> tuple[list[str], int | None]:
        """Threads that the schedule has something to do in, and the place to go on behind."""
        return await self._connection.read(due.due_threads, retention, every_ms, after, self.clock())

    async def list_compactions(
        self, thread_id: str | None = None, *, limit: int = 50
    ) -> list[CompactionRecord]:
        """Past compactions of a thread, or of all, the newest first."""
        return await self._connection.read(compaction_rows.list_compactions, self._owners, thread_id, limit)
