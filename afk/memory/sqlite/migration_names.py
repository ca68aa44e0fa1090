"""The tables that grow with every step, with numbers where they held names.

A thread and a run have names of 24 letters and more. In what grows with every step (messages, checkpoints, calls,
events) and in its indexes they were half of what is not the conversation itself. `name` gives each a number, which is
kept in the thread's or run's own row too: whichever of the two is damaged, the other says it. Hashes are bytes.

`message`, `checkpoint`, `effect` and `event` are views of those tables by name. Reading goes through them; writing is
done in the tables (`..._row`), whose numbers the views show too.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from afk.memory.sqlite.migration_search import STALE
from afk.memory.sqlite.owners import Owners
from afk.memory.sqlite.rows import packed

_NAMES = """
CREATE TABLE name (
    n               INTEGER PRIMARY KEY AUTOINCREMENT,  -- never given twice
    id              TEXT NOT NULL UNIQUE,
    thread          INTEGER             -- of a run: its thread's number, with whose name its own goes
);
CREATE INDEX name_by_thread ON name (thread) WHERE thread IS NOT NULL;
ALTER TABLE thread ADD COLUMN n INTEGER;
ALTER TABLE run ADD COLUMN n INTEGER;
CREATE TRIGGER thread_is_named AFTER INSERT ON thread BEGIN
    INSERT INTO name (n, id) SELECT NEW.n, NEW.id WHERE NOT EXISTS (SELECT 1 FROM name WHERE id = NEW.id);
    UPDATE thread SET n = (SELECT n FROM name WHERE id = NEW.id) WHERE rowid = NEW.rowid AND NEW.n IS NULL;
END;
CREATE TRIGGER run_is_named AFTER INSERT ON run BEGIN
    INSERT INTO name (n, id, thread) VALUES (NEW.n, NEW.id, (SELECT n FROM name WHERE id = NEW.thread_id))
        ON CONFLICT (id) DO UPDATE SET thread = excluded.thread;
    UPDATE run SET n = (SELECT n FROM name WHERE id = NEW.id) WHERE rowid = NEW.rowid AND NEW.n IS NULL;
END;
"""

_TABLES = """
CREATE TABLE message_row (
    n               INTEGER PRIMARY KEY,
    thread          INTEGER NOT NULL,
    seq             INTEGER NOT NULL,
    role            TEXT NOT NULL,
    chars           INTEGER NOT NULL,   -- all before the text, so that nothing else is read through a long one
    lines           INTEGER NOT NULL,
    run             INTEGER NOT NULL,
    call_id         TEXT,
    created_at_ms   INTEGER NOT NULL,
    output_sha      TEXT,
    tool_calls      TEXT,
    text            TEXT NOT NULL
);

CREATE TABLE checkpoint_row (
    n               INTEGER PRIMARY KEY,
    run             INTEGER NOT NULL,
    number          INTEGER NOT NULL,
    thread          INTEGER NOT NULL,
    ordinal         INTEGER NOT NULL,
    step            INTEGER NOT NULL,
    phase           TEXT NOT NULL,
    head_seq        INTEGER NOT NULL,
    message_count   INTEGER NOT NULL,
    state           TEXT NOT NULL,
    checksum        BLOB NOT NULL,
    created_at_ms   INTEGER NOT NULL
);

CREATE TABLE effect_row (
    n               INTEGER PRIMARY KEY,
    run             INTEGER NOT NULL,
    step            INTEGER NOT NULL,
    position        INTEGER NOT NULL,
    thread          INTEGER NOT NULL,
    call_id         TEXT NOT NULL,
    tool_name       TEXT NOT NULL,
    effect          TEXT NOT NULL,
    arguments       TEXT NOT NULL,
    args_sha        BLOB NOT NULL,      -- these two as text, where they are not what this program writes
    idempotency_key BLOB NOT NULL,
    phase           TEXT NOT NULL,
    attempt         INTEGER NOT NULL,
    epoch           INTEGER NOT NULL,
    result_seq      INTEGER NOT NULL,
    approval_id     TEXT,
    allowed_by      TEXT,
    owner           TEXT,               -- who makes the attempt that has no outcome yet, and in which process
    process_id      INTEGER,
    started_at_ms   INTEGER,
    finished_at_ms  INTEGER
);

