"""Whether a call still runs although the process that made it is gone.

A program that a tool starts inherits a locked descriptor, and so do its own children. While any of them holds it the
call is still running; the lock ends when the last of them does, however it ends. No process id is trusted for that:
they are given to strangers.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from pathlib import Path

from afk.memory.sqlite.owners import is_at

LOOKERS_AT_MOST = 20
LOOK_S = 0.001


class Lifeline:
    """The locked file of one call that is being made. `descriptor` is what its programs are to inherit.

    Raises BlockingIOError where an earlier attempt of the call still holds it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        while True:
            self.descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            try:
                _lock(self.descriptor)
            except BlockingIOError:
                os.close(self.descriptor)
                raise
            if is_at(self.descriptor, path):
                break
            os.close(self.descriptor)  # swept between its making and its locking

    def note(self, process_id: int) -> None:
        """Write down the leader of the call's process group, for a person to read."""
        os.pwrite(self.descriptor, f"{process_id}\n".encode(), 0)

    def close(self) -> None:
        """The call's outcome is known: whether anything of it still runs is nobody's question any more."""
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()
        os.close(self.descriptor)


def _lock(descriptor: int) -> None:
    """Lock at once, or after those who only look, and hold it for a moment, have looked."""
    for _ in range(LOOKERS_AT_MOST):
        with contextlib.suppress(BlockingIOError):
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        time.sleep(LOOK_S)
    return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def still_running(path: Path) -> int | None:
    """The process group of a call that still runs (0 where it was not written down), or None."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        text = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
        return int(text) if text.isdecimal() else 0
    finally:
        os.close(descriptor)
    return None
