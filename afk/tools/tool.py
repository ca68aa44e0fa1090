"""What a tool is: a function, what it does to the world, and whether it must be asked for."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Effect = Literal["read", "idempotent", "once"]
ApprovalMode = Literal["never", "always", "policy"]


def _nothing_off_limits(_: os.stat_result) -> bool:
    return False


def _drop(_: str) -> None:
    return None


@dataclass(frozen=True, slots=True)
class ToolContext:
    """What a call is given beside its arguments.

    `idempotency_key` is the same over all attempts of one call. `attempt` counts from 1. `emit` shows output while
    the tool works; it is never stored. `off_limits(stat)` is true for files that the store keeps open: they must
    not even be opened (closing a descriptor of a SQLite file drops the locks that SQLite holds on it), so tools
    ask with `os.stat` *before* they open.
    """

    workspace: Path
    run_id: str
    thread_id: str
    call_id: str
    idempotency_key: str
    attempt: int = 1
    context: Mapping[str, Any] = field(default_factory=dict[str, Any])
    emit: Callable[[str], None] = _drop
    off_limits: Callable[[os.stat_result], bool] = _nothing_off_limits


class ToolError(Exception):
    """The call failed in a way the model should know: the message is its result."""


class ToolArgumentsError(ToolError):
    """The arguments do not fit the tool's schema; the message says which and why."""


# Given the context and the validated arguments: did this call happen? True, False, or None where it can't be known.
Verify = Callable[[ToolContext, dict[str, Any]], Awaitable[bool | None] | bool | None]
# Given the workspace and the arguments: a reason to ask a person although the tool needs no approval, or None.
AskWhen = Callable[[Path, dict[str, Any]], str | None]
