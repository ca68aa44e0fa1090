"""Paths that a model gives, kept inside a workspace.

A path is resolved first, through all its links, and must end inside. What is then opened is reached from the
workspace's own descriptor, one component after another and through no link, so that a link swapped in between
the check and the use leads nowhere.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from afk.tools.tool import ToolError

OffLimits = Callable[[os.stat_result], bool]

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK: a fifo put in the file's place must not hold the opener up; a regular file ignores it
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Place:
    """A path inside a workspace, as it was asked for and where it really is: `parts` below `root`, with no
    link among them. It need not exist.
    """

    asked: str
    root: Path
    parts: tuple[str, ...]

    @property
    def path(self) -> Path:
        """The absolute real path."""
        return self.root.joinpath(*self.parts)

    @property
    def shown(self) -> str:
        """The real path relative to the workspace, "." for the workspace itself."""
        return "/".join(self.parts) or "."


@contextlib.contextmanager
def explained(doing: str, asked: str) -> Generator[None]:
    """Turn the operating system's refusal into a ToolError: "cannot read 'a.txt': permission denied"."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            why = "a part of the path is no directory, or was replaced by a link while it was used"
        else:
            why = (error.strerror or str(error)).lower()
        raise ToolError(f"cannot {doing} {asked!r}: {why}") from error


def locate(workspace: Path, asked: str) -> Place:
    """Where `asked` really is: relative to the workspace, or absolute inside it. Links and `..` are resolved.

    Raises ToolError, naming what was asked, when that is empty, no path, or outside the workspace.
    """
    if not asked.strip():
        raise ToolError(
            "the path is empty: name something inside the workspace, or '.' for the workspace itself"
        )
    if "\0" in asked:
        raise ToolError(f"{asked!r} is no path: it holds a NUL character")
    if asked == "~" or asked.startswith("~/"):
        raise ToolError(f"{asked!r}: ~ has no meaning here; give a path relative to the workspace")
    root = Path(os.path.realpath(workspace))
    if not root.is_dir():
        raise ToolError(
            f"the workspace {os.fspath(workspace)!r} is not there: it was moved, removed or is no directory"
        )
    with explained("resolve", asked):
        real = Path(os.path.realpath(root / asked))
    if not real.is_relative_to(root):
        led = f" leads to {os.fspath(real)!r}, which" if os.fspath(real) != asked else ""
        raise ToolError(
            f"{asked!r}{led} is outside the workspace {os.fspath(root)!r}: only what is inside can be used"
        )
    return Place(asked, root, real.relative_to(root).parts)


@contextlib.contextmanager
def opened_directory(place: Place, parts: tuple[str, ...], *, create: bool = False) -> Generator[int]:
    """A descriptor of the directory `parts` below the root, reached through no link; closed at the end.

    With `create`, missing directories are made, and are on disk when it returns. Raises OSError.
    """
    descriptor = os.open(place.root, _DIRECTORY)
    try:
        for part in parts:
            try:
                inner = os.open(part, _DIRECTORY, dir_fd=descriptor)
            except FileNotFoundError:
                if not create:
                    raise
                with contextlib.suppress(FileExistsError):
                    os.mkdir(part, dir_fd=descriptor)
                os.fsync(descriptor)
                inner = os.open(part, _DIRECTORY, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = inner
        yield descriptor
    finally:
        os.close(descriptor)


def check_regular(found: os.stat_result, asked: str, off_limits: OffLimits) -> None:
    """Raise ToolError unless `found` is a regular file that tools may touch. Opens nothing."""
    if stat.S_ISDIR(found.st_mode):
        raise ToolError(f"{asked!r} is a directory: list_directory shows what is in it")
    if not stat.S_ISREG(found.st_mode):
        raise ToolError(f"{asked!r} is {_special(found.st_mode)}, not a regular file: it is not opened")
    if off_limits(found):
        raise ToolError(
            f"{asked!r} belongs to the database that keeps this conversation: tools cannot touch it"
        )


def _special(mode: int) -> str:
    if stat.S_ISFIFO(mode):
        return "a named pipe"
    if stat.S_ISSOCK(mode):
        return "a socket"
    if stat.S_ISLNK(mode):
        return "a link that appeared while it was used"
    return "a device"


@contextlib.contextmanager
def opened_file(
    place: Place, off_limits: OffLimits, *, doing: str = "read"
) -> Generator[tuple[BinaryIO, os.stat_result]]:
    """The regular file at `place`, open for reading, and its stat; closed at the end. Raises ToolError."""
    if not place.parts:
        raise ToolError(f"{place.asked!r} is a directory: list_directory shows what is in it")
    with explained(doing, place.asked), opened_directory(place, place.parts[:-1]) as parent:
        before = os.stat(place.parts[-1], dir_fd=parent, follow_symlinks=False)
        check_regular(before, place.asked, off_limits)
        descriptor = os.open(place.parts[-1], _FILE, dir_fd=parent)
        found = os.fstat(descriptor)
        if not os.path.samestat(before, found):
            if off_limits(found):
                # swapped in after the check. Closing it would drop SQLite's locks, so it stays open for good.
                raise ToolError(f"{place.asked!r} changed while it was opened")
            try:
                check_regular(found, place.asked, off_limits)
            except ToolError:
                os.close(descriptor)
                raise
    with os.fdopen(descriptor, "rb", buffering=0) as file, explained(doing, place.asked):
        yield file, found
