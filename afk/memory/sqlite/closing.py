"""Closing a run that was left open, because its conversation goes on with another: no call is left without a result,
and no decision is lost."""

from __future__ import annotations

import sqlite3

from afk.memory.bounding import as_shown
from afk.memory.decided import answered_result, closed_result, decided_result, with_edited_note
from afk.memory.records import ApprovalRecord, CallResult
from afk.memory.sqlite.outputs import add_result
from afk.memory.sqlite.rows import approval_of, dump, effect_of, load_or_none
from afk.memory.sqlite.writing import add_event
from afk.outputs import ResultLimits


def close_run(
    db: sqlite3.Connection, run: sqlite3.Row, by_run_id: str, limits: ResultLimits, now_ms: int
) -> None:
    """Give every open call of a run its result, at its place in the conversation that it is of; close its requests;
    and cancel the run, in favour of the run `by_run_id`. What a person decided about a call, and no run had carried
    out yet, is that result. The run must not be live, nor over."""
    effects = db.execute(
        "SELECT * FROM effect WHERE run_id = ? AND finished_at_ms IS NULL ORDER BY step, position",
        (run["id"],),
    ).fetchall()
    for effect in effects:
        _close_call(db, effect, limits, now_ms)
    db.execute("UPDATE approval SET status = 'closed' WHERE run_id = ? AND status = 'pending'", (run["id"],))
    detail = "A new message was sent while this run was open, so it was closed."
    interruption = {"kind": "superseded", "detail": detail, "superseded_by": by_run_id}
    db.execute(
        "UPDATE run SET state = 'cancelled', interruption = ?, superseded_by = ?, owner = NULL, epoch = epoch + 1,"
        " updated_at_ms = ? WHERE id = ?",
        (dump(interruption), by_run_id, now_ms, run["id"]),
    )
    body = {"to": "cancelled", "interruption": "superseded"}
    add_event(db, run["thread_id"], run["id"], "state", body, now_ms)


def _answer_inside(
    db: sqlite3.Connection, effect: sqlite3.Row, request: ApprovalRecord | None
) -> CallResult | None:
    """What a subagent answered whose run is over, though its answer does not stand in the conversation above yet."""
    if effect["effect"] != "subagent":
        return None
    child = db.execute("SELECT state, result FROM run WHERE parent_effect_id = ?", (effect["id"],)).fetchone()
    answer = None if child is None else answered_result(child["state"], load_or_none(child["result"]))
    if answer is None or request is None or request.edited_arguments is None:
        return answer
    return with_edited_note(answer, load_or_none(effect["arguments"]) or {})


def _close_call(db: sqlite3.Connection, effect: sqlite3.Row, limits: ResultLimits, now_ms: int) -> None:
    row = db.execute("SELECT * FROM approval WHERE id = ?", (effect["approval_id"],)).fetchone()
    request = approval_of(row) if row else None
    result = _answer_inside(db, effect, request) or closed_result(effect["phase"], request)
    add_result(db, effect_of(effect), as_shown(result, limits), now_ms)
    db.execute(
        "UPDATE effect_row SET phase = ?, finished_at_ms = ?, owner = NULL, process_id = NULL WHERE n = ?",
        (result.phase, now_ms, effect["n"]),
    )
    if request is not None and decided_result(request) is not None:
        db.execute(
            "UPDATE approval SET consumed_at_ms = coalesce(consumed_at_ms, ?) WHERE id = ?",
            (now_ms, request.approval_id),
        )
