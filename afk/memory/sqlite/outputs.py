"""Whole results of calls, each kept once under the hash of what it says, in parts of about 64,000 characters.

Parts, since SQLite walks through a long row page by page: a window of a result of 8 MB costs as little as one of a
short one, and it goes in batches when nobody refers to it any more.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator

from afk.agents.errors import StoreError
from afk.memory.records import CallResult, EffectRecord, LongResult
from afk.memory.sqlite.lineage import stretches
from afk.memory.sqlite.rows import effect_of
from afk.memory.sqlite.writing import add_message
from afk.outputs import OutputMatch, OutputRecord, OutputSlice, WholeOutput, count_lines

PART_CHARS = 1 << 16
# parts that go in one transaction, and rows of outputs that none are left of
PARTS_IN_A_BATCH = 16

OUTPUTS = (
    "CREATE TABLE output ("
    " sha256 TEXT NOT NULL UNIQUE, size_bytes INTEGER NOT NULL, chars INTEGER NOT NULL, lines INTEGER NOT NULL,"
    " created_at_ms INTEGER NOT NULL,"
    # nobody refers to it any more: it goes, part by part, and is none to whoever reads
    " leaving INTEGER NOT NULL DEFAULT 0)",
    "CREATE INDEX output_leaving ON output (sha256) WHERE leaving",
    "CREATE TABLE output_part ("
    # the place of its first character, and the line that one stands in
    " sha256 TEXT NOT NULL, first_char INTEGER NOT NULL, first_line INTEGER NOT NULL, body TEXT NOT NULL)",
    "CREATE UNIQUE INDEX output_part_by_place ON output_part (sha256, first_char, first_line)",
    "ALTER TABLE message ADD COLUMN output_sha TEXT",
    "CREATE INDEX message_by_output ON message (output_sha, thread_id, seq) WHERE output_sha IS NOT NULL",
)


def add_outputs(db: sqlite3.Connection) -> None:
    """Messages may refer to a longer whole."""
    for statement in OUTPUTS:
        db.execute(statement)


def add_result(
    db: sqlite3.Connection, effect: EffectRecord, result: CallResult, now_ms: int, *, count: bool = True
) -> None:
    """The result of a call at its place, and the whole of it where the message shows a part: both, or neither."""
    if result.whole is not None:
        _keep(db, result.whole, now_ms)
    add_message(
        db,
        effect.thread_id,
        effect.run_id,
        effect.result_seq,
        "tool",
        result.text,
        now_ms,
        call_id=effect.call_id,
        output_sha=result.whole.sha256 if result.whole else None,
        count=count,
    )


def _keep(db: sqlite3.Connection, whole: WholeOutput, now_ms: int) -> None:
    known = db.execute("SELECT leaving FROM output WHERE sha256 = ?", (whole.sha256,)).fetchone()
    if known is not None and not known["leaving"]:
        return
    # of one that was leaving some parts are gone
    db.execute("DELETE FROM output_part WHERE sha256 = ?", (whole.sha256,))
    db.execute(
        "INSERT INTO output (sha256, size_bytes, chars, lines, created_at_ms) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (sha256) DO UPDATE SET leaving = 0, created_at_ms = excluded.created_at_ms",
        (whole.sha256, whole.size_bytes, len(whole.text), count_lines(whole.text), now_ms),
    )
    db.executemany("INSERT INTO output_part VALUES (?, ?, ?, ?)", _parts(whole))


def _parts(whole: WholeOutput) -> Iterator[tuple[str, int, int, str]]:
    """Cut behind a line, where there is one in the part."""
    at, line = 0, 1
    while at < len(whole.text):
        end = at + PART_CHARS
        if end < len(whole.text):
            end = whole.text.rfind("\n", at, end) + 1 or end
        body = whole.text[at:end]
        yield whole.sha256, at, line, body
        at, line = end, line + body.count("\n")


def outputs_of(db: sqlite3.Connection, conversation_id: str, name: str) -> list[OutputRecord]:
    """The outputs whose hash begins like this and that messages of a conversation refer to, those that a fork reads in
    its sources among them: each once, the first one that was referred to first."""
    found: dict[str, int] = {}
    for row in _referring(db, conversation_id, name):
        found[row["output_sha"]] = min(row["seq"], found.get(row["output_sha"], row["seq"]))
    records = [get_output(db, sha) for sha in sorted(found, key=lambda sha: found[sha])]
    return [record for record in records if record is not None]


def long_results(db: sqlite3.Connection, thread_id: str) -> list[LongResult]:
    """The calls of a thread, of its sources and of the subagents in it that have a whole result, in their order."""
    found: list[tuple[int, LongResult]] = []
    parts = db.execute("SELECT id FROM thread WHERE part_of = ?", (thread_id,)).fetchall()
    for conversation_id in (thread_id, *(part["id"] for part in parts)):
        for row in _referring(db, conversation_id, ""):
            effect = db.execute(
                "SELECT * FROM effect WHERE thread_id = ? AND result_seq = ?", (row["thread_id"], row["seq"])
            ).fetchone()
            output = get_output(db, row["output_sha"])
            if effect is not None and output is not None:
                found.append((row["n"], LongResult(effect_of(effect), output)))
    return [result for _, result in sorted(found, key=lambda one: one[0])]


def _referring(db: sqlite3.Connection, conversation_id: str, name: str) -> Iterator[sqlite3.Row]:
    """The messages of a conversation that refer to outputs whose hash begins like this."""
    for stretch in stretches(db, conversation_id):
        for row in db.execute(
            # by place the rows themselves would be read
            "SELECT m.n, t.id AS thread_id, m.output_sha, m.seq"
            " FROM name t CROSS JOIN message_row m INDEXED BY message_by_output ON m.thread = t.n WHERE t.id = ?"
            # as text they are hexadecimal: whatever begins like this stands between these two
            " AND seq BETWEEN ? AND ? AND output_sha IS NOT NULL AND output_sha BETWEEN ? AND ?",
            (stretch.thread_id, stretch.first, stretch.last, name, f"{name}g"),
        ):
            if row["seq"] not in stretch.hidden:
                yield row


def get_output(db: sqlite3.Connection, sha256: str) -> OutputRecord | None:
    """What is known of an output, or None where it is not kept."""
    row = db.execute(
        "SELECT sha256, size_bytes, chars, lines FROM output WHERE sha256 = ? AND NOT leaving", (sha256,)
    ).fetchone()
    return None if row is None else OutputRecord(*row)


def read_output(db: sqlite3.Connection, sha256: str, offset: int, chars: int) -> OutputSlice:
    """Up to so many characters from a place on; none beyond the end. Raises StoreError where they are damaged."""
    known = _require(db, sha256)
    offset = max(0, min(offset, known.chars))
    parts = list(_parts_from(db, known, offset, offset + chars))
    if not parts:
        return OutputSlice("", offset, known.lines, 1)
    first_char, first_line, body = parts[0]
    text = "".join(part[2] for part in parts)[offset - first_char :][:chars]
    line = first_line + body.count("\n", 0, offset - first_char)
    return OutputSlice(text, offset, line, offset - line_start(db, sha256, line) + 1)


def line_start(db: sqlite3.Connection, sha256: str, line: int) -> int:
    """The place of a line's first character; of one beyond the last, the end."""
    known = _require(db, sha256)
    if line <= 1:
        return 0
    if line > known.lines:
        return known.chars
    # the break that ends the line before stands in the last part that begins before this line
    row = db.execute(
        "SELECT first_char, first_line, body FROM output_part WHERE sha256 = ? AND first_line < ?"
        " ORDER BY first_char DESC LIMIT 1",
        (sha256, line),
    ).fetchone()
    at = -1
    for _ in range(line - row["first_line"] if row else 0):
        at = row["body"].find("\n", at + 1)
        if at < 0:
            break
    if at < 0:
        raise _damaged(sha256)
    return row["first_char"] + at + 1


