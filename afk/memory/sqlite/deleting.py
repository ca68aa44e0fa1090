"""One deletion from its mark to its last page: batch after batch, each a transaction of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

from afk.memory.deletion import ThreadDeletion
from afk.memory.sqlite import compaction, deletion, outputs
from afk.memory.sqlite.connection import Connection
from afk.memory.sqlite.owners import Owners

# pages of a batch that gives space back, and the pause after any batch
PAGES = 16
SHORTEST_PAUSE_S = 0.002


async def delete_thread(
    connection: Connection,
    owners: Owners,
    thread_id: str,
    clock: Callable[[], int],
    *,
    keep: bool,
    dry_run: bool,
) -> ThreadDeletion:
    """Mark a thread as deleted and, unless it is kept, remove it. Cancelled or killed after the mark, it is gone for
    everybody, and its rows go with the next removal."""
    going = await connection.read(deletion.contents, owners, thread_id)
    if dry_run:
        return going
    await connection.write("FULL", deletion.mark, owners, thread_id, keep, clock())
    return going if keep else replace(going, bytes_reclaimed=await remove_deleted(connection, owners))


async def remove_deleted(connection: Connection, owners: Owners) -> int:
    """Remove every deleted thread that nobody keeps, but for what forks read, and give the space back; the bytes that
    the file shrank by. Cancelled between two batches, what was removed stays removed."""
    before = -1
    while (threads := await connection.read(deletion.unfinished, owners)) or await connection.read(
        outputs.any_leaving
    ):
        if before < 0:
            before = await connection.bare(compaction.file_bytes)
        for thread_id in threads:
            await _remove(connection, owners, thread_id)
        await _remove_outputs(connection)
    if before < 0:
        return 0
    await _give_back(connection)
    await connection.bare(compaction.checkpoint_wal, "TRUNCATE")
    return max(0, before - await connection.bare(compaction.file_bytes))


async def _remove(connection: Connection, owners: Owners, thread_id: str) -> None:
    for part in deletion.PARTS:
        size, below = deletion.FIRST_BATCH, part.below
        while below is not None:
            at = replace(part, below=below)
            _, below, took_s = await connection.write(
                "NORMAL", deletion.remove_batch, owners, thread_id, at, size
            )
            size = compaction.next_size(size, took_s)
            await connection.bare(compaction.checkpoint_wal, "PASSIVE")
            await _let_others_write(took_s)
    await connection.write("NORMAL", deletion.finish, owners, thread_id)


async def _remove_outputs(connection: Connection) -> None:
    """The whole results that only what was deleted referred to."""
    removed = 1
    while removed:
        began = time.perf_counter()
        removed = await connection.write("NORMAL", outputs.remove_leaving)
        took_s = time.perf_counter() - began
        await connection.bare(compaction.checkpoint_wal, "PASSIVE")
        await _let_others_write(took_s)


async def _give_back(connection: Connection) -> None:
    """The free pages go back to the file system, some at a time."""
    free = -1
    while True:
        began = time.perf_counter()
        left = await connection.bare(compaction.vacuum_batch, PAGES)
        took_s = time.perf_counter() - began
        if not left or left == free:
            return
        free = left
        await connection.bare(compaction.checkpoint_wal, "PASSIVE")
        await _let_others_write(took_s)


async def _let_others_write(took_s: float) -> None:
    """Who waits for SQLite's lock only looks now and then whether it is free: so it is, for as long as it was not."""
    await asyncio.sleep(max(took_s, SHORTEST_PAUSE_S))
