"""Where a process can die: every step on the way to the disk meets its fate.

A point is named and has up to four moments: "before" it; "amid", between two statements of its transaction; "inside",
with everything written and nothing committed; and "after" it. All of this patches the engine in a forked child, for
good.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sqlite3
from collections.abc import Callable
from contextvars import ContextVar
from functools import partial
from types import SimpleNamespace
from typing import Any

from afk.memory import SQLiteMemoryStore
from afk.memory.sqlite import compaction, connection, lifelines, migrations, owners, schema
from afk.memory.sqlite.connection import Connection
from afk.memory.sqlite.owners import Owners

BOUNDARIES = (
    "begin_run",
    "take_run",
    "record_answer",
    "decide",
    "begin_effect",
    "begin_child",
    "stop_child",
    "record_result",
    "record_summary",
    "ask_about",
    "stop_run",
)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Fate:
    """Counts down to the moment at which the process dies. `met`: every point it came by."""

    def __init__(self, kill: tuple[str, str, int] | None, strike: Callable[[], None] = die) -> None:
        self._kill = kill
        self._left = kill[2] if kill else 0
        self._strike = strike
        self.met: list[tuple[str, str]] = []

    def meet(self, point: str, when: str) -> None:
        self.met.append((point, when))
        if self._kill and self._kill[:2] == (point, when):
            self._left -= 1
            if self._left == 0:
                self._strike()


def mortal_store(path: str, fate: Fate) -> SQLiteMemoryStore:
    """A store whose boundaries meet their fate."""

    class Mortal(SQLiteMemoryStore):
        pass

    boundary: ContextVar[str] = ContextVar("boundary", default="")

    def mortal(name: str) -> Any:
        async def method(self: Any, *args: Any, **kwargs: Any) -> Any:
            fate.meet(name, "before")
            boundary.set(name)
            try:
                result = await getattr(SQLiteMemoryStore, name)(self, *args, **kwargs)
            finally:
                boundary.set("")
            fate.meet(name, "after")
            return result

        return method

    for name in BOUNDARIES:
        setattr(Mortal, name, mortal(name))
    write = Connection.write

    async def dying_write(self: Any, durability: Any, work: Any, *args: Any, **kwargs: Any) -> Any:
        point = boundary.get()
        if not point:
            return await write(self, durability, work, *args, **kwargs)

        def work_and_die(db: sqlite3.Connection, *args: Any, **kwargs: Any) -> Any:
            db.set_trace_callback(lambda statement: fate.meet(point, "amid"))
            try:
                result = work(db, *args, **kwargs)
            finally:
                db.set_trace_callback(None)
            fate.meet(point, "inside")
            return result

        return await write(self, durability, work_and_die, *args, **kwargs)

    Connection.write = dying_write  # type: ignore[method-assign]
    return Mortal(path)


def make_compaction_mortal(fate: Fate) -> None:
    """Two rows at a time and few pages at a time, so that even a short story has several batches of both."""

    def two(size: int, took_s: float) -> int:
        return 2

    compaction.next_size, compaction.FIRST_BATCH, compaction.VACUUM_PAGES = two, 2, 4
    compaction.FOLD_EVERY = 1
    delete, fold, vacuum = compaction.delete_batch, compaction.checkpoint_wal, compaction.vacuum_batch
    committed: list[str] = []

    def dying_delete(*args: Any) -> int:
        fate.meet("batch", "before")
        removed = delete(*args)
        fate.meet("batch", "inside")
        committed.append("batch")
        return removed

    def dying_fold(*args: Any) -> None:
        if committed:
            committed.clear()
            fate.meet("batch", "after")
        fold(*args)

    def dying_vacuum(db: sqlite3.Connection) -> int:
        fate.meet("vacuum", "before")
        # every few instructions of SQLite's own program: about once for each page
        db.set_progress_handler(lambda: fate.meet("vacuum", "inside"), 4)
        try:
            left = vacuum(db)
        finally:
            db.set_progress_handler(None, 0)
        fate.meet("vacuum", "after")
        return left

    compaction.delete_batch, compaction.checkpoint_wal, compaction.vacuum_batch = (
        dying_delete,
        dying_fold,
        dying_vacuum,
    )


def make_migration_mortal(fate: Fate) -> None:
    """`migration` makes the tables of a new file, `upgrade` those of an older one, after the `copy` of it."""
    migrate, keep_copy = connection.migrate, schema.keep_copy

    def dying_migrate(db: sqlite3.Connection, name: str) -> None:
        version = schema.check_ours(db, name)
        if version == schema.VERSION:
            return
        point = "upgrade" if version else "migration"
        fate.meet(point, "before")
        db.set_trace_callback(
            lambda statement: fate.meet(point, "inside" if statement == "COMMIT" else "amid")
        )
        try:
            migrate(db, name)
        finally:
            db.set_trace_callback(None)
        fate.meet(point, "after")

    def dying_copy(path: str, version: int) -> Any:
        fate.meet("copy", "before")
        kept = keep_copy(path, version)
        fate.meet("copy", "after")
        return kept

    class PageByPage(sqlite3.Connection):
        def backup(self, target: sqlite3.Connection, **_: Any) -> None:
            super().backup(target, pages=1, progress=lambda *_: fate.meet("copy", "inside"))

    connection.migrate, schema.keep_copy = dying_migrate, dying_copy
    migrations.sqlite3 = SimpleNamespace(connect=partial(sqlite3.connect, factory=PageByPage))  # type: ignore[attr-defined]


def make_ownership_mortal(fate: Fate) -> None:
    """The files that say who lives: `hold` and `release` an owner's, `lifeline` a call's."""
    hold, release, lock = Owners._hold, Owners.release, lifelines._lock

    def flock(descriptor: int, how: int) -> None:
        if how != fcntl.LOCK_EX:  # somebody looks, or sweeps
            return fcntl.flock(descriptor, how)
        fate.meet("hold", "amid")
        fcntl.flock(descriptor, how)
        return fate.meet("hold", "inside")

    def unlink(path: Any) -> None:
        os.unlink(path)
        fate.meet("release", "inside")

    def dying_hold(self: Owners) -> None:
        fate.meet("hold", "before")
        hold(self)
        fate.meet("hold", "after")

    def dying_release(self: Owners) -> None:
        fate.meet("release", "before")
        release(self)
        fate.meet("release", "after")

    def dying_lock(descriptor: int) -> None:
        fate.meet("lifeline", "amid")
        lock(descriptor)
        fate.meet("lifeline", "inside")

    Owners._hold, Owners.release, lifelines._lock = dying_hold, dying_release, dying_lock  # type: ignore[method-assign]
    owners.fcntl = _Instead(fcntl, flock=flock)  # type: ignore[assignment]
    owners.os = _Instead(os, unlink=unlink)  # type: ignore[assignment]


class _Instead:
    """A module, with other functions in place of some of its own."""

    def __init__(self, module: Any, **instead: Any) -> None:
        self._module = module
        self.__dict__.update(instead)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)
