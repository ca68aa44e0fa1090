"""What the pattern of a grant covers, and which patterns a person is offered.

A pattern says yes to calls that nobody has seen, so whatever is not plainly inside it is outside: then a person is
asked, which is never wrong.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from afk.agents.errors import AgentConfigurationError
from afk.memory.grants import GrantPattern, PatternKind
from afk.tools import ToolError
from afk.tools.confinement import locate
from afk.tools.secrets import looks_secret


@dataclass(frozen=True, slots=True)
class _Subject:
    """The argument that a tool's patterns are about. A call with other arguments than `known` is another kind of
    call than the one that was thought of here."""

    kind: PatternKind
    argument: str
    known: frozenset[str]


_SUBJECTS = {
    "run_command": _Subject("command_prefix", "command", frozenset({"command", "timeout_s"})),
    "write_file": _Subject("path_glob", "path", frozenset({"path", "content"})),
    "edit_file": _Subject("path_glob", "path", frozenset({"path", "old_text", "new_text"})),
}
# what makes more of a command than one program with its arguments, quoted or not; and control characters, which
# shlex and a shell read differently
_MORE_THAN_ONE_COMMAND = re.compile(r"[;&|<>`$\x00-\x08\x0a-\x1f\x7f]")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=")
# with these a first word says nothing about what is done
_SHELLS = "sh bash dash zsh ksh fish busybox eval exec source . command builtin"
_LANGUAGES = "python python3 node deno bun ruby perl php lua awk"
_OTHERS = (
    "env sudo doas su xargs nohup nice time timeout watch ssh docker podman setsid stdbuf strace find rm dd"
    " ! coproc trap flock parallel ionice taskset chroot unshare nsenter script"
)
_RUNS_ANYTHING = frozenset(f"{_SHELLS} {_LANGUAGES} {_OTHERS}".split())
_SUBCOMMAND = re.compile(r"[a-z][a-z0-9:_-]*")


def covers(pattern: GrantPattern, tool_name: str, arguments: Mapping[str, Any], workspace: str) -> bool:
    """Whether a grant by this pattern (not of kind "call") answers for a call. Looks at the links on a path's way,
    and opens nothing."""
    subject = _SUBJECTS.get(tool_name)
    if subject is None or pattern.tool != tool_name or pattern.kind != subject.kind:
        return False
    value = arguments.get(subject.argument)
    if not isinstance(value, str) or not subject.known.issuperset(arguments):
        return False
    if pattern.kind == "command_prefix":
        return _begins_with(value, pattern.value)
    return _fits(value, pattern.value, workspace)


def check_pattern(
    pattern: GrantPattern, tool_name: str, arguments: Mapping[str, Any], workspace: str
) -> GrantPattern:
    """The pattern, if it covers the call that it is to be remembered with. Raises AgentConfigurationError."""
    if not covers(pattern, tool_name, arguments, workspace):
        raise AgentConfigurationError(
            f"The pattern {pattern.kind} {pattern.value!r} over {pattern.tool} does not cover the call that it would "
            "be remembered with. Choose one that does, or remember the very same call (pattern=None)."
        )
    return pattern


def typed_pattern(tool_name: str, value: str, arguments: Mapping[str, Any], workspace: str) -> GrantPattern:
    """The pattern that a person wrote for a call, if it covers that call and no more than it says. Raises
    AgentConfigurationError, which says what is wrong with it."""
    subject = _SUBJECTS.get(tool_name)
    if subject is None or not suggestions(tool_name, arguments, workspace):
        raise AgentConfigurationError(
            f"No pattern is safe for this call of {tool_name}; it can be remembered as the very same call only."
        )
    value = value.strip()
    problem = _problem_of_prefix(value) if subject.kind == "command_prefix" else _problem_of_glob(value)
    if problem:
        raise AgentConfigurationError(problem)
    pattern = GrantPattern(tool_name, subject.kind, value)
    if not covers(pattern, tool_name, arguments, workspace):
        which = (
            "the command does not begin with these words"
            if subject.kind == "command_prefix"
            else ("the file's path below the workspace does not fit it")
        )
        raise AgentConfigurationError(f"This does not cover the call itself: {which}.")
    return pattern


def _problem_of_prefix(value: str) -> str:
    if not value:
        return "Write the first words of the command."
    if found := _MORE_THAN_ONE_COMMAND.search(value):
        shown = found[0] if found[0].isprintable() else "a line break or control character"
        return f"A pattern is the first words of one command, and can't hold {shown}"
    if not words_of(value):
        return "These are not whole words: a quote is open, or it begins with an assignment."
    return ""


def _problem_of_glob(value: str) -> str:
    if not value:
        return "Write a path below the workspace; * is any name in one folder, ** any number of folders."
    if not value.isprintable():
        return "A path pattern is one line of characters that can be seen."
    if {"", ".", ".."}.intersection(value.split("/")):
        return "Write the path from the workspace's folder on, without a leading /, an empty part, . or .."
    return ""


def suggestions(tool_name: str, arguments: Mapping[str, Any], workspace: str) -> tuple[GrantPattern, ...]:
    """Patterns that a person may be offered for a call, the narrowest first: at most two, and none where a pattern
    would promise what it can't keep."""
    subject = _SUBJECTS.get(tool_name)
    value = arguments.get(subject.argument) if subject else None
    if subject is None or not isinstance(value, str):
        return ()
    offered = _prefixes(value) if subject.kind == "command_prefix" else _globs(value, workspace)
    patterns = (GrantPattern(tool_name, subject.kind, one) for one in offered)
    return tuple(p for p in patterns if covers(p, tool_name, arguments, workspace))[:2]


