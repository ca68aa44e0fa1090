"""Reading what happened in a thread, by pages: which lines there are, then what they need, one statement a table."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence

from afk.memory.records import CheckpointRecord, RunRecord
from afk.memory.sqlite.naming import OF_CALL, OF_THREAD, place_of
from afk.memory.sqlite.owners import Owners
from afk.memory.sqlite.queries import run_as_it_reads
from afk.memory.sqlite.rows import checkpoint_of
from afk.memory.sqlite.summaries import KEY, summary_of
from afk.memory.timeline import TimelineCall, TimelineCounts, TimelineEntry, TimelineKind

# of a message or an argument, as much as a line could ever show
TEXT_CHARS = 300
LAST = 2**50

# A root run is listed before its newest checkpoint, which is after the oldest one that is left of the run after it: so
# it stands between two ordinals. The runs inside it write between its own checkpoints. `upto`: no run after this row;
# so many lines from there on have no more runs than that.
HEADINGS = f"""
    SELECT lead(first, 1, {LAST}) OVER (ORDER BY first) - 0.5 AS place, 'run' AS kind, id
      FROM (SELECT r.id, (SELECT c.ordinal FROM checkpoint c WHERE c.run_id = r.name ORDER BY c.number LIMIT 1) AS first
              FROM (SELECT rowid AS id, id AS name FROM run
                     WHERE thread_id = :thread AND parent_run_id IS NULL AND rowid <= :upto
                     ORDER BY rowid DESC LIMIT :limit + :offset + 2) r)
     WHERE first IS NOT NULL
"""
# the run that the first of the lines belongs to, and the one after it, which says where that is listed
UPTO = """
    SELECT min(rowid) FROM run WHERE thread_id = :thread AND parent_run_id IS NULL AND rowid > (
        SELECT o.rowid FROM checkpoint c JOIN run r ON r.id = c.run_id JOIN run o ON o.id = r.root_run_id
         WHERE c.thread_id = :thread AND c.ordinal < :before ORDER BY c.ordinal DESC LIMIT 1)
"""
LINES = f"""
    SELECT ordinal AS place, 'checkpoint' AS kind, n AS id FROM checkpoint_row
     WHERE thread = {OF_THREAD} AND ordinal < :before
    UNION ALL
    SELECT ordinal, 'summary', rowid FROM state WHERE thread_id = :thread AND ordinal < :before AND key = '{KEY}'
    UNION ALL
    SELECT place, kind, id FROM ({HEADINGS}) WHERE place < :before
     ORDER BY 1 DESC LIMIT :limit OFFSET :offset
"""
KINDS: tuple[TimelineKind, ...] = ("run", "checkpoint", "summary")
CHECKPOINTS = "SELECT c.* FROM json_each(?) j JOIN checkpoint c ON c.n = j.value"
SUMMARIES = "SELECT s.rowid AS id, s.* FROM json_each(?) j JOIN state s ON s.rowid = j.value"
FORMERS = """
    SELECT f.* FROM json_each(?) j JOIN checkpoint_row c ON c.n = j.value
      JOIN checkpoint f ON f.run = c.run AND f.number = c.number - 1
"""
# an argument may be a whole file, or hold half a character, which is no text to SQLite
CALLS = f"""
    SELECT DISTINCT e.n, e.run_id, e.step, e.position, e.call_id, e.tool_name, e.phase, e.result_seq,
           e.finished_at_ms, a.status AS asked,
           CAST((SELECT json_group_object(
                     v.key, CASE v.type WHEN 'text' THEN substr(v.atom, 1, {TEXT_CHARS}) ELSE v.atom END)
                   FROM json_each(e.arguments) v WHERE v.atom IS NOT NULL) AS BLOB) AS arguments
      FROM json_each(?) j JOIN checkpoint_row c ON c.n = j.value
      JOIN effect e ON e.run = c.run AND e.step = c.step
      LEFT JOIN approval a ON a.id = e.approval_id
     ORDER BY e.run, e.step, e.position
