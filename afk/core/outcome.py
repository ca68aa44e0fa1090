"""How a run stands, put together from what is on disk."""

from __future__ import annotations

from typing import Any

from afk.agents.results import AgentResult, Interruption, RunUsage, ToolExecution
from afk.memory.records import RunRecord
from afk.memory.store import MemoryStore


async def result_of(store: MemoryStore, run: RunRecord) -> AgentResult:
    """The result of a run in whatever state, from its row, its calls and its thread."""
    thread = await store.get_thread(run.thread_id)
    effects = await store.list_effects(run.run_id)
    return AgentResult(
        run_id=run.run_id,
        thread_id=run.thread_id,
        state=run.state,
        final_text=(run.result or {}).get("final_text", ""),
        interruption=interruption_of(run.interruption),
        tool_executions=tuple(
            ToolExecution(
                call_id=effect.call_id,
                tool_name=effect.tool_name,
                arguments=effect.arguments,
                phase=effect.phase,
                output=output,
                attempts=effect.attempt,
                started_at_ms=effect.started_at_ms,
                finished_at_ms=effect.finished_at_ms,
            )
            for effect, output in effects
        ),
        usage=RunUsage(**{name: run.usage.get(name, 0) for name in RunUsage.__slots__}),
        step=run.step,
        messages_count=thread.message_count if thread else 0,
    )


def interruption_of(stored: dict[str, Any] | None) -> Interruption | None:
    """The stored reason, as a value."""
    if stored is None:
        return None
    return Interruption(stored["kind"], stored["detail"], stored.get("superseded_by"))
