"""Changing files: write_file and edit_file. Each is on disk when it returns, and whole or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Annotated, Any

from afk.tools.basis import Basis, fingerprint
from afk.tools.confinement import OffLimits, Place, locate, opened_file
from afk.tools.edits import apply_edit, check_edit, edit_happened
from afk.tools.replacing import MISSING, Former, replace_file
from afk.tools.text import decode, human_size
from afk.tools.tool import BasisChangedError, ToolContext, ToolError, tool

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
    text = current_text_of(place, current)
    assert current is not None
    return text, current[1]


def current_text_of(place: Place, current: tuple[bytes, os.stat_result] | None) -> str:
    """The same of a file that was read already."""
    if current is None:
        raise ToolError(f"cannot edit {place.asked!r}: there is no such file; write_file makes one")
    return decode(current[0], place.asked, "edit")


def file_basis(workspace: Path, arguments: dict[str, Any], off_limits: OffLimits) -> Basis:
    """The file at `path` as it is: where it really is, and its content or that there is none; where it can't be read,
    why. Blocking: reads up to 16 MB."""
    asked = str(arguments.get("path", ""))
    try:
        place = locate(workspace, asked)
        return basis_of(place, current_bytes(place, off_limits, "show"))
    except ToolError as error:
        return unreadable_basis(asked, error)


def basis_of(place: Place, current: tuple[bytes, os.stat_result] | None) -> Basis:
    """The same of a file that was read already."""
    content = b"" if current is None else current[0]
    return Basis(place.shown, fingerprint(place.shown, "missing" if current is None else "file", content))


def unreadable_basis(asked: str, error: ToolError) -> Basis:
    """The same of what can't be read, or is no path."""
    return Basis(asked, fingerprint(asked, "error", str(error)))


def _checked(ctx: ToolContext, basis: Basis, current: tuple[bytes, os.stat_result] | None) -> Former:
    """What the file must still be when it is replaced. Raises BasisChangedError where it is not what was shown."""
    if ctx.shown is not None and basis.fingerprint != ctx.shown:
        raise BasisChangedError(f"{basis.what} changed since it was shown: nothing was written")
    return MISSING if current is None else current[1]


def _former_shown(ctx: ToolContext, place: Place) -> Former | None:
    """The same for a write, which goes over whatever is there where nobody was shown that."""
    if ctx.shown is None:
        return None
    try:
        current = current_bytes(place, ctx.off_limits, "show")
    except ToolError as error:
        _checked(ctx, unreadable_basis(place.asked, error), None)
        return None
    return _checked(ctx, basis_of(place, current), current)


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


@tool(effect="once", verify=_verify_write, timeout_s=60, basis=file_basis)
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
    new = replace_file(place, data, ctx.off_limits, unchanged_since=_former_shown(ctx, place))
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


@tool(effect="once", verify=_verify_edit, timeout_s=60, basis=file_basis)
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
    current = (text.encode(), found)
    _checked(ctx, basis_of(place, current), current)
    edit = apply_edit(text, old_text, new_text, path)
    replace_file(place, edit.text.encode(), ctx.off_limits, unchanged_since=found)
    return f"replaced one place in {place.shown}, at line {edit.line}"