"""
TEXTS = f"""
    SELECT m.thread_id, m.seq, m.role, substr(m.text, 1, {TEXT_CHARS}) AS text FROM json_each(?) j
      JOIN message m ON m.thread_id = j.value ->> 0 AND m.seq = j.value ->> 1
"""
# the runs asked for and those above them
RUNS = """
    WITH RECURSIVE wanted(id) AS (
        SELECT r.id FROM json_each(?) j JOIN run r ON r.rowid = j.value
        UNION SELECT value FROM json_each(?)
        UNION SELECT r.parent_run_id FROM wanted JOIN run r ON r.id = wanted.id WHERE r.parent_run_id IS NOT NULL)
    SELECT r.rowid AS row, r.* FROM wanted JOIN run r ON r.id = wanted.id
"""


def count_timeline(db: sqlite3.Connection, thread_id: str) -> TimelineCounts:
    """How many lines there are."""
    row = db.execute(
        "SELECT (SELECT count(*) FROM run r WHERE thread_id = :thread AND parent_run_id IS NULL"
        "          AND EXISTS (SELECT 1 FROM checkpoint c WHERE c.run_id = r.id)),"
        f" (SELECT count(*) FROM checkpoint_row WHERE thread = {OF_THREAD}),"
        f" (SELECT count(*) FROM state WHERE thread_id = :thread AND key = '{KEY}')",
        {"thread": thread_id},
    ).fetchone()
    return TimelineCounts(*row)


def read_timeline(
    db: sqlite3.Connection, owners: Owners, thread_id: str, before: float | None, offset: int, limit: int
) -> list[TimelineEntry]:
    """Lines, the newest first. However many they are, each table is asked once."""
    asked = {"thread": thread_id, "before": 2 * LAST if before is None else before}
    upto = db.execute(UPTO, asked).fetchone()[0] if before is not None else None
    lines = db.execute(
        LINES, {**asked, "upto": LAST if upto is None else upto, "limit": limit, "offset": offset}
    ).fetchall()
    ids = {kind: json.dumps([line["id"] for line in lines if line["kind"] == kind]) for kind in KINDS}
    summaries = {row["id"]: row for row in db.execute(SUMMARIES, (ids["summary"],))}
    checkpoints = {row["n"]: checkpoint_of(row) for row in db.execute(CHECKPOINTS, (ids["checkpoint"],))}
    formers = {(c.run_id, c.number): c for c in map(checkpoint_of, db.execute(FORMERS, (ids["checkpoint"],)))}
    calls: dict[tuple[str, int], list[TimelineCall]] = {}
    for row in db.execute(CALLS, (ids["checkpoint"],)):
        calls.setdefault((row["run_id"], row["step"]), []).append(_call_of(row))
    runs = _Runs(db, owners, ids["run"], sorted({c.run_id for c in checkpoints.values()}))
    texts = _texts(db, checkpoints.values(), calls, runs)
    found: list[TimelineEntry] = []
    for line in lines:
        if line["kind"] == "run":
            entry = TimelineEntry("run", line["place"], run=runs.by_row[line["id"]])
        elif line["kind"] == "summary":
            entry = TimelineEntry(
                "summary", line["place"], summary=summary_of(summaries[line["id"]], thread_id)
            )
        else:
            here = checkpoints[line["id"]]
            entry = TimelineEntry(
                "checkpoint",
                line["place"],
                run=runs.by_id.get(here.run_id),
                checkpoint=here,
                former=formers.get((here.run_id, here.number - 1)),
                text=texts.get((here.run_id, here.number), ""),
                calls=tuple(calls.get((here.run_id, here.step), ())),
                depth=runs.depth(here.run_id),
                root_seq=runs.root_seq(here.run_id),
                is_newest=runs.newest.get(here.run_id) == here.number,
            )
        found.append(entry)
    return found


def checkpoint_with_former(
    db: sqlite3.Connection, run_id: str, number: int
) -> tuple[CheckpointRecord, CheckpointRecord | None] | None:
    """One, and the one before it: in the thread, or in its own run where that is inside another."""
    row = db.execute(
        "SELECT c.*, r.parent_run_id FROM checkpoint c JOIN run r ON r.id = c.run_id"
        " WHERE c.run_id = ? AND c.number = ?",
        (run_id, number),
    ).fetchone()
    if row is None:
        return None
    if row["parent_run_id"] is None:
        among = (
            "thread_id = :thread AND ordinal < :ordinal AND run_id NOT IN"
            " (SELECT id FROM run WHERE thread_id = :thread AND parent_run_id IS NOT NULL) ORDER BY ordinal"
        )
    else:
        among = "run_id = :run AND number < :number ORDER BY number"
    former = db.execute(
        f"SELECT * FROM checkpoint WHERE {among} DESC LIMIT 1",
        {"thread": row["thread_id"], "ordinal": row["ordinal"], "run": run_id, "number": number},
    ).fetchone()
    return checkpoint_of(row), None if former is None else checkpoint_of(former)


class _Runs:
    """The runs of some lines, and all above them."""

    def __init__(self, db: sqlite3.Connection, owners: Owners, row_ids: str, run_ids: Sequence[str]) -> None:
        rows = db.execute(RUNS, (row_ids, json.dumps(run_ids))).fetchall()
        self.by_id: dict[str, RunRecord] = {row["id"]: run_as_it_reads(row, owners) for row in rows}
        self.by_row: dict[int, RunRecord] = {row["row"]: self.by_id[row["id"]] for row in rows}
        self.newest: dict[str, int] = {row["id"]: row["checkpoint"] for row in rows}
        self._seqs: dict[str, int | None] = {
            row["id"]: _place_of_call(db, row["parent_effect_id"]) for row in rows
        }

    def _above(self, run_id: str) -> str | None:
        run = self.by_id.get(run_id)
        return run.parent_run_id if run and run.parent_run_id in self.by_id else None

    def depth(self, run_id: str) -> int:
        above = self._above(run_id)
        return 0 if above is None else 1 + self.depth(above)

    def root_seq(self, run_id: str) -> int | None:
        """The place, in the root's conversation, of the call that a run works for."""
        above = self._above(run_id)
        if above is None:
            return None
        return self._seqs[run_id] if self._above(above) is None else self.root_seq(above)


