"""Agents with agents below them, and a model that answers each by its own script."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from afk.agents import Agent
from afk.llms.protocol import Answer, ModelEvent, ModelRequest
from afk.tools import Tool
from tests.core.kit import Script, ScriptedModel, call, say


class ByAgent:
    """Answers each agent by the script of its name; the agents' instructions are their names."""

    label = "scripts"

    def __init__(self, **scripts: tuple[Answer | Script, ...]) -> None:
        self.models = {name: ScriptedModel(*script) for name, script in scripts.items()}

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        async with aclosing(self.models[request.messages[0].content].stream(request)) as events:
            async for event in events:
                yield event

    async def close(self) -> None:
        return

    def asked(self, name: str) -> int:
        """How often that agent's model was asked."""
        return len(self.models[name].requests)


def member(name: str, *tools: Tool, below: tuple[Agent, ...] = ()) -> Agent:
    """An agent whose instructions are its name."""
    return Agent(name=name, model="test-model", instructions=name, tools=tools, subagents=below)


def delegate(*names: str, task: str = "do it") -> Answer:
    """An answer that gives a task to each of these subagents."""
    return call(*((name, {"task": f"{task} ({n})"}) for n, name in enumerate(names)))


ACTS = (call(("act", {"what": "it"})), say("I did it."))
BOSS = (delegate("helper"), say("All done."))
