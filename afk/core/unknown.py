"""What is said of a call whose outcome is not known, and why it is not."""

from __future__ import annotations

from typing import Any

from afk.tools import Tool

CAUGHT = (
    "The process that made this call ended before an outcome was recorded, so whether it took effect is not known. "
    "It is never repeated without you."
)
NOT_RECORDED = (
    "This call was made, but its outcome could not be recorded, so whether it took effect is not known. "
    "It is never repeated without you. What went wrong:"
)
LEFT_RUNNING = (
    "The run was stopped while this call ran, and the call could not be stopped with it, so whether it took effect "
    "is not known. It is never repeated without you."
)
STILL_RUNNING = "This call was still running"
TAKEN_OVER = (
    "Another process was making this call when its run was taken over, so whether it takes effect is not known. "
    "It is never repeated without you."
)


def timed_out_in_thread(tool: Tool) -> str:
    """A call that can't be stopped was given up."""
    return (
        f"{tool.name} did not end within {tool.timeout_s:g} s and can't be stopped, "
        "so whether it took effect is not known."
    )


def why_unknown(interruption: dict[str, Any] | None) -> str:
    """`interruption`: why the run had stopped before it was taken; None where it could not say that any more."""
    if interruption is None:
        return CAUGHT
    if interruption["kind"] == "infrastructure":
        return f"{NOT_RECORDED} {interruption['detail']}"
    return LEFT_RUNNING


def still_running_text(group: int) -> str:
    """A call goes on in a process group (0: unknown) that its run knows nothing of."""
    stop = f"stop it with: kill -- -{group}" if group else "end the process that makes it"
    return (
        f"{STILL_RUNNING} when this was asked, though this run was no longer that process's. "
        f"Wait until it has ended, or {stop}. It can be run again only after that."
    )
