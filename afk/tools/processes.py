"""A program in a process group of its own: read as it prints, and stopped as a whole."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

READ_BYTES = 1 << 20
# a program that prints for ever must not keep the loop busy: after its first megabyte it is read at intervals
_FREE_BYTES = 1 << 20
_PAUSE_S = 0.005
TERM_GRACE_S = 2.0
KILL_GRACE_S = 1.0

WITHHELD = ("OPENAI_API_KEY",)


def environment_of_children() -> dict[str, str]:
    """This process's environment without the key that pays for the model."""
    return {name: value for name, value in os.environ.items() if name not in WITHHELD}


class ProcessGroup:
    """A running program, leader of a session of its own, with standard streams and no other descriptor than those it
    `inherits`.

    Started when made, inside a running loop; raises OSError when it cannot be, ValueError for a NUL in
    `argv`. `on_output` gets standard output and error as they come, in one stream. `exited` is set when the
    leader has ended, `output_ended` when nobody holds the output open any more. Whoever makes one must
    `await stop()` or, after `exited`, call `close()`.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        on_output: Callable[[bytes], None],
        stdin: IO[bytes] | None = None,
        inherits: Sequence[int] = (),
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_output = on_output
        self.exited = asyncio.Event()
        self.output_ended = asyncio.Event()
        self._read_bytes = 0
        self._pause: asyncio.TimerHandle | None = None
        self._may_reap = threading.Event()
        self._closed = False
        self._pipe, theirs = os.pipe()
        try:
            self._process = subprocess.Popen(
                argv,
                cwd=cwd,
                env=environment_of_children(),
                stdin=subprocess.DEVNULL if stdin is None else stdin,
                stdout=theirs,
                stderr=theirs,
                start_new_session=True,
                pass_fds=inherits,
            )
        except BaseException:
            os.close(self._pipe)
            raise
        finally:
            os.close(theirs)
        os.set_blocking(self._pipe, False)
        if hasattr(fcntl, "F_SETPIPE_SZ"):
            # fewer wake-ups for much output; a user whose pipes use up their share does without
            with contextlib.suppress(OSError):
                fcntl.fcntl(self._pipe, fcntl.F_SETPIPE_SZ, READ_BYTES)
        self._loop.add_reader(self._pipe, self._read)
        threading.Thread(target=self._wait, name=f"wait-{self._process.pid}", daemon=True).start()

    @property
    def pid(self) -> int:
        """The leader's process id, which is the group's too."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """The leader's exit code, negative for a signal; known once `close()` or `stop()` is through."""
        return self._process.poll() if self._closed else self._process.returncode

    def _wait(self) -> None:
        # The leader is left a zombie until the group has been dealt with: its id, which is the group's,
        # cannot be given to a stranger meanwhile.
        if hasattr(os, "waitid"):
            os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
        else:
            self._process.wait()
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
            self._loop.call_soon_threadsafe(self.exited.set)
        self._may_reap.wait()
        self._process.wait()

    def _read(self) -> None:
        try:
            data = os.read(self._pipe, READ_BYTES)
        except BlockingIOError:
            return
        if not data:
            self._loop.remove_reader(self._pipe)
            self.output_ended.set()
            return
        self._read_bytes += len(data)
        if self._read_bytes > _FREE_BYTES:
            self._loop.remove_reader(self._pipe)
            self._pause = self._loop.call_later(_PAUSE_S, self._read_on)
        self._on_output(data)

    def _read_on(self) -> None:
        self._pause = None
        self._loop.add_reader(self._pipe, self._read)

    async def gone(self, within_s: float) -> bool:
        """Wait until the leader has ended and nobody holds its output open; false if that takes longer."""
        try:
            async with asyncio.timeout(within_s):
                await self.exited.wait()
                await self.output_ended.wait()
        except TimeoutError:
            return False
        return True

    async def stop(self) -> bool:
        """End the group: SIGTERM, two seconds' grace, SIGKILL. True when nothing of it is known to be left.

        Cancelled, the SIGKILL is sent at once. May be called again.
        """
        if self._closed:
            return self.output_ended.is_set()
        try:
            try:
                self._signal(signal.SIGTERM)
                await self.gone(TERM_GRACE_S)
            finally:
                # also after a clean end: a child that closed its output may still be there
                self._signal(signal.SIGKILL)
            return await self.gone(KILL_GRACE_S)
        finally:
            self.close()

    def _signal(self, number: signal.Signals) -> None:
        # nobody left, or (on macOS) only the zombie
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def close(self) -> None:
        """Stop reading and let the leader be reaped. Kills nothing."""
        if self._closed:
            return
        self._closed = True
        if self._pause is not None:
            self._pause.cancel()
        self._loop.remove_reader(self._pipe)
        os.close(self._pipe)
        self._may_reap.set()
        if self.exited.is_set():
            # a zombie: this does not wait
            self._process.wait()


async def stopped(group: ProcessGroup) -> bool:
    """`group.stop()`, seen through to its end even if the caller is cancelled, again and again, meanwhile."""
    stopping = asyncio.ensure_future(group.stop())
    cancelled = False
    while not stopping.done():
        try:
            await asyncio.shield(stopping)
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        raise asyncio.CancelledError
    return stopping.result()
