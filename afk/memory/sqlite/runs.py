"""Boundaries S and E, and who owns a run: a run begins, is taken, is given up, stops."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from typing import Any

from afk.agents.errors import (
    AgentCheckpointCompactedError,
    AgentCheckpointCorruptionError,
    AgentCheckpointNotFoundError,
    AgentConfigurationError,
    AgentRunSupersededError,
    StoreError,
    ThreadNotFoundError,
)
from afk.memory.records import (
    NewRun,
    RunKey,
    RunRecord,
    RunSnapshot,
    RunStateText,
    RunStop,
)
from afk.memory.sqlite.closing import close_run
from afk.memory.sqlite.lineage import read_transcript
from afk.memory.sqlite.owners import Owners, refuse_if_live
from afk.memory.sqlite.pins import pinned_places
from afk.memory.sqlite.rows import (
    approval_of,
    checkpoint_of,
    dump,
    dump_or_null,
    effect_of,
    load_or_none,
    run_of,
)
from afk.memory.sqlite.soundness import what_does_not_fit
from afk.memory.sqlite.summaries import in_effect
from afk.memory.sqlite.writing import (
    add_checkpoint,
    add_event,
    add_message,
    require_epoch,
    reserve,
    touched_ms,
)

# the runs inside a root run that are not over
UNFINISHED_INSIDE = """
    root_run_id = ? AND parent_run_id IS NOT NULL AND superseded_by IS NULL
    AND state NOT IN ('completed', 'failed', 'degraded')
