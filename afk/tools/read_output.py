"""Reading on in a result of which a model was shown only the ends: read_output.

It is offered beside an agent's own tools, and only where the conversation holds such a result.
"""

from __future__ import annotations

from typing import Annotated, Protocol

from afk.outputs import MAX_RESULT_CHARS, OutputMatch, OutputRecord, OutputSlice, name_of
from afk.tools.tool import ToolArgumentsError, ToolContext, ToolError, tool

MAX_MATCHES = 50
# of a line on which a text was found, around it
_BEFORE_CHARS, _AROUND_CHARS = 80, 300
# what the note at the end takes at the most
_NOTE_CHARS = 300


class Outputs(Protocol):
    """The whole results of one conversation. Places are characters from 0, lines count from 1."""

    async def named(self, name: str) -> list[OutputRecord]:
        """Those whose hash begins like this."""
        ...

    async def read(self, sha256: str, offset: int, chars: int) -> OutputSlice:
        """A piece of one."""
        ...

    async def line_start(self, sha256: str, line: int) -> int:
        """The place of a line's first character."""
        ...

    async def find(self, sha256: str, text: str, offset: int) -> OutputMatch | None:
        """The next place where a text stands."""
        ...


@tool(effect="read", timeout_s=60)
async def read_output(
    ctx: ToolContext,
    output: Annotated[str, "the name of the result, as the note in it says"],
    offset: Annotated[int, "the line to begin at, from 1"] = 1,
    column: Annotated[int, "the character of that line to begin at, from 1"] = 1,
    limit: Annotated[int | None, "how many lines at most"] = None,
    find: Annotated[
        str | None, "instead of all lines, list those that hold this text; upper and lower case are alike"
    ] = None,
) -> str:
    """Read on in an earlier result of this conversation of which only the beginning and the end were shown.

    The text is given as it is; a note in [brackets] at the end says where to read on. With find, lines are listed as
    "line:column: text".
    """
    if offset < 1 or column < 1:
        raise ToolArgumentsError("read_output: offset and column count from 1")
    if limit is not None and limit < 1:
        raise ToolArgumentsError(f"read_output: limit is a number of lines, at least 1, not {limit}")
    if find == "":
        raise ToolArgumentsError("read_output: the text to find is empty; leave it out to read all lines")
    outputs = ctx.outputs
    if outputs is None:
        raise ToolError("there is no conversation whose results could be read")
    whole = await _named(outputs, output.strip().lower())
    start = await outputs.line_start(whole.sha256, offset) + column - 1
    if start >= whole.chars:
        raise ToolError(
            f"the result ends before line {offset}, column {column}: it has {whole.lines:,} lines"
        )
    room = (ctx.limits.max_chars or MAX_RESULT_CHARS) - _NOTE_CHARS
    if find is not None:
        return await _found(outputs, whole, find, start, min(limit or MAX_MATCHES, MAX_MATCHES), room)
    return _page(whole, await outputs.read(whole.sha256, start, room), limit)


async def _named(outputs: Outputs, name: str) -> OutputRecord:
    found = await outputs.named(name) if name else []
    if len(found) == 1:
        return found[0]
    if found:
        raise ToolError(f"several results have a name that begins with {name!r}: write more of it")
    known = ", ".join(name_of(one.sha256) for one in (await outputs.named(""))[-5:])
    raise ToolError(
        f"this conversation has no long result of the name {name!r}. "
        f"{f'The latest are: {known}' if known else 'All its results were shown whole'}"
    )


def _page(whole: OutputRecord, piece: OutputSlice, limit: int | None) -> str:
    text = piece.text
    if limit is not None:
        end = -1
        for _ in range(limit):
            end = text.find("\n", end + 1)
            if end < 0:
                break
        text = text if end < 0 else text[: end + 1]
    if len(text) == len(piece.text) and piece.offset + len(text) < whole.chars:
        text = text[: text.rfind("\n") + 1] or text
    last = piece.line + text.count("\n") - text.endswith("\n")
    note = f"line{f's {piece.line:,} to {last:,}' if last > piece.line else f' {last:,}'} of {whole.lines:,}"
    if piece.offset + len(text) >= whole.chars:
        note += ": the end"
    elif text.endswith("\n"):
        note += f": read on with offset={last + 1}"
    else:
        # the line goes on
        before = piece.column - 1 if last == piece.line else 0
        column = before + len(text) - (text.rfind("\n") + 1) + 1
        note += f": read on with offset={last}, column={column}"
    return f"{text}{'' if text.endswith(chr(10)) else chr(10)}[{note}]"


async def _found(outputs: Outputs, whole: OutputRecord, text: str, start: int, most: int, room: int) -> str:
    lines: list[str] = []
    at, taken = start, 0
    while (match := await outputs.find(whole.sha256, text, at)) is not None:
        line, column, at = await _line_with(outputs, whole, match)
        said = f"{match.line}:{column}: {line}"
        if len(lines) == most or taken + len(said) >= room:
            lines.append(f"[there are more: look on with offset={match.line}, column={column}]")
            return "\n".join(lines)
        lines.append(said)
        taken += len(said) + 1
    if not lines:
        return f"[no line holds it, of {whole.lines:,} lines]"
    return "\n".join(lines)


async def _line_with(outputs: Outputs, whole: OutputRecord, match: OutputMatch) -> tuple[str, int, int]:
    """The line around a match, or a part of a long one; the match's column; and where to look on."""
    around = await outputs.read(whole.sha256, max(0, match.offset - _BEFORE_CHARS), _AROUND_CHARS)
    at = match.offset - around.offset
    first = around.text.rfind("\n", 0, at) + 1
    end = around.text.find("\n", at)
    last = len(around.text) if end < 0 else end
    column = at - first + (around.column if first == 0 else 1)
    cut_before = "…" if first == 0 and around.column > 1 else ""
    cut_after = "…" if end < 0 and around.offset + last < whole.chars else ""
    # what begins with a line break was found at the end of its line, and would be found there for ever
    return f"{cut_before}{around.text[first:last]}{cut_after}", column, around.offset + max(last, at + 1)