CREATE TABLE event_row (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    thread          INTEGER NOT NULL,
    run             INTEGER,
    type            TEXT NOT NULL,
    body            TEXT NOT NULL,
    created_at_ms   INTEGER NOT NULL
);
"""
# made when those of the same names are gone; of open runs there are few, which are put in order when they are listed,
# and not at every step
_INDEXES = """
DROP INDEX run_open;
CREATE INDEX run_open ON run (thread_id) WHERE state IN ('running', 'awaiting_approval', 'interrupted');
CREATE UNIQUE INDEX message_by_place ON message_row (thread, seq);
CREATE INDEX message_by_output ON message_row (output_sha, thread, seq) WHERE output_sha IS NOT NULL;
CREATE UNIQUE INDEX checkpoint_by_run ON checkpoint_row (run, number);
CREATE INDEX checkpoint_by_thread ON checkpoint_row (thread, ordinal);
CREATE UNIQUE INDEX effect_by_step ON effect_row (run, step, position);
CREATE INDEX effect_by_place ON effect_row (thread, result_seq);
CREATE INDEX event_by_thread ON event_row (thread);
"""

# the inverse of `packed`
_TEXT = "CASE typeof(x.{0}) WHEN 'blob' THEN {1} || lower(hex(x.{0})) ELSE x.{0} END"
# LEFT: SQLite then leaves out, mostly, the names that a query does not ask for. What counts a whole thread, or reads no
# more than an index says, asks the tables themselves: by the views the rows are read too
_BY_NAME = "LEFT JOIN name t ON t.n = x.thread LEFT JOIN name r ON r.n = x.run"
_VIEWS = f"""
CREATE VIEW message AS SELECT x.n, x.thread, x.run, t.id AS thread_id, x.seq, x.role, x.chars, x.lines,
    r.id AS run_id, x.call_id, x.created_at_ms, x.output_sha, x.tool_calls, x.text FROM message_row x {_BY_NAME};
CREATE VIEW checkpoint AS SELECT x.n, x.thread, x.run, r.id AS run_id, x.number, t.id AS thread_id, x.ordinal, x.step,
    x.phase, x.head_seq, x.message_count, x.state, {_TEXT.format("checksum", "''")} AS checksum, x.created_at_ms
    FROM checkpoint_row x {_BY_NAME};
CREATE VIEW effect AS SELECT x.n, x.thread, x.run, 'eff_' || r.id || '.' || x.step || '.' || x.position AS id,
    r.id AS run_id, t.id AS thread_id, x.call_id, x.step, x.position, x.tool_name, x.effect, x.arguments,
    {_TEXT.format("args_sha", "''")} AS args_sha, {_TEXT.format("idempotency_key", "'idem_'")} AS idempotency_key,
    x.phase, x.attempt, x.epoch, x.result_seq, x.approval_id, x.allowed_by, x.owner, x.process_id,
    x.started_at_ms, x.finished_at_ms FROM effect_row x {_BY_NAME};
CREATE VIEW event AS SELECT x.id, x.thread, x.run, t.id AS thread_id, r.id AS run_id, x.type, x.body, x.created_at_ms
    FROM event_row x {_BY_NAME};
"""

# what each table takes of the one before it; `n` is what `rowid` was, which the search index knows messages by
_N = "(SELECT n FROM name WHERE id = x.{}_id)"
_COPIES = (
    "INSERT INTO message_row (n, thread, seq, role, chars, lines, run, call_id, created_at_ms, output_sha, tool_calls,"
    f" text) SELECT rowid, {_N.format('thread')}, seq, role, chars, lines, {_N.format('run')}, call_id, created_at_ms,"
    " output_sha, tool_calls, text FROM message x ORDER BY rowid",
    "INSERT INTO checkpoint_row (n, run, number, thread, ordinal, step, phase, head_seq, message_count, state,"
    f" checksum, created_at_ms) SELECT rowid, {_N.format('run')}, number, {_N.format('thread')}, ordinal, step, phase,"
    " head_seq, message_count, state, packed(checksum, ''), created_at_ms FROM checkpoint x ORDER BY rowid",
    "INSERT INTO effect_row (n, run, step, position, thread, call_id, tool_name, effect, arguments, args_sha,"
    " idempotency_key, phase, attempt, epoch, result_seq, approval_id, allowed_by, started_at_ms, finished_at_ms)"
    f" SELECT rowid, {_N.format('run')}, step, position, {_N.format('thread')}, call_id, tool_name, effect, arguments,"
    " packed(args_sha, ''), packed(idempotency_key, 'idem_'), phase, attempt, epoch, result_seq, approval_id,"
    " allowed_by, started_at_ms, finished_at_ms FROM effect x ORDER BY rowid",
    f"INSERT INTO event_row (id, thread, run, type, body, created_at_ms) SELECT id, {_N.format('thread')},"
    f" {_N.format('run')}, type, body, created_at_ms FROM event x ORDER BY id",
)
_CALLS_BY_NEW_NAME = (
    "CREATE TEMP TABLE renamed AS"
    " SELECT e.id AS former, 'eff_' || e.run_id || '.' || e.step || '.' || e.position AS id,"
    " e.finished_at_ms IS NULL AS is_open FROM effect e",
    "CREATE UNIQUE INDEX temp.renamed_by_former ON renamed (former)",
    "UPDATE approval SET effect_id = (SELECT id FROM renamed WHERE former = effect_id)"
    " WHERE effect_id IN (SELECT former FROM renamed)",
    "UPDATE run SET parent_effect_id = (SELECT id FROM renamed WHERE former = parent_effect_id)"
    " WHERE parent_effect_id IN (SELECT former FROM renamed)",
    # the events that said it are only told from here on
    "UPDATE effect_row SET (owner, process_id) = (SELECT b.body ->> '$.owner', b.body ->> '$.process_id' FROM begun b"
    " WHERE b.n = effect_row.n ORDER BY b.id DESC LIMIT 1) WHERE n IN (SELECT n FROM begun)",
)
_BEGUN = """
CREATE TEMP VIEW begun AS
SELECT e.n, v.id, v.body FROM effect_row e JOIN name r ON r.n = e.run JOIN run u ON u.id = r.id
  JOIN (SELECT id, thread_id, run_id, CASE WHEN json_valid(body) THEN body ELSE '{}' END AS body FROM event
         WHERE type = 'tool_started') v
    ON v.thread_id = u.thread_id AND v.run_id = u.id
   AND v.body ->> '$.call_id' = e.call_id AND v.body ->> '$.attempt' = e.attempt
 WHERE e.finished_at_ms IS NULL
