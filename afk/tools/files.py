"""Looking at files: list_directory and read_file."""

from __future__ import annotations

import itertools
import json
import os
import stat
from pathlib import Path
from typing import Annotated

from afk.tools.confinement import Place, explained, locate, opened_directory, opened_file
from afk.tools.secrets import secret_reason
from afk.tools.text import Lines, human_size, read_lines
from afk.tools.tool import ToolArgumentsError, ToolContext, tool

MAX_ENTRIES = 500
MAX_SCANNED_ENTRIES = 20_000
MAX_READ_BYTES = 64 * 1024
# what is said beside a text, in a result that the model is shown whole
NOTES_CHARS = 500


@tool(effect="read", timeout_s=60)
def list_directory(
    ctx: ToolContext, path: Annotated[str, "a directory of the workspace, relative to it"] = "."
) -> str:
    """List a directory of the workspace: folders first (their names end in /), then files with their sizes.

    Links are shown as name -> target. A long list is cut, and says so.
    """
    place = locate(ctx.workspace, path)
    with explained("list", path), opened_directory(place, place.parts) as directory:
        entries = _entries(directory, place)
    if not entries.lines:
        return "[empty directory]"
    lines = entries.lines[:MAX_ENTRIES]
    if entries.stopped:
        lines.append(
            f"[{MAX_ENTRIES} of more than {MAX_SCANNED_ENTRIES} entries, in no complete order: "
            "use search_files, or run_command with ls]"
        )
    elif len(entries.lines) > MAX_ENTRIES:
        lines.append(
            f"[the first {MAX_ENTRIES} of {len(entries.lines)} entries: list a folder below, or use search_files]"
        )
    return "\n".join(lines)


class _Entries:
    def __init__(self, lines: list[str], stopped: bool) -> None:
        self.lines = lines
        self.stopped = stopped


def _entries(directory: int, place: Place) -> _Entries:
    folders: list[tuple[str, str]] = []
    others: list[tuple[str, str]] = []
    with os.scandir(directory) as scan:
        for entry in itertools.islice(scan, MAX_SCANNED_ENTRIES):
            try:
                found = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                # removed since its name was read
                continue
            line = _entry_line(directory, place, entry.name, found)
            (folders if stat.S_ISDIR(found.st_mode) else others).append((entry.name.casefold(), line))
        stopped = next(scan, None) is not None
    return _Entries([line for _, line in [*sorted(folders), *sorted(others)]], stopped)


def _entry_line(directory: int, place: Place, name: str, found: os.stat_result) -> str:
    shown = printable(name)
    if stat.S_ISDIR(found.st_mode):
        return f"{shown}/"
    if stat.S_ISREG(found.st_mode):
        return f"{shown}  {human_size(found.st_size)}"
    if not stat.S_ISLNK(found.st_mode):
        return f"{shown}  [special file]"
    try:
        target = os.readlink(name, dir_fd=directory)
    except OSError:
        # replaced since it was looked at
        return f"{shown}  [link]"
    inside = Path(os.path.realpath(place.path / name)).is_relative_to(place.root)
    return f"{shown} -> {printable(target)}{'' if inside else '  [outside the workspace]'}"


def printable(name: str) -> str:
    """A file name on one line: as it is, or as a JSON string when it holds what cannot be seen."""
    return name if name.isprintable() else json.dumps(name)


@tool(effect="read", timeout_s=60, ask_when=secret_reason)
def read_file(
    ctx: ToolContext,
    path: Annotated[str, "a text file of the workspace, relative to it"],
    offset: Annotated[int, "the line to begin at, from 1"] = 1,
    limit: Annotated[int | None, "how many lines at most"] = None,
) -> str:
    """Read a text file of the workspace. The text is given as it is; notes about it stand in [brackets] at
    the end.

    A long text is given in pages; the note then says with which offset to read on. Binary files are refused.
    """
    if offset < 1:
        raise ToolArgumentsError(f"read_file: offset counts lines from 1, so {offset} is none")
    if limit is not None and limit < 1:
        raise ToolArgumentsError(f"read_file: limit is a number of lines, at least 1, not {limit}")
    page_bytes = _page_bytes(ctx)
    place = locate(ctx.workspace, path)
    with opened_file(place, ctx.off_limits) as (file, found):
        lines = read_lines(file, path, first=offset, limit=limit, max_bytes=page_bytes)
    text, notes = _text_and_notes(lines)
    if not lines.data:
        return "[empty file]"
    if lines.cut:
        notes.append(
            f"line {lines.first} is longer than the {human_size(page_bytes)} shown of it, in a file of "
            f"{human_size(found.st_size)}: use run_command with cut or head -c for the rest of the line"
        )
    elif lines.more:
        notes.append(
            f"lines {lines.first} to {lines.last} of a file of {human_size(found.st_size)}: "
            f"read on with offset={lines.last + 1}"
        )
    if not notes:
        return text
    return f"{text}{'' if text.endswith(chr(10)) else chr(10)}[{'; '.join(notes)}]"


def _page_bytes(ctx: ToolContext) -> int:
    """So much that the model is shown all of it: the file itself is there to be read on in."""
    shown = ctx.limits.max_chars
    return MAX_READ_BYTES if shown is None else min(MAX_READ_BYTES, shown - NOTES_CHARS)


def _text_and_notes(lines: Lines) -> tuple[str, list[str]]:
    notes: list[str] = []
    try:
        text = lines.data.decode()
    except UnicodeDecodeError:
        text = lines.data.decode(errors="replace")
        notes.append(
            "not UTF-8 text: bytes that could not be decoded are shown as \ufffd, so it cannot be edited"
        )
    if "\r\n" in text:
        text = text.replace("\r\n", "\n")
        notes.append("its lines end in CRLF")
    if lines.first == 1:
        text = text.removeprefix("\ufeff")
    if "\0" in text:
        notes.append("it holds NUL characters")
    return text, notes
