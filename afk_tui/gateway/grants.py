"""What is always allowed, as a person reads it and as a script does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from afk.core.inputs import this_person
from afk.memory.grants import PatternKind
from afk.memory.records import GrantRecord
from afk_tui.gateway.clean import clean_exact, clean_line
from afk_tui.gateway.errors import GatewayError
from afk_tui.gateway.items import call_title
from afk_tui.gateway.script import Doc, database_path, opened_store
from afk_tui.gateway.settings import Settings


@dataclass(frozen=True, slots=True)
class GrantRow:
    """A standing grant. `covers` says which calls, exactly; `title` is the call that it was given with."""

    grant_id: str
    tool_name: str
    covers: str
    title: str
    scope: Literal["thread", "workspace"]
    thread_title: str
    workspace: str
    since_ms: int
    decided_by: str


def row_of(grant: GrantRecord) -> GrantRow:
    """A grant for the screen."""
    return GrantRow(
        grant_id=grant.grant_id,
        tool_name=clean_line(grant.tool_name),
        covers=covers_text(grant),
        title=call_title(grant.tool_name, grant.arguments),
        scope=grant.scope,
        thread_title=clean_line(grant.thread_title),
        workspace=clean_line(grant.workspace),
        since_ms=grant.created_at_ms,
        decided_by=clean_line(grant.decided_by),
    )


def covers_text(grant: GrantRecord) -> str:
    """Which calls a grant covers, in one line."""
    if grant.pattern is None:
        return f"this very call: {call_title(grant.tool_name, grant.arguments)}"
    return pattern_text(grant.pattern.kind, grant.pattern.value)


def pattern_text(kind: PatternKind, value: str) -> str:
    """What a pattern covers, in one line, with what is hidden in it made visible."""
    shown = clean_exact(value)
    match kind:
        case "command_prefix":
            return f"any one command that begins with: {shown}"
        case "path_glob":
            return f"any file that fits: {shown}"
        case "call":
            return "this very call"


def grant_doc(grant: GrantRecord) -> Doc:
    """A grant in the shape of `grants --json`. `value` is the words, the glob, or the hash of the very same call."""
    return {
        "grant_id": grant.grant_id,
        "tool_name": grant.tool_name,
        "kind": grant.pattern.kind if grant.pattern else "call",
        "value": grant.pattern.value if grant.pattern else grant.args_sha,
        "scope": grant.scope,
        "thread_id": grant.thread_id,
        "workspace": grant.workspace,
        "arguments": grant.arguments,
        "approval_id": grant.approval_id,
        "decided_by": grant.decided_by,
        "created_at_ms": grant.created_at_ms,
        "revoked_at_ms": grant.revoked_at_ms,
    }


async def list_grants(settings: Settings, workspace: Path | None) -> list[tuple[Doc, GrantRow]]:
    """What is always allowed, the newest first; of one workspace, or all."""
    if not database_path(settings).exists():
        return []
    folder = None if workspace is None else _folder(workspace)
    async with opened_store(settings) as store:
        return [(grant_doc(grant), row_of(grant)) for grant in await store.list_grants(workspace=folder)]


async def revoke_grant(settings: Settings, grant_id: str) -> tuple[Doc, GrantRow]:
    """Take a grant back; on return that is on disk. Raises GatewayError for one that is not there, or that was taken
    back before."""
    async with opened_store(settings) as store:
        before = [g for g in await store.list_grants(revoked_too=True) if g.grant_id == grant_id]
        if before and before[0].revoked_at_ms is not None:
            raise GatewayError(f"Grant {grant_id} was revoked before, by {before[0].revoked_by}.", "decided")
        grant = await store.revoke_grant(grant_id, this_person())
        return grant_doc(grant), row_of(grant)


def _folder(workspace: Path) -> str:
    return str(workspace.expanduser().resolve())
