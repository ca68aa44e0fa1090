"""A file's content, replaced as a whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Callable

from afk.tools.confinement import OffLimits, Place, check_regular, explained, opened_directory
from afk.tools.tool import BasisChangedError, ToolError


class Missing:
    """There was no file."""


MISSING = Missing()
Former = os.stat_result | Missing


def replace_file(
    place: Place, data: bytes, off_limits: OffLimits, *, unchanged_since: Former | None = None
) -> bool:
    """Make `data` the whole content of the file at `place`, with missing parents; true if it is new.

    On disk when it returns. Killed at any moment, the file holds the former content or the new one. The
    mode stays. Raises ToolError, having changed nothing (missing parents may have been made), for what is
    no regular file, or may not be written or touched, and BasisChangedError for what is not the file (or the
    absence of one) `unchanged_since`, looked at once more just before the new content takes its place.
    """
    if not place.parts:
        raise ToolError(f"{place.asked!r} is the workspace itself: name a file inside it")
    if place.asked.endswith("/"):
        raise ToolError(f"{place.asked!r} names a directory: name the file to write")
    *above, name = place.parts
    with explained("write", place.asked), opened_directory(place, tuple(above), create=True) as parent:
        former = _former(parent, name, place.asked, off_limits)
        if unchanged_since is not None:
            _check_unchanged(former, unchanged_since, place.asked)

        def look_again() -> None:
            if unchanged_since is not None:
                _check_unchanged(_former(parent, name, place.asked, off_limits), unchanged_since, place.asked)

        _write_beside_and_rename(parent, name, data, former, look_again)
        return former is None


def _former(parent: int, name: str, asked: str, off_limits: OffLimits) -> os.stat_result | None:
    try:
        former = os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return None
    check_regular(former, asked, off_limits)
    # a rename asks the directory for permission, never the file: a read-only file must stay what it is
    if not os.access(name, os.W_OK, dir_fd=parent):
        raise ToolError(f"cannot write {asked!r}: the file is read-only")
    return former


def _check_unchanged(now: os.stat_result | None, then: Former, asked: str) -> None:
    same = now is None if isinstance(then, Missing) else now is not None and _same_content(now, then)
    if not same:
        raise BasisChangedError(f"{asked!r} was changed meanwhile: nothing was written; read it again")


def _same_content(now: os.stat_result, then: os.stat_result) -> bool:
    return os.path.samestat(now, then) and (now.st_mtime_ns, now.st_ctime_ns, now.st_size) == (
        then.st_mtime_ns,
        then.st_ctime_ns,
        then.st_size,
    )


def _write_beside_and_rename(
    parent: int, name: str, data: bytes, former: os.stat_result | None, look_again: Callable[[], None]
) -> None:
    beside = f".afk-{secrets.token_hex(8)}.tmp"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(beside, flags, 0o666, dir_fd=parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            if former is not None:
                _keep_owner_and_mode(descriptor, former)
            os.fsync(descriptor)
        look_again()  # writing and flushing is what takes time
        os.rename(beside, name, src_dir_fd=parent, dst_dir_fd=parent)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(beside, dir_fd=parent)
        raise
    os.fsync(parent)


def _keep_owner_and_mode(descriptor: int, former: os.stat_result) -> None:
    mine = os.fstat(descriptor)
    if (mine.st_uid, mine.st_gid) != (former.st_uid, former.st_gid):
        # only root may give files away; for anyone else the new file is theirs, as with every editor
        with contextlib.suppress(PermissionError):
            os.fchown(descriptor, former.st_uid, former.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(former.st_mode))
