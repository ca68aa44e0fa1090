"""Looking for text in files: search_files."""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

from afk.tools import search_worker
from afk.tools.confinement import locate
from afk.tools.files import printable
from afk.tools.processes import ProcessGroup, stopped
from afk.tools.text import human_size
from afk.tools.threads import call_in_thread
from afk.tools.tool import ToolArgumentsError, ToolContext, ToolError, tool
from afk.tools.walking import Candidates, Glob, candidates

MAX_MATCHES = 200
MAX_FILE_BYTES = 8 << 20
MAX_LINE_CHARACTERS = 300
MAX_SEARCH_S = 20.0


class _Found:
    """What the worker has said so far."""

    def __init__(self) -> None:
        self.matches: list[tuple[int, int, str]] = []
        self.skipped: Counter[str] = Counter()
        self.at = 0
        self.invalid: str | None = None
        self.ended = False
        self.more = False
        self.strange = b""
        self._rest = b""

    def take(self, data: bytes) -> None:
        """Read the worker's output as it comes."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            try:
                said: list[Any] = json.loads(line)
            except ValueError:
                # not the worker's own words: Python's, about why it could not run
                self.strange = (self.strange + line + b"\n")[-2000:]
                continue
            self._hear(said)

    def _hear(self, said: list[Any]) -> None:
        match said:
            case ["at", int(number)]:
                self.at = number
            case ["match", int(number), int(line), str(text)]:
                self.matches.append((number, line, text))
            case ["skipped", int(), str(why)]:
                self.skipped[why] += 1
            case ["invalid", str(message)]:
                self.invalid = message
            case ["end", bool(more)]:
                self.ended, self.more = True, more
            case _:
                self.strange = repr(said).encode()[-2000:]


@tool(effect="read", timeout_s=60)
async def search_files(
    ctx: ToolContext,
    pattern: Annotated[str, "a Python regular expression, matched within each line; (?i) ignores case"],
    path: Annotated[str, "a directory or file of the workspace, relative to it"] = ".",
    glob: Annotated[
        str | None, "only such files: *.py by name, src/**/*.py by path below the directory"
    ] = None,
) -> str:
    """Search files of the workspace for lines that match, as "path:line: text" in the order of the paths.

    At most 200 lines. Left out: binary files, files over 8 MB, links, .git, and files that look like secrets.
    """
    place = locate(ctx.workspace, path)
    wanted = Glob(glob) if glob is not None else None
    chosen: Candidates = await call_in_thread(
        candidates, {"place": place, "glob": wanted, "off_limits": ctx.off_limits}
    )
    found = _Found()
    in_time = await _searched(pattern, place.root, chosen, found)
    if found.invalid is not None:
        raise ToolArgumentsError(
            f"search_files: the pattern {pattern!r} is no regular expression: {found.invalid}"
        )
    if in_time and not found.ended:
        raise ToolError(
            f"the search failed: {found.strange.decode(errors='replace').strip() or 'its process died'}"
        )
    lines = [f"{printable(chosen.files[n][0])}:{line}: {text}" for n, line, text in found.matches]
    notes = _notes(chosen, found)
    if not in_time:
        slow = printable(chosen.files[found.at][0]) if chosen.files else path
        late = (
            f"stopped after {MAX_SEARCH_S:g} s at {slow}, file {found.at + 1} of {len(chosen.files)}: "
            "use a simpler pattern, or a narrower path or glob"
        )
        if not lines:
            raise ToolError(f"the search was {late}")
        notes.insert(0, f"the search was {late}")
    if not lines:
        looked = len(chosen.files) - found.skipped.total()
        lines.append(f"no line matches, in {looked} file{'' if looked == 1 else 's'}")
    return "\n".join([*lines, *(f"[{note}]" for note in notes)])


def _notes(chosen: Candidates, found: _Found) -> list[str]:
    notes: list[str] = []
    if found.more:
        notes.append(f"there are more than these {MAX_MATCHES} lines: narrow the pattern, path or glob")
    if chosen.stopped:
        notes.append(chosen.stopped)
    if chosen.secrets:
        notes.append(f"{_files(chosen.secrets)} skipped because of looking like secrets")
    if chosen.unreadable_folders:
        notes.append(f"{chosen.unreadable_folders} folders could not be opened")
    for why, count in sorted(found.skipped.items()):
        reason = f"larger than {human_size(MAX_FILE_BYTES)}" if why == "too large" else why
        notes.append(f"{_files(count)} skipped: {reason}")
    return notes


def _files(count: int) -> str:
    return f"{count} file{'' if count == 1 else 's'}"


async def _searched(pattern: str, root: Path, chosen: Candidates, found: _Found) -> bool:
    """Let the worker search; false when it was stopped because of taking too long."""
    request = search_worker.Request(
        pattern=pattern,
        root=str(root),
        files=chosen.files,
        max_matches=MAX_MATCHES,
        max_file_bytes=MAX_FILE_BYTES,
        max_line_characters=MAX_LINE_CHARACTERS,
    )
    argv = [sys.executable, "-I", "-S", "-B", "-W", "ignore", "-X", "utf8", search_worker.__file__]
    with tempfile.TemporaryFile() as stdin:
        stdin.write(json.dumps(request).encode())
        stdin.seek(0)
        try:
            group = ProcessGroup(argv, cwd=root, on_output=found.take, stdin=stdin)
        except OSError as error:
            raise ToolError(f"the search could not be started: {error.strerror}") from error
    try:
        return await group.gone(MAX_SEARCH_S)
    finally:
        await stopped(group)
