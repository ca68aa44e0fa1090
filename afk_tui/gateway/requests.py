"""A request for a decision, as it is shown: everything that would be executed, and what is known."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

from afk.core.grant_patterns import suggestions, typed_pattern
from afk.memory.records import ApprovalRecord, CallTrace, EffectRecord, ThreadRecord
from afk.memory.store import MemoryStore
from afk.tools.confinement import OffLimits
from afk.tools.preview import Preview, basis_of_call, preview_call
from afk_tui.gateway.clean import clean, clean_exact, clean_line, mark_count
from afk_tui.gateway.grants import pattern_text
from afk_tui.gateway.items import call_title
from afk_tui.gateway.lookalikes import mark_lookalikes, plainly_written
from afk_tui.gateway.views import ApprovalView, PatternChoice, WaitingRow


def view_of(
    approval: ApprovalRecord,
    known: str,
    workspace: str,
    thread_title: str,
    position: int,
    total: int,
    off_limits: OffLimits,
    edited: dict[str, Any] | None = None,
) -> ApprovalView:
    """Blocking: reads the file that a write would change, to show the difference to how it is now. `known`: see
    `what_is_known`; "" for a call that was not made yet. `edited`: show these arguments instead."""
    arguments = approval.arguments if edited is None else edited
    preview = preview_call(approval.tool_name, arguments, Path(workspace), off_limits)
    text, lookalikes = exact_text(preview)
    return ApprovalView(
        approval_id=approval.approval_id,
        run_id=approval.run_id,
        thread_id=approval.thread_id,
        thread_title=clean_line(thread_title),
        call_id=approval.call_id,
        kind=approval.kind,
        tool_name=clean_line(approval.tool_name),
        agent_path=clean_line(approval.agent_path),
        reason=clean(approval.reason),
        args_sha=approval.args_sha,
        preview_kind=preview.kind,
        preview=text,
        preview_note=clean(preview.note),
        language=preview.language,
        workspace=clean_line(workspace),
        requested_at_ms=approval.requested_at_ms,
        status=approval.status,
        position=position,
        total=total,
        marks=mark_count(preview.text),
        lookalikes=lookalikes,
        known=known,
        patterns=_patterns(approval, arguments, workspace),
        title=request_title(approval.tool_name, arguments),
        edited=edited,
        file=clean_line(preview.file),
        shown=preview.fingerprint,
        effects=tuple(clean_exact(one.replace("\n", "⏎")) for one in preview.warnings),
    )


def request_title(tool_name: str, arguments: dict[str, Any]) -> str:
    """A call that waits in one line, with its look-alikes shown by code point."""
    return mark_lookalikes(call_title(tool_name, arguments), is_command=True)[0]


def still_shown(
    tool_name: str, arguments: dict[str, Any], workspace: str, shown: str, off_limits: OffLimits
) -> bool:
    """Whether a preview made now would be of the same files. Blocking, and cheaper than a preview."""
    return basis_of_call(tool_name, arguments, Path(workspace), off_limits) in (None, shown)


def waiting_row(approval: ApprovalRecord, thread: ThreadRecord | None) -> WaitingRow:
    """A request in one line."""
    return WaitingRow(
        approval_id=approval.approval_id,
        thread_id=approval.thread_id,
        thread_title=clean_line(thread.title) if thread else "",
        title=request_title(approval.tool_name, approval.arguments),
        kind=approval.kind,
        requested_at_ms=approval.requested_at_ms,
        workspace=clean_line(thread.workspace) if thread else "",
    )


def _patterns(
    approval: ApprovalRecord, arguments: dict[str, Any], workspace: str
) -> tuple[PatternChoice, ...]:
    if approval.kind == "uncertain":
        return ()
    return tuple(
        PatternChoice(one.kind, one.value, pattern_text(one.kind, one.value))
        for one in suggestions(approval.tool_name, arguments, workspace)
        if one.kind != "call"
    )


async def read_typed(store: MemoryStore, view: ApprovalView, text: str) -> PatternChoice:
    """A pattern that a person wrote for a request. Raises AgentConfigurationError where it can't be remembered."""
    request = await store.get_approval(view.approval_id)
    arguments = request.arguments if view.edited is None else view.edited
    run = await store.get_run(request.run_id)
    workspace = run.workspace if run else ""
    # a path is looked up on the disk
    pattern = await asyncio.to_thread(typed_pattern, request.tool_name, text, arguments, workspace)
    kind = "path_glob" if pattern.kind == "path_glob" else "command_prefix"
    return PatternChoice(kind, pattern.value, pattern_text(pattern.kind, pattern.value))


def exact_text(preview: Preview) -> tuple[str, int]:
    """What is approved, with a mark for all that could be read as something else; and how many look-alikes of ASCII
    there are among them."""
    if preview.kind == "command":
        text, count = mark_lookalikes(preview.text, is_command=True)
        return clean_exact(text), count
    written = plainly_written(preview.text)
    if preview.kind == "json":
        text, count = mark_lookalikes(preview.text, written)
        return clean_exact(text), count
    lines: list[str] = []
    count = 0
    for number, line in enumerate(preview.text.split("\n")):
        # the first character of a line of a diff is the diff's, and a lone space there is no trailing space
        text, found = (
            mark_lookalikes(line[1:], is_command=True) if number < 2 else mark_lookalikes(line[1:], written)
        )
        lines.append(line[:1] + clean_exact(text))
        count += found
    return "\n".join(lines), count


def what_is_known(effect: EffectRecord, trace: CallTrace) -> str:
    """Of a call of unknown outcome: when it began, with what, on which attempt, and what of it still lives."""
    began = "at an unknown time"
    if effect.started_at_ms:
        began = time.strftime("on %Y-%m-%d at %H:%M:%S", time.localtime(effect.started_at_ms / 1000))
    edited = ", as a person had changed them" if trace.was_edited else ""
    return (
        f"It was begun {began}, on attempt {effect.attempt}, with the arguments below{edited}. "
        f"No outcome was recorded. {_what_lives(trace)}"
    )


def _what_lives(trace: CallTrace) -> str:
    pid = f" (pid {trace.process_id})" if trace.process_id else ""
    group = f" (process group {trace.running_group})" if trace.running_group else ""
    if trace.is_here:
        return (
            f"This app made it, and it is still at work{group}."
            if trace.running_group is not None
            else "This app made it, and nothing of it runs any more."
        )
    match trace.process_lives, trace.running_group is not None:
        case True, True:
            return f"Its process{pid} still runs, and is still at it{group}."
        case True, False:
            return f"Its process{pid} still runs, but nothing of this call does any more."
        case False, True:
            return f"Its process{pid} is gone, but what it started still runs{group}."
        case _:
            return f"Its process{pid} is gone, and nothing of it runs any more."
