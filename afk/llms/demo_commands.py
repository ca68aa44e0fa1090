"""What the demo model understands: a few commands, one after another or side by side.

`list [PATH]`, `read PATH`, `write PATH: TEXT`, `edit PATH: OLD => NEW`, `search PATTERN`, `run: COMMAND`, and
`ask AGENT: TASK`, where a subagent of that name is offered;
joined by `and then` they are done one after another, joined by `together with` at once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_COMMAND_AHEAD = r"(?=list\b|read\s|write\s|edit\s|search\s|run:|ask\s+[\w-]+:)"
_THEN = re.compile(rf"\s+and then\s+{_COMMAND_AHEAD}", re.IGNORECASE)
_TOGETHER = re.compile(rf"\s+together with\s+{_COMMAND_AHEAD}", re.IGNORECASE)

_NAME = r"(?:\"(?P<quoted>[^\"\n]+)\"|(?P<path>[^\s\":][^\s:]*))"
_FLAGS = re.IGNORECASE | re.DOTALL
_LIST = re.compile(rf"list(?:\s+{_NAME})?", _FLAGS)
_READ = re.compile(rf"read\s+{_NAME}", _FLAGS)
_WRITE = re.compile(rf"write\s+{_NAME}\s*:[ \n]?(?P<content>.*)", _FLAGS)
_EDIT = re.compile(rf"edit\s+{_NAME}\s*:[ \n]?(?P<old>.*?)[ \n]?=>[ \n]?(?P<new>.*)", _FLAGS)
_SEARCH = re.compile(r"search\s+(?P<pattern>\S.*)", _FLAGS)
_ASK = re.compile(r"ask\s+(?P<agent>[\w-]{1,64}):\s*(?P<task>\S.*)", _FLAGS)
_RUN = re.compile(r"run:\s*(?P<command>\S.*)", _FLAGS)


@dataclass(frozen=True, slots=True)
class Command:
    """One tool call: `intent` says it to a person ("read `a.txt`")."""

    tool_name: str
    arguments: dict[str, str]
    intent: str


Plan = tuple[tuple[Command, ...], ...]


def parse_plan(message: str) -> Plan | None:
    """The steps a message asks for, each a tuple of calls to make at once; None if a part is no command."""
    plan: list[tuple[Command, ...]] = []
    for step in _THEN.split(message.strip()):
        commands = [_parse_command(part.strip()) for part in _TOGETHER.split(step)]
        known = tuple(command for command in commands if command is not None)
        if len(known) < len(commands):
            return None
        plan.append(known)
    return tuple(plan)


def _parse_command(part: str) -> Command | None:
    if found := _LIST.fullmatch(part):
        path = _path(found) or "."
        return Command("list_directory", {"path": path}, f"list `{path}`")
    if found := _READ.fullmatch(part):
        return Command("read_file", {"path": _path(found)}, f"read `{_path(found)}`")
    if found := _WRITE.fullmatch(part):
        arguments = {"path": _path(found), "content": found["content"]}
        return Command("write_file", arguments, f"write `{_path(found)}`")
    if found := _EDIT.fullmatch(part):
        arguments = {"path": _path(found), "old_text": found["old"], "new_text": found["new"]}
        return Command("edit_file", arguments, f"edit `{_path(found)}`") if found["old"] else None
    if found := _SEARCH.fullmatch(part):
        return Command("search_files", {"pattern": found["pattern"]}, f"search for `{found['pattern']}`")
    if found := _RUN.fullmatch(part):
        return Command("run_command", {"command": found["command"]}, f"run `{found['command']}`")
    if found := _ASK.fullmatch(part):
        return Command(found["agent"], {"task": found["task"]}, f"ask `{found['agent']}`")
    return None


def _path(found: re.Match[str]) -> str:
    return found["quoted"] or found["path"] or ""
