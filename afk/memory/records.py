"""What is kept: one frozen value for a row of each table. Times are integer milliseconds since the epoch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from afk.chat import Transcript
from afk.memory.grants import GrantPattern
from afk.memory.retention import CompactionReason

if TYPE_CHECKING:
    from afk.memory.summaries import SummaryRecord
from afk.outputs import DEFAULT_LIMITS, OutputRecord, ResultLimits, WholeOutput

RunStateText = Literal[
    "running", "awaiting_approval", "interrupted", "cancelled", "completed", "failed", "degraded"
]
EffectPhase = Literal["proposed", "executing", "done", "failed", "skipped", "uncertain"]
ApprovalStatus = Literal[
    "pending", "allowed", "denied", "responded", "run_again", "happened", "skipped", "expired", "closed"
]
ApprovalKind = Literal["call", "uncertain"]
DecisionText = Literal["allow", "deny", "respond", "run_again", "happened", "skip"]
Scope = Literal["once", "thread", "workspace"]
Role = Literal["user", "assistant", "tool"]
CheckpointPhase = Literal["start", "answer", "delegated", "result", "final", "fork"]

STATUS_OF_DECISION: dict[DecisionText, ApprovalStatus] = {
    "allow": "allowed",
    "deny": "denied",
    "respond": "responded",
    "run_again": "run_again",
    "happened": "happened",
    "skip": "skipped",
}
DECISIONS_FOR: dict[ApprovalKind, frozenset[DecisionText]] = {
    "call": frozenset({"allow", "deny", "respond"}),
    "uncertain": frozenset({"run_again", "happened", "skip"}),
}
OPEN_PHASES: frozenset[EffectPhase] = frozenset({"proposed", "executing", "uncertain"})


@dataclass(frozen=True, slots=True)
class ThreadRecord:
    """A conversation. `state` is its last run's, as it reads now (a dead owner's `running` is `interrupted`);
    `is_unread`: something was done in it since a person was last shown it."""

    thread_id: str
    title: str
    agent_name: str
    workspace: str
    state: RunStateText
    created_at_ms: int
    updated_at_ms: int
    message_count: int
    last_run_id: str
    pending_approvals: int
    pinned_at_ms: int | None
    archived_at_ms: int | None
    is_unread: bool


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One execution. `result` is the stored AgentResult of a terminal run, as JSON-safe values. A run inside another
    (a subagent's) names its root, the run above it and the call that it works for; its messages stand in
    `transcript_id`, those of a root run in its thread."""

    run_id: str
    thread_id: str
    agent_name: str
    model: str
    fingerprint: dict[str, str]
    workspace: str
    state: RunStateText
    interruption: dict[str, Any] | None
    step: int
    context: dict[str, Any]
    usage: dict[str, int]
    budget: dict[str, int]
    result: dict[str, Any] | None
    epoch: int
    owner: str | None
    root_run_id: str
    parent_run_id: str | None
    parent_call_id: str | None
    created_at_ms: int
    updated_at_ms: int
    transcript_id: str


class MessageRecord(NamedTuple):
    """One message, append-only. `seq` is its place in the thread; results have theirs reserved with the answer.
    `output_sha`: of a result that `text` shows in part, the hash under which the whole is kept."""

    thread_id: str
    run_id: str
    seq: int
    role: Role
    text: str
    tool_calls: tuple[dict[str, str], ...] = ()
    call_id: str | None = None
    created_at_ms: int = 0
    output_sha: str | None = None


class StepResult(NamedTuple):
    """What a model reads of a call's result; the fields are those of MessageRecord."""

    seq: int
    text: str
    call_id: str | None
    output_sha: str | None = None


@dataclass(frozen=True, slots=True)
class CheckpointRecord:
    """A point to resume or fork from. It refers to the thread's messages up to `head_seq`, never copies them."""

    checkpoint_id: str
    run_id: str
    thread_id: str
    number: int
    step: int
    phase: CheckpointPhase
    head_seq: int
    message_count: int
    state: dict[str, Any]
    size_bytes: int
    created_at_ms: int


