"""The files of a workspace by name, for completion. Names are read and nothing else: no file is opened."""

from __future__ import annotations

import asyncio
import heapq
import os
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from afk.tools.walking import NOT_SEARCHED
from afk_tui.gateway.clean import clean_line

MOST_FILES = 200_000
MOST_WALK_S = 20.0
STALE_S = 10.0
SHOWN = 50
_ENOUGH_HITS = 20


@dataclass(slots=True)
class _Index:
    """Paths from the workspace on, with slashes; `small` the same to be compared. `stopped` says what is missing."""

    paths: list[str] = field(default_factory=list[str])
    small: list[str] = field(default_factory=list[str])
    stopped: str = ""
    made_at_s: float = 0.0


@dataclass(frozen=True, slots=True)
class FoundFiles:
    """The best paths, the best first; `count` of how many. `note` says where the list is not complete, or ""."""

    paths: tuple[str, ...]
    count: int
    note: str = ""


class WorkspaceFiles:
    """Remembers the names of the folder looked into last; where a word begins they are read anew, if they are older
    than STALE_S."""

    def __init__(self) -> None:
        self._folder = ""
        self._index = _Index()
        self._lock = asyncio.Lock()

    async def find(self, folder: str, text: str) -> FoundFiles:
        """Files whose path holds `text`, or its letters in this order. Walks and compares in a thread: no key waits for
        it. Version control's own folders are left out, as the tools leave them out; links are not followed."""
        async with self._lock:
            is_stale = not text and time.monotonic() - self._index.made_at_s > STALE_S
            if folder != self._folder or is_stale:
                self._index = await asyncio.to_thread(_walk, folder)
                self._folder = folder
            return await asyncio.to_thread(_best, self._index, text)


def _walk(folder: str) -> _Index:
    index, began, waiting = _Index(), time.monotonic(), [""]
    while waiting:
        below = waiting.pop()
        try:
            entries = sorted(os.scandir(Path(folder, below)), key=lambda entry: entry.name)
        except OSError:
            continue  # not ours to read, or gone since
        folders: list[str] = []
        for entry in entries:
            path = f"{below}{entry.name}"
            # a name that shows as another can't be written in a message
            if clean_line(path) != path or '"' in path:
                continue
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in NOT_SEARCHED:
                    folders.append(f"{path}/")
            elif entry.is_file(follow_symlinks=False):
                index.paths.append(path)
        waiting += reversed(folders)
        if len(index.paths) >= MOST_FILES:
            index.stopped = f"of the first {len(index.paths):,} files"
            break
        if time.monotonic() - began > MOST_WALK_S:
            index.stopped = f"of the {len(index.paths):,} files found in {MOST_WALK_S:g} s"
            break
    index.small = [path.lower() for path in index.paths]
    index.made_at_s = time.monotonic()
    return index


def _best(index: _Index, text: str) -> FoundFiles:
    wanted = text.lower()
    hits = [at for at, path in enumerate(index.small) if wanted in path]
    best = [
        index.paths[at] for at in heapq.nsmallest(SHOWN, hits, key=lambda at: _rank(index.small[at], wanted))
    ]
    count = len(hits)
    if wanted and len(hits) < _ENOUGH_HITS:
        loose = _loosely(index.small, wanted, set(hits))
        best += [
            index.paths[at]
            for at in heapq.nsmallest(SHOWN - len(best), loose, key=lambda at: len(index.small[at]))
        ]
        count += len(loose)
    return FoundFiles(tuple(best), count, index.stopped)


def _rank(path: str, wanted: str) -> tuple[int, int, str]:
    """A name that begins with it, a name that holds it, a path that does; the shortest first."""
    name = path.rpartition("/")[2]
    kind = 0 if name.startswith(wanted) else 1 if wanted in name else 2
    return kind, path.count("/") if not wanted else len(path), path


def _loosely(paths: Sequence[str], wanted: str, without: set[int]) -> list[int]:
    letters = re.compile("[^\n]*?".join(map(re.escape, wanted)))
    return [at for at, path in enumerate(paths) if at not in without and letters.search(path)]
