"""Of a long result, what the model is shown: its beginning and its end, and how to read the rest.

What is shown depends on the result and the limits alone, so it is the same on every attempt and after every restart.
"""

from __future__ import annotations

import hashlib
import unicodedata

from afk.memory.records import CallResult
from afk.outputs import ResultLimits, WholeOutput, count_lines, name_of

# what the note takes at the most
_NOTE_CHARS = 400
_JOINERS = "\u200d\ufe0e\ufe0f"


def as_shown(result: CallResult, limits: ResultLimits) -> CallResult:
    """The result as its message says it, and beside it the whole, where that is more."""
    if result.whole is not None:
        return result
    text = _kept(result.text, limits.max_bytes)
    if limits.max_chars is None or len(text) <= limits.max_chars:
        return CallResult(result.phase, text)
    data = text.encode()
    whole = WholeOutput(hashlib.sha256(data).hexdigest(), text, len(data))
    return CallResult(result.phase, _ends(whole, limits.max_chars), whole)


def _ends(whole: WholeOutput, max_chars: int) -> str:
    text, room = whole.text, (max_chars - _NOTE_CHARS) // 2
    head = text[: _end_of_head(text, room)]
    tail = text[_start_of_tail(text, room) :]
    return f"{head}{'' if head.endswith(chr(10)) else chr(10)}{_note(whole, head, tail)}\n{tail}"


def _note(whole: WholeOutput, head: str, tail: str) -> str:
    first = whole.text.count("\n", 0, len(head)) + 1
    last = whole.text.count("\n", 0, len(whole.text) - len(tail) - 1) + 1
    hidden = len(whole.text) - len(head) - len(tail)
    where = f"lines {first:,} to {last:,}" if last > first else f"a part of line {first:,}"
    column = len(head) - (head.rfind("\n") + 1) + 1
    name = name_of(whole.sha256)
    read_on = f'output="{name}", offset={first}{f", column={column}" if column > 1 else ""}'
    return (
        f"[Not shown here: {where} of {count_lines(whole.text):,}, {hidden:,} of {len(whole.text):,} characters. "
        f"The whole result ({whole.size_bytes:,} bytes) is kept. Read on with read_output({read_on}), "
        f'or look for a text in it with read_output(output="{name}", find="...").]'
    )


def _end_of_head(text: str, room: int) -> int:
    """Behind the last line break that is not too far back, else between two characters."""
    at = text.rfind("\n", room // 2, room) + 1
    return at or _between(text, room)


def _start_of_tail(text: str, room: int) -> int:
    start = len(text) - room
    at = text.find("\n", start - 1, start + room // 2) + 1
    return at or _between(text, start)


def _between(text: str, at: int) -> int:
    """This place, or one a little before it that parts no letter from its accents and no emoji."""
    for back in range(min(16, at)):
        here = at - back
        joined = unicodedata.combining(text[here]) or text[here] in _JOINERS or text[here - 1] == "\u200d"
        if not joined:
            return here
    return at


def _kept(text: str, max_bytes: int) -> str:
    """What is kept of a result: all of it, or as much from both ends."""
    if len(text) * 4 <= max_bytes or len(data := text.encode()) <= max_bytes:
        return text
    half = max_bytes // 2
    head = data[:half].decode(errors="ignore")
    tail = data[len(data) - half :].decode(errors="ignore")
    lost = len(data) - len(head.encode()) - len(tail.encode())
    return f"{head}\n[{lost:,} bytes are left out here: {max_bytes:,} of a result are kept]\n{tail}"
