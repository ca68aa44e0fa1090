"""What an agent is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from afk.agents.errors import AgentConfigurationError
from afk.tools.tool import Tool


@dataclass(frozen=True, slots=True)
class BaseAgent:
    """The part of an agent that a run is bound to: its name. A run resumes only under the name it began with."""

    name: str

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise AgentConfigurationError(f"An agent needs a name; got {self.name!r}.")


@dataclass(frozen=True, slots=True)
class Agent(BaseAgent):
    """A model, its instructions and its tools.

    `model` None means the AFK_MODEL environment variable, or "gpt-5.2-mini". Tool names are unique.
    """

    model: str | None = None
    instructions: str = ""
    tools: Sequence[Tool] = ()

    def __post_init__(self) -> None:
        # super() has no cell in a slotted dataclass
        BaseAgent.__post_init__(self)
        names = [t.name for t in self.tools]
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            raise AgentConfigurationError(
                f"Agent {self.name!r} has several tools named {', '.join(twice)}; give each its own name."
            )

    def tool(self, name: str) -> Tool | None:
        """The tool of that name, or None."""
        return next((t for t in self.tools if t.name == name), None)

    def fingerprint(self) -> dict[str, str]:
        """What a resume compares, part by part, to say what changed: short hashes, never the text."""
        return {
            "model": self.model or "",
            "instructions": _sha(self.instructions),
            "tools": _sha(sorted((t.name, t.effect) for t in self.tools)),
        }


def _sha(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
