"""What a runner does beside running: deciding, looking, keeping the store small."""

from __future__ import annotations

from typing import Any

from afk.agents.agent import Agent
from afk.agents.errors import AgentConfigurationError, AgentRunBusyError
from afk.agents.policy import Policy
from afk.core.editing import weigh_edit
from afk.core.grant_patterns import check_pattern
from afk.core.handle import AgentRunHandle
from afk.core.inputs import require_id, this_person
from afk.core.judge import call_sha
from afk.memory.deletion import ThreadDeletion
from afk.memory.grants import GrantPattern
from afk.memory.records import (
    ApprovalRecord,
    CheckpointRecord,
    Decision,
    DecisionText,
    GrantRecord,
    RunRecord,
    Scope,
    ThreadRecord,
)
from afk.memory.retention import MemoryCompactionResult, RetentionPolicy, StateRetentionPolicy
from afk.memory.store import CompactionProgress, MemoryStore
from afk.outputs import OutputSlice


class Desk:
    """The part of a Runner that needs no agent and no model: it reads and writes the store, whoever runs."""

    _workspace: str
    _policy: Policy
    _handles: dict[str, AgentRunHandle]

    async def _store(self) -> MemoryStore:
        raise NotImplementedError

    # deciding

    async def decide(
        self,
        approval_id: str,
        decision: DecisionText,
        *,
        args_sha: str,
        arguments: dict[str, Any] | None = None,
        reason: str | None = None,
        output: str | None = None,
        scope: Scope = "once",
        pattern: GrantPattern | None = None,
        shown: str | None = None,
        by: str | None = None,
    ) -> ApprovalRecord:
        """Record a decision, once. What is executed is what `args_sha`, the hash the request carries, stands for.

        allow (with `arguments`: edited ones, in the tool's schema; with `scope` "thread" or "workspace": the very
        same call, or those that `pattern` covers, are allowed there from now on), deny, respond (`output` stands in
        the tool's place); for a call of unknown outcome run_again, happened, skip. `shown` is the fingerprint of a
        preview (`afk.tools.preview`): where what the call would change is something else by the time it is made, it
        is not made, and asked about anew; without one nothing is compared. A run that waits in this process
        goes on; any other when it is resumed. Raises ApprovalAlreadyDecidedError (with who and when),
        ApprovalExpiredError, ApprovalStaleError, ApprovalNotFoundError, AgentConfigurationError (a pattern that does
        not cover the call). On return the decision is on disk; if cancelled, it is whole or absent.
        """
        require_id("approval_id", approval_id)
        if arguments is not None and decision != "allow":
            raise AgentConfigurationError("Edited arguments go with the decision 'allow' only.")
        if (output is not None) != (decision == "respond"):
            raise AgentConfigurationError("The decision 'respond' needs an output, and only it has one.")
        if scope != "once" and decision != "allow":
            raise AgentConfigurationError(
                "Only the decision 'allow' can be remembered; leave scope at 'once'."
            )
        if pattern is not None and pattern.kind == "call":
            pattern = None
        if pattern is not None and scope == "once":
            raise AgentConfigurationError("A pattern is remembered; give it a scope, thread or workspace.")
        store = await self._store()
        edited_sha = None
        if arguments is not None or pattern is not None:
            request = await store.get_approval(approval_id)
            run = await store.get_run(request.run_id)
            workspace = run.workspace if run else self._workspace
            if arguments is not None:
                edited_sha = call_sha(request.tool_name, arguments, workspace)
            if pattern is not None:
                allowed = request.arguments if arguments is None else arguments
                check_pattern(pattern, request.tool_name, allowed, workspace)
        decided = await store.decide(
            approval_id,
            Decision(
                decision=decision,
                args_sha=args_sha,
                by=by or this_person(),
                arguments=arguments,
                edited_sha=edited_sha,
                reason=reason,
                output=output,
                scope=scope,
                pattern=pattern,
                shown=shown,
            ),
        )
        for handle in self._handles.values():
            if handle.thread_id == decided.thread_id:  # the run that asked may be inside the one that is held
                handle.signals.decided.set()
        return decided

    async def weigh_edit(self, agent: Agent, approval_id: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """The arguments as a yes to this request with them would execute them: what the tool of `agent`, or of the
        subagent that asks, makes of them. Nothing is recorded, and both the schema and the rules are asked again before
        the call is made. Raises ToolArgumentsError, with the places of what is wrong, ApprovalNotFoundError, and
        AgentConfigurationError for what a rule denies or a tool that is gone."""
        request = await (await self._store()).get_approval(approval_id)
        return weigh_edit(agent, self._policy, request, arguments)

    async def revoke_grant(self, grant_id: str, *, by: str | None = None) -> GrantRecord:
        """Take a grant back; on return that is on disk, and no call begins on the strength of it any more, in no
        process. Of one that was taken back before, how it stands. Raises GrantNotFoundError."""
        require_id("grant_id", grant_id)
        return await (await self._store()).revoke_grant(grant_id, by or this_person())

    # looking

    async def list_grants(
        self, *, thread_id: str | None = None, workspace: str | None = None, revoked_too: bool = False
    ) -> list[GrantRecord]:
        """What is always allowed, the newest first; given in one thread or workspace, or all."""
        store = await self._store()
        return await store.list_grants(thread_id=thread_id, workspace=workspace, revoked_too=revoked_too)

    async def list_threads(
        self, *, workspace: str | None = None, offset: int = 0, limit: int = 200
    ) -> list[ThreadRecord]:
        """Threads, the pinned ones first, then the one touched last first; of one workspace, or all."""
        return await (await self._store()).list_threads(workspace=workspace, offset=offset, limit=limit)

    async def list_runs(
        self, thread_id: str | None = None, *, offset: int = 0, limit: int = 200
    ) -> list[RunRecord]:
        """Runs, the newest first; of one thread, or all."""
        return await (await self._store()).list_runs(thread_id, offset=offset, limit=limit)

    async def list_checkpoints(
        self, thread_id: str, *, offset: int = 0, limit: int = 200
    ) -> list[CheckpointRecord]:
        """Checkpoints of a thread, the newest first."""
        require_id("thread_id", thread_id)
        return await (await self._store()).list_checkpoints(thread_id, offset=offset, limit=limit)

    async def list_approvals(
        self, *, thread_id: str | None = None, run_id: str | None = None, pending_only: bool = True
    ) -> list[ApprovalRecord]:
        """Requests, the oldest first; those that wait, or all."""
        return await (await self._store()).list_approvals(
            thread_id=thread_id, run_id=run_id, pending_only=pending_only
        )

    async def read_output(self, output_sha: str, *, offset: int = 0, chars: int = 1 << 16) -> OutputSlice:
        """Up to `chars` characters of a call's whole result, from the place `offset` (from 0) on; "" beyond its end.
        The hash is that of a `ToolExecution`. Raises StoreError where it is not kept here (its thread was deleted),
        or is damaged."""
        require_id("output_sha", output_sha)
        return await (await self._store()).read_output(output_sha, offset, chars)

    # deleting

    async def delete_thread(
        self, thread_id: str, *, keep: bool = False, dry_run: bool = False
    ) -> ThreadDeletion:
        """Delete a thread and all that belongs to it; what went. What forks of it read stays readable in them.

        On return it is in no list any more, on disk; if cancelled, it is either whole or that too, and what is left of
        it goes with the next deletion or compaction. With `keep` its rows stay for as long as this runner's store is
        open, so that `restore_thread` can undo it. `dry_run` counts only. Raises ThreadNotFoundError, and
        AgentRunBusyError while a run of it is live here or in another process.
        """
        require_id("thread_id", thread_id)
        for handle in self._handles.values():
            if handle.thread_id == thread_id and not dry_run:
                raise AgentRunBusyError(
                    f"Thread {thread_id!r} can't be deleted: its run {handle.run_id} goes on here, in this process. "
                    "Stop it first.",
                    run_id=handle.run_id,
                    owner=(await self._store()).owner_id,
                )
        return await (await self._store()).delete_thread(thread_id, keep=keep, dry_run=dry_run)

    async def restore_thread(self, thread_id: str) -> None:
        """Undo the deletion of a thread that was deleted with `keep`. Raises ThreadNotFoundError once that is too
        late."""
        require_id("thread_id", thread_id)
        await (await self._store()).restore_thread(thread_id)

    async def remove_deleted(self, *, kept_here: bool = False) -> int:
        """Remove what is left of threads that were deleted before, with `kept_here` also of those that this runner's
        store keeps; the bytes given back."""
        return await (await self._store()).remove_deleted(kept_here=kept_here)

    # keeping it small

    async def compact_thread(
        self,
        *,
        thread_id: str,
        event_policy: RetentionPolicy | None = None,
        state_policy: StateRetentionPolicy | None = None,
        dry_run: bool = False,
        progress: CompactionProgress | None = None,
    ) -> MemoryCompactionResult:
        """Remove a thread's old records. A policy left out leaves its dimension alone; messages are never removed,
        nor anything that an unfinished run needs. `dry_run` counts only. If cancelled, what was removed stays
        removed, and the rest can be removed by running it again."""
        require_id("thread_id", thread_id)
        store = await self._store()
        return await store.compact(thread_id, event_policy, state_policy, dry_run=dry_run, progress=progress)
