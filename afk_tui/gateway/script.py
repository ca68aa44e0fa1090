"""What a script asks of the store: lists and decisions, as JSON-safe values.

Text in them is as it is stored: whoever shows it cleans it. Nothing here makes a database: where there is none the
lists are empty, and everything else is a GatewayError.
"""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

from afk.core.grant_patterns import typed_pattern
from afk.core.runner import Runner
from afk.memory.records import ApprovalRecord, DecisionText, RunRecord
from afk.memory.sqlite.store import SQLiteMemoryStore, default_path
from afk.memory.store import MemoryStore
from afk.memory.threads import ThreadFilter
from afk_tui.gateway.converted import told_of_conversion
from afk_tui.gateway.errors import GatewayError, told
from afk_tui.gateway.settings import Settings

Doc = dict[str, Any]
ALL = 2**62


def database_path(settings: Settings) -> Path:
    """The file these settings mean, which need not exist."""
    return (settings.db or default_path()).expanduser().absolute()


@asynccontextmanager
async def opened_store(settings: Settings) -> AsyncGenerator[SQLiteMemoryStore]:
    """The store of an existing database. Raises GatewayError, also where there is none."""
    path = database_path(settings)
    if not path.exists():
        raise GatewayError(
            f"There is no database at {path} yet. Begin with: afk-tui run, or name another file with --db or AFK_DB.",
            "store",
        )
    store = SQLiteMemoryStore(path)
    try:
        with told():
            await open_store(store, path, settings)
            yield store
    finally:
        await store.close()


async def open_store(store: MemoryStore, path: Path, settings: Settings) -> None:
    """Open it; also what the folder beside it refuses is a GatewayError."""
    try:
        await store.open()
    except OSError as error:
        raise GatewayError(
            f"The database {path} could not be opened: {error.strerror or error} ({error.filename or path.parent}). "
            "Allow writing to its folder, or name another file with --db or AFK_DB.",
            "store",
        ) from error
    if settings.tell is not None and (said := told_of_conversion(store)):
        settings.tell(said)


# looking


async def list_threads(
    settings: Settings, workspace: Path | None, show: ThreadFilter = "current"
) -> list[Doc]:
    """Threads, the pinned ones first, then the one touched last first; of one workspace, or all."""
    if not database_path(settings).exists():
        return []
    async with opened_store(settings) as store:
        found = await store.list_threads(workspace=_folder(workspace), show=show, limit=ALL)
        return [dataclasses.asdict(thread) for thread in found]


async def list_runs(settings: Settings, workspace: Path | None) -> list[Doc]:
    """Runs, the newest first; of one workspace, or all."""
    if not database_path(settings).exists():
        return []
    folder = _folder(workspace)
    async with opened_store(settings) as store:
        runs = await store.list_runs(limit=ALL)
        return [run_doc(run) for run in runs if folder is None or run.workspace == folder]


async def list_approvals(settings: Settings, workspace: Path | None) -> list[Doc]:
    """Requests that wait for a decision, the oldest first; of one workspace, or all."""
    if not database_path(settings).exists():
        return []
    async with opened_store(settings) as store:
        waiting = await store.list_approvals(pending_only=True)
        if workspace is not None:
            threads = await store.list_threads(workspace=_folder(workspace), limit=ALL)
            here = {thread.thread_id for thread in threads}
            waiting = [request for request in waiting if request.thread_id in here]
    return [approval_doc(request) for request in waiting]


async def list_checkpoints(settings: Settings, thread_id: str) -> list[Doc]:
    """Checkpoints of a thread, the newest first. Raises GatewayError for a thread that is not there."""
    async with opened_store(settings) as store:
        await require_thread(store, thread_id)
        found = await store.list_checkpoints(thread_id, limit=ALL)
        return [
            {
                "checkpoint_id": one.checkpoint_id,
                "run_id": one.run_id,
                "number": one.number,
                "step": one.step,
                "phase": one.phase,
                "created_at_ms": one.created_at_ms,
                "message_count": one.message_count,
                "size_bytes": one.size_bytes,
            }
            for one in found
        ]


# deciding


async def decide(
    settings: Settings,
    approval_id: str,
    decision: DecisionText,
    reason: str | None,
    *,
    always: Literal["thread", "workspace"] | None = None,
    pattern: str | None = None,
) -> tuple[Doc, str]:
    """Record a decision about exactly the arguments that the request shows; on return it is on disk.

    `always` remembers a yes there: for the very same call, or for those that `pattern` covers (a command's first
    words, a path glob). The request as it then stands (the shape of a list, and who decided, when, why and for how
    long), and its run's state.
    """
    async with opened_store(settings) as store:
        request = await store.get_approval(approval_id)
        _require_fitting(request, decision)
        # a runner that only decides acts in no folder: the one of the database is as good as any
        runner = Runner(memory_store=store, workspace=database_path(settings).parent)
        run = await store.get_run(request.run_id)
        covered = None
        if pattern is not None:
            folder = run.workspace if run else ""
            covered = typed_pattern(request.tool_name, pattern, request.arguments, folder)
        decided = await runner.decide(
            approval_id,
            decision,
            args_sha=request.args_sha,
            reason=reason,
            scope=always or "once",
            pattern=covered,
        )
        doc = approval_doc(decided)
        doc |= {
            "decided_by": decided.decided_by,
            "decided_at_ms": decided.decided_at_ms,
            "reason": decided.decision_reason,
            "scope": decided.scope,
        }
        if always is not None:
            doc["pattern"] = covered.to_json() if covered else None
        return doc, run.state if run else ""


def _require_fitting(request: ApprovalRecord, decision: DecisionText) -> None:
    if request.status != "pending":
        return  # deciding says who was faster
    settles = decision in ("run_again", "happened", "skip")
    if request.kind == "uncertain" and not settles:
        raise GatewayError(
            f"Request {request.approval_id} is about a call whose outcome is unknown: {request.reason} "
            f"Say what to do: afk-tui settle {request.approval_id} again|happened|skip"
        )
    if request.kind == "call" and settles:
        raise GatewayError(
            f"Request {request.approval_id} is about a call that was not made yet. "
            f"Decide it with: afk-tui approve {request.approval_id}, or afk-tui deny {request.approval_id}"
        )


# shapes


def approval_doc(request: ApprovalRecord) -> Doc:
    """A request in the shape of `approvals --json`."""
    return {
        "approval_id": request.approval_id,
        "run_id": request.run_id,
        "thread_id": request.thread_id,
        "kind": request.kind,
        "tool_name": request.tool_name,
        "arguments": request.arguments,
        "args_sha": request.args_sha,
        "agent_path": request.agent_path,
        "requested_at_ms": request.requested_at_ms,
        "status": request.status,
    }


def run_doc(run: RunRecord) -> Doc:
    """A run in the shape of `runs --json`."""
    return {
        "run_id": run.run_id,
        "thread_id": run.thread_id,
        "parent_run_id": run.parent_run_id,
        "state": run.state,
        "interruption": run.interruption,
        "agent_name": run.agent_name,
        "model": run.model,
        "workspace": run.workspace,
        "step": run.step,
        "usage": run.usage,
        "created_at_ms": run.created_at_ms,
        "updated_at_ms": run.updated_at_ms,
    }


async def require_thread(store: MemoryStore, thread_id: str) -> None:
    """Raises GatewayError for a thread that is not there."""
    if await store.get_thread(thread_id) is None:
        raise GatewayError(f"No thread {thread_id!r} in this store. List what there is with: afk-tui threads")


def _folder(workspace: Path | None) -> str | None:
    return None if workspace is None else str(workspace.expanduser().resolve())
