"""A subagent, as the agent above it sees it: a tool that takes a task."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

from afk.tools.tool import Tool, ToolError

if TYPE_CHECKING:
    from afk.agents.agent import Agent

_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_-]+")


class SubagentTool(Tool):
    """Offers `agent` to a model. A call is a run of its own inside the run that made it; it is never of unknown
    outcome, for it is resumed where it stopped. It needs no approval by itself: what the subagent does, asks."""

    def __init__(self, agent: Agent) -> None:
        super().__init__(
            _delegate,
            effect="idempotent",
            approval="never",
            name=tool_name_of(agent.name),
            description=agent.description or _describe(agent.name),
        )
        self.effect = "subagent"
        self.agent = agent


def tool_name_of(agent_name: str) -> str:
    """Under which name an agent is offered: its own, with `_` for whatever a tool's name can't hold."""
    return _NOT_IN_A_NAME.sub("_", agent_name).strip("_")[:64] or "subagent"


def _describe(name: str) -> str:
    return (
        f"Gives a task to the agent {name}, which works on it by itself and answers with what it found or did. "
        "It knows nothing of this conversation."
    )


async def _delegate(
    task: Annotated[str, "The whole task, with everything that the agent needs to know for it."],
) -> str:
    raise ToolError(f"A subagent is run, never called like a function (its task was {task!r}).")
