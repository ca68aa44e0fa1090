"""What the journal knows of a call, in sentences: who asked, who decided and when, how often and how long it ran."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

from afk.memory.records import ApprovalRecord, ApprovalStatus, EffectRecord
from afk_tui.gateway.clean import clean_line

DECISIONS: dict[ApprovalStatus, str] = {
    "allowed": "allowed",
    "denied": "denied",
    "responded": "answered in its place",
    "run_again": "to be run again",
    "happened": "it happened",
    "skipped": "left unknown",
    "expired": "nobody, and the request expired",
    "closed": "nobody: a new message closed the run",
}
SCOPES = {"once": "", "thread": ", always in this thread", "workspace": ", always in this workspace"}
# a tool may be asked for with a whole file: the arguments as they were first are a line
SHOWN_CHARS = 2_000


def facts_of(effect: EffectRecord, requests: Sequence[ApprovalRecord]) -> tuple[tuple[str, str], ...]:
    """Pairs of a word and a clean line. `requests` are those of this call, the oldest first."""
    facts: list[tuple[str, str]] = []
    for request in requests:
        facts.append(("asked", f"{moment(request.requested_at_ms)} · {request.reason}"))
        if request.edited_arguments is not None:
            asked = json.dumps(request.arguments, ensure_ascii=False)
            cut = (
                f"{asked[:SHOWN_CHARS]} … ({len(asked):,} characters)" if len(asked) > SHOWN_CHARS else asked
            )
            facts.append(("edited", f"what was asked for: {cut}"))
        if decided := _decided(request):
            facts.append(("decided", decided))
    if not requests and (allowed := _allowed(effect)):
        facts.append(("decided", allowed))
    if ran := _ran(effect, requests):
        facts.append(("ran", ran))
    return tuple((word, clean_line(text)) for word, text in facts)


def moment(at_ms: int) -> str:
    """A local time, with its date."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at_ms / 1000))


def _decided(request: ApprovalRecord) -> str:
    if request.status == "pending":
        return ""
    said = DECISIONS[request.status]
    if request.decided_by:
        said += (
            f" by {request.decided_by}"
            if request.status not in ("happened",)
            else f", says {request.decided_by}"
        )
    if request.decided_at_ms:
        said += f", {moment(request.decided_at_ms)}"
    said += SCOPES[request.scope]
    return f"{said}: “{request.decision_reason}”" if request.decision_reason else said


def _allowed(effect: EffectRecord) -> str:
    allowed_by = effect.allowed_by or ""
    if allowed_by.startswith("grant:"):
        return "always allowed, by a grant (/grants)"
    return {"policy": "allowed by a rule of the policy", "tool": "needs no yes"}.get(allowed_by, "")


def _ran(effect: EffectRecord, requests: Sequence[ApprovalRecord]) -> str:
    if not effect.started_at_ms:
        return ""
    said = moment(effect.started_at_ms)
    # once a person settled it, or while a subagent's requests waited, the time between says nothing
    settled = any(request.status in ("happened", "skipped") for request in requests)
    if effect.finished_at_ms and not settled and effect.effect != "subagent":
        said += f", took {max(0, effect.finished_at_ms - effect.started_at_ms) / 1000:.1f} s"
    elif effect.finished_at_ms and effect.effect == "subagent":
        said += f", over {moment(effect.finished_at_ms)}"
    if effect.attempt > 1:
        said += f", attempt {effect.attempt}"
    return said