@dataclass(frozen=True, slots=True)
class EffectRecord:
    """One tool call: what was asked, how far it got, and on which attempt. `thread_id` and `result_seq` are the place
    of its result: for a call of a subagent, in the subagent's own conversation."""

    effect_id: str
    run_id: str
    thread_id: str
    call_id: str
    step: int
    position: int
    tool_name: str
    effect: str
    arguments: dict[str, Any]
    args_sha: str
    idempotency_key: str
    phase: EffectPhase
    attempt: int
    epoch: int
    result_seq: int
    approval_id: str | None
    allowed_by: str | None
    started_at_ms: int | None
    finished_at_ms: int | None


@dataclass(frozen=True, slots=True)
class CallTrace:
    """What can be found out of a call's latest attempt beside its row, at this moment.

    `process_id`: of the process that made it, None where that is not known any more; `process_lives`: whether that
    process has its store open; `is_here`: whether it is this one. `running_group`: the process group (0: unknown) of
    what still runs of the call, None where nothing does. `was_edited`: a person had changed the arguments.
    """

    process_id: int | None
    process_lives: bool
    is_here: bool
    running_group: int | None
    was_edited: bool


@dataclass(frozen=True, slots=True)
class ApprovalRecord:
    """One request for a decision, with everything that was shown, and the decision once there is one. `shown`: the
    fingerprint of what the call would change, as who allowed it was shown it; None where that is not known."""

    approval_id: str
    run_id: str
    thread_id: str
    call_id: str
    effect_id: str
    kind: ApprovalKind
    tool_name: str
    arguments: dict[str, Any]
    args_sha: str
    schema: dict[str, Any]
    reason: str
    agent_path: str
    status: ApprovalStatus
    requested_at_ms: int
    expires_at_ms: int | None = None
    edited_arguments: dict[str, Any] | None = None
    edited_sha: str | None = None
    decision_reason: str | None = None
    output: str | None = None
    scope: Scope = "once"
    decided_by: str | None = None
    decided_at_ms: int | None = None
    consumed_at_ms: int | None = None
    shown: str | None = None


@dataclass(frozen=True, slots=True)
class GrantRecord:
    """An "always allow" in one thread or one workspace, until revoked: of the calls that `pattern` covers, or (None)
    of the very same call, `args_sha`. `arguments` are those it was given with, `thread_id` where."""

    grant_id: str
    tool_name: str
    args_sha: str
    scope: Literal["thread", "workspace"]
    scope_key: str
    created_at_ms: int
    pattern: GrantPattern | None = None
    approval_id: str = ""
    arguments: dict[str, Any] = field(default_factory=dict[str, Any])
    thread_id: str = ""
    thread_title: str = ""
    workspace: str = ""
    decided_by: str = ""
    revoked_at_ms: int | None = None
    revoked_by: str | None = None


@dataclass(frozen=True, slots=True)
class EventRecord:
    """Telemetry: what happened, ordered by `event_id`, not by clock."""

    event_id: int
    thread_id: str
    run_id: str | None
    type: str
    body: dict[str, Any]
    created_at_ms: int


@dataclass(frozen=True, slots=True)
class MessageHead:
    """Enough of a message to guess its height. `role` is "call" for a result's place, filled or not yet."""

    seq: int
    role: Literal["user", "assistant", "call"]
    chars: int
    lines: int


@dataclass(frozen=True, slots=True)
class CompactionRecord:
    """One past compaction. `policies`, `result` and `stopped` are JSON-safe values.

    `result` is None of one that did not come to its end: it `is_going_on`, or was `stopped` (`why`: "cancelled" or
    "live", with the counts of what it had removed), or, where both are missing, its process died.
    """

    compaction_id: int
    thread_id: str
    policies: dict[str, Any]
    result: dict[str, Any] | None
    created_at_ms: int
    why: CompactionReason = "hand"
    stopped: dict[str, Any] | None = None
    is_going_on: bool = False
    thread_title: str = ""


