"""Finding a text in titles and messages: a plain substring, case-insensitive for ASCII, as SQLite's LIKE is.

Messages are looked through from the newest on, in slices of time: a search over a large file never keeps a run's
boundary waiting, and ends as soon as nobody wants it any more.
"""

from __future__ import annotations

import sqlite3
import time

from afk.memory.found import FoundText

SLICE_S = 0.01
STRIDE = 100
# characters of an excerpt before the text, and in all
BEFORE = 60
EXCERPT = 260
# longer ones are an error of SQLite's, far above anything a person types
LONGEST = 1_000


def pattern_of(text: str) -> str:
    """A LIKE pattern (with ESCAPE '\\') for whatever contains `text` as it stands."""
    for special in ("\\", "%", "_"):
        text = text.replace(special, f"\\{special}")
    return f"%{text}%"


def find_titles(db: sqlite3.Connection, text: str, workspace: str | None, limit: int) -> list[FoundText]:
    """Threads whose title holds the text, the one touched last first."""
    rows = db.execute(
        "SELECT id, title, updated_at_ms FROM thread WHERE title LIKE ? ESCAPE '\\'"
        " AND part_of IS NULL AND deleted_at_ms IS NULL"
        " AND (?2 IS NULL OR workspace = ?2) ORDER BY updated_at_ms DESC, id LIMIT ?3",
        (pattern_of(text[:LONGEST]), workspace, limit),
    )
    return [FoundText(row[0], row[1], "thread", None, row[1], False, row[2]) for row in rows]


def find_messages(
    db: sqlite3.Connection, text: str, workspace: str | None, limit: int, below: int | None
) -> tuple[list[FoundText], int]:
    """Messages that hold the text, the newest first, among those older than the one `below` (a rowid; None: all).

    Ends after SLICE_S or `limit` hits; the second value is where to go on, 0 when all were looked through.
    """
    text = text[:LONGEST]
    at: int = below or db.execute("SELECT coalesce(max(rowid), 0) FROM message").fetchone()[0] + 1
    found: list[FoundText] = []
    began = time.perf_counter()
    while at > 1 and len(found) < limit:
        rows = db.execute(
            """
            SELECT m.thread_id, r.id AS root, r.title, m.role, m.seq, m.created_at_ms,
                   instr(lower(m.text), lower(:text)) AS place,
                   substr(m.text, max(1, instr(lower(m.text), lower(:text)) - :before), :excerpt) AS excerpt
              FROM message m JOIN thread t ON t.id = m.thread_id
              JOIN thread r ON r.id = coalesce(t.part_of, t.id)
             WHERE m.rowid < :below AND m.rowid >= :below - :stride AND m.text LIKE :pattern ESCAPE '\\'
               AND (:workspace IS NULL OR t.workspace = :workspace) AND t.deleted_at_ms IS NULL
             ORDER BY m.rowid DESC LIMIT :limit
            """,
            {
                "text": text,
                "pattern": pattern_of(text),
                "workspace": workspace,
                "below": at,
                "stride": STRIDE,
                "before": BEFORE,
                "excerpt": EXCERPT,
                "limit": limit - len(found),
            },
        ).fetchall()
        found += [
            FoundText(
                thread_id=row["root"],
                title=row["title"],
                role=row["role"],
                seq=_place_in_root(db, row["thread_id"], row["seq"], row["root"]),
                excerpt=row["excerpt"],
                cut_before=row["place"] > BEFORE + 1,
                at_ms=row["created_at_ms"],
            )
            for row in rows
        ]
        at -= STRIDE
        if time.perf_counter() - began > SLICE_S:
            break
    return found, at if at > 1 else 0


def _place_in_root(db: sqlite3.Connection, transcript_id: str, seq: int, root: str) -> int:
    """Where a thread shows what stands in the conversation of a subagent: at the call that it works for."""
    while transcript_id != root:
        row = db.execute(
            "SELECT e.thread_id, e.result_seq FROM run r JOIN effect e ON e.id = r.parent_effect_id"
            " WHERE r.id = ? AND r.parent_effect_id IS NOT NULL",
            (transcript_id,),
        ).fetchone()
        if row is None:
            break
        transcript_id, seq = row
    return seq