"""


def begin_run(
    db: sqlite3.Connection,
    new: NewRun,
    title: str,
    owners: Owners,
    now_ms: int,
) -> RunSnapshot:
    """Boundary S: the run, its user message and checkpoint 0; a former run left open is closed first.

    Raises AgentRunBusyError while that former run is live, here or in another process; AgentConfigurationError for the
    conversation of a subagent.
    """
    thread = db.execute("SELECT * FROM thread WHERE id = ?", (new.thread_id,)).fetchone()
    if thread is None:
        db.execute(
            "INSERT INTO thread (id, title, agent_name, workspace, created_at_ms, updated_at_ms, last_run_id,"
            " head_seq, message_count, state_ordinal) VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0, 0)",
            (new.thread_id, title, new.agent_name, new.workspace, now_ms, now_ms, new.run_id),
        )
        workspace = new.workspace
    else:
        if thread["deleted_at_ms"] is not None:
            raise ThreadNotFoundError(
                f"Thread {new.thread_id!r} was deleted, so no message can be sent to it. Begin another thread."
            )
        if thread["part_of"] is not None:
            raise AgentConfigurationError(
                f"{new.thread_id!r} is what a subagent did in thread {thread['part_of']!r}, and takes no messages. "
                "Send it to that thread, or begin another one."
            )
        _supersede(db, thread, new, owners, now_ms)
        workspace = thread["workspace"]
        db.execute(
            "UPDATE thread SET last_run_id = ?, agent_name = ?, archived_at_ms = NULL WHERE id = ?",
            (new.run_id, new.agent_name, new.thread_id),
        )
    db.execute(
        "INSERT INTO run (id, thread_id, transcript_id, agent_name, model, fingerprint, workspace, state, step,"
        " context, usage, budget, epoch, owner, checkpoint, root_run_id, created_at_ms, updated_at_ms)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, 'running', 0, ?, '{}', '{}', 1, ?, -1, ?, ?, ?)",
        (
            new.run_id,
            new.thread_id,
            new.thread_id,
            new.agent_name,
            new.model,
            dump(new.fingerprint),
            workspace,
            dump(new.context),
            owners.owner_id,
            new.run_id,
            now_ms,
            now_ms,
        ),
    )
    seq = reserve(db, new.thread_id, 1, now_ms)
    add_message(db, new.thread_id, new.run_id, seq, "user", new.user_message, now_ms)
    add_checkpoint(db, new.run_id, new.thread_id, 0, "start", {"open_calls": []}, now_ms)
    add_event(db, new.thread_id, new.run_id, "state", {"to": "running", "new": True}, now_ms)
    return snapshot_of(db, find_run(db, new.run_id, new.thread_id), owner_died=False)


def take_run(
    db: sqlite3.Connection,
    run_id: str,
    thread_id: str,
    context: dict[str, Any] | None,
    owners: Owners,
    take_over: bool,
    now_ms: int,
) -> RunSnapshot | RunRecord:
    """Own the run from here on: its epoch rises, so that a former owner's late writes are refused.

    Returns all a resume needs, the run with the interruption it had; for a terminal run its record, and it is not
    taken. Calls that must not be repeated and that a living owner was making become `uncertain`, to be asked about.
    Raises the checkpoint errors, AgentRunSupersededError, and AgentRunBusyError unless `take_over`.
    """
    run = find_run(db, run_id, thread_id)
    if run["state"] in ("completed", "failed", "degraded"):
        return run_of(run)
    if run["superseded_by"]:
        raise AgentRunSupersededError(
            f"Run {run_id} can't be resumed: its thread went on with run {run['superseded_by']}. Resume that one.",
            run_id=run_id,
            superseded_by=run["superseded_by"],
        )
    owner = run["owner"]
    if owner is not None and not take_over:
        refuse_if_live(run, owners)
    merged = dump({**(load_or_none(run["context"]) or {}), **(context or {})})
    mine = db.execute(
        "UPDATE run SET owner = ?, epoch = epoch + 1, state = 'running', interruption = NULL, context = ?, budget = ?,"
        " updated_at_ms = ? WHERE id = ? AND epoch = ? RETURNING *",
        (
            owners.owner_id,
            merged,
            dump(budget_to_go_on_with(run)),
            now_ms,
            run_id,
            run["epoch"],
        ),
    ).fetchone()
    assert mine is not None  # inside BEGIN IMMEDIATE nobody can have come between
    db.execute(
        f"UPDATE run SET owner = ?, epoch = ?, context = ? WHERE {UNFINISHED_INSIDE}",
        (owners.owner_id, run["epoch"] + 1, merged, run_id),
    )
    db.execute(
        "UPDATE thread SET archived_at_ms = NULL WHERE id = ? AND archived_at_ms IS NOT NULL", (thread_id,)
    )
    if owner is not None and owners.executes(owner, run_id):
        # what a living owner is at may still take effect, whatever can be found out about it now
        db.execute(
            "UPDATE effect_row SET phase = 'uncertain' WHERE phase = 'executing' AND effect = 'once' AND run IN"
            " (SELECT n FROM run WHERE id = ?1 UNION ALL"
            " SELECT n FROM run WHERE root_run_id = ?1 AND parent_run_id IS NOT NULL)",
            (run_id,),
        )
    add_event(db, thread_id, run_id, "state", {"from": run["state"], "to": "running"}, now_ms)
    taken = snapshot_of(db, mine, owner_died=owner is not None)
    # here and not after the commit, or the next one in the queue would find it unused
    owners.live_runs.add(run_id)
    return replace(taken, run=replace(taken.run, interruption=load_or_none(run["interruption"])))


def budget_to_go_on_with(run: sqlite3.Row) -> dict[str, int]:
    """The budget spent so far; nothing when that was why the run stopped. Kept with the taking, so that a process
    that dies right after it has not used the fresh budget up."""
    interruption = load_or_none(run["interruption"])
    if interruption and interruption["kind"] in ("budget", "timeout"):
        return {}
    return load_or_none(run["budget"]) or {}


def stop_run(db: sqlite3.Connection, key: RunKey, stop: RunStop, now_ms: int) -> None:
    """Boundary E: the state, why or with what result, and the ownership given up. Where boundary A of this same
    epoch ended the run already, that stands; only what could still go on can be cancelled."""
    run = db.execute(
        "SELECT state, owner FROM run WHERE id = ? AND epoch = ?", (key.run_id, key.epoch)
    ).fetchone()
    if run is not None and run["owner"] is None:
        if stop.state == "cancelled" and run["state"] in ("awaiting_approval", "interrupted"):
            write_stop(db, key, stop, now_ms)
        return
    require_epoch(db, key)
    write_stop(db, key, stop, now_ms)


def write_stop(db: sqlite3.Connection, key: RunKey, stop: RunStop, now_ms: int) -> None:
    """The rows of boundary E, for a boundary that ends the run with its own last write. The runs inside a root run
    stop with it; one of them that stops alone stays with the owner of the root."""
    over = stop.state in ("completed", "failed", "degraded")
    interruption = dump_or_null(stop.interruption)
    db.execute(
        "UPDATE run SET state = ?, interruption = ?, result = ?, updated_at_ms = ?,"
        " owner = CASE WHEN parent_run_id IS NULL OR ? THEN NULL ELSE owner END WHERE id = ?",
        (stop.state, interruption, dump_or_null(stop.result), now_ms, over, key.run_id),
    )
    db.execute(
        "UPDATE run SET owner = NULL, interruption = CASE WHEN ?1 = 'cancelled' OR state = 'running' THEN ?2"
        " ELSE interruption END, state = CASE WHEN ?1 = 'cancelled' OR state = 'running' THEN ?1 ELSE state END"
        f" WHERE {UNFINISHED_INSIDE.replace('?', '?3')}",
        (stop.state, interruption, key.run_id),
    )
    touched = touched_ms(db, key.thread_id, now_ms)
    db.execute("UPDATE thread SET updated_at_ms = ? WHERE id = ?", (touched, key.thread_id))
    body: dict[str, Any] = {"to": stop.state}
    if stop.interruption:
        body["interruption"] = stop.interruption["kind"]
    add_event(db, key.thread_id, key.run_id, "state", body, now_ms)


def find_run(db: sqlite3.Connection, run_id: str, thread_id: str) -> sqlite3.Row:
    """The run's row. A run id that belongs to another thread is not found."""
    run = db.execute(
        "SELECT * FROM run WHERE id = ? AND thread_id = ?"
        " AND NOT EXISTS (SELECT 1 FROM thread t WHERE t.id = run.thread_id AND t.deleted_at_ms IS NOT NULL)",
        (run_id, thread_id),
    ).fetchone()
    if run is None:
        raise AgentCheckpointNotFoundError(
            f"No checkpoint of run {run_id!r} in thread {thread_id!r}: the store has no such run there. "
            "List what there is with: afk-tui runs"
        )
    return run


