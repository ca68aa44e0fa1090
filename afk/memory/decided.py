"""What a person's decision makes of a call that nothing is executed for, and a subagent's answer of the call it worked
for: the result that the model reads.

The run that goes on and the message that closes the run before it could give the same text.
"""

from __future__ import annotations

import json
from typing import Any

from afk.memory.records import ApprovalRecord, CallResult, EffectPhase

HAPPENED_BY_PERSON = (
    "The outcome of this call was lost; a person says that it took effect. Its output is not known."
)
SKIPPED_BY_PERSON = (
    "The outcome of this call was lost; a person chose to go on without knowing it. Do not repeat it."
)
CLOSED_UNKNOWN = (
    "Whether this call took effect is not known: the process that made it was stopped, "
    "and the conversation went on without waiting for an answer."
)
CLOSED_NOT_AGAIN = (
    "Whether this call took effect is not known. A person chose to have it run again, "
    "but that was not done: the conversation went on without it."
)
CLOSED_NEVER_RAN = "This call was never executed: the conversation went on without it."
CLOSED_ALLOWED = "This call was allowed, but never executed: the conversation went on without it."


def decided_result(approval: ApprovalRecord) -> CallResult | None:
    """The result that a decision is; None where it is one to execute the call, or where there is none yet."""
    match approval.status:
        case "denied":
            reason = f" Reason: {approval.decision_reason}" if approval.decision_reason else ""
            return CallResult("skipped", f"The person denied this call.{reason}")
        case "responded":
            return CallResult("done", approval.output or "")
        case "happened":
            return CallResult("done", HAPPENED_BY_PERSON)
        case "skipped":
            return CallResult("skipped", SKIPPED_BY_PERSON)
        case "pending" | "allowed" | "run_again" | "expired" | "closed":
            return None


def closed_result(phase: EffectPhase, approval: ApprovalRecord | None) -> CallResult:
    """The result of a call of this phase, without one so far, whose run is closed: the decision of its current
    request, if no run has carried that out yet; else that it never ran, or that its outcome is not known."""
    unused = approval if approval is not None and approval.consumed_at_ms is None else None
    if phase == "proposed":
        decided = decided_result(unused) if unused else None
        allowed = unused is not None and unused.status == "allowed"
        return decided or CallResult("skipped", CLOSED_ALLOWED if allowed else CLOSED_NEVER_RAN)
    if phase == "uncertain" and unused is not None and unused.kind == "uncertain":
        again = CLOSED_NOT_AGAIN if unused.status == "run_again" else CLOSED_UNKNOWN
        return decided_result(unused) or CallResult("uncertain", again)
    return CallResult("uncertain", CLOSED_UNKNOWN)


def answered_result(state: str, result: dict[str, Any] | None) -> CallResult | None:
    """The result of a call to a subagent whose run stands like this; None where that is not over."""
    text = str((result or {}).get("final_text", ""))
    match state:
        case "completed":
            return CallResult("done", text)
        case "degraded":
            notice = (result or {}).get("notice", "Its answer is not whole.")
            return CallResult("done", f"[{notice}]\n{text}")
        case "failed":
            return CallResult("failed", text or "The subagent failed.")
        case _:
            return None


def with_edited_note(result: CallResult, arguments: dict[str, Any]) -> CallResult:
    """The result of a call that a person changed before it ran, with what ran."""
    shown = json.dumps(arguments, ensure_ascii=False)
    return CallResult(
        result.phase, f"[The person changed the arguments before it ran: {shown}]\n{result.text}"
    )
