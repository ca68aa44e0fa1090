"""Which rule of a policy speaks about a call: about what it does, however that is written."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from afk.agents.policy import Policy, PolicyRule
from afk.core.grant_patterns import words_of
from afk.tools import ToolError
from afk.tools.confinement import locate

_COMMAND = ("run_command", "command")
_WITH_PATHS = frozenset({"list_directory", "read_file", "search_files", "write_file", "edit_file"})
# what stands between the commands of a command line
_BETWEEN = re.compile(r"[;&|\n(){}`$<>]+")
_WILD = re.compile(r"[*?\[]")


def rule_for(
    policy: Policy, tool_name: str, arguments: Mapping[str, Any], workspace: str
) -> PolicyRule | None:
    """The first rule that matches, or None.

    One that denies or asks matches a call in whichever way it is written: "git  push", or as a part of a command line;
    a path with `..` in it, or through a link. One that allows must match all of these, and a glob over a command
    allows one program with its arguments: `git *` is not for `git status; rm -r .`. For that, say "*".
    """
    whole = [arguments, *_written_otherwise(tool_name, arguments, workspace)]
    parts = list(_parts(tool_name, arguments))
    for rule in policy.rules:
        if rule.action != "allow":
            if any(rule.matches(tool_name, way) for way in (*whole, *parts)):
                return rule
        elif all(rule.matches(tool_name, way) for way in whole) and not _allows_more(
            rule, tool_name, arguments
        ):
            return rule
    return None


def _allows_more(rule: PolicyRule, tool_name: str, arguments: Mapping[str, Any]) -> bool:
    """Whether a command goes on behind what the glob was written for."""
    glob = rule.arguments.get(_COMMAND[1]) if tool_name == _COMMAND[0] else None
    if glob is None or glob == "*" or not _WILD.search(glob):
        return False
    return not words_of(str(arguments[_COMMAND[1]]))


def _written_otherwise(
    tool_name: str, arguments: Mapping[str, Any], workspace: str
) -> Iterator[Mapping[str, Any]]:
    command, path = arguments.get("command"), arguments.get("path")
    if tool_name == _COMMAND[0] and isinstance(command, str) and (words := words_of(command)):
        yield {**arguments, "command": " ".join(words)}
    elif tool_name in _WITH_PATHS and isinstance(path, str):
        with contextlib.suppress(
            ToolError
        ):  # it leads out of the workspace, or is no path: the tool will say so
            yield {**arguments, "path": locate(Path(workspace), path).shown}


def _parts(tool_name: str, arguments: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The commands in a command line, each as if it were alone."""
    command = arguments.get("command")
    if tool_name == _COMMAND[0] and isinstance(command, str) and _BETWEEN.search(command):
        for part in _BETWEEN.split(command):
            yield {**arguments, "command": " ".join(words_of(part) or part.split())}
