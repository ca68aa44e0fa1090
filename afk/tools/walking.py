"""The files that a search looks into."""

from __future__ import annotations

import os
import stat
import time
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from afk.tools.confinement import OffLimits, Place, check_regular, explained, opened_directory
from afk.tools.secrets import looks_secret
from afk.tools.tool import ToolArgumentsError

MAX_FILES = 20_000
MAX_WALK_S = 15.0
NOT_SEARCHED = frozenset({".git", ".hg", ".svn"})


@dataclass(slots=True)
class Candidates:
    """`files` are (path relative to the workspace, device, inode), sorted by path. `secrets` counts the
    files left out because they look like secrets; `stopped` says why the walk ended early, "" when it did
    not.
    """

    files: list[tuple[str, int, int]] = field(default_factory=list[tuple[str, int, int]])
    secrets: int = 0
    unreadable_folders: int = 0
    stopped: str = ""


class Glob:
    """A file name pattern. Without a slash it is about names at any depth ("*.py"); with one, about whole
    paths below the searched directory, where ** stands for any number of directories ("src/**/test_*.py").
    """

    def __init__(self, glob: str) -> None:
        if not glob.strip("/"):
            raise ToolArgumentsError(f"search_files: the glob {glob!r} is empty")
        if "{" in glob:
            raise ToolArgumentsError(
                f"search_files: {glob!r} has braces, which mean nothing here: search twice"
            )
        self._steps = glob.removeprefix("./").strip("/").split("/")

    def matches(self, path: str) -> bool:
        """Whether `path`, relative and with slashes, is meant."""
        parts = path.split("/")
        if len(self._steps) == 1:
            return fnmatchcase(parts[-1], self._steps[0])
        # a set of places in the pattern instead of backtracking: no pattern takes long
        places = self._skipping({0})
        for part in parts:
            places = self._skipping(
                {
                    place if self._steps[place] == "**" else place + 1
                    for place in places
                    if place < len(self._steps)
                    and (self._steps[place] == "**" or fnmatchcase(part, self._steps[place]))
                }
            )
        return len(self._steps) in places

    def _skipping(self, places: set[int]) -> set[int]:
        reached = set(places)
        for place in places:
            while place < len(self._steps) and self._steps[place] == "**":
                place += 1
                reached.add(place)
        return reached


def candidates(place: Place, glob: Glob | None, off_limits: OffLimits) -> Candidates:
    """The regular files at or below `place`, following no link, without those of the store, those that look
    like secrets, and version control's own. Opens directories only. Raises ToolError when `place` cannot be
    looked at.
    """
    result = Candidates()
    if place.parts:
        with explained("search", place.asked), opened_directory(place, place.parts[:-1]) as parent:
            found = os.stat(place.parts[-1], dir_fd=parent, follow_symlinks=False)
        if not stat.S_ISDIR(found.st_mode):
            check_regular(found, place.asked, off_limits)
            _consider(result, place.shown, found, place)
            return result

    def count_unreadable(_: OSError) -> None:
        result.unreadable_folders += 1

    deadline = time.monotonic() + MAX_WALK_S
    with explained("search", place.asked), opened_directory(place, place.parts) as top:
        for below, folders, names, folder in os.fwalk(".", onerror=count_unreadable, dir_fd=top):
            folders[:] = sorted(name for name in folders if name not in NOT_SEARCHED)
            relative = PurePosixPath(below)
            for name in sorted(names):
                path = (relative / name).as_posix()
                if glob is not None and not glob.matches(path):
                    continue
                try:
                    found = os.stat(name, dir_fd=folder, follow_symlinks=False)
                except FileNotFoundError:
                    # removed since its name was read
                    continue
                if stat.S_ISREG(found.st_mode) and not off_limits(found):
                    _consider(result, PurePosixPath(*place.parts, path).as_posix(), found, place)
                if len(result.files) == MAX_FILES:
                    result.stopped = f"only the first {MAX_FILES} files were looked at"
                    return _sorted(result)
            if time.monotonic() > deadline:
                count = len(result.files)
                result.stopped = f"only the {count} files found within {MAX_WALK_S:g} s were looked at"
                break
    return _sorted(result)


def _consider(result: Candidates, path: str, found: os.stat_result, place: Place) -> None:
    if looks_secret(place.root / path):
        result.secrets += 1
    else:
        result.files.append((path, found.st_dev, found.st_ino))


def _sorted(result: Candidates) -> Candidates:
    result.files.sort(key=lambda file: file[0].split("/"))
    return result
