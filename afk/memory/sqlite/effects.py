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
from afk.memory.sqlite.open_work import open_work
from afk.memory.sqlite.outputs import add_result
from afk.memory.sqlite.rows import approval_of, dump, effect_of
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
        effect_id = new_id("eff")
        settled = call.result
        row = db.execute(
            "INSERT INTO effect (id, run_id, thread_id, call_id, step, position, tool_name, effect, arguments,"
            " args_sha, idempotency_key, phase, attempt, epoch, result_seq, allowed_by, finished_at_ms)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?) RETURNING *",
            (
                effect_id,
                key.run_id,
                key.transcript_id,
                call.call_id,
                progress.step,
                position,
                call.tool_name,
                call.effect,
                dump(call.arguments),
                call.args_sha,
                new_id("idem"),
                settled.phase if settled else "proposed",
                key.epoch,
                seq + 1 + position,
                call.allowed_by,
                now_ms if settled else None,
            ),
        ).fetchone()
        if settled:
            add_result(db, row, settled, now_ms, count=False)
        elif call.request:
            add_request(db, row, call.request, new_id("apr"), now_ms)
            row = db.execute("SELECT * FROM effect WHERE id = ?", (effect_id,)).fetchone()
        effects.append(effect_of(row))
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
    run = require_epoch(db, key, now_ms)
    row = db.execute(
        """
        UPDATE effect SET phase = 'executing', attempt = attempt + 1, epoch = :epoch, arguments = :arguments,
               args_sha = :args_sha, started_at_ms = :now
        WHERE id = :id AND run_id = :run_id AND finished_at_ms IS NULL
          AND (phase IN ('proposed', 'uncertain')
               OR (phase = 'executing' AND epoch < :epoch AND (effect != 'once' OR :known_absent)))
          AND (
            CASE WHEN approval_id IS NULL
            THEN args_sha = :decided_sha AND allowed_by IS NOT NULL AND phase != 'uncertain'
            ELSE EXISTS (
                SELECT 1 FROM approval a WHERE a.id = effect.approval_id
                  AND a.status = CASE a.kind WHEN 'uncertain' THEN 'run_again' ELSE 'allowed' END
                  AND coalesce(a.edited_sha, a.args_sha) = :decided_sha
                  AND (
                    (a.consumed_at_ms IS NULL AND (a.expires_at_ms IS NULL OR a.expires_at_ms > :now))
                    OR effect.phase = 'executing')
            ) END
          )
          AND (approval_id IS NOT NULL OR allowed_by NOT LIKE 'grant:%' OR EXISTS (
                SELECT 1 FROM approval_grant g WHERE g.id = substr(effect.allowed_by, 7) AND g.revoked_at_ms IS NULL
                  AND g.tool_name = effect.tool_name AND g.scope_key = CASE g.scope WHEN 'thread'
                      THEN :thread_id ELSE (SELECT workspace FROM run WHERE id = effect.run_id) END))
        RETURNING *
        """,
        {
            "id": effect_id,
            "run_id": key.run_id,
            "thread_id": key.thread_id,
            "epoch": key.epoch,
            "arguments": dump(arguments),
            "args_sha": args_sha,
            "known_absent": known_absent,
            "decided_sha": decided_sha,
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
    note_use(db, key.thread_id, row, now_ms)
    add_event(
        db,
        key.thread_id,
        key.run_id,
        "tool_started",
        {
            "call_id": row["call_id"],
            "tool": row["tool_name"],
            "attempt": row["attempt"],
            "owner": run["owner"],
            "process_id": os.getpid(),
        },
        now_ms,
    )
    return effect_of(row)


def withdraw_effect(db: sqlite3.Connection, key: RunKey, effect_id: str, now_ms: int) -> None:
    """Undo a boundary I whose call was never made: this same owner was stopped in between. Its approval is unused."""
    require_epoch(db, key, now_ms)
    row = db.execute(
        "SELECT * FROM effect WHERE id = ? AND phase = 'executing' AND epoch = ?", (effect_id, key.epoch)
    ).fetchone()
    if row is None:
        return
    db.execute(
        "UPDATE effect SET attempt = attempt - 1, started_at_ms = NULL, phase = CASE WHEN EXISTS"
        " (SELECT 1 FROM approval a WHERE a.id = effect.approval_id AND a.kind = 'uncertain')"
        " THEN 'uncertain' ELSE 'proposed' END WHERE id = ?",
        (effect_id,),
    )
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
    row = db.execute(
        f"UPDATE effect SET phase = ?, finished_at_ms = ? WHERE id = ? AND run_id = ? AND finished_at_ms IS NULL"
        f" AND phase IN ({marks}) RETURNING *",
        (result.phase, now_ms, effect_id, key.run_id, *from_phases),
    ).fetchone()
    if row is None:
        raise RunFencedError(
            f"The outcome of call {effect_id} was recorded before, so this one is refused. "
            "Open the thread again to see how it stands."
        )
    add_result(db, row, result, now_ms, count=False)
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
    return effect_of(row)


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
    require_epoch(db, key, now_ms)
    phase = "uncertain" if request.kind == "uncertain" else "proposed"
    db.execute("UPDATE effect SET phase = ?, epoch = ? WHERE id = ?", (phase, key.epoch, effect_id))
    row = db.execute("SELECT * FROM effect WHERE id = ?", (effect_id,)).fetchone()
    db.execute(
        "UPDATE approval SET status = 'closed' WHERE id = ? AND status = 'pending'", (row["approval_id"],)
    )
    approval_id = new_id("apr")
    add_request(db, row, request, approval_id, now_ms)
    return effect_of(db.execute("SELECT * FROM effect WHERE id = ?", (effect_id,)).fetchone()), approval_id


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
