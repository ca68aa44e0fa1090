"""Mechanisms taken out on purpose, to show that the matrix would notice."""

from __future__ import annotations

import sqlite3
from typing import Any, Literal

from afk.memory import SQLiteMemoryStore
from afk.memory.sqlite import approvals, effects, family, runs, summaries, writing

Sabotage = Literal["intent", "claim", "epoch", "decision", "owner", "lifeline", "child", "summary"]


def take_out(mechanism: Sabotage) -> None:
    """In this process, from now on, for good."""
    match mechanism:
        case "intent":
            _act_without_intent()
        case "claim":
            effects.begin_effect = _claim_anything(effects.begin_effect)
        case "epoch":
            writing.OWNED = "WHERE id = ? AND ? > 0"
        case "decision":
            approvals.decide = _decide_always(approvals.decide)
        case "owner":
            runs.refuse_if_live = lambda run, owners: None
        case "lifeline":
            SQLiteMemoryStore.lifeline = lambda self, effect_id: None  # type: ignore[method-assign]
            SQLiteMemoryStore.still_running = lambda self, effect_id: None  # type: ignore[method-assign]
        case "summary":
            summaries.record_summary = _summarise_unwritten(summaries.record_summary)
        case "child":
            family.begin_child = _always_anew(family.begin_child)


def _always_anew(begin: Any) -> Any:
    """A call to a subagent forgets the run that did its work."""

    def anew(db: sqlite3.Connection, key: Any, effect_id: str, *args: Any) -> Any:
        db.execute(
            "UPDATE run SET parent_effect_id = NULL WHERE parent_effect_id = ? AND state = 'completed'",
            (effect_id,),
        )
        return begin(db, key, effect_id, *args)

    return anew


def _summarise_unwritten(record: Any) -> Any:
    """A summary is used that is not on disk."""

    def unwritten(db: sqlite3.Connection, *args: Any) -> Any:
        db.execute("SAVEPOINT summary")
        made = record(db, *args)
        db.execute("ROLLBACK TO summary")
        db.execute("RELEASE summary")
        return made

    return unwritten


def _act_without_intent() -> None:
    """Calls are made with nothing on disk that says so."""
    begin, record = effects.begin_effect, effects.record_result

    def unwritten(db: sqlite3.Connection, *args: Any) -> Any:
        db.execute("SAVEPOINT intent")
        began = begin(db, *args)
        db.execute("ROLLBACK TO intent")
        db.execute("RELEASE intent")
        return began

    def from_anywhere(db: Any, key: Any, effect_id: Any, result: Any, phases: Any, *rest: Any) -> Any:
        return record(db, key, effect_id, result, (*phases, "proposed"), *rest)

    effects.begin_effect, effects.record_result = unwritten, from_anywhere


def _claim_anything(begin: Any) -> Any:
    """Boundary I is written, but it asks neither who owns the run nor how the call stands."""

    class Unconditional:
        def __init__(self, db: sqlite3.Connection) -> None:
            self._db = db

        def execute(self, sql: str, values: Any = ()) -> sqlite3.Cursor:
            if "UPDATE effect_row SET phase = 'executing'" in sql:
                conditions = sql.index("AND finished_at_ms IS NULL")
                sql = f"{sql[:conditions]} RETURNING *"
            elif sql.startswith("SELECT * FROM run") and "epoch" in sql:
                sql, values = "SELECT * FROM run WHERE id = ?", values[:1]
            return self._db.execute(sql, values)

    def claim(db: sqlite3.Connection, *args: Any) -> Any:
        return begin(Unconditional(db), *args)

    return claim


def _decide_always(decide: Any) -> Any:
    """A request counts as undecided whatever stands there."""

    def again(db: sqlite3.Connection, approval_id: str, *args: Any) -> Any:
        db.execute("UPDATE approval SET status = 'pending' WHERE id = ?", (approval_id,))
        return decide(db, approval_id, *args)

    return again
