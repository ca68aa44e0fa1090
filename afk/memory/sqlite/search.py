"""Finding a text in titles and messages.

What is found holds the text as it was typed; where nothing does, it holds all of its words, in any order. A text is
found anywhere, also inside a word, whatever its case; what stands in quotes is one word. The index names stretches of
messages that can hold it (`search_index.py`), which are looked through from the newest on, in slices of time: a search
over a large file never keeps a run's boundary waiting, and ends as soon as nobody wants it any more.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from afk.memory.found import FoundText, words_of
from afk.memory.sqlite.naming import call_named
from afk.memory.sqlite.search_index import Span

SLICE_S = 0.01
STRIDE = 100
TITLE_STRIDE = 2_000
# characters of an excerpt before the text, and in all
BEFORE = 60
EXCERPT = 260
# longer ones are an error of SQLite's, far above anything a person types
LONGEST = 1_000


@dataclass(frozen=True, slots=True)
class Sought:
    """What to look for: whatever holds all of these words. `is_text`: there is one, the text as it was typed."""

    words: tuple[str, ...]
    is_text: bool = True


def passes_of(text: str) -> tuple[Sought, ...]:
    """The text as it stands; then its words, where it has several."""
    text = text.strip()[:LONGEST].replace("\0", "")
    words = words_of(text)
    if not words:
        return ()
    if words == (text,):
        return (Sought(words),)
    return Sought((text,)), Sought(words, is_text=False)


def pattern_of(text: str) -> str:
    """A LIKE pattern (with ESCAPE '\\') for whatever contains `text` as it stands."""
    for special in ("\\", "%", "_"):
        text = text.replace(special, f"\\{special}")
    return f"%{text}%"


def _cases(word: str) -> tuple[str, ...]:
    """A word in the cases it is looked for in: LIKE knows those of ASCII."""
    if word.isascii():
        return (word,)
    return tuple(dict.fromkeys((word, word.lower(), word.upper(), word.capitalize(), word.title())))


def _holds(sought: Sought, column: str, args: dict[str, str]) -> str:
    """The condition that a column holds what is sought; its values go into `args`."""

    def holds(word: str) -> str:
        names: list[str] = []
        for case in _cases(word):
            names.append(f"w{len(args)}")
            args[names[-1]] = pattern_of(case)
        return "(" + " OR ".join(f"{column} LIKE :{name} ESCAPE '\\'" for name in names) + ")"

    return " AND ".join(holds(word) for word in sought.words)


@dataclass(slots=True)
class Titles:
    """A look through the titles, from the thread begun last on; `below`: where to go on, 0 at the end."""

    sought: Sought
    workspace: str | None
    below: int = 2**62
    found: list[FoundText] = field(default_factory=list[FoundText])


def look_at_titles(db: sqlite3.Connection, titles: Titles, limit: int) -> None:
    """Go on with it for a slice of time, or to `limit` titles."""
    args: dict[str, str] = {}
    where = _holds(titles.sought, "title", args)
    began = time.perf_counter()
    top: int = db.execute("SELECT coalesce(max(rowid), 0) FROM thread").fetchone()[0] + 1
    titles.below = min(titles.below, top)
    while titles.below > 0 and len(titles.found) < limit:
        rows = db.execute(
            f"SELECT id, title, updated_at_ms, archived_at_ms FROM thread WHERE rowid < :below AND rowid >= :from"
            f" AND part_of IS NULL AND deleted_at_ms IS NULL AND (:workspace IS NULL OR workspace = :workspace)"
            f" AND {where} ORDER BY rowid DESC LIMIT :limit",
            {
                **args,
                "below": titles.below,
                "from": titles.below - TITLE_STRIDE,
                "workspace": titles.workspace,
                "limit": limit - len(titles.found),
            },
        )
        titles.found += [
            FoundText(
                row[0],
                row[1],
                "thread",
                None,
                row[1],
                False,
                row[2],
                is_archived=row[3] is not None,
                by_words=not titles.sought.is_text,
            )
            for row in rows
        ]
        titles.below = max(0, titles.below - TITLE_STRIDE)
        if time.perf_counter() - began > SLICE_S:
            break


def look_at_messages(
    db: sqlite3.Connection, sought: Sought, workspace: str | None, limit: int, spans: list[Span]
) -> list[FoundText]:
    """Messages of these stretches that hold what is sought, the newest first. Ends after a slice of time or `limit`
    hits; what was looked at is taken out of `spans`."""
    args: dict[str, str] = {}
    where = _holds(sought, "m.text", args)
    found: list[FoundText] = []
    began = time.perf_counter()
    while spans and len(found) < limit:
        first, last = spans.pop(0)
        if last - first >= STRIDE:
            spans.insert(0, (first, last - STRIDE))
            first = last - STRIDE + 1
        rows = db.execute(
            f"""
            SELECT m.n AS at, m.thread_id, t.deleted_at_ms, t.workspace, coalesce(t.part_of, t.id) AS root, m.role,
                   m.seq, m.created_at_ms
              FROM message m JOIN thread t ON t.id = m.thread_id
             WHERE m.n BETWEEN :first AND :last AND {where} ORDER BY m.n DESC
            """,
            {**args, "first": first, "last": last},
        ).fetchall()
        for row in rows:
            hit = _hit(db, row, sought, workspace)
            if hit is not None:
                found.append(hit)
        if time.perf_counter() - began > SLICE_S:
            break
    return found


def _hit(db: sqlite3.Connection, row: sqlite3.Row, sought: Sought, workspace: str | None) -> FoundText | None:
    """A message as it is found: in the thread that shows it."""
    root: str | None = row["root"]
    if row["deleted_at_ms"] is not None:
        root = _reader(db, row["thread_id"], row["seq"])
    thread = db.execute(
        "SELECT title, workspace, archived_at_ms FROM thread WHERE id = ? AND deleted_at_ms IS NULL", (root,)
    ).fetchone()
    if root is None or thread is None or (workspace is not None and thread["workspace"] != workspace):
        return None
    excerpt, cut = _excerpt(db, row["at"], sought.words)
    is_moved = row["deleted_at_ms"] is not None
    return FoundText(
        thread_id=root,
        title=thread["title"],
        role=row["role"],
        seq=row["seq"] if is_moved else _place_in_root(db, row["thread_id"], row["seq"], root),
        excerpt=excerpt,
        cut_before=cut,
        at_ms=row["created_at_ms"],
        is_archived=thread["archived_at_ms"] is not None,
        by_words=not sought.is_text,
    )


def _reader(db: sqlite3.Connection, thread_id: str, seq: int) -> str | None:
    """A fork that reads this place of a deleted thread; the first of several."""
    forks = db.execute(
        "SELECT id, deleted_at_ms FROM thread f WHERE forked_from = ?1 AND forked_seq >= ?2"
        " AND NOT EXISTS (SELECT 1 FROM message o WHERE o.thread_id = f.id AND o.seq = ?2)"
        " AND NOT EXISTS (SELECT 1 FROM effect o WHERE o.thread_id = f.id AND o.result_seq = ?2) ORDER BY rowid",
        (thread_id, seq),
    ).fetchall()
    for fork in forks:
        found = fork["id"] if fork["deleted_at_ms"] is None else _reader(db, fork["id"], seq)
        if found is not None:
            return found
    return None


def _excerpt(db: sqlite3.Connection, at: int, words: Sequence[str]) -> tuple[str, bool]:
    """A little of the message around the first of the words, and whether it begins later than the message does."""
    places = [
        db.execute("SELECT instr(lower(text), lower(?)) FROM message_row WHERE n = ?", (case, at)).fetchone()[
            0
        ]
        for word in words
        for case in _cases(word)
    ]
    place = min((place for place in places if place), default=1)
    begin = max(1, place - BEFORE)
    text = db.execute(
        "SELECT substr(text, ?, ?) FROM message_row WHERE n = ?", (begin, EXCERPT, at)
    ).fetchone()
    return text[0], begin > 1


def _place_in_root(db: sqlite3.Connection, transcript_id: str, seq: int, root: str) -> int:
    """Where a thread shows what stands in the conversation of a subagent: at the call that it works for."""
    while transcript_id != root:
        row = db.execute(
            "SELECT parent_effect_id FROM run WHERE id = ? AND parent_effect_id IS NOT NULL", (transcript_id,)
        ).fetchone()
        call = None if row is None else call_named(db, row["parent_effect_id"])
        if call is None:
            break
        transcript_id, seq = call["thread_id"], call["result_seq"]
    return seq
