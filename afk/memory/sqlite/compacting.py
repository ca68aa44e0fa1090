"""One compaction from its plan to its last page: batch after batch, each a transaction of its own."""

from __future__ import annotations

from collections.abc import Callable

from afk.memory.retention import MemoryCompactionResult, RetentionPolicy, StateRetentionPolicy
from afk.memory.sqlite import compaction
from afk.memory.sqlite.connection import Connection
from afk.memory.store import CompactionProgress


async def compact_thread(
    connection: Connection,
    thread_id: str,
    events: RetentionPolicy | None,
    states: StateRetentionPolicy | None,
    clock: Callable[[], int],
    *,
    dry_run: bool = False,
    progress: CompactionProgress | None = None,
) -> MemoryCompactionResult:
    """Remove old records in small batches, then give the space back. Cancelled between two of them, what was removed
    stays removed."""
    plan = await connection.read(compaction.make_plan, thread_id, events, states, clock())
    counts = await connection.read(compaction.count, plan)
    if dry_run:
        return _result(counts, counts.events_going, counts.states_going, reclaimed=0)
    record = await connection.write("NORMAL", compaction.begin_record, thread_id, events, states, clock())
    before = await connection.bare(compaction.file_bytes)
    removed: dict[str, int] = {"events": 0, "states": 0}
    total = counts.events_going + counts.states_going
    tables: tuple[tuple[str, compaction.Table], ...] = (
        ("events", "event"),
        ("states", "checkpoint"),
        ("states", "state"),
    )
    for what, table in tables:
        size = compaction.FIRST_BATCH
        while True:
            gone, took_s = await connection.write("NORMAL", compaction.timed_batch, plan, table, size)
            if not gone:
                break
            removed[what] += gone
            size = compaction.next_size(size, took_s)
            await connection.bare(compaction.checkpoint_wal, "PASSIVE")
            if progress:
                progress(removed["events"] + removed["states"], total, what)
    free = -1
    while (left := await connection.bare(compaction.vacuum_batch)) != free and left:
        free = left
        await connection.bare(compaction.checkpoint_wal, "PASSIVE")
        if progress:
            progress(removed["events"] + removed["states"], total, "space")
    await connection.bare(compaction.checkpoint_wal, "TRUNCATE")
    after = await connection.bare(compaction.file_bytes)
    result = _result(counts, removed["events"], removed["states"], reclaimed=max(0, before - after))
    await connection.write("NORMAL", compaction.end_record, record, result)
    return result


def _result(
    counts: compaction.Counts, events_removed: int, states_removed: int, *, reclaimed: int
) -> MemoryCompactionResult:
    return MemoryCompactionResult(
        events_removed=events_removed,
        states_removed=states_removed,
        events_before=counts.events,
        events_after=counts.events - events_removed,
        states_before=counts.states,
        states_after=counts.states - states_removed,
        states_protected=counts.states_protected,
        bytes_reclaimed=reclaimed,
        events_protected=counts.events_protected,
        protected_by=counts.protected_by,
    )
