"""One connection, on a thread of its own: a whole transaction is one function, sent there in one hop."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import json
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Concatenate, Literal, ParamSpec, TypeVar

import aiosqlite

from afk.agents.errors import StoreError
from afk.memory.sqlite.schema import check_ours, migrate

P = ParamSpec("P")
T = TypeVar("T")

Durability = Literal["FULL", "NORMAL"]
BUSY_TIMEOUT_MS = 10_000
RETRY_EVERY_S = 0.01
# what reading a database can raise; of damage that SQLite itself does not see, Python does: in names, and in JSON
UNREADABLE = (sqlite3.Error, UnicodeDecodeError, json.JSONDecodeError)

_open_connections: weakref.WeakSet[Connection] = weakref.WeakSet()
_closing: set[threading.Event] = set()


class _Sent(asyncio.Future[T]):
    """What comes of a transaction that was sent. Who is cancelled while he awaits it hears of that when it has ended,
    and only then goes on to tidy up. A future and not a task: the end of `asyncio.run` cancels those."""

    def cancel(self, msg: Any | None = None) -> bool:
        return False


class Connection:
    """An SQLite file, opened by aiosqlite, whose transactions are functions of a `sqlite3.Connection`.

    `write` shields a transaction that was begun from cancellation: it is whole or absent, and the caller hears of
    the cancellation after it. The thread never keeps the process alive; what is open at exit is closed there.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._db: aiosqlite.Connection | None = None
        self._durability: Durability = "FULL"
        self.writes = 0
        """How many transactions that write were asked for."""
        self.kept_copy: Path | None = None
        """The file as it was, where opening it gave it another format."""
        self._forgotten: weakref.finalize[..., Connection] | None = None

    @property
    def is_open(self) -> bool:
        return self._db is not None

    async def open(self) -> None:
        """Open the file, making it (0600) and its tables where they are missing. Raises StoreError or
        AgentCheckpointSchemaError, having changed nothing."""
        if self.path is not None:
            _make_private(self.path)
        name = ":memory:" if self.path is None else str(self.path)
        db = aiosqlite.connect(name, isolation_level=None, timeout=BUSY_TIMEOUT_MS / 1000)
        db._thread.daemon = True
        try:
            await db
            self.kept_copy = await db._execute(prepare, db._conn, name)
        except UNREADABLE as error:
            await _quietly_close(db)
            raise explain(error, name, doing="opened") from error
        except BaseException:
            await _quietly_close(db)
            raise
        self._db = db
        self._durability = "FULL"
        # a store that its owner lets go of is no leak: it closes itself
        self._forgotten = weakref.finalize(self, _close_without_loop, db)
        self._forgotten.atexit = False  # that is `_close_all`, which waits for it
        _open_connections.add(self)

    async def close(self) -> None:
        """Close the file; SQLite then folds its WAL into it. May be called twice."""
        db = self._let_go()
        if db is not None:
            await db.close()

    async def read(
        self, work: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `work` in one read transaction: all it reads is of one moment."""

        def transaction(db: sqlite3.Connection) -> T:
            db.execute("BEGIN")
            try:
                return work(db, *args, **kwargs)
            finally:
                if db.in_transaction:  # some errors end it themselves
                    # and not COMMIT, which fails where the search index is damaged
                    db.execute("ROLLBACK")

        return await self._send(transaction, "read")

    async def write(
        self,
        durability: Durability,
        work: Callable[Concatenate[sqlite3.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run `work` in one `BEGIN IMMEDIATE` transaction; FULL: on the disk itself when this returns."""

        def transaction(db: sqlite3.Connection) -> T:
            if durability != self._durability:  # it can't be changed inside a transaction
                db.execute(f"PRAGMA synchronous = {durability}")
                self._durability = durability
            db.execute("BEGIN IMMEDIATE")
            try:
                result = work(db, *args, **kwargs)
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise
            return result

        self.writes += 1
        return await self._send(transaction, "written")

    async def bare(
        self, work: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `work` outside any transaction: for pragmas."""
        return await self._send(lambda db: work(db, *args, **kwargs), "read")

    async def aside(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` on a read-only connection and a thread of its own: for what would keep others waiting too long.
        Cancelled, it is interrupted. Only for a file."""
        assert self.path is not None
        name = f"{self.path.as_uri()}?mode=ro"
        try:
            db = sqlite3.connect(name, uri=True, isolation_level=None, check_same_thread=False)
            with contextlib.closing(db):
                db.row_factory = sqlite3.Row
                # as in `_send` no task, which the end of `asyncio.run` would cancel
                reading = asyncio.get_running_loop().run_in_executor(None, work, db)
                try:
                    return await asyncio.shield(reading)
                except asyncio.CancelledError:
                    # closed under a thread that reads it, the process would crash
                    await _until_done(reading, db.interrupt)
                    raise
        except UNREADABLE as error:
            raise explain(error, str(self.path), doing="read") from error

    async def _send(self, work: Callable[[sqlite3.Connection], T], doing: str) -> T:
        db = self._db
        if db is None:
            raise StoreError("The store is closed; open a new one.")
        sent: _Sent[T] = _Sent(loop=asyncio.get_running_loop())
        db._tx.put_nowait((sent, partial(work, db._conn)))
        try:
            return await sent
        except UNREADABLE as error:
            raise explain(error, str(self.path or "in memory"), doing=doing) from error

    def close_at_exit(self) -> None:
        """For the end of the process, when no loop runs any more."""
        db = self._let_go()
        if db is not None:
            _close_without_loop(db)

    def _let_go(self) -> aiosqlite.Connection | None:
        db, self._db = self._db, None
        _open_connections.discard(self)
        if self._forgotten is not None:
            self._forgotten.detach()
        return db


def _close_without_loop(db: aiosqlite.Connection) -> None:
    """Have the connection's own thread close it and end; `_close_all` waits for that."""
    db._running = False
    connection, db._connection = db._connection, None
    closed = threading.Event()

    def close() -> object:
        if connection is not None:
            connection.close()
        closed.set()
        _closing.discard(closed)
        return aiosqlite.core._STOP_RUNNING_SENTINEL

    _closing.add(closed)
    db._tx.put_nowait((None, close))


def explain(error: Exception, name: str, *, doing: str) -> StoreError:
    """The same error (one of UNREADABLE) in words that a person can act on."""
    code = getattr(error, "sqlite_errorname", "") or ""
    if not isinstance(error, sqlite3.Error) or str(error).startswith("Could not decode to UTF-8"):
        code = "SQLITE_CORRUPT"
    if code.startswith("SQLITE_CANTOPEN") and os.path.isfile(name) and not os.access(name, os.W_OK):
        code = "SQLITE_READONLY"  # its -wal and -shm can't be made beside it
    known = {
        "SQLITE_FULL": f"the disk is full. Free some space, then {'start again' if doing == 'opened' else 'resume'}: "
        "what was on disk before is untouched",
        "SQLITE_READONLY_DBMOVED": "its file was moved or removed while it was open. Put it back, or end this program",
        "SQLITE_READONLY": "it is read-only. Allow writing to the file and its folder, or name another with --db",
        "SQLITE_CANTOPEN": "it can't be opened. Check that its folder may be written to, or name another with --db",
        "SQLITE_NOTADB": "it is not a database, and was left as it is. Name another file with --db or AFK_DB",
        "SQLITE_CORRUPT": "it is so damaged that nothing of it can be read. Take a copy of before, if there is one"
        if doing == "saved"
        else "it is damaged. Save what can be read of it with: afk-tui doctor --salvage OUT",
        "SQLITE_BUSY": "it is locked by another program. Try again when that one is done",
        "SQLITE_IOERR": "the disk fails (is it full, or gone?). What was on disk before is untouched",
    }
    reason = next((text for prefix, text in known.items() if code.startswith(prefix)), f"{error} ({code})")
    return StoreError(
        f"The database {name} could not be {doing}: {reason}.", is_locked=code.startswith("SQLITE_BUSY")
    )


def _make_private(path: Path) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # only when it is new: closing a descriptor of a file that SQLite has open would drop SQLite's locks
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StoreError(
            f"The database {path} could not be made: {error.strerror}. "
            "Allow writing to its folder, or name another file with --db or AFK_DB."
        ) from error
    if path.is_dir():
        raise StoreError(f"{path} is a folder, not a database. Name a file with --db or AFK_DB.")


def prepare(db: sqlite3.Connection, name: str) -> Path | None:
    """Make a connection ours: pragmas, and the tables where they are missing. The copy that `migrate` kept."""
    make_ours(db, name)
    return migrate(db, name)


def make_ours(db: sqlite3.Connection, name: str) -> None:
    """The pragmas alone."""
    db.row_factory = sqlite3.Row
    if check_ours(db, name) == 0:
        # before the first table and before WAL, or it never takes hold
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")
    _write_ahead(db)
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA foreign_keys = OFF")
    db.execute("PRAGMA journal_size_limit = 4194304")


def _write_ahead(db: sqlite3.Connection) -> None:
    """Switch to WAL. Where two do so at once SQLite refuses one of them without waiting, whatever its timeout is."""
    deadline = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if not error.sqlite_errorname.startswith("SQLITE_BUSY") or time.monotonic() > deadline:
                raise
            time.sleep(RETRY_EVERY_S)
        else:
            return


async def _until_done(future: asyncio.Future[Any], interrupt: Callable[[], None]) -> None:
    """Wait however often the caller is cancelled; what comes of it is not told. `interrupt` is called again and again:
    it reaches only a statement that runs."""
    while not future.done():
        interrupt()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait([future], timeout=RETRY_EVERY_S)
    if not future.cancelled():
        future.exception()  # retrieved: the caller is told of the cancellation instead


async def _quietly_close(db: aiosqlite.Connection) -> None:
    with contextlib.suppress(ValueError, sqlite3.Error):
        await db.close()


@atexit.register
def _close_all() -> None:
    for connection in list(_open_connections):
        connection.close_at_exit()
    for closed in list(_closing):
        closed.wait(timeout=5)


# a forked child has neither the threads nor the right to touch its parent's files
os.register_at_fork(after_in_child=lambda: (_open_connections.clear(), _closing.clear()))
