"""One compaction from its plan to its last page: batch after batch, each a transaction of its own."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Concatenate, ParamSpec, TypeVar

from afk.agents.errors import StoreError
from afk.memory.retention import (
    CompactionReason,
    MemoryCompactionResult,
    Retention,
    UnattendedCompaction,
)
from afk.memory.sqlite import compaction, compaction_rows
from afk.memory.sqlite.connection import Connection
from afk.memory.sqlite.owners import Owners
from afk.memory.store import CompactionProgress

P = ParamSpec("P")
Row = TypeVar("Row", bound=int | str)

TABLES: tuple[tuple[str, compaction.Table], ...] = (
    ("events", "event"),
    ("states", "checkpoint"),
    ("states", "state"),
)


# for so long after somebody else wrote, a batch is followed by a pause of so many times its own length: who writes all
# the time then finds the lock taken one time in forty-five
ATTENTIVE_S = 0.5
PAUSE = 45
LONGEST_PAUSE_S = 0.4


@dataclass(slots=True)
class Others:
    """Who writes beside a compaction: other connections to the file, and whoever shares its own."""

    version: int = 0
    own_writes: int = 0
    seen: tuple[int, int] | None = None
    seen_at_s: float = float("-inf")

    def look(self, db: sqlite3.Connection) -> None:
        """SQLite counts what other connections committed."""
        self.version = db.execute("PRAGMA data_version").fetchone()[0]

    def pause_after(self, took_s: float, writes: int) -> float:
        """How long to leave the lock alone. `writes`: through the own connection, the compaction's among them."""
        now_s, seen = time.perf_counter(), (self.version, writes - self.own_writes)
        if self.seen is not None and seen != self.seen:
            self.seen_at_s = now_s
        self.seen = seen
        return min(LONGEST_PAUSE_S, PAUSE * took_s) if now_s - self.seen_at_s < ATTENTIVE_S else 0.0


@dataclass(slots=True)
class Removal:
    """A compaction under way. `spares_runs`: it ends, `stopped`, where a run of the thread begins; `gentle`: between
    two batches it pauses for as long as a batch took, whether somebody writes beside it or not."""

    connection: Connection
    owners: Owners
    plan: compaction.Plan
    progress: CompactionProgress | None
    spares_runs: bool
    gentle: bool
    total: int = 0
    removed: dict[str, int] = field(default_factory=lambda: {"events": 0, "states": 0})
    stopped: bool = False
    unfolded: int = 0
    others: Others = field(default_factory=Others)

    async def remove(self) -> None:
        """Remove what may go."""
        for what, table in TABLES:
            size = compaction.FIRST_BATCH
            while not self.stopped:
                self.others.own_writes += 1
                gone, took_s = await self.connection.write("NORMAL", self._batch, table, size)
                if not gone:
                    break
                size = compaction.next_size(size, took_s)
                await self._between(what, took_s)

    async def give_back(self) -> int:
        """Give the free pages back to the file system; how many bytes the file shrank by."""
        free, before = -1, await self.connection.bare(compaction.file_bytes)
        while True:
            began = time.perf_counter()
            left = await self.connection.bare(self._vacuum)
            if not left or left == free:
                break
            free = left
            await self._between("space", time.perf_counter() - began)
        await self.connection.bare(compaction.checkpoint_wal, "TRUNCATE")
        return max(0, before - await self.connection.bare(compaction.file_bytes))

    def _batch(self, db: sqlite3.Connection, table: compaction.Table, size: int) -> tuple[int, float]:
        if self.spares_runs and compaction_rows.is_live(db, self.owners, self.plan.thread_id):
            self.stopped = True
            return 0, 0.0
        self.others.look(db)
        gone, took_s = compaction.timed_batch(db, self.plan, table, size)
        # here, and not by who awaits it: he may be cancelled meanwhile, and the batch is removed all the same
        self.removed["events" if table == "event" else "states"] += gone
        return gone, took_s

    def _vacuum(self, db: sqlite3.Connection) -> int:
        if self.spares_runs and compaction_rows.is_live(db, self.owners, self.plan.thread_id):
            return 0  # all that should go is gone; the next compaction gives its space back
        self.others.look(db)
        return compaction.vacuum_batch(db)

    async def _between(self, what: str, took_s: float) -> None:
        self.unfolded += 1
        if self.unfolded >= compaction.FOLD_EVERY:
            self.unfolded = 0
            began = time.perf_counter()
            await self.connection.bare(compaction.checkpoint_wal, "PASSIVE")
            took_s += time.perf_counter() - began  # who flushes meanwhile waits for this flush
        if self.progress:
            self.progress(self.removed["events"] + self.removed["states"], self.total, what)
        pause_s = self.others.pause_after(took_s, self.connection.writes)
        if pause_s or self.gentle:
            await asyncio.sleep(max(pause_s, took_s if self.gentle else 0.0))