def read_state(run: sqlite3.Row, owners: Owners) -> RunStateText:
    """A run's state as it reads now: `running` that nobody executes is `interrupted`. The row has `state`, `owner`
    and `root_run_id`: who executes a run executes those inside it."""
    if run["state"] == "running" and not (run["owner"] and owners.executes(run["owner"], run["root_run_id"])):
        return "interrupted"
    return run["state"]


def snapshot_of(db: sqlite3.Connection, run: sqlite3.Row, *, owner_died: bool) -> RunSnapshot:
    """All a resume of this run needs. Raises AgentCheckpointCompactedError, AgentCheckpointCorruptionError."""
    row = db.execute(
        "SELECT * FROM checkpoint WHERE run_id = ? ORDER BY number DESC LIMIT 1", (run["id"],)
    ).fetchone()
    if row is None:
        raise AgentCheckpointCompactedError(
            f"Run {run['id']} is known, but none of its checkpoints is left, so it can't be resumed. "
            "Its conversation is still there: send a new message to its thread."
        )
    checkpoint = checkpoint_of(row)
    transcript = read_transcript(db, run["transcript_id"], checkpoint.head_seq)
    if why := what_does_not_fit(db, run, checkpoint, transcript.stored):
        raise AgentCheckpointCorruptionError(
            f"Run {run['id']} can't be resumed: {why}. It was left as it is. "
            "Save what is there with: afk-tui doctor --salvage OUT"
        )
    effects = tuple(
        effect_of(r)
        for r in db.execute(
            "SELECT * FROM effect WHERE run_id = ? AND step = ? ORDER BY position",
            (run["id"], checkpoint.step),
        )
    )
    requests = [
        db.execute("SELECT * FROM approval WHERE id = ?", (effect.approval_id,)).fetchone()
        for effect in effects
        if effect.approval_id
    ]
    approvals = {row["effect_id"]: approval_of(row) for row in requests if row is not None}
    transcript_id, head_seq = run["transcript_id"], checkpoint.head_seq
    return RunSnapshot(
        run_of(run),
        checkpoint,
        transcript,
        effects,
        approvals,
        owner_died,
        in_effect(db, run["thread_id"], transcript_id, head_seq),
        pinned_places(db, transcript_id, head_seq),
    )


def _supersede(
    db: sqlite3.Connection,
    thread: sqlite3.Row,
    new: NewRun,
    owners: Owners,
    now_ms: int,
) -> None:
    """Close the thread's last run if it was left open, and the runs inside it."""
    run = db.execute("SELECT * FROM run WHERE id = ?", (thread["last_run_id"],)).fetchone()
    if run is None:
        raise StoreError(f"Thread {thread['id']} names a run that is not there. Run: afk-tui doctor")
    if run["state"] in ("completed", "failed", "degraded") or run["superseded_by"]:
        return
    if run["owner"] is not None:
        refuse_if_live(run, owners)
    inside = db.execute(f"SELECT * FROM run WHERE {UNFINISHED_INSIDE}", (run["id"],)).fetchall()
    for one in [run, *inside]:
        close_run(db, one, new.run_id, new.limits, now_ms)