@dataclass(frozen=True, slots=True)
class RunKey:
    """The right to write for a run: its id and the epoch under which it was taken. `part_id` is the conversation
    that a run inside another has of its own."""

    run_id: str
    thread_id: str
    epoch: int
    part_id: str | None = None

    @property
    def transcript_id(self) -> str:
        """Where the run's messages stand."""
        return self.part_id or self.thread_id


@dataclass(frozen=True, slots=True)
class Request:
    """A request for a decision, about to be asked."""

    kind: ApprovalKind
    reason: str
    schema: dict[str, Any]
    agent_path: str
    expires_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class ProposedCall:
    """One call of an answer, as judged: `request` when a person must be asked, `result` when it is settled already
    (an unknown tool, arguments that do not fit, a rule that denies), neither when it may run."""

    call_id: str
    tool_name: str
    effect: str
    arguments: dict[str, Any]
    args_sha: str
    allowed_by: str | None = None
    request: Request | None = None
    result: CallResult | None = None


@dataclass(frozen=True, slots=True)
class CallResult:
    """How a call ended: its phase, and the text that the model reads; `whole` where that is only a part."""

    phase: EffectPhase
    text: str
    whole: WholeOutput | None = None


@dataclass(frozen=True, slots=True)
class LongResult:
    """A call of which the model was shown a part of the result, and the whole."""

    effect: EffectRecord
    output: OutputRecord


@dataclass(frozen=True, slots=True)
class RunStop:
    """How a run stops: its state, why when it stopped short, and its stored result when it is over."""

    state: RunStateText
    interruption: dict[str, Any] | None = None
    result: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """What a run has used up: written at each of its boundaries."""

    step: int
    usage: dict[str, int]
    budget: dict[str, int]


@dataclass(frozen=True, slots=True)
class NewRun:
    """Everything boundary S writes. `thread_id` may name a thread that does not exist yet. `limits` are those of the
    results that the calls of a former run get when it is closed."""

    run_id: str
    thread_id: str
    agent_name: str
    model: str
    fingerprint: dict[str, str]
    workspace: str
    user_message: str
    context: dict[str, Any] = field(default_factory=dict[str, Any])
    limits: ResultLimits = DEFAULT_LIMITS


@dataclass(frozen=True, slots=True)
class RunSnapshot:
    """All a resume needs, read in one transaction: the newest checkpoint, the messages it refers to, the effects of its
    step, and the newest request of each of those that has one (by effect id).
    `owner_died`: the run was taken from an owner that had not given it up. `summary` is the one in effect for those
    messages, `pins` the pinned places among them."""

    run: RunRecord
    checkpoint: CheckpointRecord
    transcript: Transcript
    effects: tuple[EffectRecord, ...]
    approvals: dict[str, ApprovalRecord]
    owner_died: bool = False
    summary: SummaryRecord | None = None
    pins: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class RunAndCalls:
    """A run, and the calls of the step that it is at, each with its current request."""

    run: RunRecord
    calls: tuple[tuple[EffectRecord, ApprovalRecord | None], ...]


@dataclass(frozen=True, slots=True)
class NewChild:
    """What is written of a subagent's run when its call begins; the rest comes from the run above it."""

    run_id: str
    agent_name: str
    model: str
    fingerprint: dict[str, str]
    task: str


@dataclass(frozen=True, slots=True)
class ChildBegun:
    """A call to a subagent that is under way, and its run: a snapshot to go on from, or how it ended."""

    effect: EffectRecord
    child: RunSnapshot | RunRecord


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision about a request. `arguments` (allow only) are the edited ones, `edited_sha` their hash; `output` is
    the person's answer in the tool's place (respond only); `pattern` what a remembered yes covers (None: the very
    same call); `shown` the fingerprint of what the call would change, as it was shown: a yes holds while it is so."""

    decision: DecisionText
    args_sha: str
    by: str
    arguments: dict[str, Any] | None = None
    edited_sha: str | None = None
    reason: str | None = None
    output: str | None = None
    scope: Scope = "once"
    pattern: GrantPattern | None = None
    shown: str | None = None
