"""How a run stands, put together from what is on disk."""

from __future__ import annotations

from typing import Any

from afk.agents.results import AgentResult, Interruption, RunUsage, SubagentExecution, ToolExecution
from afk.core.subagents import runs_inside
from afk.memory.records import RunRecord
from afk.memory.store import MemoryStore


async def result_of(store: MemoryStore, run: RunRecord) -> AgentResult:
    """The result of a run in whatever state, from its row, its calls and its thread."""
    thread = await store.get_thread(run.thread_id)
    effects = await store.list_effects(run.run_id)
    inside = await runs_inside(store, run.run_id)
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
                output=result.text if result else "",
                attempts=effect.attempt,
                started_at_ms=effect.started_at_ms,
                finished_at_ms=effect.finished_at_ms,
                output_sha=result.output_sha if result else None,
            )
            for effect, result in effects
        ),
        subagent_executions=tuple(
            SubagentExecution(one.run_id, one.agent_name, one.parent_call_id or "", one.state)
            for one in inside
            if one.parent_run_id == run.run_id
        ),
        usage=RunUsage(
            **{name: sum(one.usage.get(name, 0) for one in (run, *inside)) for name in RunUsage.__slots__}
        ),
        step=run.step,
        messages_count=thread.message_count if thread else 0,
    )


def interruption_of(stored: dict[str, Any] | None) -> Interruption | None:
    """The stored reason, as a value."""
    if stored is None:
        return None
    return Interruption(stored["kind"], stored["detail"], stored.get("superseded_by"))
