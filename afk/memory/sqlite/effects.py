"""Boundaries A, I and B: the model answered, a call is about to act, a call ended."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Sequence

from afk.agents.errors import RunFencedError
from afk.memory.records import (
    ApprovalRecord,
    CallResult,
    EffectPhase,
    EffectRecord,
    Progress,
    ProposedCall,
    Request,
    RunKey,
    RunStop,
)
from afk.memory.sqlite.grants import note_use
from afk.memory.sqlite.naming import NUMBER, OF_CALL, place_of
from afk.memory.sqlite.open_work import open_work
from afk.memory.sqlite.outputs import add_result
from afk.memory.sqlite.rows import approval_of, dump, effect_of, effect_row_of, packed
from afk.memory.sqlite.runs import write_stop
from afk.memory.sqlite.writing import (
    add_event,
    add_message,
    add_request,
    require_epoch,
    reserve,
    step_on,
    write_checkpoint,
)


def record_answer(
    db: sqlite3.Connection,
    key: RunKey,
    text: str,
    tool_calls: Sequence[dict[str, str]],
    calls: Sequence[ProposedCall],
    progress: Progress,
    telemetry: dict[str, object],
    stop: RunStop | None,
    new_id: Callable[[str], str],
    now_ms: int,
) -> tuple[int, tuple[EffectRecord, ...]]:
    """Boundary A: the answer, a reserved place for each result, the calls as effects, the requests, a checkpoint;
    with `stop` the end of the run too. Returns the answer's place and the effects in the order of the calls."""
    run = step_on(db, key, progress, now_ms)
    seq = reserve(db, key.transcript_id, 1 + len(calls), now_ms)
    answered = list(tool_calls)
    add_message(
        db, key.transcript_id, key.run_id, seq, "assistant", text, now_ms, tool_calls=answered, count=False
    )
    effects: list[EffectRecord] = []
    for position, call in enumerate(calls):
        settled = call.result
        row = db.execute(
            "INSERT INTO effect_row (run, step, position, thread, call_id, tool_name, effect, arguments, args_sha,"
            " idempotency_key, phase, attempt, epoch, result_seq, allowed_by, finished_at_ms)"
            f" VALUES (?, ?, ?, {NUMBER}, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?) RETURNING *",
            (
                run["n"],
                progress.step,
                position,
                key.transcript_id,
                call.call_id,
                call.tool_name,
                call.effect,
                dump(call.arguments),
                packed(call.args_sha),
                packed(new_id("idem"), "idem_"),
                settled.phase if settled else "proposed",
                key.epoch,
                seq + 1 + position,
                call.allowed_by,
                now_ms if settled else None,
            ),
        ).fetchone()
        effect = effect_row_of(row, key)
        if settled:
            add_result(db, effect, settled, now_ms, count=False)
        elif call.request:
            effect = add_request(db, effect, call.request, new_id("apr"), now_ms)
        effects.append(effect)
    phase = "answer" if calls else "final"
    open_calls = [e.call_id for e in effects if e.finished_at_ms is None]
    write_checkpoint(
        db,
        run,
        key.thread_id,
        progress.step,
        phase,
        {"open_calls": open_calls},
        now_ms,
        progress=progress,
        uncounted=1 + len(effects) - len(open_calls),
    )
    add_event(db, key.thread_id, key.run_id, "llm_call", dict(telemetry), now_ms)
    if stop:
        write_stop(db, key, stop, now_ms)
    return seq, tuple(effects)


def begin_effect(
    db: sqlite3.Connection,
    key: RunKey,
    effect_id: str,
    arguments: dict[str, object],
    args_sha: str,
    known_absent: bool,
    decided_sha: str,
    now_ms: int,
) -> EffectRecord | None:
    """Boundary I: the intent to act, by one compare-and-set. None when no row fits it: then nothing may be called.

    The row fits when this epoch owns the run; when the call is `proposed`, or was left `executing` by an earlier
    epoch (and may be repeated, or is `known_absent`), or a person said "run it again"; and when it needed no
    approval or has one that was given for exactly these arguments, has not expired and was not used before (it is
    now). Where nobody was asked and a grant answered, that grant still stands, for this tool, in this thread or
    workspace; its use is an event.
    """
    run = require_epoch(db, key)
    run_id, step, position = place_of(effect_id)
    row = db.execute(
        """
        UPDATE effect_row SET phase = 'executing', attempt = attempt + 1, epoch = :epoch, arguments = :arguments,
               args_sha = :args_sha, started_at_ms = :now, owner = :owner, process_id = :process_id
        WHERE run = :run AND step = :step AND position = :position AND finished_at_ms IS NULL
          AND (phase IN ('proposed', 'uncertain')
               OR (phase = 'executing' AND epoch < :epoch AND (effect != 'once' OR :known_absent)))
          AND (
            CASE WHEN approval_id IS NULL
            THEN args_sha = :packed_sha AND allowed_by IS NOT NULL AND phase != 'uncertain'
            ELSE EXISTS (
                SELECT 1 FROM approval a WHERE a.id = effect_row.approval_id
                  AND a.status = CASE a.kind WHEN 'uncertain' THEN 'run_again' ELSE 'allowed' END
                  AND coalesce(a.edited_sha, a.args_sha) = :decided_sha
                  AND (
                    (a.consumed_at_ms IS NULL AND (a.expires_at_ms IS NULL OR a.expires_at_ms > :now))
                    OR effect_row.phase = 'executing')
            ) END
          )
          AND (approval_id IS NOT NULL OR allowed_by NOT LIKE 'grant:%' OR EXISTS (
                SELECT 1 FROM approval_grant g WHERE g.id = substr(effect_row.allowed_by, 7) AND g.revoked_at_ms IS NULL
                  AND g.tool_name = effect_row.tool_name
                  AND g.scope_key = CASE g.scope WHEN 'thread' THEN :thread_id ELSE :workspace END))
        RETURNING *
        """,
        {
            "run": run["n"] if run_id == key.run_id else None,
            "step": step,
            "position": position,
            "thread_id": key.thread_id,
            "workspace": run["workspace"],
            "epoch": key.epoch,
            "arguments": dump(arguments),
            "args_sha": packed(args_sha),
            "known_absent": known_absent,
            "decided_sha": decided_sha,
            "packed_sha": packed(decided_sha),
            "owner": run["owner"],
            "process_id": os.getpid(),
            "now": now_ms,
        },
    ).fetchone()
    if row is None:
        return None
    if row["approval_id"]:
        db.execute(
            "UPDATE approval SET consumed_at_ms = ? WHERE id = ? AND consumed_at_ms IS NULL",
            (now_ms, row["approval_id"]),
        )
    effect = effect_row_of(row, key)
    note_use(db, key.thread_id, effect, now_ms)
    return effect


