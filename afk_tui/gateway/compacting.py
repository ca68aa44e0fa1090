"""Compaction for scripts: one thread or all, with progress, stopped when somebody says so."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

from afk.memory.retention import MemoryCompactionResult, Retention, RetentionPolicy, StateRetentionPolicy
from afk.memory.store import MemoryStore
from afk_tui.gateway.errors import told
from afk_tui.gateway.script import ALL, Doc, database_path, opened_store, require_thread
from afk_tui.gateway.settings import Settings


@dataclass(frozen=True, slots=True)
class CompactionStep:
    """How far it is: at the `thread`-th of `threads`, with so many `removed` rows in all; of this thread `done` of
    `total`."""

    thread: int
    threads: int
    removed: int
    done: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True)
class Compacted:
    """For each thread the counts and its thread_id. Stopped before its end, `documents` are those of the threads that
    were reached; the last one has `stopped` where it was in the middle."""

    documents: list[Doc]
    threads: int
    is_stopped: bool = False


def retention_of(max_age_ms: int | None, max_entries: int | None) -> Retention:
    """The policies of the command line: `max_age_ms` is for events, `max_entries` for states; None leaves that
    dimension alone."""
    return Retention(
        RetentionPolicy(max_age_ms=max_age_ms) if max_age_ms is not None else None,
        StateRetentionPolicy(max_entries=max_entries) if max_entries is not None else None,
    )


async def compact(
    settings: Settings,
    thread_id: str | None,
    retention: Retention,
    *,
    dry_run: bool,
    stop: asyncio.Event,
    progress: Callable[[CompactionStep], object] | None = None,
) -> Compacted:
    """Compact one thread, or (None) all that have something to remove, one after another. Once `stop` is set it ends
    between two batches; what was removed stays removed."""
    if thread_id is None and not database_path(settings).exists():
        return Compacted([], 0)
    async with opened_store(settings) as store:
        if thread_id is not None:
            await require_thread(store, thread_id)
            ids = [thread_id]
        else:
            ids = [thread.thread_id for thread in await store.list_threads(show="all", limit=ALL)]
        documents: list[Doc] = []
        removed = 0
        for n, one in enumerate(ids, 1):
            if stop.is_set():
                return Compacted(documents, len(ids), is_stopped=True)
            at = CompactionStep(n, len(ids), removed)
            if progress:
                progress(at)
            would = await store.compact(one, retention.events, retention.states, dry_run=True)
            result, cut = would, False
            if not dry_run and (thread_id is not None or would.events_removed or would.states_removed):
                result, cut = await _compact_one(store, one, retention, would, at, stop, progress)
            removed += result.events_removed + result.states_removed
            documents.append(
                {"thread_id": one, **dataclasses.asdict(result), **({"stopped": True} if cut else {})}
            )
        return Compacted(documents, len(ids), is_stopped=bool(documents and documents[-1].get("stopped")))


async def _compact_one(
    store: MemoryStore,
    thread_id: str,
    retention: Retention,
    would: MemoryCompactionResult,
    at: CompactionStep,
    stop: asyncio.Event,
    progress: Callable[[CompactionStep], object] | None,
) -> tuple[MemoryCompactionResult, bool]:
    """What was removed, and whether it was stopped."""

    def listen(done: int, total: int, what: str) -> None:
        if progress:
            progress(dataclasses.replace(at, removed=at.removed + done, done=done, total=total))

    compacting = asyncio.ensure_future(
        store.compact(thread_id, retention.events, retention.states, progress=listen)
    )
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait([compacting, stopping], return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        if not compacting.done():
            compacting.cancel()
    try:
        return await compacting, False
    except asyncio.CancelledError:
        if not stop.is_set():
            raise
    with told():
        (last,) = await store.list_compactions(thread_id, limit=1)
    gone = last.stopped or {"events_removed": 0, "states_removed": 0}
    return dataclasses.replace(
        would,
        events_removed=gone["events_removed"],
        events_after=would.events_before - gone["events_removed"],
        states_removed=gone["states_removed"],
        states_after=would.states_before - gone["states_removed"],
    ), True