def find_forwards(
    db: sqlite3.Connection, sha256: str, text: str, offset: int, chars: int
) -> tuple[OutputMatch | None, int | None]:
    """The first place at or after `offset` where a text stands, upper and lower case alike; else where to look on
    (None: nowhere). So many characters are looked through, not all of it."""
    known = _require(db, sha256)
    overlap = len(text) - 1
    end = min(known.chars, offset + chars)
    looked = read_output(db, sha256, offset, end - offset + overlap)
    match = _pattern(text).search(looked.text)
    if match is None:
        return None, end if end < known.chars else None
    return _match(looked, match.start()), None


def find_backwards(
    db: sqlite3.Connection, sha256: str, text: str, offset: int, chars: int
) -> tuple[OutputMatch | None, int | None]:
    """The last such place before `offset`; else below which place to look on."""
    _require(db, sha256)
    start = max(0, offset - chars)
    looked = read_output(db, sha256, start, offset - start + len(text) - 1)
    places = [found.start() for found in _pattern(text).finditer(looked.text)]
    if not places:
        return None, start or None
    return _match(looked, places[-1]), None


def mark_unreferred(db: sqlite3.Connection, hashes: Iterable[str]) -> None:
    """Let those of these outputs go that no message refers to."""
    for sha in hashes:
        db.execute(
            "UPDATE output SET leaving = 1 WHERE sha256 = ?1"
            " AND NOT EXISTS (SELECT 1 FROM message_row WHERE output_sha = ?1)",
            (sha,),
        )


