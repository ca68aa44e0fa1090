"""Which thread or run a number stands for, in what was saved of a damaged database.

`name` says it, and so do a thread's and a run's own row (`migration_names.py`). Where one of the two is lost the other
is believed; where they differ, the one whose name something else has too.
"""

from __future__ import annotations

import sqlite3

# the tables of numbers, and the column of `run` that names the thread of what it has there
_NAMED_BY = {
    "message_row": "transcript_id",
    "effect_row": "transcript_id",
    "checkpoint_row": "thread_id",
    "event_row": "thread_id",
}
# names that stand in another row than the one that is named so; a root run's own says it twice
_SAID = """
CREATE TEMP TABLE said AS
SELECT thread_id AS id FROM run UNION SELECT transcript_id FROM run UNION SELECT root_run_id FROM run
UNION SELECT parent_run_id FROM run UNION SELECT superseded_by FROM run
UNION SELECT last_run_id FROM thread UNION SELECT part_of FROM thread UNION SELECT forked_from FROM thread
UNION SELECT thread_id FROM approval UNION SELECT run_id FROM approval
"""


def misnamed(db: sqlite3.Connection, most: int) -> tuple[str, ...]:
    """Threads and runs whose number has another name, or whose name another number; `most` of them, in words."""
    rows = db.execute(
        " UNION ALL ".join(
            f"SELECT '{table} ' || x.id AS what, x.n FROM {table} x LEFT JOIN name a ON a.n = x.n"
            " LEFT JOIN name b ON b.id = x.id WHERE a.id IS NOT x.id OR b.n IS NOT x.n"
            for table in ("thread", "run")
        )
        + " LIMIT ?",
        (most,),
    )
    return tuple(f"number {n} is not that of {what} in the table of names" for what, n in rows)


def name_anew(db: sqlite3.Connection) -> None:
    """Inside a transaction: each thread and run has its number, and each number a name. Of one without any it is what
    some of a thread's runs know, or a thread knows as its last run; others are named after their number."""
    _settle(db)
    for table, named_by in _NAMED_BY.items():
        db.execute(
            f"INSERT OR IGNORE INTO name (n, id) SELECT x.thread, max(r.{named_by})"
            f" FROM {table} x JOIN run r ON r.n = x.run WHERE x.thread NOT IN (SELECT n FROM name) GROUP BY x.thread"
        )
    # runs inside it have their messages elsewhere
    rows = "SELECT thread, run FROM message_row UNION SELECT thread, run FROM effect_row"
    db.execute(
        "INSERT OR IGNORE INTO name (n, id, thread) SELECT max(x.run), t.last_run_id, t.n"
        f" FROM ({rows}) x JOIN thread t ON t.n = x.thread"
        " WHERE x.run NOT IN (SELECT n FROM name) AND t.last_run_id NOT IN (SELECT id FROM name) GROUP BY t.n"
    )
    rows = " UNION ".join(f"SELECT thread, run FROM {table}" for table in _NAMED_BY)
    db.execute(
        "INSERT OR IGNORE INTO name (n, id, thread)"
        f" SELECT run, 'lost_' || run, thread FROM ({rows}) WHERE run IS NOT NULL"
        f" UNION SELECT thread, 'lost_' || thread, NULL FROM ({rows})"
    )


def name_runs_after_threads(db: sqlite3.Connection) -> None:
    """Once all threads are there: with which of them a run's name goes."""
    db.execute(
        "UPDATE name SET thread = t.n FROM run r JOIN thread t ON t.id = r.thread_id"
        " WHERE r.id = name.id AND name.thread IS NOT t.n"
    )


def _settle(db: sqlite3.Connection) -> None:
    """What is said of a number twice is said the same."""
    for table in ("thread", "run"):
        db.execute(f"UPDATE {table} SET n = x.n FROM name x WHERE x.id = {table}.id AND x.n IS NOT {table}.n")
    db.execute(_SAID)
    db.execute("CREATE INDEX temp.said_by_id ON said (id)")
    said = "EXISTS (SELECT 1 FROM said WHERE said.id = {}.id)".format
    for table in ("thread", "run"):
        differ = f"x.n = {table}.n AND x.id IS NOT {table}.id"
        db.execute(
            f"UPDATE OR IGNORE {table} SET id = x.id FROM name x"
            f" WHERE {differ} AND {said('x')} AND NOT {said(table)}"
        )
        db.execute(
            f"UPDATE OR IGNORE name SET id = {table}.id FROM {table}"
            f" WHERE {table}.n = name.n AND {table}.id IS NOT name.id AND NOT {said('name')}"
        )
    # of a thread without a row, a name that nothing else has, where a run knows another
    for table, named_by in _NAMED_BY.items():
        db.execute(
            f"DELETE FROM name WHERE NOT {said('name')} AND n NOT IN (SELECT n FROM thread WHERE n IS NOT NULL)"
            f" AND n IN (SELECT x.thread FROM {table} x JOIN run r ON r.n = x.run WHERE r.{named_by} IS NOT NULL)"
            " AND id NOT IN (SELECT id FROM run)"
        )
    db.execute("DROP TABLE said")
