"""What was said, as it is stored: to be copied, or written to a file."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

from afk.memory.store import MemoryStore
from afk_tui.gateway.clean import clean, clean_line
from afk_tui.gateway.errors import GatewayError, told
from afk_tui.gateway.items import ANY_PLACE, call_title, key_of
from afk_tui.gateway.views import ItemText

LOOKED_BACK = 50
"""Messages in which an answer is looked for at once, from the end on."""


class Texts:
    """The texts of threads. Everything raises GatewayError."""

    def __init__(self, store: MemoryStore, workspace: Path) -> None:
        self._store = store
        self._workspace = workspace

    async def item(self, thread_id: str, key: str) -> ItemText | None:
        """The item `key` of a thread, with its tabs; None where that is no message or call on disk."""
        if not key.startswith("m") or not key[1:].isdigit():
            return None
        seq = int(key[1:])
        with told():
            messages, calls = await self._store.read_range(thread_id, seq, seq)
        text = copied(messages[0].text) if messages else ""
        if calls:
            effect = calls[0][0]
            arguments = json.dumps(effect.arguments, ensure_ascii=False, indent=2)
            return ItemText(text, call_title(effect.tool_name, effect.arguments), copied(arguments))
        return ItemText(text) if messages else None

    async def find(self, thread_id: str, text: str) -> list[tuple[str, int]]:
        """The keys of all messages and calls of a thread that hold a text, whatever its case, each with how often they
        do; in order."""
        with told():
            return [(key_of(seq), times) for seq, times in await self._store.find_in_thread(thread_id, text)]

    async def last_answer(self, thread_id: str) -> str | None:
        """The key of the model's last message, or None."""
        before = ANY_PLACE
        with told():
            while heads := await self._store.heads_before(thread_id, before, LOOKED_BACK):
                if found := [head.seq for head in heads if head.role == "assistant"]:
                    return key_of(found[-1])
                before = heads[0].seq
        return None

    async def markdown(self, thread_id: str) -> str:
        """A whole thread for people, as `afk-tui export` writes it."""
        from afk_tui.gateway.export import read_thread_of, to_markdown

        with told():
            doc = await read_thread_of(self._store, thread_id)
        return await asyncio.to_thread(to_markdown, doc)

    async def save(self, name: str, text: str) -> str:
        """Write a new file, named from the workspace on; its path. A file that is there is left as it is."""
        path = self._workspace / name
        try:
            path = await asyncio.to_thread(_write_new, self._workspace, name, text)
        except FileExistsError:
            raise GatewayError(f"{clean_line(str(path))} is there already. Take another name.") from None
        except (OSError, ValueError) as error:
            reason = clean_line(getattr(error, "strerror", None) or str(error))
            raise GatewayError(f"{clean_line(str(path))} can't be written: {reason}.") from error
        return clean_line(str(path))


def copied(text: str) -> str:
    """`text` without what a terminal would obey; tabs stay, for code is copied too."""
    return "\t".join(clean(part) for part in text.split("\t"))


def _write_new(workspace: Path, name: str, text: str) -> Path:
    path = workspace / Path(name).expanduser()
    with open(path, "x", encoding="utf-8", errors="backslashreplace") as file:
        try:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        except OSError:
            path.unlink(missing_ok=True)  # half a file would pass for the whole
            raise
    return path