async def compact_thread(
    connection: Connection,
    owners: Owners,
    clock: Callable[[], int],
    thread_id: str,
    retention: Retention,
    *,
    dry_run: bool = False,
    progress: CompactionProgress | None = None,
) -> MemoryCompactionResult:
    """Remove old records in small batches, then give the space back. Cancelled between two of them, what was removed
    stays removed, and the row of the compaction says how much that was."""
    plan = await connection.read(compaction.make_plan, thread_id, retention.events, retention.states, clock())
    if dry_run:
        return _planned(await _count(connection, plan))
    row = await _noted(
        connection, owners, compaction_rows.begin, owners, thread_id, retention, "hand", clock()
    )
    removal = Removal(connection, owners, plan, progress, spares_runs=False, gentle=False)
    return await _carry_out(removal, row)


async def compact_unattended(
    connection: Connection,
    owners: Owners,
    clock: Callable[[], int],
    thread_id: str,
    retention: Retention,
    *,
    why: CompactionReason,
    every_ms: int,
    progress: CompactionProgress | None,
) -> UnattendedCompaction:
    """The same for one process of several, and never beside a run of the thread. Where nothing would go there is no
    row of it."""
    plan = await connection.read(compaction.make_plan, thread_id, retention.events, retention.states, clock())
    if not await connection.read(compaction.anything_goes, plan):
        return UnattendedCompaction(None, "nothing")
    row = await _noted(
        connection, owners, compaction_rows.claim, owners, thread_id, retention, why, every_ms, clock()
    )
    if isinstance(row, str):
        return UnattendedCompaction(None, row)
    gentle = why == "schedule"
    removal = Removal(connection, owners, plan, progress, spares_runs=True, gentle=gentle)
    result = await _carry_out(removal, row)
    return UnattendedCompaction(result, stopped="live" if removal.stopped else "")


async def _noted(
    connection: Connection,
    owners: Owners,
    begin: Callable[Concatenate[sqlite3.Connection, P], Row],
    *args: P.args,
    **kwargs: P.kwargs,
) -> Row:
    """Write down that a compaction begins. Who is cancelled on the way does not compact, though it is written down."""
    made: list[Row] = []

    def work(db: sqlite3.Connection) -> Row:
        made.append(begin(db, *args, **kwargs))
        return made[0]

    try:
        return await connection.write("NORMAL", work)
    except asyncio.CancelledError:
        owners.live_compactions.difference_update(row for row in made if isinstance(row, int))
        raise


async def _carry_out(removal: Removal, row: int) -> MemoryCompactionResult:
    connection, owners, removed = removal.connection, removal.owners, removal.removed
    try:
        if removal.progress:
            going = await _count(connection, removal.plan)
            removal.total = going.events_going + going.states_going
        # between two batches it is done by us; inside a batch's commit it would keep a writer waiting for the disk
        await connection.bare(compaction.fold_by_itself, 0)
        await removal.remove()
        if removal.stopped:
            await connection.write("NORMAL", compaction_rows.stop, row, "live", removed)
            return _removed(await _count(connection, removal.plan), removed["events"], removed["states"], 0)
        reclaimed = await removal.give_back()
        # of what is left, and not before of everything: of a million rows that are to go it is a tenth of the time
        left = await _count(connection, removal.plan)
        result = _removed(left, removed["events"], removed["states"], reclaimed)
        await connection.write("NORMAL", compaction_rows.end, row, result)
        return result
    except asyncio.CancelledError:
        with contextlib.suppress(StoreError):  # without it the row reads as cut off, which is true as well
            await connection.write("NORMAL", compaction_rows.stop, row, "cancelled", removed)
        raise
    finally:
        owners.live_compactions.discard(row)
        with contextlib.suppress(StoreError):  # closed meanwhile
            await connection.bare(compaction.fold_by_itself, compaction.FOLD_AFTER_PAGES)


async def _count(connection: Connection, plan: compaction.Plan) -> compaction.Counts:
    """Beside whoever uses the connection: of a million rows that stay it is a tenth of a second."""
    if connection.path is None:
        return await connection.read(compaction.count, plan)
    return await connection.aside(lambda db: compaction.count(db, plan))


def _planned(counts: compaction.Counts) -> MemoryCompactionResult:
    """What a compaction would remove of what these counts say is there."""
    events, states = counts.events_going, counts.states_going
    left = replace(counts, events=counts.events - events, states=counts.states - states)
    return _removed(left, events, states, 0)


def _removed(left: compaction.Counts, events: int, states: int, reclaimed: int) -> MemoryCompactionResult:
    """What a compaction removed, beside what it left. `events_before` and `states_before` are these two together: what
    somebody wrote or removed meanwhile is as if it had been so before."""
    return MemoryCompactionResult(
        events_removed=events,
        states_removed=states,
        events_before=left.events + events,
        events_after=left.events,
        states_before=left.states + states,
        states_after=left.states,
        states_protected=left.states_protected,
        bytes_reclaimed=reclaimed,
        events_protected=left.events_protected,
        protected_by=left.protected_by,
    )
