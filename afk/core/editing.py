"""Arguments that a person edited, weighed before a yes to them: what would be executed, or what is wrong."""

from __future__ import annotations

from typing import Any

from afk.agents.agent import Agent
from afk.agents.errors import AgentConfigurationError
from afk.agents.policy import Policy
from afk.core.subagents import PATH_SEPARATOR
from afk.memory.records import ApprovalRecord
from afk.tools import Tool


def tool_of_request(agent: Agent, request: ApprovalRecord) -> Tool:
    """The tool that a request is about, of the root `agent` or of the subagent that its path names. Raises
    AgentConfigurationError where there is none any more."""
    asking: Agent | None = agent
    for name in request.agent_path.split(PATH_SEPARATOR)[1:]:
        asking = next((below for below in asking.subagents if below.name == name), None) if asking else None
    tool = asking.tool(request.tool_name) if asking else None
    if tool is None:
        raise AgentConfigurationError(
            f"{request.agent_path} has no tool {request.tool_name!r} any more, so its arguments can't be edited here. "
            "Deny the call, or start the app with the agent that asked."
        )
    return tool


def weigh_edit(
    agent: Agent, policy: Policy, request: ApprovalRecord, arguments: dict[str, Any]
) -> dict[str, Any]:
    """The arguments in the tool's normal form, as a yes would execute them. Raises ToolArgumentsError, with what is
    wrong at which place, and AgentConfigurationError for what a rule denies."""
    normal = tool_of_request(agent, request).validate(arguments)
    rule = policy.rule_for(request.tool_name, normal)
    if rule is not None and rule.action == "deny":
        because = f" Reason: {rule.reason}" if rule.reason else ""
        raise AgentConfigurationError(f"A rule of the policy denies the call with these arguments.{because}")
    return normal