def any_leaving(db: sqlite3.Connection) -> bool:
    """Whether there is something for `remove_leaving` to do."""
    return db.execute("SELECT EXISTS (SELECT 1 FROM output WHERE leaving)").fetchone()[0] == 1


def remove_leaving(db: sqlite3.Connection) -> int:
    """Remove some parts of outputs that leave, and the rows of those that have none left; how many rows went, 0 when it
    is done."""
    removed = db.execute(
        "DELETE FROM output_part WHERE rowid IN (SELECT p.rowid FROM output o JOIN output_part p ON p.sha256 = o.sha256"
        " WHERE o.leaving LIMIT ?)",
        (PARTS_IN_A_BATCH,),
    ).rowcount
    if removed < PARTS_IN_A_BATCH:
        removed += db.execute(
            "DELETE FROM output WHERE leaving AND NOT EXISTS"
            " (SELECT 1 FROM output_part p WHERE p.sha256 = output.sha256)"
        ).rowcount
    return removed


def _require(db: sqlite3.Connection, sha256: str) -> OutputRecord:
    known = get_output(db, sha256)
    if known is None:
        raise StoreError(
            f"There is no whole result {sha256!r} in this store. Take its hash from a call's result; "
            "if it stands there, see: afk-tui doctor"
        )
    return known


def _parts_from(
    db: sqlite3.Connection, known: OutputRecord, start: int, end: int
) -> Iterator[tuple[int, int, str]]:
    """The parts that cover these places, one beginning where the other ends."""
    rows = db.execute(
        "SELECT first_char, first_line, body FROM output_part WHERE sha256 = ?1 AND first_char < ?2 AND first_char >="
        " (SELECT coalesce(max(first_char), 0) FROM output_part WHERE sha256 = ?1 AND first_char <= ?3)"
        " ORDER BY first_char",
        (known.sha256, end, start),
    )
    at: int | None = None
    for first_char, first_line, body in rows:
        if first_char > start if at is None else first_char != at:
            raise _damaged(known.sha256)
        yield first_char, first_line, body
        at = first_char + len(body)
    if (start if at is None else at) < min(end, known.chars):
        raise _damaged(known.sha256)


def _damaged(sha256: str) -> StoreError:
    return StoreError(
        f"The whole result {sha256} is damaged: parts of it are missing. What the conversation shows of it is there. "
        "See: afk-tui doctor"
    )


def _pattern(text: str) -> re.Pattern[str]:
    # lower() would move the places of what comes after some letters
    return re.compile(re.escape(text), re.IGNORECASE)


def _match(looked: OutputSlice, at: int) -> OutputMatch:
    return OutputMatch(looked.offset + at, looked.line + looked.text.count("\n", 0, at))
