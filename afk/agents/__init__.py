"""What an agent is: its definition, its errors, its results, and the policy it works under."""

from afk.agents.agent import Agent, BaseAgent
from afk.agents.policy import Policy, PolicyRule
from afk.agents.results import (
    AgentResult,
    Interruption,
    InterruptionKind,
    RunState,
    RunUsage,
    SubagentExecution,
    ToolExecution,
)

__all__ = [
    "Agent",
    "AgentResult",
    "BaseAgent",
    "Interruption",
    "InterruptionKind",
    "Policy",
    "PolicyRule",
    "RunState",
    "RunUsage",
    "SubagentExecution",
    "ToolExecution",
]
