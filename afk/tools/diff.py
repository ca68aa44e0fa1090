"""A unified diff that is always exact and never slow."""

from __future__ import annotations

from difflib import SequenceMatcher

_CONTEXT = 3
# beyond this many comparisons the changed middle is shown as removed and added, not matched by lines
_MOST_COMPARISONS = 2_000_000

_Opcode = tuple[str, int, int, int, int]


def unified_diff(before: str, after: str, name: str, *, new_file: bool = False) -> str:
    """The change of the file `name` as unified diff text, "" where there is none.

    Lines end at LF alone, so that a CR or another separator within a line is shown and not taken for a
    line's end. A last line without LF is marked as diff(1) does it.
    """
    old, new = _lines(before), _lines(after)
    text = [f"--- {'/dev/null' if new_file else f'a/{name}'}\n", f"+++ b/{name}\n"]
    hunks = _hunks(_opcodes(old, new))
    for hunk in hunks:
        first, last = hunk[0], hunk[-1]
        text.append(f"@@ -{_range(first[1], last[2])} +{_range(first[3], last[4])} @@\n")
        for tag, i, i_end, j, j_end in hunk:
            if tag == "equal":
                text.extend(_marked(" ", old[i:i_end]))
            else:
                text.extend(_marked("-", old[i:i_end]))
                text.extend(_marked("+", new[j:j_end]))
    return "".join(text) if hunks else ""


def _lines(text: str) -> list[str]:
    lines = [f"{line}\n" for line in text.split("\n")]
    if lines[-1] == "\n":
        lines.pop()
    else:
        lines[-1] = lines[-1][:-1]
    return lines


def _marked(mark: str, lines: list[str]) -> list[str]:
    return [
        f"{mark}{line}" if line.endswith("\n") else f"{mark}{line}\n\\ No newline at end of file\n"
        for line in lines
    ]


def _range(start: int, end: int) -> str:
    count = end - start
    if count == 1:
        return str(start + 1)
    return f"{start + 1 if count else start},{count}"


def _opcodes(old: list[str], new: list[str]) -> list[_Opcode]:
    """What difflib finds, in the middle that is left between a common head and a common tail."""
    shortest = min(len(old), len(new))
    head = 0
    while head < shortest and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < shortest - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    middle_old, middle_new = old[head : len(old) - tail], new[head : len(new) - tail]
    if not middle_old and not middle_new:
        return []
    opcodes: list[_Opcode] = [("equal", 0, head, 0, head)] if head else []
    if len(middle_old) * len(middle_new) > _MOST_COMPARISONS:
        opcodes.append(("replace", head, len(old) - tail, head, len(new) - tail))
    else:
        for tag, i, i_end, j, j_end in SequenceMatcher(None, middle_old, middle_new).get_opcodes():
            opcodes.append((tag, i + head, i_end + head, j + head, j_end + head))
    if tail:
        opcodes.append(("equal", len(old) - tail, len(old), len(new) - tail, len(new)))
    return opcodes


def _hunks(opcodes: list[_Opcode]) -> list[list[_Opcode]]:
    """The changes with three lines around them; equal stretches longer than six lines part two hunks."""
    hunks: list[list[_Opcode]] = []
    hunk: list[_Opcode] = []
    last = len(opcodes) - 1
    for number, (tag, i, i_end, j, j_end) in enumerate(opcodes):
        if tag != "equal":
            hunk.append((tag, i, i_end, j, j_end))
            continue
        lead = 0 if number == 0 else min(_CONTEXT, i_end - i)
        trail = 0 if number == last else min(_CONTEXT, i_end - i)
        if lead and trail and i_end - i <= 2 * _CONTEXT:
            hunk.append((tag, i, i_end, j, j_end))
            continue
        if lead:
            hunk.append((tag, i, i + lead, j, j + lead))
        if hunk:
            hunks.append(hunk)
        hunk = [(tag, i_end - trail, i_end, j_end - trail, j_end)] if trail else []
    if any(tag != "equal" for tag, *_ in hunk):
        hunks.append(hunk)
    return hunks
