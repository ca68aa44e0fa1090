"""Rules that answer for a person: in order, the first that matches wins."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Literal

Action = Literal["allow", "ask", "deny"]


@dataclass(frozen=True, slots=True)
class PolicyRule:
    """One rule. `tool` is a glob over tool names, `arguments` globs over argument values (text as it is, anything
    else as JSON): all of them must match. `reason` reaches the person, and the model when the rule denies."""

    tool: str
    action: Action
    arguments: Mapping[str, str] = field(default_factory=dict[str, str])
    reason: str = ""

    def __post_init__(self) -> None:
        if self.action not in ("allow", "ask", "deny"):
            raise ValueError(f"A policy rule's action is allow, ask or deny; got {self.action!r}.")

    def matches(self, tool_name: str, arguments: Mapping[str, Any]) -> bool:
        """Whether this rule speaks about that call."""
        if not fnmatchcase(tool_name, self.tool):
            return False
        return all(
            name in arguments and fnmatchcase(_as_text(arguments[name]), pattern)
            for name, pattern in self.arguments.items()
        )


@dataclass(frozen=True, slots=True)
class Policy:
    """Rules in order. No rule that matches: what the tool says of itself holds."""

    rules: Sequence[PolicyRule] = ()

    def rule_for(self, tool_name: str, arguments: Mapping[str, Any]) -> PolicyRule | None:
        """The first rule that matches the call, or None."""
        return next((r for r in self.rules if r.matches(tool_name, arguments)), None)


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)
