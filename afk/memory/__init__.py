"""What is kept: the store's protocol and records, the SQLite store, retention and compaction.

The SQLite store is imported when it is first named, so that `import afk` brings in no third party.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from afk.memory.retention import (
    MemoryCompactionResult,
    Retention,
    RetentionPolicy,
    StateRetentionPolicy,
)
from afk.memory.store import MemoryStore

if TYPE_CHECKING:
    from afk.memory.sqlite.store import InMemoryMemoryStore, SQLiteMemoryStore

__all__ = [
    "InMemoryMemoryStore",
    "MemoryCompactionResult",
    "MemoryStore",
    "Retention",
    "RetentionPolicy",
    "SQLiteMemoryStore",
    "StateRetentionPolicy",
]


def __getattr__(name: str) -> object:
    if name in ("InMemoryMemoryStore", "SQLiteMemoryStore"):
        from afk.memory.sqlite import store

        return getattr(store, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
