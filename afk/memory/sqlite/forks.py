"""A fork: a new thread that goes on from a checkpoint of another, which stays as it was.

It never repeats an effect of the past. Where the checkpoint stands in the middle of a step, the fork takes that step's
calls along, each under a new name and key: done ones with their results, those caught executing as of unknown outcome,
the others to be asked for anew. No decision is copied.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from afk.agents.errors import (
    AgentCheckpointCompactedError,
    AgentCheckpointCorruptionError,
    AgentCheckpointNotFoundError,
)
from afk.memory.records import CheckpointRecord, Request
from afk.memory.sqlite import pins, summaries
from afk.memory.sqlite.lineage import read_messages
from afk.memory.sqlite.naming import NUMBER, call_named, name_of_call
from afk.memory.sqlite.rows import checkpoint_of, dump, effect_of, load_or_none, packed
from afk.memory.sqlite.soundness import lost_calls
from afk.memory.sqlite.writing import add_checkpoint, add_event, add_message, add_request, reserve, touched_ms

UNKNOWN_IN_SOURCE = (
    "Outcome unknown: this call was being executed in the conversation that this one was forked from. "
    "It is not repeated here."
)
NEVER_RAN_BEFORE_FORK = "This call was never executed: the conversation was forked before it was."


def fork_run(
    db: sqlite3.Connection,
    run_id: str,
    number: int,
    message: str | None,
    new_id: Callable[[str], str],
    now_ms: int,
) -> str:
    """Make the new thread and its run, which is resumable (or over, where the checkpoint was the last answer and there
    is no `message`); the thread's id. Raises AgentCheckpointNotFoundError, AgentCheckpointCompactedError,
    AgentCheckpointCorruptionError."""
    run = db.execute(
        "SELECT r.* FROM run r JOIN thread t ON t.id = r.thread_id WHERE r.id = ? AND t.deleted_at_ms IS NULL",
        (run_id,),
    ).fetchone()
    if run is None:
        raise AgentCheckpointNotFoundError(
            f"No run {run_id!r} in this store, so there is nothing to fork. List what there is with: afk-tui runs"
        )
    checkpoint = _checkpoint(db, run, number)
    if lost := lost_calls(db, run_id, checkpoint):
        raise AgentCheckpointCorruptionError(
            f"Checkpoint {number} of run {run_id} can't be forked: the records of calls that it is in the middle of "
            f"are gone ({', '.join(lost)}). Fork from an earlier one."
        )
    source = db.execute("SELECT * FROM thread WHERE id = ?", (run["thread_id"],)).fetchone()
    thread_id, forked_run_id = new_id("thread"), new_id("run")
    # another message in place of the one that the run began with
    replaces = message is not None and checkpoint.phase == "start"
    head_seq = checkpoint.head_seq - 1 if replaces else checkpoint.head_seq
    db.execute(
        "INSERT INTO thread (id, title, agent_name, workspace, created_at_ms, updated_at_ms, last_run_id, head_seq,"
        " message_count, state_ordinal, forked_from, forked_seq) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, 0, ?, ?)",
        (
            thread_id,
            f"↳ {source['title']}",
            run["agent_name"],
            run["workspace"],
            now_ms,
            touched_ms(db, thread_id, now_ms),
            forked_run_id,
            head_seq,
            source["id"],
            head_seq,
        ),
    )
    summaries.take_along(db, source["id"], thread_id, head_seq, now_ms)
    pins.take_along(db, source["id"], thread_id, head_seq)
    _add_run(db, run, checkpoint, thread_id, forked_run_id, now_ms)
    _take_step_along(
        db, run, checkpoint, thread_id, forked_run_id, new_id, now_ms, closes=message is not None
    )
    db.execute(
        "UPDATE thread SET message_count = ? WHERE id = ?",
        (len(read_messages(db, thread_id, head_seq)), thread_id),
    )
    if message is not None:
        seq = reserve(db, thread_id, 1, now_ms)
        add_message(db, thread_id, forked_run_id, seq, "user", message, now_ms)
    _stop(db, run, checkpoint, forked_run_id, message)
    open_calls = [
        row[0]
        for row in db.execute(
            "SELECT call_id FROM effect WHERE run_id = ? AND finished_at_ms IS NULL ORDER BY position",
            (forked_run_id,),
        )
    ]
    origin = {"open_calls": open_calls, "forked_from": checkpoint.checkpoint_id}
    add_checkpoint(db, forked_run_id, thread_id, checkpoint.step, "fork", origin, now_ms)
    add_event(
        db,
        thread_id,
        forked_run_id,
        "forked",
        {"run": run_id, "checkpoint": checkpoint.checkpoint_id},
        now_ms,
    )
    return thread_id


def _checkpoint(db: sqlite3.Connection, run: sqlite3.Row, number: int) -> CheckpointRecord:
    row = db.execute(
        "SELECT * FROM checkpoint WHERE run_id = ? AND number = ?", (run["id"], number)
    ).fetchone()
    if row is not None:
        return checkpoint_of(row)
    if 0 <= number <= run["checkpoint"]:
        raise AgentCheckpointCompactedError(
            f"Checkpoint {number} of run {run['id']} was removed by a compaction. Fork from one that is left."
        )
    raise AgentCheckpointNotFoundError(
        f"Run {run['id']} has no checkpoint {number}. List them with: afk-tui checkpoints {run['thread_id']}"
    )


def _add_run(
    db: sqlite3.Connection,
    run: sqlite3.Row,
    checkpoint: CheckpointRecord,
    thread_id: str,
    forked_run_id: str,
    now_ms: int,
) -> None:
    db.execute(
        "INSERT INTO run (id, thread_id, transcript_id, agent_name, model, fingerprint, workspace, state, step,"
        " context, usage, budget, epoch, owner, checkpoint, root_run_id, created_at_ms, updated_at_ms)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, 'interrupted', ?, ?, '{}', '{}', 1, NULL, -1, ?, ?, ?)",
        (
            forked_run_id,
            thread_id,
            thread_id,
            run["agent_name"],
            run["model"],
            run["fingerprint"],
            run["workspace"],
            checkpoint.step,
            run["context"],
            forked_run_id,
            now_ms,
            now_ms,
        ),
    )


def _take_step_along(
    db: sqlite3.Connection,
    run: sqlite3.Row,
    checkpoint: CheckpointRecord,
    thread_id: str,
    forked_run_id: str,
    new_id: Callable[[str], str],
    now_ms: int,
    *,
    closes: bool,
) -> None:
    """The calls of the step that was open at the checkpoint; none, where all had their results."""
    if not checkpoint.state.get("open_calls"):
        return
    for effect in db.execute(
        "SELECT e.*, m.text AS output, m.output_sha FROM effect e"
        " LEFT JOIN message_row m ON m.thread = e.thread AND m.seq = e.result_seq"
        " WHERE e.run_id = ? AND e.step = ? ORDER BY e.position",
        (run["id"], checkpoint.step),
    ).fetchall():
        phase, output = _in_the_fork(effect, closes=closes)
        asked = effect["approval_id"] is not None or str(effect["allowed_by"]).startswith("grant:")
        db.execute(
            "INSERT INTO effect_row (run, step, position, thread, call_id, tool_name, effect, arguments, args_sha,"
            " idempotency_key, phase, attempt, epoch, result_seq, allowed_by, finished_at_ms)"
            f" VALUES ({NUMBER}, ?, ?, {NUMBER}, ?, ?, ?, ?, ?, ?, ?, 0, 1, ?, ?, ?)",
            (
                forked_run_id,
                effect["step"],
                effect["position"],
                thread_id,
                effect["call_id"],
                effect["tool_name"],
                effect["effect"],
                effect["arguments"],
                packed(effect["args_sha"]),
                packed(new_id("idem"), "idem_"),
                phase,
                effect["result_seq"],
                None if asked else effect["allowed_by"],
                None if output is None else now_ms,
            ),
        )
        if output is not None:
            add_message(
                db,
                thread_id,
                forked_run_id,
                effect["result_seq"],
                "tool",
                output,
                now_ms,
                call_id=effect["call_id"],
                output_sha=effect["output_sha"],
            )
        elif asked:
            call = call_named(db, name_of_call(forked_run_id, effect["step"], effect["position"]))
            assert call is not None  # just written
            add_request(db, effect_of(call), _asked_anew(db, effect, now_ms), new_id("apr"), now_ms)


def _in_the_fork(effect: sqlite3.Row, *, closes: bool) -> tuple[str, str | None]:
    """A source's call, as it begins in the fork: its phase, and its result if it has one already."""
    if effect["finished_at_ms"] is not None:
        return effect["phase"], effect["output"]
    if effect["phase"] in ("executing", "uncertain"):
        return "uncertain", UNKNOWN_IN_SOURCE
    return ("skipped", NEVER_RAN_BEFORE_FORK) if closes else ("proposed", None)


