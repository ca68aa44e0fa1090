"""A policy from a TOML file: `[[rule]]` tables in order, the first that matches wins."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Any, cast

from afk.agents.errors import AgentConfigurationError
from afk.agents.policy import Policy, PolicyRule

_KEYS = frozenset({"tool", "action", "arguments", "reason"})
_ACTIONS = ("allow", "ask", "deny")
_HEADER = re.compile(r"^[ \t]*\[\[[ \t]*rule[ \t]*\]\]", re.MULTILINE)


def load_policy(path: str | os.PathLike[str]) -> Policy:
    """The rules of a file:

        [[rule]]
        tool = "run_command"                # a glob over tool names
        action = "deny"                     # allow, ask or deny
        arguments = { command = "rm *" }    # globs over argument values: all of them must match (default: any)
        reason = "Never remove anything."   # told to the person; of a denial, to the model too (default: none)

    A rule that denies or asks matches a call however it is written ("git  push", a path with `..`, one command of
    several); one that allows by a glob over a command allows one program with its arguments, nothing behind it.
    A file without rules is an empty policy. Raises AgentConfigurationError for a file that can't be read or is no
    such file, naming the rule and its line: a rule that is half understood would protect nothing.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
        document = tomllib.loads(text)
    except OSError as error:
        raise AgentConfigurationError(
            f"The policy {path} can't be read: {error.strerror or error}."
        ) from error
    except UnicodeDecodeError as error:
        raise AgentConfigurationError(
            f"The policy {path} is not UTF-8 text: byte {error.start} is wrong."
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise AgentConfigurationError(f"The policy {path} is not valid TOML: {error}.") from error
    for name in document:
        if name != "rule":
            raise AgentConfigurationError(
                f"The policy {path} holds {name!r}, which means nothing: it consists of [[rule]] tables."
            )
    rules = document.get("rule", [])
    if not isinstance(rules, list):
        raise AgentConfigurationError(
            f"The policy {path} has a [rule]; a rule begins with [[rule]], in two brackets."
        )
    lines = _lines_of_rules(text, len(cast("list[Any]", rules)))
    return Policy(
        tuple(
            _rule_of(rule, f"The policy {path}, rule {number}{line}")
            for number, (rule, line) in enumerate(zip(cast("list[Any]", rules), lines, strict=True), 1)
        )
    )


def _rule_of(rule: object, where: str) -> PolicyRule:
    if not isinstance(rule, dict):
        raise AgentConfigurationError(f"{where}: a rule is a table with tool and action; got {rule!r}.")
    table = cast("dict[str, Any]", rule)
    for name in table:
        if name not in _KEYS:
            raise AgentConfigurationError(
                f"{where}: unknown key {name!r}. The keys are {', '.join(sorted(_KEYS))}."
            )
    for name in ("tool", "action"):
        if name not in table:
            raise AgentConfigurationError(f"{where}: {name} is missing.")
    for name in ("tool", "action", "reason"):
        if not isinstance(table.get(name, ""), str):
            raise AgentConfigurationError(f"{where}: {name} is text in quotes; got {table[name]!r}.")
    if not table["tool"]:
        raise AgentConfigurationError(f'{where}: tool is empty. Name one, or "*" for every tool.')
    if table["action"] not in _ACTIONS:
        raise AgentConfigurationError(
            f"{where}: action is {', '.join(_ACTIONS[:-1])} or {_ACTIONS[-1]}; got {table['action']!r}."
        )
    arguments = table.get("arguments", {})
    if not isinstance(arguments, dict):
        raise AgentConfigurationError(
            f'{where}: arguments is a table of globs, {{ path = "*.md" }}; got {arguments!r}.'
        )
    for name, glob in cast("dict[str, Any]", arguments).items():
        if not isinstance(glob, str):
            raise AgentConfigurationError(
                f"{where}: arguments.{name} is a glob, text in quotes; got {glob!r}."
            )
    return PolicyRule(
        tool=table["tool"],
        action=table["action"],
        arguments=cast("dict[str, str]", arguments),
        reason=table.get("reason", ""),
    )


def _lines_of_rules(text: str, count: int) -> list[str]:
    """ " (line N)" for each rule; "" for all where headers can't be told from what looks like them."""
    found = [text.count("\n", 0, match.start()) + 1 for match in _HEADER.finditer(text)]
    return [f" (line {line})" for line in found] if len(found) == count else [""] * count
