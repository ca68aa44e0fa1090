"""The gateway's part about requests: what waits, what it would do, and what a person decides."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from textual.message import Message

from afk.agents.agent import Agent
from afk.core.runner import Runner
from afk.memory.grants import GrantPattern
from afk.memory.records import ApprovalRecord, DecisionText, Scope
from afk.memory.store import MemoryStore
from afk_tui.gateway import messages
from afk_tui.gateway.clean import clean
from afk_tui.gateway.editing import fields_of, weighed
from afk_tui.gateway.errors import told, unless_busy
from afk_tui.gateway.grants import GrantRow
from afk_tui.gateway.grants import row_of as grant_row
from afk_tui.gateway.requests import read_typed, request_title, still_shown, waiting_row, what_is_known
from afk_tui.gateway.requests import view_of as request_view
from afk_tui.gateway.settings import Engine
from afk_tui.gateway.views import ApprovalView, ArgumentField, PatternChoice, WaitingRow
from afk_tui.gateway.watch import Watch


class Deciding:
    """Everything raises GatewayError."""

    _engine: Engine
    _runner: Runner
    _store: MemoryStore
    _agent: Agent
    _watch: Watch
    _edits: dict[str, dict[str, Any] | None]
    """What was edited in a request that is not decided yet; None: nothing any more."""

    def _post(self, message: Message) -> None:
        raise NotImplementedError

    async def resume(self, thread_id: str, *, take_over: bool = False) -> None:
        """Go on with the thread's last run."""
        raise NotImplementedError

    # what waits

    async def requests(self, thread_id: str | None = None) -> list[ApprovalView]:
        """What waits for a decision, the oldest first; of one thread, or of all. What was edited in it comes with the
        edit, and a call that was allowed with other arguments, and is asked about again, with those."""
        with told():
            waiting = await self._store.list_approvals(thread_id=thread_id, pending_only=True)
            return [
                await self._request(a, n + 1, len(waiting), await self._edit_of(a))
                for n, a in enumerate(waiting)
            ]

    async def waiting(self) -> list[WaitingRow]:
        """What waits for a decision in every thread, the oldest first, without reading what would be changed."""
        with told():
            waiting = await self._store.list_approvals(pending_only=True)
            threads = {a.thread_id: await self._store.get_thread(a.thread_id) for a in waiting}
        return [waiting_row(a, threads[a.thread_id]) for a in waiting]

    async def waiting_titles(self, thread_id: str | None = None) -> list[str]:
        """The same in one line each."""
        with told():
            waiting = await self._store.list_approvals(thread_id=thread_id, pending_only=True)
        if thread_id is not None:
            self._watch.shown(waiting)
        return [request_title(a.tool_name, a.arguments) for a in waiting]

    async def waiting_calls(self) -> list[tuple[str, str]]:
        """The id of each request in any thread, and its call in one line."""
        with told():
            waiting = await self._store.list_approvals(pending_only=True)
        return [(a.approval_id, request_title(a.tool_name, a.arguments)) for a in waiting]

    async def thread_of_request(self, approval_id: str) -> str | None:
        """The thread of a request, or None where there is no such request."""
        with told():
            waiting = await self._store.list_approvals(pending_only=True)
        return next((a.thread_id for a in waiting if a.approval_id == approval_id), None)

    # what it would do

    async def known_now(self, request: ApprovalView) -> str:
        """What is known at this moment of a call of unknown outcome: its process may have ended since it was shown."""
        with told():
            approval = await self._store.get_approval(request.approval_id)
            run = await self._store.get_run(approval.run_id)
            return clean(await self._known(approval, run.step if run else 0))

    async def request_now(self, request: ApprovalView) -> ApprovalView:
        """The same request, with its edited arguments, against the files as they are at this moment."""
        with told():
            approval = await self._store.get_approval(request.approval_id)
            return await self._request(approval, request.position, request.total, request.edited)

    async def is_as_shown(self, request: ApprovalView) -> bool:
        """Whether what the call would change is still what the request shows."""
        if request.shown is None:
            return True
        with told():
            approval = await self._store.get_approval(request.approval_id)
            run = await self._store.get_run(approval.run_id)
        if run is None:
            return True
        arguments = approval.arguments if request.edited is None else request.edited
        return await asyncio.to_thread(
            still_shown, approval.tool_name, arguments, run.workspace, request.shown, self._store.is_own_file
        )

    async def argument_fields(self, request: ApprovalView) -> list[ArgumentField]:
        """The request's arguments, as they are now, to be edited."""
        with told():
            approval = await self._store.get_approval(request.approval_id)
        return fields_of(approval, request.edited)

    async def edited(self, request: ApprovalView, fields: Sequence[ArgumentField]) -> ApprovalView:
        """The request as a yes to it with what these fields hold would be executed, the tool's schema and the rules of
        the person's own being asked. Nothing is recorded. Raises ArgumentProblems, which says what is wrong where."""
        with told():
            approval = await self._store.get_approval(request.approval_id)
            before = await self._edit_of_before(approval)
        arguments = await weighed(self._runner, self._agent, approval, fields)
        # what the model asked for is an edit too where an earlier edit would come in its place
        is_edit = arguments != approval.arguments or before is not None
        changed: dict[str, Any] | None = arguments if is_edit else None
        self._edits[request.approval_id] = changed
        return await self.request_now(replace(request, edited=changed))

    async def _request(
        self, approval: ApprovalRecord, position: int, total: int, edited: dict[str, Any] | None = None
    ) -> ApprovalView:
        run = await self._store.get_run(approval.run_id)
        thread = await self._store.get_thread(approval.thread_id)
        known = await self._known(approval, run.step if run else 0)
        return await asyncio.to_thread(
            request_view,
            approval,
            known,
            run.workspace if run else str(self._engine.workspace),
            thread.title if thread else "",
            position,
            total,
            self._store.is_own_file,
            edited,
        )

    async def _edit_of(self, approval: ApprovalRecord) -> dict[str, Any] | None:
        if approval.approval_id in self._edits:
            return self._edits[approval.approval_id]
        return await self._edit_of_before(approval)

    async def _edit_of_before(self, approval: ApprovalRecord) -> dict[str, Any] | None:
        """The arguments that a person allowed this call with before. That yes no longer held, because what it would
        change was not what had been shown; what the person wrote is not lost with it."""
        if approval.kind != "call":
            return None
        asked = (await self._store.requests_of([approval.effect_id])).get(approval.effect_id, [])
        before = (one.edited_arguments for one in reversed(asked) if one.approval_id != approval.approval_id)
        return next((edited for edited in before if edited is not None), None)

    async def _known(self, approval: ApprovalRecord, step: int) -> str:
        if approval.kind != "uncertain":
            return ""
        calls = await self._store.read_calls(approval.run_id, step)
        effect = next((e for e, _ in calls if e.effect_id == approval.effect_id), None)
        return "" if effect is None else what_is_known(effect, await self._store.call_trace(effect))

    # what is decided

    async def decide(
        self,
        request: ApprovalView,
        decision: DecisionText,
        *,
        reason: str | None = None,
        output: str | None = None,
        scope: Scope = "once",
        pattern: PatternChoice | None = None,
    ) -> None:
        """Record a decision about exactly what was shown, and go on with the run. Raises GatewayError, of kind
        "decided" with who, when and what, where somebody was faster."""
        self._watch.forget(request.approval_id)
        with told():
            await self._runner.decide(
                request.approval_id,
                decision,
                args_sha=request.args_sha,
                arguments=request.edited if decision == "allow" else None,
                reason=reason,
                output=output,
                scope=scope,
                pattern=GrantPattern(request.tool_name, pattern.kind, pattern.value) if pattern else None,
                shown=request.shown,
            )
        self._edits.pop(request.approval_id, None)
        self._post(messages.RequestsChanged(request.thread_id))
        with unless_busy():  # another process may have been faster to go on
            await self.resume(request.thread_id)

    async def typed_pattern(self, request: ApprovalView, text: str) -> PatternChoice:
        """What a person wrote, as a pattern that a yes to this request may be remembered by. Raises GatewayError, which
        says what is wrong with it."""
        with told():
            return await read_typed(self._store, request, text)

    # what is always allowed

    async def grants(self) -> list[GrantRow]:
        """What is always allowed, in every workspace, the newest first."""
        with told():
            return [grant_row(grant) for grant in await self._runner.list_grants()]

    async def revoke_grant(self, grant_id: str) -> None:
        """Take a grant back; on return that is on disk, and no call begins on the strength of it any more."""
        with told():
            await self._runner.revoke_grant(grant_id)
