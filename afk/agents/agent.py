"""What an agent is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from afk.agents.errors import AgentConfigurationError
from afk.agents.subagent_tool import SubagentTool
from afk.outputs import READ_OUTPUT
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
    """A model, its instructions, its tools, and the agents it can give a task to.

    `model` None means the AFK_MODEL environment variable, or "gpt-5.2-mini"; for a subagent, the model of the agent
    above it. Each of `subagents` is offered to the model as a tool of its name, which takes a `task`; `description`
    says there what this agent is for. Names of tools and subagents are unique together.
    """

    model: str | None = None
    instructions: str = ""
    tools: Sequence[Tool] = ()
    subagents: Sequence[Agent] = ()
    description: str = ""
    toolbox: tuple[Tool, ...] = field(init=False, repr=False, compare=False, default=())
    """All that is offered to the model: the tools, then the subagents as tools."""

    def __post_init__(self) -> None:
        # super() has no cell in a slotted dataclass
        BaseAgent.__post_init__(self)
        for agent in self.subagents:
            if not isinstance(agent, Agent):
                raise AgentConfigurationError(
                    f"Agent {self.name!r} has {agent!r} among its subagents, which is no Agent."
                )
        object.__setattr__(self, "toolbox", (*self.tools, *(SubagentTool(a) for a in self.subagents)))
        names = [t.name for t in self.toolbox]
        if READ_OUTPUT in names:
            raise AgentConfigurationError(
                f"Agent {self.name!r} has a tool or subagent named {READ_OUTPUT}: that is the one by which every agent "
                "reads on in long results. Give it another name."
            )
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            raise AgentConfigurationError(
                f"Agent {self.name!r} has several tools or subagents named {', '.join(twice)}; "
                "give each its own name."
            )

    def tool(self, name: str) -> Tool | None:
        """The tool of that name, a subagent's among them, or None."""
        return next((t for t in self.toolbox if t.name == name), None)

    def subagent(self, tool_name: str) -> Agent | None:
        """The subagent that is offered under that name, or None."""
        offered = self.tool(tool_name)
        return offered.agent if isinstance(offered, SubagentTool) else None

    def alone(self) -> Agent:
        """The same agent without its subagents, for where no further level is allowed."""
        return replace(self, subagents=()) if self.subagents else self

    def fingerprint(self) -> dict[str, str]:
        """What a resume compares, part by part, to say what changed: short hashes, never the text."""
        parts = {
            "model": self.model or "",
            "instructions": _sha(self.instructions),
            "tools": _sha(sorted((t.name, t.effect) for t in self.tools)),
        }
        if self.subagents:
            parts["subagents"] = _sha([(a.name, a.fingerprint()) for a in self.subagents])
        return parts


def _sha(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
