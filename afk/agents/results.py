"""What a run leaves behind, as its caller sees it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

RunState = Literal[
    "running", "awaiting_approval", "interrupted", "cancelled", "completed", "failed", "degraded"
]
InterruptionKind = Literal[
    "timeout",  # the run's wall time or a model's silence outlasted its limit
    "budget",  # max_steps or max_tool_calls are spent
    "cancelled",  # someone stopped it, or the task it ran in was cancelled
    "infrastructure",  # the provider stayed down after retries, refused the key, or the store failed
    "paused",  # someone stopped it meaning to go on
    "uncertain",  # a call's outcome is unknown and a person must say
    "process_died",  # its process is gone
    "superseded",  # a later run of the thread took over: not resumable
]

RESUMABLE: frozenset[RunState] = frozenset({"awaiting_approval", "interrupted", "cancelled"})
TERMINAL: frozenset[RunState] = frozenset({"completed", "failed", "degraded"})


@dataclass(frozen=True, slots=True)
class Interruption:
    """Why a run stopped short. `detail` is a sentence for a person; `superseded_by` names the run that took over."""

    kind: InterruptionKind
    detail: str
    superseded_by: str | None = None


@dataclass(frozen=True, slots=True)
class RunUsage:
    """Tokens and calls of a run and the runs inside it, all resumes together."""

    input_tokens: int = 0
    output_tokens: int = 0
    model_calls: int = 0
    tool_calls: int = 0


@dataclass(frozen=True, slots=True)
class ToolExecution:
    """One tool call of the run, in the order of the calls. `phase` is the effect's; times in ms since the epoch.
    `output` is what the model was shown; `output_sha`: where that is only a part, what `Runner.read_output` reads the
    whole by."""

    call_id: str
    tool_name: str
    arguments: dict[str, Any]
    phase: str
    output: str
    attempts: int
    started_at_ms: int | None
    finished_at_ms: int | None
    output_sha: str | None = None


@dataclass(frozen=True, slots=True)
class SubagentExecution:
    """One run of a subagent, as seen from the run whose call it works for."""

    run_id: str
    agent_name: str
    call_id: str
    state: RunState


@dataclass(frozen=True, slots=True)
class AgentResult:
    """How a run stands when `run`, `resume` or `await_result` returns; everything in it is on disk.

    `final_text` is the model's last answer ("" while there is none). `step` counts model answers of this run, and
    `messages_count` the messages of the whole thread.
    """

    run_id: str
    thread_id: str
    state: RunState
    final_text: str = ""
    interruption: Interruption | None = None
    tool_executions: tuple[ToolExecution, ...] = ()
    subagent_executions: tuple[SubagentExecution, ...] = ()
    usage: RunUsage = field(default_factory=RunUsage)
    step: int = 0
    messages_count: int = 0