def _asked_anew(db: sqlite3.Connection, effect: sqlite3.Row, now_ms: int) -> Request:
    former = db.execute(
        "SELECT * FROM approval WHERE effect_id = ? AND kind = 'call' ORDER BY rowid LIMIT 1", (effect["id"],)
    ).fetchone()
    reason = former["reason"] if former else "It was allowed by a grant in the conversation forked from."
    schema = load_or_none(former["tool_schema"]) if former else {}
    agent_path = former["agent_path"] if former else ""
    expires_at_ms = None
    if former and former["expires_at_ms"] is not None:  # it waits as long as the first one could
        expires_at_ms = now_ms + former["expires_at_ms"] - former["requested_at_ms"]
    return Request("call", reason, schema or {}, agent_path, expires_at_ms)


def _stop(
    db: sqlite3.Connection,
    run: sqlite3.Row,
    checkpoint: CheckpointRecord,
    forked_run_id: str,
    message: str | None,
) -> None:
    """How the new run stands: it waits for decisions, can be resumed, or is over like the answer it ends with."""
    if message is None and checkpoint.phase == "final":
        text = read_messages(db, run["thread_id"], checkpoint.head_seq, first=checkpoint.head_seq)[0].text
        db.execute(
            "UPDATE run SET state = 'completed', result = ? WHERE id = ?",
            (dump({"final_text": text}), forked_run_id),
        )
        return
    calls = db.execute(
        "SELECT count(*), count(approval_id) FROM effect WHERE run_id = ? AND finished_at_ms IS NULL",
        (forked_run_id,),
    ).fetchone()
    if calls[0] and calls[0] == calls[1]:
        db.execute("UPDATE run SET state = 'awaiting_approval' WHERE id = ?", (forked_run_id,))
        return
    detail = f"Forked from checkpoint {checkpoint.number} of run {run['id']}; nothing of it has run yet."
    interruption = {"kind": "paused", "detail": detail, "superseded_by": None}
    db.execute("UPDATE run SET interruption = ? WHERE id = ?", (dump(interruption), forked_run_id))
