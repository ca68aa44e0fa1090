"""What happens in a run, as it happens: frozen, JSON-safe values that hold ids and text, nothing else.

Those of the runs inside a run come with them, each with its own run id.
They tell a person what is going on; they are not the record. What is on disk is in the store.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from afk.agents.results import Interruption, RunState


@dataclass(frozen=True, slots=True)
class RunStarted:
    """The run is on disk and owned by this process. `resumed` is false for a new run."""

    run_id: str
    thread_id: str
    resumed: bool


@dataclass(frozen=True, slots=True)
class StepStarted:
    """The model is about to be asked, for the `step`-th time in this run (from 1)."""

    run_id: str
    step: int


@dataclass(frozen=True, slots=True)
class AnswerDelta:
    """Text to append to the answer that is being streamed."""

    run_id: str
    text: str


@dataclass(frozen=True, slots=True)
class AnswerRestarted:
    """What was streamed of this answer is void; the model is asked again in `delay_s` seconds."""

    run_id: str
    attempt: int
    delay_s: float
    reason: str


@dataclass(frozen=True, slots=True)
class AnswerRecorded:
    """The answer is on disk, as message `seq` of the thread; its calls, if any, follow as `CallProposed`."""

    run_id: str
    seq: int
    text: str
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class CallProposed:
    """The model asked for a tool; its result will stand at `seq`."""

    run_id: str
    call_id: str
    seq: int
    tool_name: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ApprovalRequested:
    """A request for a decision is on disk. `kind` is "call", or "uncertain" for a call of unknown outcome."""

    run_id: str
    approval_id: str
    call_id: str
    kind: str
    tool_name: str
    reason: str


@dataclass(frozen=True, slots=True)
class ApprovalDecided:
    """Someone decided, here or in another process. `status` is the approval's new status."""

    run_id: str
    approval_id: str
    call_id: str
    status: str
    decided_by: str


@dataclass(frozen=True, slots=True)
class CallStarted:
    """The intent is on disk and the tool is being called, for the `attempt`-th time."""

    run_id: str
    call_id: str
    tool_name: str
    attempt: int


@dataclass(frozen=True, slots=True)
class CallOutput:
    """Output of a tool that is still working; never stored."""

    run_id: str
    call_id: str
    text: str


@dataclass(frozen=True, slots=True)
class CallFinished:
    """The outcome is on disk, at message `seq`. `phase` is done, failed, skipped or uncertain."""

    run_id: str
    call_id: str
    seq: int
    tool_name: str
    phase: str
    duration_ms: int


@dataclass(frozen=True, slots=True)
class SubagentStarted:
    """A subagent works on a call of this run, whose result will stand at `seq`. What happens in its own run,
    `child_run_id`, is told by events of that run id."""

    run_id: str
    call_id: str
    seq: int
    child_run_id: str
    agent_name: str


@dataclass(frozen=True, slots=True)
class SubagentStopped:
    """The run that worked for a call stands as `state` says: it is over, it waits, or it stopped short."""

    run_id: str
    call_id: str
    child_run_id: str
    state: RunState


@dataclass(frozen=True, slots=True)
class OutcomeKept:
    """The call has ended, and its outcome can't be written now (`reason`): it is kept here, and is tried again until
    its `CallFinished`."""

    run_id: str
    call_id: str
    tool_name: str
    reason: str


@dataclass(frozen=True, slots=True)
class SummaryStarted:
    """The conversation has grown too long for the model: a summary of `messages` older ones, of `tokens` tokens, is
    being made. `SummaryRecorded` follows, or a `RunWarning` that says why not."""

    run_id: str
    messages: int
    tokens: int


@dataclass(frozen=True, slots=True)
class SummaryRecorded:
    """The summary `summary_id` is on disk and is sent from now on, in the place of the `messages` older ones up to
    place `through_seq`; `tokens` of it stand for `replaced_tokens`."""

    run_id: str
    summary_id: int
    messages: int
    through_seq: int
    text: str
    tokens: int
    replaced_tokens: int


@dataclass(frozen=True, slots=True)
class RunWarning:
    """Something a person should know; the run goes on."""

    run_id: str
    text: str


@dataclass(frozen=True, slots=True)
class RunPaused:
    """`pause()` took hold: the run waits in memory at a boundary until `resume()`."""

    run_id: str


@dataclass(frozen=True, slots=True)
class RunStopped:
    """Always the last event: the run is on disk in `state`, and this process owns it no longer."""

    run_id: str
    thread_id: str
    state: RunState
    interruption: Interruption | None
    final_text: str


RunEvent = (
    RunStarted
    | StepStarted
    | AnswerDelta
    | AnswerRestarted
    | AnswerRecorded
    | CallProposed
    | ApprovalRequested
    | ApprovalDecided
    | CallStarted
    | CallOutput
    | CallFinished
    | SubagentStarted
    | SubagentStopped
    | OutcomeKept
    | SummaryStarted
    | SummaryRecorded
    | RunWarning
    | RunPaused
    | RunStopped
)
