"""A shell command read as far as that is safe without being a shell: its words, operators, and what is literal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

_OPERATOR = re.compile(r"&>>|<<<|<<-|&>|>>|>\||>&|<&|<>|<<|>\(|<\(|\|\||&&|;;|[|&;()<>\n]")
_BLANK = " \t"
# outside of quotes, these make another text of a word than what is written
_EXPANDS = frozenset("$`*?[{~")


@dataclass(frozen=True, slots=True)
class ShellToken:
    """A word, with its quotes taken away, or an operator. Not `is_literal`: the shell makes something else of it."""

    kind: Literal["word", "operator"]
    text: str
    is_literal: bool = True


def shell_tokens(command: str) -> Iterator[ShellToken]:
    """The words and operators of a command in their order, without comments and here-documents.

    It ends early at a quote that is never closed; what stands inside of double quotes is text to it, commands too.
    """
    at, heredocs = 0, list[tuple[str, bool]]()
    wants: Literal["", "<<", "<<-"] = ""
    while at < len(command):
        character = command[at]
        if character in _BLANK:
            at += 1
        elif command.startswith("\\\n", at):
            at += 2
        elif character == "#":
            at = _line_end(command, at)
        elif operator := _OPERATOR.match(command, at):
            at = operator.end()
            yield ShellToken("operator", operator[0])
            wants = "<<" if operator[0] == "<<" else "<<-" if operator[0] == "<<-" else ""
            if operator[0] == "\n":
                at, heredocs = _after_documents(command, at, heredocs), []
        else:
            word, at = _word(command, at)
            if word is None:
                return
            if wants:
                heredocs.append((word.text, wants == "<<-"))
                wants = ""
            yield word


def _word(command: str, at: int) -> tuple[ShellToken | None, int]:
    text, literal = "", True
    while at < len(command):
        character = command[at]
        if character in _BLANK or _OPERATOR.match(command, at):
            break
        if character == "\\":
            text += command[at + 1 : at + 2] if command[at + 1 : at + 2] != "\n" else ""
            at += 2
        elif character in "'\"":
            end = _closing(command, at)
            if end < 0:
                return None, len(command)
            inside = command[at + 1 : end]
            if character == '"':
                literal = literal and not _EXPANDS.intersection("$`").intersection(inside)
                inside = re.sub(r'\\(["\\$`\n])', lambda m: "" if m[1] == "\n" else m[1], inside)
            text += inside
            at = end + 1
        else:
            literal = literal and character not in _EXPANDS
            text += character
            at += 1
    return ShellToken("word", text, literal), at


def _closing(command: str, at: int) -> int:
    """Where the quote that opens here ends, or -1."""
    if command[at] == "'":
        return command.find("'", at + 1)
    end = at + 1
    while end < len(command) and command[end] != '"':
        end += 2 if command[end] == "\\" else 1
    return end if end < len(command) else -1


def _line_end(command: str, at: int) -> int:
    end = command.find("\n", at)
    return len(command) if end < 0 else end


def _after_documents(command: str, at: int, heredocs: list[tuple[str, bool]]) -> int:
    for delimiter, strips_tabs in heredocs:
        while at < len(command):
            end = _line_end(command, at)
            line, at = command[at:end], min(end + 1, len(command))
            if (line.lstrip("\t") if strips_tabs else line) == delimiter:
                break
    return at