def withdraw_effect(db: sqlite3.Connection, key: RunKey, effect_id: str) -> None:
    """Undo a boundary I whose call was never made: this same owner was stopped in between. Its approval is unused."""
    require_epoch(db, key)
    row = db.execute(
        "UPDATE effect_row SET attempt = attempt - 1, started_at_ms = NULL, owner = NULL, process_id = NULL,"
        " phase = CASE WHEN EXISTS"
        " (SELECT 1 FROM approval a WHERE a.id = effect_row.approval_id AND a.kind = 'uncertain')"
        f" THEN 'uncertain' ELSE 'proposed' END WHERE {OF_CALL} AND phase = 'executing' AND epoch = ?"
        " RETURNING approval_id",
        (*place_of(effect_id), key.epoch),
    ).fetchone()
    if row is not None:
        db.execute("UPDATE approval SET consumed_at_ms = NULL WHERE id = ?", (row["approval_id"],))


def record_result(
    db: sqlite3.Connection,
    key: RunKey,
    effect_id: str,
    result: CallResult,
    from_phases: Sequence[EffectPhase],
    progress: Progress,
    duration_ms: int,
    now_ms: int,
) -> EffectRecord:
    """Boundary B: the result in its reserved place, the effect settled, a checkpoint. The request that decided it,
    if it was not used by I, is used now (a denial, an answer in the tool's place)."""
    run = step_on(db, key, progress, now_ms)
    marks = ", ".join("?" * len(from_phases))
    run_id, step, position = place_of(effect_id)
    row = db.execute(
        "UPDATE effect_row SET phase = ?, finished_at_ms = ?, owner = NULL, process_id = NULL"
        " WHERE run = ? AND step = ? AND position = ? AND finished_at_ms IS NULL"
        f" AND phase IN ({marks}) RETURNING *",
        (result.phase, now_ms, run["n"] if run_id == key.run_id else None, step, position, *from_phases),
    ).fetchone()
    if row is None:
        raise RunFencedError(
            f"The outcome of call {effect_id} was recorded before, so this one is refused. "
            "Open the thread again to see how it stands."
        )
    effect = effect_row_of(row, key)
    add_result(db, effect, result, now_ms, count=False)
    if row["approval_id"]:
        db.execute(
            "UPDATE approval SET consumed_at_ms = coalesce(consumed_at_ms, ?) WHERE id = ?",
            (now_ms, row["approval_id"]),
        )
    state = open_work(db, key.run_id, row["step"])
    write_checkpoint(
        db, run, key.thread_id, row["step"], "result", state, now_ms, progress=progress, uncounted=1
    )
    add_event(
        db,
        key.thread_id,
        key.run_id,
        "tool_finished",
        {
            "call_id": row["call_id"],
            "tool": row["tool_name"],
            "phase": result.phase,
            "attempt": row["attempt"],
            "duration_ms": duration_ms,
        },
        now_ms,
    )
    return effect


def ask_about(
    db: sqlite3.Connection,
    key: RunKey,
    effect_id: str,
    request: Request,
    new_id: Callable[[str], str],
    now_ms: int,
) -> tuple[EffectRecord, str]:
    """Ask a person about a call: again (kind call), or because its outcome is unknown (it becomes `uncertain`).
    Returns the effect and the new request's id."""
    require_epoch(db, key)
    phase = "uncertain" if request.kind == "uncertain" else "proposed"
    row = db.execute(
        f"UPDATE effect_row SET phase = ?, epoch = ? WHERE {OF_CALL} RETURNING *",
        (phase, key.epoch, *place_of(effect_id)),
    ).fetchone()
    db.execute(
        "UPDATE approval SET status = 'closed' WHERE id = ? AND status = 'pending'", (row["approval_id"],)
    )
    approval_id = new_id("apr")
    return add_request(db, effect_row_of(row, key), request, approval_id, now_ms), approval_id


def read_calls(
    db: sqlite3.Connection, run_id: str, step: int
) -> list[tuple[EffectRecord, ApprovalRecord | None]]:
    """The effects of a step with the current request of each (or None), as they stand now."""
    found: list[tuple[EffectRecord, ApprovalRecord | None]] = []
    for row in db.execute(
        "SELECT * FROM effect WHERE run_id = ? AND step = ? ORDER BY position", (run_id, step)
    ):
        request = (
            db.execute("SELECT * FROM approval WHERE id = ?", (row["approval_id"],)).fetchone()
            if row["approval_id"]
            else None
        )
        found.append((effect_of(row), approval_of(request) if request else None))
    return found
