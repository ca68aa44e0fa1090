"""A program of its own: looks for a regular expression in files, and can be killed when that takes too long.

`re` holds the interpreter's lock while it backtracks: in a thread, a hostile pattern would stop the whole
app. Standard input is one JSON object (see `Request`), standard output one JSON array a line: ["at", file
number] before each file, ["match", file number, line number, text], ["skipped", file number, why],
["invalid", message] and, when it came to its end, ["end", whether there was more than it may report]. Uses
the standard library alone: it is started by path, without the package around it.
"""

from __future__ import annotations

import json
import os
import re
import sys
from typing import Any, TypedDict


class Request(TypedDict):
    """`files` are (path relative to `root`, device, inode): a file that is another one by now is skipped."""

    pattern: str
    root: str
    files: list[tuple[str, int, int]]
    max_matches: int
    max_file_bytes: int
    max_line_characters: int


def _say(*values: Any) -> None:
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()


def _read(path: str, device: int, inode: int, max_bytes: int) -> bytes | str:
    """The content, or why there is none."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        return (error.strerror or "unreadable").lower()
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if (found.st_dev, found.st_ino) != (device, inode):
            return "replaced meanwhile"
        try:
            data = file.read(max_bytes + 1)
        except OSError as error:
            return (error.strerror or "unreadable").lower()
    if len(data) > max_bytes:
        return "too large"
    return "binary" if b"\0" in data[:8192] else data


def _excerpt(line: str, start: int, most: int) -> str:
    """The line, or the part of a long one around what was found."""
    if len(line) <= most:
        return line
    first = max(0, min(start - most // 4, len(line) - most))
    return f"{'…' if first else ''}{line[first : first + most]}{'…' if first + most < len(line) else ''}"


def search(request: Request) -> None:
    """Print what is found."""
    try:
        pattern = re.compile(request["pattern"])
    except (re.error, OverflowError, RecursionError) as error:
        _say("invalid", str(error))
        return
    left = request["max_matches"]
    for number, (path, device, inode) in enumerate(request["files"]):
        _say("at", number)
        data = _read(os.path.join(request["root"], path), device, inode, request["max_file_bytes"])
        if isinstance(data, str):
            _say("skipped", number, data)
            continue
        lines = data.decode(errors="replace").split("\n")
        if lines[-1] == "":
            lines.pop()
        for line_number, line in enumerate(lines, 1):
            text = line.removesuffix("\r")
            if found := pattern.search(text):
                if left == 0:
                    _say("end", True)
                    return
                left -= 1
                _say(
                    "match",
                    number,
                    line_number,
                    _excerpt(text, found.start(), request["max_line_characters"]),
                )
    _say("end", False)


if __name__ == "__main__":
    search(json.load(sys.stdin))
