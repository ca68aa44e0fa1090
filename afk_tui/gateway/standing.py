"""How a run stands, as far as the store and this process know."""

from __future__ import annotations

from afk.memory.records import RunRecord
from afk.memory.store import MemoryStore
from afk_tui.gateway.views import Standing


def standing_of(run: RunRecord, *, is_live: bool, is_decided: bool) -> Standing:
    """`is_live`: it goes on in this process. `is_decided`: a decision about one of its calls was not acted on yet."""
    if is_live:
        return "working"
    match run.state:
        case "running":
            return "elsewhere"
        case "awaiting_approval":
            return "decided" if is_decided else "waiting"
        case "interrupted":
            return "stopped"
        case "cancelled":
            superseded = (run.interruption or {}).get("kind") == "superseded"
            return "idle" if superseded else "stopped"
        case _:
            return "idle"


async def has_unused_decision(store: MemoryStore, run: RunRecord | None) -> bool:
    """Whether the run waits for decisions, and one was given that was not acted on yet."""
    if run is None or run.state != "awaiting_approval":
        return False
    return any(
        effect.finished_at_ms is None and approval is not None and approval.status != "pending"
        for effect, approval in await store.open_calls(run.run_id)
    )
