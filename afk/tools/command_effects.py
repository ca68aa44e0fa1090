"""What can be seen of a command's effects without running it: files that it redirects over, and its environment.

Only what is plainly written there is said, so that nothing said is wrong; a command can do much that nobody can see
in it.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from afk.tools.confinement import OffLimits, locate, opened_file
from afk.tools.shell_words import ShellToken, shell_tokens
from afk.tools.text import human_size
from afk.tools.tool import ToolError

MOST_WARNINGS = 6
_COUNTED_BYTES = 4 << 20
_SCANNED_CHARS = 64_000
_OVERWRITES = frozenset({">", ">|", "&>", ">&"})
_APPENDS = frozenset({">>", "&>>"})
_ENDS_COMMAND = frozenset({"\n", ";", "&", "&&", "||", "|", "(", ")", ";;"})
_MOVES = frozenset({"cd", "pushd", "popd"})
_DECLARES = frozenset({"export", "declare", "typeset", "readonly"})
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)\+?=")


def command_warnings(command: str, workspace: Path, off_limits: OffLimits) -> tuple[str, ...]:
    """Sentences about files that a redirection overwrites or appends to, as they are now, and about variables that
    are set for what runs. Blocking: reads small files to count their lines; opens none that is `off_limits`."""
    tokens = list(shell_tokens(command[:_SCANNED_CHARS]))
    said = list(dict.fromkeys([*_redirections(tokens, workspace, off_limits), *_environment(tokens)]))
    if len(said) > MOST_WARNINGS:
        more = len(said) - MOST_WARNINGS + 1
        said[MOST_WARNINGS - 1 :] = [f"and {more} more such effects"]
    if len(command) > _SCANNED_CHARS:
        said.append(
            f"only the first {_SCANNED_CHARS:,} of {len(command):,} characters were looked at for this"
        )
    return tuple(said)


def _redirections(tokens: list[ShellToken], workspace: Path, off_limits: OffLimits) -> Iterator[str]:
    moved, compares = False, 0
    for number, token in enumerate(tokens):
        following = tokens[number + 1] if number + 1 < len(tokens) else None
        if token.kind == "word":
            moved = moved or token.text in _MOVES
            compares += (token.text == "[[") - (token.text == "]]")
        elif token.text == "(" and following is not None and following.text == "(":
            compares += 1  # (( … )): ">" is arithmetic
        elif token.text == ")" and following is not None and following.text == ")":
            compares -= 1
        elif token.text in _OVERWRITES | _APPENDS and following is not None and compares <= 0:
            if following.kind != "word" or (token.text == ">&" and re.fullmatch(r"\d+-?|-", following.text)):
                continue
            verb = "appends to" if token.text in _APPENDS else "overwrites"
            yield from _written(verb, following, workspace, off_limits, moved=moved)


def _written(
    verb: str, target: ShellToken, workspace: Path, off_limits: OffLimits, *, moved: bool
) -> Iterator[str]:
    name = target.text
    if not name or "\0" in name:
        return
    if not target.is_literal:
        yield f"{verb} {name}, whatever that is when it runs"
        return
    if moved and not os.path.isabs(name):
        yield f"{verb} {name}, in the folder that it has gone to by then"
        return
    try:
        found = os.stat(workspace / name)
    except (OSError, ValueError):  # nothing is there, or nothing that can be seen: then nothing is said
        return
    if stat.S_ISREG(found.st_mode):
        yield f"{verb} {name} ({_size(name, workspace, found, off_limits)})"


def _size(name: str, workspace: Path, found: os.stat_result, off_limits: OffLimits) -> str:
    size = human_size(found.st_size)
    try:
        place = locate(workspace, name)
    except ToolError:
        return f"{size}, outside the workspace"
    if found.st_size > _COUNTED_BYTES:
        return size
    try:
        with opened_file(place, off_limits, doing="show") as (file, _):
            data = file.read(_COUNTED_BYTES)
    except ToolError:
        return size
    if b"\0" in data:
        return size
    lines = data.count(b"\n") + (bool(data) and not data.endswith(b"\n"))
    return f"{lines} line{'' if lines == 1 else 's'}" if data else "empty"


def _environment(tokens: list[ShellToken]) -> Iterator[str]:
    sets: dict[str, None] = {}
    unsets: dict[str, None] = {}
    for words in _commands(tokens):
        rest = _after_assignments(words, lambda name: sets.setdefault(name))
        first = rest[0] if rest else ""
        if first in _DECLARES:
            sets.update((name, None) for word in rest[1:] if (name := _assigned(word)))
        elif first == "env":
            _after_assignments(
                [w for w in rest[1:] if not w.startswith("-")], lambda name: sets.setdefault(name)
            )
        elif first == "unset":
            unsets.update((word, None) for word in rest[1:] if re.fullmatch(r"[A-Za-z_]\w*", word))
    if sets:
        yield f"sets {', '.join(sets)} in the environment"
    if unsets:
        yield f"unsets {', '.join(unsets)}"


def _commands(tokens: list[ShellToken]) -> Iterator[list[str]]:
    """The words of each simple command; a redirection's target is none of them."""
    words: list[str] = []
    is_target = False
    for token in tokens:
        if token.kind == "operator":
            is_target = token.text not in _ENDS_COMMAND
            if not is_target and words:
                yield words
                words = []
        elif is_target:
            is_target = False
        else:
            words.append(token.text)
    if words:
        yield words


def _after_assignments(words: list[str], note: Callable[[str], object]) -> list[str]:
    for number, word in enumerate(words):
        name = _assigned(word)
        if not name:
            return words[number:]
        note(name)
    return []


def _assigned(word: str) -> str:
    found = _ASSIGNMENT.match(word)
    return found[1] if found else ""
