"""What helps a person to write a message: what was sent before, and the files that it may name."""

from __future__ import annotations

from pathlib import Path

from afk.memory.store import MemoryStore
from afk_tui.gateway.errors import told
from afk_tui.gateway.texts import copied
from afk_tui.gateway.workspace_files import FoundFiles, WorkspaceFiles

HISTORY = 200
HISTORY_CHARS = 64_000


class Writing:
    """Everything raises GatewayError."""

    def __init__(self, store: MemoryStore, workspace: Path) -> None:
        self._store = store
        self._workspace = str(workspace)
        self._files = WorkspaceFiles()

    async def sent(self, thread_id: str | None) -> list[str]:
        """What was sent in the folder of this thread, or of the app: the last HISTORY messages, the newest first, none
        longer than HISTORY_CHARS. It is read from the threads themselves: what is deleted there is gone here."""
        folder = await self._folder_of(thread_id)
        with told():
            texts = await self._store.sent_messages(folder, limit=HISTORY, most_chars=HISTORY_CHARS)
        return [copied(text) for text in texts]

    async def files(self, thread_id: str | None, text: str) -> FoundFiles:
        """Files of that folder whose path is like `text`."""
        return await self._files.find(await self._folder_of(thread_id), text)

    async def _folder_of(self, thread_id: str | None) -> str:
        with told():
            thread = await self._store.get_thread(thread_id) if thread_id else None
        return self._workspace if thread is None else thread.workspace