# commands


def words_of(command: str) -> list[str]:
    """The words of a command that is one program with its arguments; of any other none."""
    if _MORE_THAN_ONE_COMMAND.search(command):
        return []
    try:
        words = shlex.split(command)
    except ValueError:
        return []
    return [] if not words or _ASSIGNMENT.match(words[0]) else words


def _begins_with(command: str, prefix: str) -> bool:
    wanted, words = words_of(prefix), words_of(command)
    return bool(wanted) and words[: len(wanted)] == wanted


def _prefixes(command: str) -> Sequence[str]:
    words = words_of(command)
    if not words or words[0].rpartition("/")[2] in _RUNS_ANYTHING:
        return ()
    first = shlex.quote(words[0])
    if len(words) > 1 and _SUBCOMMAND.fullmatch(words[1]):
        return (shlex.join(words[:2]), first)
    return (first,)


# paths


def _fits(path: str, glob: str, workspace: str) -> bool:
    try:
        parts = locate(Path(workspace), path).parts
    except ToolError:  # it leads out of the workspace, or is no path: the tool will say so
        return False
    # a name of its own gives a secret away only to who sees it, and a hook of git's is a command
    if not parts or ".git" in parts or looks_secret(Path(*parts)):
        return False
    wanted = tuple(glob.split("/"))
    return not {"", ".", ".."}.intersection(wanted) and _parts_fit(parts, wanted)


def _parts_fit(parts: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    """As `PurePath.full_match` of Python 3.13: `**` is any number of components, none among them."""
    reached = {0}  # how many of `parts` the pattern so far can have eaten
    for component in wanted:
        if component == "**":
            reached = set(range(min(reached), len(parts) + 1))
        else:
            reached = {n + 1 for n in reached if n < len(parts) and fnmatchcase(parts[n], component)}
        if not reached:
            return False
    return len(parts) in reached


def _globs(path: str, workspace: str) -> Sequence[str]:
    try:
        parts = locate(Path(workspace), path).parts
    except ToolError:
        return ()
    if len(parts) < 2:
        return ("*",) if parts else ()
    folder = "/".join(_literal(part) for part in parts[:-1])
    return (f"{folder}/*", f"{folder}/**")


def _literal(part: str) -> str:
    return re.sub(r"([*?[])", r"[\1]", part)
