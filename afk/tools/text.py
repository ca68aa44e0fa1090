"""Bytes of a file as text, and sizes as people write them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

from afk.tools.tool import ToolError

_CHUNK_BYTES = 1 << 20
_SNIFF_BYTES = 8192
# looking for a line reads all before it, in a thread that cannot be stopped: not further than this
MAX_SCAN_BYTES = 512 << 20


@dataclass(frozen=True, slots=True)
class Lines:
    """Some lines of a file, as bytes. `first` and `last` are their numbers (from 1; last < first when there
    are none).

    `more` says that the file goes on after them, `cut` that the last one is shown only in part.
    """

    data: bytes
    first: int
    last: int
    more: bool
    cut: bool


def human_size(size_bytes: int) -> str:
    """ "512 bytes", "1.5 KB", "200.0 MB": 1 KB is 1024 bytes."""
    if size_bytes < 1024:
        return f"{size_bytes} byte{'' if size_bytes == 1 else 's'}"
    size = size_bytes / 1024
    for unit in ("KB", "MB", "GB"):
        if size < 1024:
            return f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TB"


def binary_reason(head: bytes) -> str | None:
    """Why a file that begins so is not read as text, or None."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "looks like UTF-16 text: convert it to UTF-8 first (iconv -f UTF-16 -t UTF-8)"
    if b"\0" in head[:_SNIFF_BYTES]:
        return "is a binary file (it holds NUL bytes): it cannot be read as text"
    return None


def decode(data: bytes, asked: str, doing: str) -> str:
    """UTF-8 text, or a ToolError: for what must be written back unchanged."""
    reason = binary_reason(data[:_SNIFF_BYTES])
    if reason:
        raise ToolError(f"cannot {doing} {asked!r}: it {reason}")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise ToolError(
            f"cannot {doing} {asked!r}: it is not UTF-8 text (byte {error.start} is {data[error.start]:#04x})"
        ) from error


def read_lines(file: BinaryIO, asked: str, *, first: int, limit: int | None, max_bytes: int) -> Lines:
    """At most `limit` lines and `max_bytes` bytes from line `first` on. Memory is bounded by `max_bytes`
    and 1 MB.

    Raises ToolError for a binary file, and when the file has fewer lines or line `first` is too far in.
    """
    head = file.read(_CHUNK_BYTES)
    reason = binary_reason(head)
    if reason:
        raise ToolError(f"{asked!r} {reason}")
    data = _from_line(file, head, asked, first)
    while len(data) <= max_bytes and (limit is None or data.count(b"\n") < limit):
        chunk = file.read(_CHUNK_BYTES)
        if not chunk:
            break
        data += chunk
    if not data and first > 1:
        raise ToolError(f"{asked!r} ends before line {first}: it has {first - 1} lines")
    return _trimmed(data, file, first, limit, max_bytes)


def _from_line(file: BinaryIO, data: bytes, asked: str, first: int) -> bytes:
    """What was read so far, from the start of line `first` on."""
    skip, scanned = first - 1, len(data)
    seen = 0
    while skip > 0:
        count = data.count(b"\n")
        if count >= skip:
            at = -1
            for _ in range(skip):
                at = data.index(b"\n", at + 1)
            return data[at + 1 :]
        skip, seen, ends_open = skip - count, seen + count, bool(data) and not data.endswith(b"\n")
        data = file.read(_CHUNK_BYTES)
        if not data:
            total = seen + ends_open
            raise ToolError(
                f"{asked!r} ends before line {first}: it has {total} line{'' if total == 1 else 's'}"
            )
        scanned += len(data)
        if scanned > MAX_SCAN_BYTES:
            raise ToolError(
                f"line {first} of {asked!r} is more than {human_size(MAX_SCAN_BYTES)} into the file: "
                "too far for read_file; use run_command with tail, sed or cut"
            )
    return data


def _trimmed(data: bytes, file: BinaryIO, first: int, limit: int | None, max_bytes: int) -> Lines:
    end, cut = len(data), False
    if limit is not None and data.count(b"\n") >= limit:
        at = -1
        for _ in range(limit):
            at = data.index(b"\n", at + 1)
        end = at + 1
    if end > max_bytes:
        end = data.rfind(b"\n", 0, max_bytes) + 1
        if end == 0:
            end, cut = _character_start(data, max_bytes), True
    more = end < len(data) or bool(file.read(1))
    shown = data[:end]
    count = shown.count(b"\n") + (bool(shown) and not shown.endswith(b"\n"))
    return Lines(shown, first, first + count - 1, more, cut)


def _character_start(data: bytes, end: int) -> int:
    """The last place at or before `end` that does not split a UTF-8 character."""
    for back in range(min(4, end)):
        if data[end - back] & 0xC0 != 0x80:
            return end - back
    return end
