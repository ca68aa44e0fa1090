"""Names, and what stands for them in the tables that grow with every step (`migration_names.py`)."""

from __future__ import annotations

import sqlite3

# the number of a thread or a run, whose name the parameter is
NUMBER = "(SELECT n FROM name WHERE id = ?)"
# the same for a parameter by name
OF_THREAD = "(SELECT n FROM name WHERE id = :thread)"
# of `effect_row`, with `place_of` the call's name
OF_CALL = f"run = {NUMBER} AND step = ? AND position = ?"


def name_of_call(run_id: str, step: int, position: int) -> str:
    """A call has no other; the view of calls makes it too."""
    return f"eff_{run_id}.{step}.{position}"


def place_of(effect_id: str) -> tuple[str, int, int]:
    """The run, step and position that a call is named by; what is no such name is nowhere."""
    run_id, _, place = effect_id.removeprefix("eff_").rpartition(".")
    run_id, _, step = run_id.rpartition(".")
    return (run_id, int(step), int(place)) if step.isdecimal() and place.isdecimal() else ("", 0, 0)


def call_named(db: sqlite3.Connection, effect_id: str) -> sqlite3.Row | None:
    """A call's row of `effect`, by its name."""
    return db.execute(
        "SELECT * FROM effect WHERE run_id = ? AND step = ? AND position = ?", place_of(effect_id)
    ).fetchone()


def forget_names(db: sqlite3.Connection, thread_id: str) -> None:
    """Of a thread of which nothing is left, and of its runs; one that something else has too stays."""
    db.execute(
        f"DELETE FROM name WHERE thread = {NUMBER} AND NOT EXISTS (SELECT 1 FROM thread WHERE id = name.id)",
        (thread_id,),
    )
    db.execute(
        "DELETE FROM name WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM run WHERE id = ?1)"
        " AND NOT EXISTS (SELECT 1 FROM thread WHERE id = ?1)",
        (thread_id,),
    )
