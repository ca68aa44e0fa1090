"""What a call would do, as what it is: a diff, a command, or its arguments."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from afk.tools.command import run_command
from afk.tools.confinement import OffLimits, Place, locate
from afk.tools.diff import unified_diff
from afk.tools.edits import apply_edit
from afk.tools.text import decode
from afk.tools.tool import ToolError
from afk.tools.writing import current_bytes, current_text, edit_file, write_file


@dataclass(frozen=True, slots=True)
class Preview:
    """`text` is whole, never cut: unified diff text, shell text, or indented JSON. `language` names its
    highlighting ("diff", "bash", "json"); `note` is a sentence about it, or "".
    """

    kind: Literal["diff", "command", "json"]
    text: str
    language: str
    note: str


def _nothing_off_limits(_: os.stat_result) -> bool:
    return False


def preview_call(
    tool_name: str, arguments: dict[str, Any], workspace: Path, off_limits: OffLimits = _nothing_off_limits
) -> Preview:
    """Show a call of a workspace tool against the files as they are now; any other call as JSON.

    Reads at most one file of 16 MB, blocking; changes nothing. Never fails: what would make the call fail
    is the note.
    """
    match tool_name, arguments:
        case run_command.name, {"command": str(command)}:
            limit = arguments.get("timeout_s", 120)
            return Preview("command", command, "bash", f"in {os.fspath(workspace)}, stops after {limit} s")
        case write_file.name, {"path": str(path), "content": str(content)}:
            return _of_write(arguments, workspace, path, content, off_limits)
        case edit_file.name, {"path": str(path), "old_text": str(old_text), "new_text": str(new_text)}:
            return _of_edit(arguments, workspace, path, (old_text, new_text), off_limits)
        case _:
            return _as_json(arguments, "")


def _as_json(arguments: dict[str, Any], note: str) -> Preview:
    return Preview("json", json.dumps(arguments, ensure_ascii=False, indent=2), "json", note)


def _as_diff(before: str, after: str, place: Place, note: str, *, new_file: bool = False) -> Preview:
    led = f"{place.asked} leads to {place.shown}" if _is_another(place) else ""
    text = unified_diff(before, after, place.shown, new_file=new_file)
    return Preview("diff", text, "diff", "; ".join(part for part in (note, led) if part))


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
        return _as_json(arguments, f"no diff can be shown: {error}")
    if current is None:
        if not content:
            return _as_json(arguments, "new file, empty")
        return _as_diff("", content, place, "new file", new_file=True)
    try:
        before = decode(current[0], path, "compare")
    except ToolError as error:
        return _as_json(arguments, f"the file is replaced, and no diff can be shown: {error}")
    if before == content:
        return _as_json(arguments, "identical: the file already holds exactly this")
    return _as_diff(before, content, place, "")


def _of_edit(
    arguments: dict[str, Any], workspace: Path, path: str, texts: tuple[str, str], off_limits: OffLimits
) -> Preview:
    try:
        place = locate(workspace, path)
        before, _ = current_text(place, off_limits)
        after = apply_edit(before, *texts, path).text
    except ToolError as error:
        return _as_json(arguments, f"as the file is now, the edit will fail: {error}")
    return _as_diff(before, after, place, "")
