"""Removing old records of a thread, in small batches, and giving the space back.

What must stay is a condition inside every batch's own statement, never a list made before: a run that begins, a
request that is asked or a decision that is taken between two batches is spared like any other.
"""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass
from typing import Literal

from afk.memory.retention import RetentionPolicy, StateRetentionPolicy
from afk.memory.sqlite.naming import NUMBER, OF_THREAD
from afk.memory.sqlite.rows import dump

# a writer beside a compaction waits for one batch at the most
BATCH_TARGET_S = 0.008
FIRST_BATCH = 200
LARGEST_BATCH = 2_000
VACUUM_PAGES = 256
# so many batches are folded into the file at once: each folding is flushed to the disk, twice
FOLD_EVERY = 16
# SQLite's own default, which folds inside a commit
FOLD_AFTER_PAGES = 1_000

Table = Literal["event", "checkpoint", "state"]
# where the rows stand, and the column by which they are known there
ROWS: dict[Table, tuple[str, str]] = {
    "event": ("event_row", "id"),
    "checkpoint": ("checkpoint_row", "n"),
    "state": ("state", "rowid"),
}

# the newest checkpoint of a run that can still go on, of its descendants, and those a fork begins at
OPEN_ROOTS = """
    SELECT root_run_id FROM run
     WHERE thread_id = :thread
       AND (state IN ('running', 'awaiting_approval', 'interrupted')
            OR (state = 'cancelled' AND superseded_by IS NULL)
            OR EXISTS (SELECT 1 FROM approval a WHERE a.run_id = run.id AND a.status = 'pending')
            OR EXISTS (SELECT 1 FROM effect_row e WHERE e.run = run.n AND e.finished_at_ms IS NULL))
"""
NEEDED_CHECKPOINT = f"""
    (c.number = (SELECT checkpoint FROM run WHERE id = c.run_id)
     AND (SELECT root_run_id FROM run WHERE id = c.run_id) IN ({OPEN_ROOTS}))
"""
FORK_POINT = """
    EXISTS (SELECT 1 FROM thread f JOIN run r ON r.id = c.run_id AND r.parent_run_id IS NULL
             WHERE f.forked_from = c.thread_id AND f.forked_seq = c.head_seq)
"""
NEWEST_SUMMARY = """
    (c.key = 'summary'
     AND c.ordinal = (SELECT max(ordinal) FROM state WHERE thread_id = c.thread_id AND key = 'summary'))
"""
# the one that a run of such a root goes on with: of its own conversation, the newest one which that has come to
USED_SUMMARY = f"""
    ((c.key = 'summary' OR c.key LIKE 'summary:%') AND EXISTS (
        SELECT 1 FROM run r JOIN checkpoint_row k ON k.run = r.n AND k.number = r.checkpoint
         WHERE r.root_run_id IN ({OPEN_ROOTS})
           AND c.key = CASE r.transcript_id WHEN r.thread_id THEN 'summary' ELSE 'summary:' || r.transcript_id END
           AND c.ordinal = (
               SELECT max(s.ordinal) FROM state s WHERE s.thread_id = c.thread_id AND s.key = c.key
                  AND CASE WHEN json_valid(s.value) THEN s.value ->> '$.through_seq' END <= k.head_seq)))
"""
NEEDED_STATE = f"({NEWEST_SUMMARY} OR {USED_SUMMARY})"
REASONS: dict[str, tuple[Table, str]] = {
    "newest checkpoint of an unfinished run": ("checkpoint", NEEDED_CHECKPOINT),
    "point a fork begins at": ("checkpoint", FORK_POINT),
    "newest summary of the thread": ("state", NEWEST_SUMMARY),
    "summary that an unfinished run uses": ("state", f"({USED_SUMMARY} AND NOT {NEWEST_SUMMARY})"),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What the policies say, as bounds that no later row can fall below: computed once, when a compaction begins."""

    thread_id: str
    event_id_below: int
    event_age_below_ms: int
    keep_event_types: tuple[str, ...]
    ordinal_below: int
    state_age_below_ms: int
    touch_events: bool
    touch_states: bool

    def parameters(self) -> dict[str, int | str]:
        """The named parameters of every statement here."""
        return {
            "thread": self.thread_id,
            "event_below": self.event_id_below,
            "event_age": self.event_age_below_ms,
            "kept_types": dump(list(self.keep_event_types)),
            "ordinal_below": self.ordinal_below,
            "state_age": self.state_age_below_ms,
        }

    # What no limit asks for is not looked at: of a million events their ids alone are an index, a quarter of the time.

    def old(self, table: Table) -> str:
        """The condition that a limit says a row `c` should go."""
        if table == "event":
            limits = [
                "c.id < :event_below" if self.event_id_below else "",
                "c.created_at_ms < :event_age" if self.event_age_below_ms else "",
            ]
        else:
            limits = [
                "c.ordinal < :ordinal_below" if self.ordinal_below else "",
                "c.created_at_ms < :state_age" if self.state_age_below_ms else "",
            ]
        return f"({' OR '.join(filter(None, limits)) or '0'})"

    @property
    def kept_event(self) -> str:
        """The condition that an event `c` is of a type that is kept."""
        return "c.type IN (SELECT value FROM json_each(:kept_types))" if self.keep_event_types else "0"

    def going(self, table: Table) -> str:
        """The condition that a row `c` goes."""
        stays: dict[Table, str] = {
            "event": self.kept_event,
            "checkpoint": f"({NEEDED_CHECKPOINT} OR {FORK_POINT})",
            "state": NEEDED_STATE,
        }
        here = f"c.thread = {OF_THREAD}" if table == "event" else "c.thread_id = :thread"
        return f"{here} AND {self.old(table)} AND NOT {stays[table]}"


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows of one moment: how many there are, how many the plan removes, how many it spares and why."""

    events: int
    events_going: int
    events_protected: int
    states: int
    states_going: int
    protected_by: dict[str, int]
    states_protected: int


def make_plan(
    db: sqlite3.Connection,
    thread_id: str,
    events: RetentionPolicy | None,
    states: StateRetentionPolicy | None,
    now_ms: int,
) -> Plan:
    """Turn the policies into bounds."""
    event_below = ordinal_below = event_age = state_age = 0
    if events and events.max_events is not None:
        row = db.execute(
            f"SELECT id FROM event_row WHERE thread = {NUMBER} ORDER BY id DESC LIMIT 1 OFFSET ?",
            (thread_id, events.max_events - 1),
        ).fetchone()
        event_below = row[0] if row else 0
    if events and events.max_age_ms is not None:
        event_age = now_ms - events.max_age_ms
    if states and states.max_entries is not None:
        row = db.execute(
            f"SELECT ordinal FROM (SELECT ordinal FROM checkpoint_row WHERE thread = {NUMBER} UNION ALL"
            " SELECT ordinal FROM state WHERE thread_id = ?) ORDER BY ordinal DESC LIMIT 1 OFFSET ?",
            (thread_id, thread_id, states.max_entries - 1),
        ).fetchone()
        ordinal_below = row[0] if row else 0
    if states and states.max_age_ms is not None:
        state_age = now_ms - states.max_age_ms
    return Plan(
        thread_id=thread_id,
        event_id_below=event_below,
        event_age_below_ms=event_age,
        keep_event_types=tuple(events.keep_event_types) if events else (),
        ordinal_below=ordinal_below,
        state_age_below_ms=state_age,
        touch_events=events is not None,
        touch_states=states is not None,
    )


def count(db: sqlite3.Connection, plan: Plan) -> Counts:
    """What is there, and what the plan would do to it now."""
    args = plan.parameters()

    def rows(table: Table, where: str) -> int:
        return db.execute(f"SELECT count(*) FROM {table} c WHERE {where}", args).fetchone()[0]

    here = "c.thread_id = :thread"
    protected = {
        reason: n
        for reason, (table, needed) in REASONS.items()
        if (n := rows(table, f"{here} AND {plan.old(table)} AND {needed}"))
    }
    old, kept = plan.old("event"), plan.kept_event
    # in one pass: of all rows these are the most
    events, events_old, events_protected = db.execute(
        f"SELECT count(*), total({old}), total({old} AND {kept}) FROM event_row c WHERE c.thread = {OF_THREAD}",
        args,
    ).fetchone()
    events_old, events_protected = int(events_old), int(events_protected)
    if events_protected:
        protected["event types that are kept"] = events_protected
    (checkpoints,) = db.execute(
        f"SELECT count(*) FROM checkpoint_row WHERE thread = {OF_THREAD}", args
    ).fetchone()
    both: tuple[Table, Table] = ("checkpoint", "state")
    states_old = sum(rows(table, f"{here} AND {plan.old(table)}") for table in both)
    states_going = sum(rows(table, plan.going(table)) for table in both)
    return Counts(
        events=events,
        events_going=events_old - events_protected,
        events_protected=events_protected,
        states=checkpoints + rows("state", here),
        states_going=states_going,
        protected_by=protected,
        states_protected=states_old - states_going,
    )


def delete_batch(db: sqlite3.Connection, plan: Plan, table: Table, size: int) -> int:
    """Remove up to `size` rows that may go; how many were."""
    order = "c.id" if table == "event" else "c.ordinal"
    row, n = ROWS[table]
    # of an event nothing is asked by name
    of = row if table == "event" else table
    return db.execute(
        f"DELETE FROM {row} WHERE rowid IN"
        f" (SELECT c.{n} FROM {of} c WHERE {plan.going(table)} ORDER BY {order} LIMIT :size)",
        {**plan.parameters(), "size": size},
    ).rowcount


def anything_goes(db: sqlite3.Connection, plan: Plan) -> bool:
    """Whether there is a row that may go; stops at the first one."""
    args = plan.parameters()
    tables: tuple[tuple[Table, bool], ...] = (
        ("checkpoint", plan.touch_states),
        ("state", plan.touch_states),
        ("event", plan.touch_events),
    )

    def goes(table: Table) -> bool:
        query = f"SELECT EXISTS (SELECT 1 FROM {table} c WHERE {plan.going(table)})"
        return bool(db.execute(query, args).fetchone()[0])

    return any(touched and goes(table) for table, touched in tables)


def next_size(size: int, took_s: float) -> int:
    """The next batch's size, so that it takes about BATCH_TARGET_S."""
    fitting = int(size * BATCH_TARGET_S / max(took_s, 1e-4))
    return max(20, min(LARGEST_BATCH, fitting, size * 2))


def vacuum_batch(db: sqlite3.Connection, pages: int | None = None) -> int:
    """Give some free pages back to the file system; how many are still free."""
    # as a script: a statement that is executed, even with all its rows fetched, frees a single page
    db.executescript(f"PRAGMA incremental_vacuum({pages or VACUUM_PAGES})")
    return db.execute("PRAGMA freelist_count").fetchone()[0]


def file_bytes(db: sqlite3.Connection) -> int:
    """The size of the database as SQLite counts it, its WAL aside."""
    return db.execute("PRAGMA page_count").fetchone()[0] * db.execute("PRAGMA page_size").fetchone()[0]


def checkpoint_wal(db: sqlite3.Connection, mode: Literal["PASSIVE", "TRUNCATE"]) -> None:
    """Fold the WAL into the file; never waits for a reader or a writer."""
    before = db.execute("PRAGMA busy_timeout").fetchone()[0]
    db.execute("PRAGMA busy_timeout = 0")
    try:
        db.execute(f"PRAGMA wal_checkpoint({mode})").fetchall()
    finally:
        db.execute(f"PRAGMA busy_timeout = {before}")


def fold_by_itself(db: sqlite3.Connection, after_pages: int) -> None:
    """Have SQLite fold the WAL after a commit that makes it longer than this; 0: never."""
    db.execute(f"PRAGMA wal_autocheckpoint = {after_pages}")


def timed_batch(db: sqlite3.Connection, plan: Plan, table: Table, size: int) -> tuple[int, float]:
    """`delete_batch`, and the seconds it took: the lock is held about as long."""
    began = time.perf_counter()
    removed = delete_batch(db, plan, table, size)
    return removed, time.perf_counter() - began
