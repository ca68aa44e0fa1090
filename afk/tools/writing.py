"""Changing files: write_file and edit_file. Each is on disk when it returns, and whole or not at all."""

from __future__ import annotations

import errno
import os
from typing import Annotated, Any

from afk.tools.confinement import OffLimits, Place, locate, opened_file
from afk.tools.edits import apply_edit, check_edit, edit_happened
from afk.tools.replacing import replace_file
from afk.tools.text import decode, human_size
from afk.tools.tool import ToolContext, ToolError, tool

MAX_EDIT_BYTES = 16 << 20


def current_bytes(place: Place, off_limits: OffLimits, doing: str) -> tuple[bytes, os.stat_result] | None:
    """The whole content of the file at `place`, None where there is no file. Raises ToolError over 16 MB."""
    try:
        with opened_file(place, off_limits, doing=doing) as (file, found):
            data = b""
            while chunk := file.read(MAX_EDIT_BYTES + 1 - len(data)):
                data += chunk
    except ToolError as error:
        if isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.ENOENT:
            return None
        raise
    if len(data) > MAX_EDIT_BYTES:
        size = human_size(found.st_size)
        raise ToolError(
            f"cannot {doing} {place.asked!r}: at {size} it is over the {human_size(MAX_EDIT_BYTES)} that edit_file "
            "and previews work on; use run_command"
        )
    return data, found


def current_text(place: Place, off_limits: OffLimits) -> tuple[str, os.stat_result]:
    """The file at `place` as text that can be written back unchanged, or a ToolError that says why it
    cannot."""
    current = current_bytes(place, off_limits, "edit")
    if current is None:
        raise ToolError(f"cannot edit {place.asked!r}: there is no such file; write_file makes one")
    data, found = current
    return decode(data, place.asked, "edit"), found


def _verify_write(ctx: ToolContext, arguments: dict[str, Any]) -> bool | None:
    """True when the file holds the content, False when there is no file. Another content may have been
    there before the call, or have come after it: nobody can know, so None.
    """
    wanted: bytes = arguments["content"].encode()
    try:
        place = locate(ctx.workspace, arguments["path"])
        current = current_bytes(place, ctx.off_limits, "check")
    except ToolError:
        return None
    if current is None:
        return False
    return True if current[0] == wanted else None


@tool(effect="once", verify=_verify_write, timeout_s=60)
def write_file(
    ctx: ToolContext,
    path: Annotated[str, "the file to write, relative to the workspace"],
    content: Annotated[str, "the whole new content"],
) -> str:
    """Write a text file of the workspace as UTF-8: the content becomes the whole file, replacing what was
    there.

    Missing folders are made. To change a part of a file use edit_file.
    """
    place = locate(ctx.workspace, path)
    data = content.encode()
    new = replace_file(place, data, ctx.off_limits)
    lines = content.count("\n") + (bool(content) and not content.endswith("\n"))
    size = f"{lines} line{'' if lines == 1 else 's'}, {human_size(len(data))}"
    return f"{'made' if new else 'replaced'} {place.shown}: {size}"


def _verify_edit(ctx: ToolContext, arguments: dict[str, Any]) -> bool | None:
    """See `edit_happened`; None as well when the file is gone or no text any more."""
    try:
        place = locate(ctx.workspace, arguments["path"])
        text, _ = current_text(place, ctx.off_limits)
    except ToolError:
        return None
    return edit_happened(text, arguments["old_text"], arguments["new_text"])


@tool(effect="once", verify=_verify_edit, timeout_s=60)
def edit_file(
    ctx: ToolContext,
    path: Annotated[str, "the file to edit, relative to the workspace"],
    old_text: Annotated[
        str, "the text to replace, exactly as it is in the file, where it must be exactly once"
    ],
    new_text: Annotated[str, "what stands there afterwards; empty removes it"],
) -> str:
    """Replace one piece of text in a UTF-8 file of the workspace. Fails, changing nothing, unless it is
    there once.

    Line ends and mode of the file stay as they are.
    """
    check_edit(old_text, new_text)
    place = locate(ctx.workspace, path)
    text, found = current_text(place, ctx.off_limits)
    edit = apply_edit(text, old_text, new_text, path)
    replace_file(place, edit.text.encode(), ctx.off_limits, unchanged_since=found)
    return f"replaced one place in {place.shown}, at line {edit.line}"
