"""Keeping threads in order, for the app and for scripts: titles, pins, the archive, and what was read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from afk.agents.errors import ThreadNotFoundError
from afk.memory.records import ThreadRecord
from afk.memory.store import MemoryStore
from afk.memory.threads import THREAD_FILTERS as THREAD_FILTERS
from afk.memory.threads import ThreadFilter as ThreadFilter
from afk_tui.gateway.errors import GatewayError, told
from afk_tui.gateway.script import Doc, opened_store
from afk_tui.gateway.settings import Settings
from afk_tui.gateway.views import ThreadRow

# a list cuts a title much sooner
LONGEST_TITLE = 200


class ThreadKeeping:
    """What one app does to threads. On return it is on disk. Everything raises GatewayError."""

    def __init__(self, store: MemoryStore, workspace: Path) -> None:
        self._store = store
        self._workspace = str(workspace)

    async def counts(self, *, everywhere: bool) -> Mapping[ThreadFilter, int]:
        """How many threads each filter shows, of this workspace or of all."""
        with told():
            return await self._store.count_threads_by_filter(
                workspace=None if everywhere else self._workspace
            )

    async def rename(self, thread_id: str, title: str) -> None:
        """Give a thread another title."""
        with told():
            await self._store.rename_thread(thread_id, title_from(title))

    async def toggle_pin(self, thread_id: str) -> bool:
        """Pin a thread, or unpin it; whether it is pinned now."""
        with told():
            pinned = (await _require(self._store, thread_id)).pinned_at_ms is None
            await self._store.pin_thread(thread_id, pinned=pinned)
        return pinned

    async def toggle_archive(self, thread_id: str) -> bool:
        """Archive a thread, or bring it back; whether it is archived now."""
        with told():
            archived = (await _require(self._store, thread_id)).archived_at_ms is None
            await self._store.archive_thread(thread_id, archived=archived)
        return archived

    async def note_seen(self, row: ThreadRow) -> None:
        """A person was shown the thread as this row says it stands."""
        if row.unread:
            with told():
                await self._store.mark_thread_seen(row.thread_id, row.updated_at_ms)


async def rename_thread(settings: Settings, thread_id: str, title: str) -> Doc:
    """Give a thread another title; how it stands then. Raises GatewayError."""
    async with opened_store(settings) as store:
        await store.rename_thread(thread_id, title_from(title))
        return await _doc(store, thread_id)


async def pin_thread(settings: Settings, thread_id: str, *, pinned: bool) -> Doc:
    """Pin a thread, or unpin it; how it stands then. Raises GatewayError."""
    async with opened_store(settings) as store:
        await store.pin_thread(thread_id, pinned=pinned)
        return await _doc(store, thread_id)


async def archive_thread(settings: Settings, thread_id: str, *, archived: bool) -> Doc:
    """Archive a thread, or bring it back; how it stands then. Raises GatewayError."""
    async with opened_store(settings) as store:
        await store.archive_thread(thread_id, archived=archived)
        return await _doc(store, thread_id)


def title_from(text: str) -> str:
    """What a person wrote, as a title: one line, not empty. Raises GatewayError."""
    title = " ".join(text.split())
    if not title:
        raise GatewayError("A title can't be empty; the thread keeps the one it has.")
    return title if len(title) <= LONGEST_TITLE else f"{title[: LONGEST_TITLE - 1]}…"


async def _doc(store: MemoryStore, thread_id: str) -> Doc:
    thread = await _require(store, thread_id)
    return {
        "thread_id": thread.thread_id,
        "title": thread.title,
        "pinned_at_ms": thread.pinned_at_ms,
        "archived_at_ms": thread.archived_at_ms,
    }


async def _require(store: MemoryStore, thread_id: str) -> ThreadRecord:
    thread = await store.get_thread(thread_id)
    if thread is None:
        raise ThreadNotFoundError(
            f"No thread {thread_id!r} in this store. List what there is with: afk-tui threads"
        )
    return thread
