"""What a call would do, as what it is: a diff, a command, or its arguments."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from afk.tools.basis import Basis
from afk.tools.command import run_command
from afk.tools.command_effects import command_warnings
from afk.tools.confinement import OffLimits, Place, locate
from afk.tools.diff import unified_diff
from afk.tools.edits import apply_edit
from afk.tools.processes import WITHHELD
from afk.tools.text import decode
from afk.tools.tool import ToolError
from afk.tools.writing import (
    basis_of,
    current_bytes,
    current_text_of,
    edit_file,
    unreadable_basis,
    write_file,
)


@dataclass(frozen=True, slots=True)
class Preview:
    """`text` is whole, never cut: unified diff text, shell text, or indented JSON. `language` names its
    highlighting ("diff", "bash", "json"); `note` is a sentence about it, or "". `file` is the name of the file that a
    diff is of; `fingerprint` stands for what the call would change, as it is shown here: give it to `Runner.decide`
    as `shown`, and the call is made only while that is still so. `warnings` are sentences about what the call would
    do beside that, as far as it can be seen; they never claim to be all.
    """

    kind: Literal["diff", "command", "json"]
    text: str
    language: str
    note: str
    file: str = ""
    fingerprint: str | None = None
    warnings: tuple[str, ...] = ()


def _nothing_off_limits(_: os.stat_result) -> bool:
    return False


def preview_call(
    tool_name: str, arguments: dict[str, Any], workspace: Path, off_limits: OffLimits = _nothing_off_limits
) -> Preview:
    """Show a call of a workspace tool against the files as they are now; any other call as JSON.

    Reads at most one file of 16 MB, or the small ones that a command's redirections name, blocking; changes
    nothing. Never fails: what would make the call fail is the note.
    """
    match tool_name, arguments:
        case run_command.name, {"command": str(command)}:
            limit = arguments.get("timeout_s", 120)
            withheld = "".join(f", without {name}" for name in WITHHELD if name in os.environ)
            note = f"in {os.fspath(workspace)}{withheld}, stops after {limit} s"
            warnings = command_warnings(command, workspace, off_limits)
            return Preview("command", command, "bash", note, warnings=warnings)
        case write_file.name, {"path": str(path), "content": str(content)}:
            return _of_write(arguments, workspace, path, content, off_limits)
        case edit_file.name, {"path": str(path), "old_text": str(old_text), "new_text": str(new_text)}:
            return _of_edit(arguments, workspace, path, (old_text, new_text), off_limits)
        case _:
            return _as_json(arguments, "")


def basis_of_call(
    tool_name: str, arguments: dict[str, Any], workspace: Path, off_limits: OffLimits = _nothing_off_limits
) -> str | None:
    """The fingerprint that a preview of this call would have now, None for one that has none. Blocking."""
    tools = {tool.name: tool for tool in (write_file, edit_file)}
    tool = tools.get(tool_name)
    if tool is None or tool.basis is None:
        return None
    return tool.basis(workspace, arguments, off_limits).fingerprint


def _as_json(arguments: dict[str, Any], note: str, basis: Basis | None = None) -> Preview:
    text = json.dumps(arguments, ensure_ascii=False, indent=2)
    return Preview("json", text, "json", note, fingerprint=basis.fingerprint if basis else None)


def _as_diff(
    before: str, after: str, place: Place, note: str, basis: Basis, *, new_file: bool = False
) -> Preview:
    led = f"{place.asked} leads to {place.shown}" if _is_another(place) else ""
    text = unified_diff(before, after, place.shown, new_file=new_file)
    said = "; ".join(part for part in (note, led) if part)
    return Preview("diff", text, "diff", said, file=place.shown, fingerprint=basis.fingerprint)


def _is_another(place: Place) -> bool:
    asked = os.path.normpath(place.asked)
    return asked not in (place.shown, os.fspath(place.path))


def _of_write(
    arguments: dict[str, Any], workspace: Path, path: str, content: str, off_limits: OffLimits
) -> Preview:
    try:
        place = locate(workspace, path)
        current = current_bytes(place, off_limits, "show")
    except ToolError as error:
        return _as_json(arguments, f"no diff can be shown: {error}", unreadable_basis(path, error))
    basis = basis_of(place, current)
    if current is None:
        if not content:
            return _as_json(arguments, "new file, empty", basis)
        return _as_diff("", content, place, "new file", basis, new_file=True)
    try:
        before = decode(current[0], path, "compare")
    except ToolError as error:
        return _as_json(arguments, f"the file is replaced, and no diff can be shown: {error}", basis)
    if before == content:
        return _as_json(arguments, "identical: the file already holds exactly this", basis)
    return _as_diff(before, content, place, "", basis)


def _of_edit(
    arguments: dict[str, Any], workspace: Path, path: str, texts: tuple[str, str], off_limits: OffLimits
) -> Preview:
    basis = None
    try:
        place = locate(workspace, path)
        current = current_bytes(place, off_limits, "show")
        basis = basis_of(place, current)
        before = current_text_of(place, current)
        after = apply_edit(before, *texts, path).text
    except ToolError as error:
        note = f"as the file is now, the edit will fail: {error}"
        return _as_json(arguments, note, basis or unreadable_basis(path, error))
    return _as_diff(before, after, place, "", basis)
