"""Who is alive: a locked file for each open store, beside the database.

The lock is an flock held for the life of the process and not inherited by its children, so it ends exactly when
the process does: no clock, no heartbeat, nothing expires while a laptop sleeps. Only for processes of one host.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import weakref
from collections.abc import Generator
from pathlib import Path

from afk.agents.errors import AgentRunBusyError, StoreError

# how the locked file of a call begins, where an owner's has its name
_CALL = "call_"

_held: weakref.WeakSet[Owners] = weakref.WeakSet()


class Owners:
    """The owners of the runs of one database: this store, and how to tell whether another one still lives.

    `live_runs` are the runs that this store owns and somebody here executes, `live_compactions` the compactions that
    somebody here works on.
    """

    def __init__(self, database: Path, owner_id: str) -> None:
        self.owner_id = owner_id
        self.live_runs: set[str] = set()
        self.live_compactions: set[int] = set()
        self._folder = database.with_name(database.name + "-owners")
        self._descriptor: int | None = None

    def lifeline_path(self, effect_id: str) -> Path:
        """Where the locked file of a call is while it is made."""
        return self._folder / f"{_CALL}{effect_id}"

    def hold(self) -> None:
        """Take this owner's lock; it is held until `release` or until the process ends. Raises StoreError."""
        with self._explained():
            self._hold()
        _held.add(self)

    @contextlib.contextmanager
    def _explained(self) -> Generator[None]:
        try:
            yield
        except OSError as error:
            raise StoreError(
                f"The folder {self._folder} could not be used: {error.strerror}. It says which process owns which "
                "run: allow writing beside the database, or name another file with --db or AFK_DB."
            ) from error

    def _hold(self) -> None:
        path = self._folder / self.owner_id
        while self._descriptor is None:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            self._sweep()
            try:
                descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            except FileNotFoundError:  # another process, closing, took the empty folder away
                continue
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if is_at(descriptor, path):
                os.write(descriptor, f"{os.getpid()}\n".encode())
                self._descriptor = descriptor
            else:  # swept between its making and its locking
                os.close(descriptor)

    def release(self) -> None:
        """Let go, and leave nothing behind. May be called twice."""
        if self._descriptor is None:
            return
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._folder / self.owner_id)
        os.close(self._descriptor)
        self._descriptor = None
        with contextlib.suppress(OSError):  # others still have their files in it
            self._folder.rmdir()

    def close_in_child(self) -> None:
        """For a forked child: what it inherited must not outlive its parent."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def executes(self, owner_id: str, run_id: str) -> bool:
        """Whether an owner is at work on a run: this one if it says so, any other as long as it lives."""
        return run_id in self.live_runs if owner_id == self.owner_id else self.is_alive(owner_id)

    def compacts(self, owner_id: str, compaction_id: int) -> bool:
        """The same for a compaction."""
        if owner_id == self.owner_id:
            return compaction_id in self.live_compactions
        return self.is_alive(owner_id)

    def is_alive(self, owner_id: str) -> bool:
        """Whether the process that holds this owner's lock still runs."""
        if owner_id == self.owner_id:
            return self._descriptor is not None
        try:
            descriptor = os.open(self._folder / owner_id, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            # shared, so that two who look at once do not take each other for the owner
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def living(self) -> list[int | None]:
        """The process ids of all stores that have the file open, this one's among them. Raises StoreError."""
        with self._explained(), contextlib.suppress(FileNotFoundError):
            owners = [name for name in sorted(os.listdir(self._folder)) if not name.startswith(_CALL)]
            return [self.process_id(owner) for owner in owners if self.is_alive(owner)]
        return []

    def process_id(self, owner_id: str) -> int | None:
        """The process id that an owner wrote down, for a person to read; None where it is unknown."""
        try:
            return int((self._folder / owner_id).read_text().strip())
        except (FileNotFoundError, ValueError):
            return None

    def _sweep(self) -> None:
        """Remove what dead owners left. Each file is locked while it goes, so that nobody who is just taking it
        can believe to hold it; shared, so that nobody who looks meanwhile takes the sweeper for its owner."""
        names = list[str]()
        with contextlib.suppress(FileNotFoundError):  # another process, closing, took the empty folder away
            names = os.listdir(self._folder)
        for name in names:
            path = self._folder / name
            with contextlib.suppress(FileNotFoundError, BlockingIOError):
                descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
                    path.unlink()
                finally:
                    os.close(descriptor)


def is_at(descriptor: int, path: Path) -> bool:
    """Whether an open file is still the one at that path."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _close_all_in_child() -> None:
    for owners in list(_held):
        owners.close_in_child()


os.register_at_fork(after_in_child=_close_all_in_child)


class NoOwners(Owners):
    """For a store in memory: nobody else can have it open."""

    def __init__(self, owner_id: str) -> None:
        super().__init__(Path("memory"), owner_id)
        self._open = False

    def hold(self) -> None:
        self._open = True

    def release(self) -> None:
        self._open = False

    def is_alive(self, owner_id: str) -> bool:
        return self._open and owner_id == self.owner_id

    def process_id(self, owner_id: str) -> int | None:
        return None


def refuse_if_live(run: sqlite3.Row, owners: Owners) -> None:
    """Raises AgentRunBusyError while a living process executes this run, which has an owner."""
    owner = run["owner"]
    if not owners.executes(owner, run["id"]):
        return
    pid = owners.process_id(owner)
    here = owner == owners.owner_id or pid == os.getpid()
    where = "here, in this process" if here else f"in another process (pid {pid or 'unknown'})"
    raise AgentRunBusyError(
        f"Run {run['id']} is running {where}. Wait for it to stop, or stop it there.",
        run_id=run["id"],
        owner=owner,
    )
