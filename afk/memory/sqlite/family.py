"""Runs inside a run: a subagent's, begun by a call of the run above it.

A root run and all those below it share owner and epoch: they are taken, stopped and given up together. Each has its
messages in a conversation of its own, inside the root's thread, which is no thread to anybody who lists threads.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from dataclasses import replace
from typing import Any

from afk.memory.records import (
    ApprovalRecord,
    ChildBegun,
    EffectRecord,
    NewChild,
    RunAndCalls,
    RunKey,
    RunRecord,
    RunStop,
)
from afk.memory.sqlite.effects import begin_effect, read_calls
from afk.memory.sqlite.naming import call_named
from afk.memory.sqlite.open_work import open_work
from afk.memory.sqlite.owners import Owners
from afk.memory.sqlite.queries import get_run, run_as_it_reads
from afk.memory.sqlite.rows import approval_of, dump, effect_of, load_or_none, run_of
from afk.memory.sqlite.runs import budget_to_go_on_with, snapshot_of, write_stop
from afk.memory.sqlite.writing import add_checkpoint, add_event, add_message, require_epoch, reserve

TITLE_CHARS = 80
# a call to a subagent that is under way: what waits, waits inside it
UNDER_WAY = "e.effect = 'subagent' AND e.phase = 'executing'"


def begin_child(
    db: sqlite3.Connection,
    key: RunKey,
    effect_id: str,
    arguments: dict[str, Any],
    args_sha: str,
    decided_sha: str,
    new: NewChild,
    now_ms: int,
) -> ChildBegun | None:
    """Boundary I of a call to a subagent, and boundary S of its run, in one; of a run that is there already, what is
    needed to go on with it, or how it ended. None when the call may not be made."""
    parent = require_epoch(db, key)
    why: str | None = None
    child = db.execute("SELECT * FROM run WHERE parent_effect_id = ?", (effect_id,)).fetchone()
    if child is None:
        began = begin_effect(db, key, effect_id, arguments, args_sha, False, decided_sha, now_ms)
        if began is None:
            return None
        _insert(db, parent, began, new, now_ms)
        # the run above refers to its new child from here on
        state = open_work(db, key.run_id, began.step)
        add_checkpoint(db, key.run_id, key.thread_id, began.step, "delegated", state, now_ms)
    else:
        why = child["interruption"]
        _go_on(db, key, child, now_ms)
    call = call_named(db, effect_id)
    assert call is not None  # it was made by what was proposed
    effect = effect_of(call)
    child = db.execute("SELECT * FROM run WHERE parent_effect_id = ?", (effect_id,)).fetchone()
    if child["state"] in ("completed", "failed", "degraded"):
        return ChildBegun(effect, run_of(child))
    snapshot = snapshot_of(db, child, owner_died=False)
    # as with a root run that is taken: why it had stopped
    return ChildBegun(effect, replace(snapshot, run=replace(snapshot.run, interruption=load_or_none(why))))


def _insert(
    db: sqlite3.Connection, parent: sqlite3.Row, effect: EffectRecord, new: NewChild, now_ms: int
) -> None:
    title = " ".join(new.task.split())[:TITLE_CHARS] or "(empty)"
    db.execute(
        "INSERT INTO thread (id, title, agent_name, workspace, created_at_ms, updated_at_ms, last_run_id, head_seq,"
        " message_count, state_ordinal, part_of) VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0, 0, ?)",
        (
            new.run_id,
            title,
            new.agent_name,
            parent["workspace"],
            now_ms,
            now_ms,
            new.run_id,
            parent["thread_id"],
        ),
    )
    db.execute(
        "INSERT INTO run (id, thread_id, transcript_id, agent_name, model, fingerprint, workspace, state, step,"
        " context, usage, budget, epoch, owner, checkpoint, root_run_id, parent_run_id, parent_call_id,"
        " parent_effect_id, created_at_ms, updated_at_ms)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, 'running', 0, ?, '{}', '{}', ?, ?, -1, ?, ?, ?, ?, ?, ?)",
        (
            new.run_id,
            parent["thread_id"],
            new.run_id,
            new.agent_name,
            new.model,
            dump(new.fingerprint),
            parent["workspace"],
            parent["context"],
            parent["epoch"],
            parent["owner"],
            parent["root_run_id"],
            parent["id"],
            effect.call_id,
            effect.effect_id,
            now_ms,
            now_ms,
        ),
    )
    seq = reserve(db, new.run_id, 1, now_ms)
    add_message(db, new.run_id, new.run_id, seq, "user", new.task, now_ms)
    add_checkpoint(db, new.run_id, parent["thread_id"], 0, "start", {"open_calls": []}, now_ms)
    body = {"to": "running", "new": True, "parent": parent["id"]}
    add_event(db, parent["thread_id"], new.run_id, "state", body, now_ms)


def _go_on(db: sqlite3.Connection, key: RunKey, child: sqlite3.Row, now_ms: int) -> None:
    if child["state"] in ("completed", "failed", "degraded"):
        return
    if child["state"] != "running":
        body = {"from": child["state"], "to": "running"}
        add_event(db, key.thread_id, child["id"], "state", body, now_ms)
    db.execute(
        "UPDATE run SET state = 'running', interruption = NULL, budget = ?, updated_at_ms = ? WHERE id = ?",
        (dump(budget_to_go_on_with(child)), now_ms, child["id"]),
    )


def stop_child(db: sqlite3.Connection, key: RunKey, stop: RunStop, now_ms: int) -> None:
    """A run inside another waits, or stopped short. Its owner stays, for it is the root's."""
    require_epoch(db, key)
    write_stop(db, key, stop, now_ms)


