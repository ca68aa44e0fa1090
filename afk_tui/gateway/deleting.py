"""Deleting threads, for the app and for scripts."""

from __future__ import annotations

import asyncio
import dataclasses
from dataclasses import dataclass

from afk.core.runner import Runner
from afk.memory.deletion import ThreadDeletion
from afk_tui.gateway.clean import clean_line
from afk_tui.gateway.errors import told
from afk_tui.gateway.script import Doc, database_path, opened_store
from afk_tui.gateway.settings import Settings

# what an app that is left does at once; the rest is done after the next start
AT_QUIT_S = 1.0


@dataclass(frozen=True, slots=True)
class Going:
    """What goes with a thread, counted; `messages_kept` of the messages stay for the `forks`, which stay."""

    title: str
    messages: int
    messages_kept: int
    calls: int
    checkpoints: int
    pending: int
    forks: int


class Deletions:
    """The deletions of one app: they can be undone, the latest first, until it is left. Everything raises
    GatewayError."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._undoable: list[str] = []

    def holds(self, thread_id: str) -> bool:
        """Whether this thread was deleted here, and can be brought back."""
        return thread_id in self._undoable

    async def look(self, thread_id: str) -> Going:
        """What would go with a thread."""
        with told():
            return _going(await self._runner.delete_thread(thread_id, dry_run=True))

    async def delete(self, thread_id: str) -> None:
        """Take a thread out of every list; on return that is on disk."""
        self._undoable.append(thread_id)
        try:
            with told():
                await self._runner.delete_thread(thread_id, keep=True)
        except BaseException:
            self._undoable.remove(thread_id)
            raise

    async def undo(self) -> str | None:
        """Bring back what was deleted last; its id, or None where there is nothing."""
        if not self._undoable:
            return None
        thread_id = self._undoable.pop()
        with told():
            await self._runner.restore_thread(thread_id)
        return thread_id

    async def tidy(self) -> None:
        """Remove what earlier apps deleted and could not remove any more."""
        with told():
            await self._runner.remove_deleted()

    async def finish(self) -> None:
        """Nothing can be undone any more. Removes what it can in a moment."""
        if not self._undoable:
            return
        self._undoable.clear()
        try:
            with told():
                async with asyncio.timeout(AT_QUIT_S):
                    await self._runner.remove_deleted(kept_here=True)
        except TimeoutError:
            return  # it is marked: the next start goes on with it


async def delete_thread(settings: Settings, thread_id: str) -> Doc:
    """Delete a thread for good: what went, and `bytes_reclaimed`. Raises GatewayError, of kind "busy" while a run of it
    is live."""
    async with opened_store(settings) as store:
        runner = Runner(memory_store=store, workspace=database_path(settings).parent)
        return dataclasses.asdict(await runner.delete_thread(thread_id))


def _going(found: ThreadDeletion) -> Going:
    return Going(
        clean_line(found.title),
        found.messages,
        found.messages_kept,
        found.calls,
        found.checkpoints,
        found.pending_approvals,
        found.forks,
    )
