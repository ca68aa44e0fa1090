"""Running agents: the runner, its configuration, handles and events."""

from afk.core.approvals import InteractionProvider
from afk.core.config import RunnerConfig
from afk.core.events import RunEvent
from afk.core.handle import AgentRunHandle
from afk.core.inputs import DEFAULT_MODEL
from afk.core.runner import Runner

__all__ = ["DEFAULT_MODEL", "AgentRunHandle", "InteractionProvider", "RunEvent", "Runner", "RunnerConfig"]
