"""How the command line speaks: one JSON document, aligned tables, and lines on standard error.

What people read is cleaned here; a JSON document is ASCII, so that its reader gets every character and a terminal
none that it would obey.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TextIO

from afk_tui.gateway.clean import clean, clean_exact, clean_line

if TYPE_CHECKING:
    from afk_tui.cli_options import Options


def prepare_streams() -> None:
    """Let no character that the terminal's encoding lacks be an error."""
    if sys.stdout is None:  # pyright: ignore[reportUnnecessaryComparison] - so it is when the shell closed it
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - for the life of the process
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def silence_stdout() -> None:
    """Its reader is gone: let nothing more be written there, not even at the end of the process."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())
    os.close(devnull)


def print_json(document: Any) -> None:
    """One document on standard output, and nothing else."""
    text = json.dumps(document, indent=2, ensure_ascii=True).replace("\x7f", "\\u007f")
    sys.stdout.write(text + "\n")


def print_json_line(document: Any) -> None:
    """One of many documents on standard output, each in a line of its own."""
    sys.stdout.write(json.dumps(document, ensure_ascii=True).replace("\x7f", "\\u007f") + "\n")


def say(text: str) -> None:
    """Clean text and a newline on standard output."""
    sys.stdout.write(clean(text) + "\n")


def tell(text: str) -> None:
    """Clean text and a newline on standard error: what is about the answer, and not the answer."""
    sys.stderr.write(clean(text) + "\n")
    sys.stderr.flush()


def fail(message: str, *, as_json: bool) -> None:
    """An error: a line on standard error, and with --json the one document too."""
    tell(f"afk-tui: {clean_line(message)}")
    if as_json:
        print_json({"error": message})


def print_table(headers: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> None:
    """Aligned columns on standard output; `right` are those that hold numbers. On a terminal a line ends at its
    edge; elsewhere it is whole."""
    lines = [list(headers), *([clean_line(cell) for cell in row] for row in rows)]
    widths = [max(_width(line[at]) for line in lines) for at in range(len(headers))]
    limit = _columns(sys.stdout)
    for line in lines:
        cells = [
            _padded(cell, widths[at], right=at in right, last=at == len(line) - 1)
            for at, cell in enumerate(line)
        ]
        sys.stdout.write(_cut("  ".join(cells).rstrip(), limit) + "\n")


def argument_lines(arguments: dict[str, Any]) -> list[str]:
    """A call's arguments, whole; what is hidden in them is visible, and no line of theirs can pass for another."""
    lines: list[str] = []
    for name, value in arguments.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        label = clean_line(name)
        if "\n" in text:
            lines.append(f"  {label}:")
            lines.extend(f"    | {line}" for line in clean_exact(text).split("\n"))
        else:
            lines.append(f"  {label}: {clean_exact(text)}")
    return lines or ["  (no arguments)"]


def moment(at_ms: int | None) -> str:
    """A time of this place, for people."""
    return "" if not at_ms else time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at_ms / 1000))


def age(at_ms: int) -> str:
    """How long ago that was, in three or four characters."""
    passed = max(0.0, time.time() - at_ms / 1000)
    for unit, length, next_length in (("s", 1, 60), ("m", 60, 3600), ("h", 3600, 86_400)):
        if passed < next_length:
            return f"{int(passed / length)}{unit}"
    return f"{int(passed / 86_400)}d"


def size(count: int) -> str:
    """Bytes, for people."""
    amount = float(count)
    for unit in ("B", "KB", "MB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} GB"


def _columns(stream: TextIO) -> int | None:
    return shutil.get_terminal_size().columns if stream.isatty() else None


def _width(text: str) -> int:
    if text.isascii():
        return len(text)
    return sum(_cells(character) for character in text)


def _cells(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _padded(text: str, width: int, *, right: bool, last: bool) -> str:
    space = " " * (width - _width(text))
    if right:
        return space + text
    return text if last else text + space


def _cut(text: str, limit: int | None) -> str:
    if limit is None or _width(text) <= limit:
        return text
    shown, used = "", 0
    for character in text:
        used += _cells(character)
        if used > limit - 1:
            break
        shown += character
    return f"{shown}…"


def tell_empty(options: Options, what: str) -> None:
    """Say that a list is empty, and where it would be."""
    from afk_tui.gateway.script import database_path

    path = database_path(options.settings())
    if path.exists():
        where = f" in {clean_line(str(options.workspace))}" if options.workspace is not None else ""
        tell(f"{what}{where}.")
    else:
        tell(f"{what}: there is no database at {path} yet.")