def _place_of_call(db: sqlite3.Connection, effect_id: str | None) -> int | None:
    """Where the result of the call that a run works for stands, in the run above."""
    row = (
        db.execute(f"SELECT result_seq FROM effect_row WHERE {OF_CALL}", place_of(effect_id)).fetchone()
        if effect_id
        else None
    )
    return None if row is None else row["result_seq"]


def _call_of(row: sqlite3.Row) -> TimelineCall:
    return TimelineCall(
        call_id=row["call_id"],
        tool_name=row["tool_name"],
        arguments=json.loads(row["arguments"].decode(errors="replace")),
        phase=row["phase"],
        asked=row["asked"],
        result_seq=row["result_seq"],
        finished_at_ms=row["finished_at_ms"],
    )


def _texts(
    db: sqlite3.Connection,
    checkpoints: Iterable[CheckpointRecord],
    calls: Mapping[tuple[str, int], Sequence[TimelineCall]],
    runs: _Runs,
) -> dict[tuple[str, int], str]:
    """The beginning of the message that each checkpoint records, where that is one of a person or a model."""
    places: dict[tuple[str, int], list[tuple[str, int]]] = {}
    for checkpoint in checkpoints:
        run, step = runs.by_id.get(checkpoint.run_id), calls.get((checkpoint.run_id, checkpoint.step))
        if run is None or checkpoint.phase in ("result", "delegated"):
            continue
        seq = checkpoint.head_seq
        if checkpoint.phase == "answer" and step:
            seq = min(call.result_seq for call in step) - 1
        places.setdefault((run.transcript_id, seq), []).append((checkpoint.run_id, checkpoint.number))
    found: dict[tuple[str, int], str] = {}
    for row in db.execute(TEXTS, (json.dumps(list(places)),)):
        if row["role"] != "tool":
            found.update(dict.fromkeys(places[row["thread_id"], row["seq"]], str(row["text"])))
    return found