def find_root(db: sqlite3.Connection, owners: Owners, run_id: str, thread_id: str) -> RunAndCalls | None:
    """The root of a run of this thread, which may be the run itself, with the calls of the step that it is at."""
    run = get_run(db, owners, run_id)
    if run is None or run.thread_id != thread_id:
        return None
    if run.root_run_id != run_id:
        run = get_run(db, owners, run.root_run_id)
    return None if run is None else RunAndCalls(run, tuple(read_calls(db, run.run_id, run.step)))


def list_descendants(db: sqlite3.Connection, owners: Owners, root_run_id: str) -> list[RunRecord]:
    """All runs inside a root run, the oldest first."""
    return [run_as_it_reads(row, owners) for row in _descendants(db, root_run_id)]


def open_calls(db: sqlite3.Connection, root_run_id: str) -> list[tuple[EffectRecord, ApprovalRecord | None]]:
    """The calls of a root run and all those inside it that have no result, each with its current request; those to a
    subagent that is under way are left out, for its own calls are here."""
    found: list[tuple[EffectRecord, ApprovalRecord | None]] = []
    runs = db.execute("SELECT * FROM run WHERE id = ?", (root_run_id,)).fetchall()
    for run in runs + _unfinished(db, root_run_id):
        found += _leaves(db, run)
    return found


def child_waits(db: sqlite3.Connection, effect_id: str, now_ms: int) -> bool:
    """Whether the run that works for this call, with all inside it, can go on only when a person decides."""
    child = db.execute("SELECT * FROM run WHERE parent_effect_id = ?", (effect_id,)).fetchone()
    if child is None or child["state"] != "awaiting_approval":
        return False
    inside: dict[str, list[sqlite3.Row]] = defaultdict(list)
    for run in _unfinished(db, child["root_run_id"]):
        inside[run["parent_run_id"]].append(run)
    below, leaves = [child], list[tuple[EffectRecord, ApprovalRecord | None]]()
    while below:
        run = below.pop()
        leaves += _leaves(db, run)
        below += inside[run["id"]]
    return bool(leaves) and all(
        a is not None and a.status == "pending" and not (a.expires_at_ms and a.expires_at_ms <= now_ms)
        for _, a in leaves
    )


def child_run(db: sqlite3.Connection, owners: Owners, effect_id: str) -> RunRecord | None:
    """The run that works, or worked, for a call to a subagent; None while there is none."""
    row = db.execute("SELECT * FROM run WHERE parent_effect_id = ?", (effect_id,)).fetchone()
    return None if row is None else run_as_it_reads(row, owners)


def count_delegated(db: sqlite3.Connection, run_id: str) -> int:
    """How many calls to subagents a run has made."""
    return db.execute(
        "SELECT count(*) FROM run r WHERE r.root_run_id = (SELECT root_run_id FROM run WHERE id = ?1)"
        " AND r.parent_run_id = ?1",
        (run_id,),
    ).fetchone()[0]


def _descendants(db: sqlite3.Connection, root_run_id: str) -> list[sqlite3.Row]:
    return db.execute(
        "SELECT * FROM run WHERE root_run_id = ? AND parent_run_id IS NOT NULL ORDER BY rowid",
        (root_run_id,),
    ).fetchall()


def _unfinished(db: sqlite3.Connection, root_run_id: str) -> list[sqlite3.Row]:
    return [
        run
        for run in _descendants(db, root_run_id)
        if run["state"] not in ("completed", "failed", "degraded") and run["superseded_by"] is None
    ]


def _leaves(db: sqlite3.Connection, run: sqlite3.Row) -> list[tuple[EffectRecord, ApprovalRecord | None]]:
    found: list[tuple[EffectRecord, ApprovalRecord | None]] = []
    for effect in db.execute(
        f"SELECT e.* FROM effect e WHERE e.run_id = ? AND e.step = ? AND e.finished_at_ms IS NULL"
        f" AND NOT ({UNDER_WAY}) ORDER BY e.position",
        (run["id"], run["step"]),
    ).fetchall():
        request = (
            db.execute("SELECT * FROM approval WHERE id = ?", (effect["approval_id"],)).fetchone()
            if effect["approval_id"]
            else None
        )
        found.append((effect_of(effect), approval_of(request) if request else None))
    return found
