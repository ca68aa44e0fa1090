"""Begin or resume a run from the command line, show it, and stop it when the process is told to."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from afk_tui.cli_exit import EXIT_AWAITING, EXIT_DONE, EXIT_ERROR, EXIT_INTERRUPTED
from afk_tui.cli_options import Options
from afk_tui.cli_output import argument_lines, print_json, say, tell
from afk_tui.cli_signals import until_told_to_stop
from afk_tui.cli_stream import CleanStream
from afk_tui.gateway.clean import clean_line

if TYPE_CHECKING:
    from afk_tui.gateway.script_runs import Follower, Outcome

_EXIT_OF_STATE = {
    "completed": EXIT_DONE,
    "degraded": EXIT_DONE,
    "awaiting_approval": EXIT_AWAITING,
    "interrupted": EXIT_INTERRUPTED,
    "cancelled": EXIT_INTERRUPTED,
}


class TerminalFollower:
    """The answer on standard output as it arrives, everything else on standard error."""

    def __init__(self, *, quiet: bool, demo_was_asked: bool) -> None:
        self._quiet = quiet
        self._demo_was_asked = demo_was_asked
        self._stream = CleanStream()
        self._ends_with_newline = True
        self.has_spoken = False

    def began(self, model: str, server: str) -> None:
        if server.startswith("demo model") and not self._demo_was_asked:
            tell(f"The {server} answers: set OPENAI_API_KEY or OPENAI_BASE_URL for a real one.")

    def said(self, text: str) -> None:
        self._write(self._stream.feed(text))

    def answered(self) -> None:
        self._write(self._stream.end())
        if not self._ends_with_newline:
            self._write("\n")

    def noted(self, line: str) -> None:
        tell(f"· {clean_line(line)}")

    def _write(self, text: str) -> None:
        if self._quiet or not text:
            return
        self.has_spoken = True
        self._ends_with_newline = text.endswith("\n")
        sys.stdout.write(text)
        sys.stdout.flush()


def run_prompt(options: Options, prompt: str, thread_id: str | None, *, as_json: bool) -> int:
    """`afk-tui run`."""
    from afk_tui.gateway.script_runs import run

    settings = options.settings()
    return _show(options, as_json, lambda follower, stop: run(settings, prompt, thread_id, follower, stop))


def resume_run(options: Options, run_id: str, *, as_json: bool, compacts: bool = False) -> int:
    """`afk-tui resume`."""
    from afk_tui.gateway.script_runs import resume

    settings = options.settings()
    return _show(
        options,
        as_json,
        lambda follower, stop: resume(settings, run_id, follower, stop, compacts=compacts),
    )


def _show(
    options: Options, as_json: bool, work: Callable[[Follower, asyncio.Event], Awaitable[Outcome]]
) -> int:
    follower = TerminalFollower(quiet=as_json, demo_was_asked=options.demo)
    outcome = asyncio.run(until_told_to_stop(lambda stop: work(follower, stop)))
    document = outcome.document
    if as_json:
        print_json(document)
    elif document["final_text"] and not follower.has_spoken:
        say(document["final_text"].rstrip("\n"))
    _tell_how_it_stands(options, document)
    return _EXIT_OF_STATE.get(document["state"], EXIT_ERROR)


def _tell_how_it_stands(options: Options, document: dict[str, Any]) -> None:
    run_id, state, why = document["run_id"], document["state"], document["interruption"]
    resume = options.command("resume", run_id, runs=True)
    if state == "awaiting_approval":
        tell(f"Run {run_id} waits for a decision:")
        for request in document["pending_approvals"]:
            for line in request_lines(options, request):
                tell(line)
    elif state in ("interrupted", "cancelled"):
        tell(f"Run {run_id} was {state}: {clean_line(why['detail']) if why else 'it was stopped.'}")
        tell(f"It is kept. Go on with: {resume}")
    elif state == "running":
        tell(f"Run {run_id} goes on in another process.")
    elif state == "failed":
        tell(f"Run {run_id} failed.")
    elif state == "degraded":
        tell(f"Run {run_id} ended with an answer that is cut or was refused.")


def request_lines(options: Options, request: dict[str, Any]) -> list[str]:
    """A request with everything that would be executed, and the commands that decide it, as clean text."""
    approval_id = request["approval_id"]
    lines = [f"{approval_id}  {clean_line(request['tool_name'])}", *argument_lines(request["arguments"])]
    if request["kind"] == "uncertain":
        settle = options.command("settle", approval_id, runs=True)
        return [*lines, "  its outcome is unknown; say what to do:", f"  {settle} again|happened|skip"]
    return [
        *lines,
        f"  {options.command('approve', approval_id, '--resume', runs=True)}",
        f"  {options.command('deny', approval_id, '--resume', runs=True)}",
    ]
