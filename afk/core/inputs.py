"""What callers pass, checked before anything is done with it."""

from __future__ import annotations

import getpass
import json
import os
from typing import Any

from afk.agents.agent import Agent
from afk.agents.errors import AgentConfigurationError
from afk.memory.text import storable


def this_person() -> str:
    """Who decides when nobody says: the user of this machine."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no name for this uid
        return f"uid {os.getuid()}"


DEFAULT_MODEL = "gpt-5.2-mini"


def model_of(agent: Agent | None) -> str:
    """The model of an agent; of one that names none, AFK_MODEL or the default."""
    return (agent.model if agent else None) or os.environ.get("AFK_MODEL") or DEFAULT_MODEL


def require_id(name: str, value: object) -> None:
    """Raises AgentConfigurationError for what can't be an id."""
    if not isinstance(value, str) or not value.strip() or value != storable(value):
        raise AgentConfigurationError(
            f"{name} must be a text that is not empty; got {value!r}. Take it from a result or a list."
        )


def json_safe(context: dict[str, Any] | None) -> dict[str, Any]:
    """A copy of what a caller passes, as it will be read again. Raises AgentConfigurationError."""
    if context is None:
        return {}
    if not isinstance(context, dict):
        raise AgentConfigurationError(f"context must be a dict or None; got {type(context).__name__}.")
    try:
        return json.loads(json.dumps(context, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise AgentConfigurationError(
            f"context must hold JSON values only, since it is kept on disk: {error}."
        ) from error


def title_of(user_message: str) -> str:
    """A thread's title: the first line with something in it, 80 characters at the most."""
    line = next((line.strip() for line in user_message.splitlines() if line.strip()), "(empty)")
    return line if len(line) <= 80 else line[:79] + "…"