"""


def number_names(db: sqlite3.Connection) -> None:
    """The migration. Takes as long as copying the four tables does."""
    db.create_function("packed", 2, packed, deterministic=True)
    for statement in _statements(_NAMES):
        db.execute(statement)
    _name_all(db)
    for statement in _statements(_TABLES):
        db.execute(statement)
    for copy in _COPIES:
        db.execute(copy)
    _rename_calls(db)
    last = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'event'").fetchone()
    for table in ("message", "checkpoint", "effect", "event"):
        db.execute(f"DROP TABLE {table}")
    if last is not None:  # no event's id is given twice, whatever was compacted
        db.execute("DELETE FROM sqlite_sequence WHERE name = 'event_row'")
        db.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('event_row', ?)", (last[0],))
    for statement in _statements(_INDEXES + _VIEWS):
        db.execute(statement)
    for name, event in (("loses", "DELETE"), ("changes", "UPDATE OF text")):
        db.execute(STALE.format(name=name, event=event, table="message_row", row="n"))


def _name_all(db: sqlite3.Connection) -> None:
    """Numbers for all threads and runs, and for those of which only rows are left."""
    db.execute("INSERT INTO name (id) SELECT id FROM thread ORDER BY rowid")
    # the conversation of a subagent has the name of its run
    db.execute(
        "INSERT INTO name (id, thread)"
        " SELECT id, (SELECT n FROM name t WHERE t.id = run.thread_id) FROM run WHERE TRUE ORDER BY rowid"
        " ON CONFLICT (id) DO UPDATE SET thread = excluded.thread"
    )
    for table in ("message", "checkpoint", "effect", "event"):
        db.execute(f"INSERT OR IGNORE INTO name (id) SELECT DISTINCT thread_id FROM {table}")
        db.execute(
            "INSERT OR IGNORE INTO name (id, thread) SELECT run_id, (SELECT n FROM name t WHERE t.id = x.thread_id)"
            f" FROM (SELECT DISTINCT run_id, thread_id FROM {table} WHERE run_id IS NOT NULL) x"
        )
    for table in ("thread", "run"):
        db.execute(f"UPDATE {table} SET n = (SELECT n FROM name WHERE name.id = {table}.id)")


def _rename_calls(db: sqlite3.Connection) -> None:
    """A call is named by its place; whatever refers to it follows, and so does the locked file of one that still runs
    though its process is gone."""
    db.execute(_BEGUN)
    for statement in _CALLS_BY_NEW_NAME:
        db.execute(statement)
    running = db.execute("SELECT former, id FROM renamed WHERE is_open").fetchall()
    if running:
        owners = Owners(Path(db.execute("PRAGMA database_list").fetchone()[2]), "")
        for former, name in running:
            # under both names, since the migration may still fail; the former is swept when nothing holds it
            with contextlib.suppress(OSError):
                owners.lifeline_path(name).hardlink_to(owners.lifeline_path(former))
    db.execute("DROP TABLE renamed")
    db.execute("DROP VIEW begun")


def _statements(script: str) -> Iterator[str]:
    """One by one: a script is executed outside any transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
