"""Which standing grants answer for the calls of an answer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from afk.agents.agent import Agent
from afk.core.grant_patterns import covers
from afk.memory.records import EffectRecord, GrantRecord, ProposedCall
from afk.memory.store import MemoryStore


async def grants_for(
    store: MemoryStore, agent: Agent, calls: Sequence[ProposedCall], thread_id: str, workspace: str
) -> dict[str, str]:
    """The id of a grant for each of these calls that has one, by the call's id; one of the very same call first."""
    if not calls:
        return {}
    same = await store.matching_grants([c.args_sha for c in calls], thread_id, workspace)
    found = {c.call_id: same[c.args_sha].grant_id for c in calls if c.args_sha in same}
    rest = [c for c in calls if c.call_id not in found]
    if not rest:
        return found
    by_pattern = await store.pattern_grants(sorted({c.tool_name for c in rest}), thread_id, workspace)
    for call in rest:
        for grant in by_pattern:
            if _answers(grant, agent, call.tool_name, call.arguments, workspace):
                found[call.call_id] = grant.grant_id
                break
    return found


async def still_covered(
    store: MemoryStore, agent: Agent, effect: EffectRecord, arguments: dict[str, Any], workspace: str
) -> bool:
    """Whether the grant that a call rests on, if it is one by a pattern, still covers it: a link may have come to
    lead elsewhere since it was judged. Whether the grant stands at all is for boundary I to say."""
    if effect.approval_id is not None or not (effect.allowed_by or "").startswith("grant:"):
        return True
    grant_id = (effect.allowed_by or "").removeprefix("grant:")
    by_pattern = await store.pattern_grants([effect.tool_name], effect.thread_id, workspace)
    grant = next((g for g in by_pattern if g.grant_id == grant_id), None)
    return grant is None or _answers(grant, agent, effect.tool_name, arguments, workspace)


def _answers(
    grant: GrantRecord, agent: Agent, tool_name: str, arguments: dict[str, Any], workspace: str
) -> bool:
    tool = agent.tool(tool_name)
    # what the tool itself asks about is no ordinary call of it: only the very same one was meant
    if tool is None or (tool.ask_when is not None and tool.ask_when(Path(workspace), arguments)):
        return False
    return grant.pattern is not None and covers(grant.pattern, tool_name, arguments, workspace)
