"""Running a shell command: run_command."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from afk.tools.output import KeptOutput, LiveOutput
from afk.tools.processes import ProcessGroup, stopped
from afk.tools.tool import Lifeline, ToolArgumentsError, ToolContext, ToolError, tool

MAX_TIMEOUT_S = 3600
# how long a background process may hold the output open after the shell has ended
LINGER_S = 2.0
# what is said beside the output, in a result that must not be longer than what is kept of one
WORDS_BYTES = 1024


@tool(effect="once")
async def run_command(
    ctx: ToolContext,
    command: Annotated[str, "what the shell is to run, in the workspace"],
    timeout_s: Annotated[int, "seconds after which it is stopped; at most 3600"] = 120,
) -> str:
    """Run a shell command (bash) in the workspace and return its exit code and output.

    It has no terminal and no input: what asks a question fails. Standard output and error come in one
    stream; of a long one the beginning and the end are shown, and read_output reads the rest. After timeout_s
    seconds it is stopped, with everything it started. What it leaves in the background is stopped too, unless
    its output goes elsewhere. OPENAI_API_KEY is not passed on.
    """
    if not command.strip():
        raise ToolArgumentsError("run_command: the command is empty")
    if "\0" in command:
        raise ToolArgumentsError(
            "run_command: the command holds a NUL character, which no shell can be given"
        )
    if not 0 < timeout_s <= MAX_TIMEOUT_S:
        raise ToolArgumentsError(
            f"run_command: timeout_s is at least 1 and at most {MAX_TIMEOUT_S}, not {timeout_s}"
        )
    kept = KeptOutput(ctx.limits.max_bytes - WORDS_BYTES)
    live = LiveOutput(ctx.emit, asyncio.get_running_loop().time)

    def take(data: bytes) -> None:
        kept.add(data)
        live.add(data)

    group = _started(command, ctx.workspace, take, ctx.lifeline)
    timed_out, note = False, ""
    try:
        try:
            async with asyncio.timeout(timeout_s):
                await group.exited.wait()
        except TimeoutError:
            timed_out = True
        if not timed_out and await group.gone(LINGER_S):
            group.close()
        elif not await stopped(group):
            note = "\n[a process that it started has left its group, and may still be running]"
        elif not timed_out:
            note = "\n[a process that it left in the background held the output open, and was stopped]"
    finally:
        # cancelled while it waited: nothing of the command may outlive the call
        await stopped(group)
        live.end()
    output = kept.text()
    if timed_out:
        raise ToolError(
            f"the command was stopped after {timeout_s} s, before it had ended; it may have had an effect. "
            f"Its output so far:\n{output or '(no output)'}{note}"
        )
    return f"{_ended(group.returncode)}\n{output or '(no output)'}{note}"


def _started(
    command: str, workspace: Path, take: Callable[[bytes], None], lifeline: Lifeline | None
) -> ProcessGroup:
    shell = "/bin/bash" if os.access("/bin/bash", os.X_OK) else "/bin/sh"
    try:
        group = ProcessGroup(
            [shell, "-c", command],
            cwd=workspace,
            on_output=take,
            inherits=() if lifeline is None else (lifeline.descriptor,),
        )
    except OSError as error:
        raise ToolError(
            f"the command could not be started in {os.fspath(workspace)!r}, and nothing ran: {error.strerror}"
        ) from error
    if lifeline is not None:
        lifeline.note(group.pid)
    return group


def _ended(returncode: int | None) -> str:
    if returncode is None or returncode >= 0:
        return f"exit code {returncode}"
    try:
        return f"killed by {signal.Signals(-returncode).name}"
    except ValueError:
        # a real-time signal: it has a number and no name
        return f"killed by signal {-returncode}"
