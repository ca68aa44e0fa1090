"""Summaries: rows of `state` that are only ever added. The newest one that a conversation has come to is in effect.

A thread's own rows have the key 'summary', those of a subagent's conversation inside it 'summary:CONVERSATION'. An edit
is a newer row over the same places; a drop is one without a text, and then none is in effect.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import asdict
from typing import Any

from afk.agents.errors import SummaryError, ThreadNotFoundError
from afk.memory.records import Progress, RunKey
from afk.memory.sqlite.lineage import read_messages, read_transcript
from afk.memory.sqlite.owners import Owners, refuse_if_live
from afk.memory.sqlite.pins import pinned_places
from afk.memory.sqlite.rows import dump
from afk.memory.sqlite.writing import add_event, note_progress, require_epoch
from afk.memory.summaries import NewSummary, StoredContext, StoredConversation, SummaryRecord
from afk.memory.text import storable

KEY = "summary"
VERSION = 1


def key_of(thread_id: str, transcript_id: str) -> str:
    """Under which key the rows of a conversation stand among those of its thread."""
    return KEY if transcript_id == thread_id else f"{KEY}:{transcript_id}"


def in_effect(
    db: sqlite3.Connection, thread_id: str, transcript_id: str, head_seq: int
) -> SummaryRecord | None:
    """The summary that stands for the older messages of a conversation which has come to `head_seq`, or None."""
    for row in _rows(db, thread_id, transcript_id):
        found = summary_of(row, transcript_id)
        if found is not None and found.through_seq <= head_seq:
            return None if found.dropped else found
    return None


def record_summary(
    db: sqlite3.Connection,
    key: RunKey,
    new: NewSummary,
    progress: Progress,
    telemetry: dict[str, Any],
    now_ms: int,
) -> SummaryRecord:
    """One that a run made, under its epoch."""
    require_epoch(db, key)
    note_progress(db, key.run_id, progress)
    _require_in_effect(db, key.thread_id, new.transcript_id, new.expected)
    return _add(db, key.thread_id, key.run_id, new, telemetry, now_ms)


def add_summary(
    db: sqlite3.Connection,
    owners: Owners,
    thread_id: str,
    new: NewSummary,
    telemetry: dict[str, Any],
    now_ms: int,
) -> SummaryRecord:
    """One that a person asked for, of a thread that nobody works on."""
    require_idle(db, owners, thread_id)
    _require_in_effect(db, thread_id, new.transcript_id, new.expected)
    return _add(db, thread_id, None, new, telemetry, now_ms)


def edit_summary(
    db: sqlite3.Connection,
    owners: Owners,
    thread_id: str,
    summary_id: int,
    text: str,
    tokens: int,
    now_ms: int,
) -> SummaryRecord:
    """The same places, in a person's words."""
    require_idle(db, owners, thread_id)
    stands = _require_in_effect(db, thread_id, thread_id, summary_id)
    assert stands is not None
    value = {
        **_stored(db, thread_id, summary_id),
        "text": storable(text),
        "tokens": tokens,
        "previous": summary_id,
        "edited": True,
        "made_by": "person",
        "input_tokens": 0,
        "output_tokens": 0,
    }
    return _insert(db, thread_id, thread_id, None, value, "summary_edited", {"of": summary_id}, now_ms)


def drop_summary(
    db: sqlite3.Connection, owners: Owners, thread_id: str, summary_id: int, now_ms: int
) -> SummaryRecord:
    """From here on none is in effect."""
    require_idle(db, owners, thread_id)
    stands = _require_in_effect(db, thread_id, thread_id, summary_id)
    assert stands is not None
    value = {
        "v": VERSION,
        "text": "",
        "first_seq": stands.first_seq,
        "through_seq": stands.through_seq,
        "message_count": 0,
        "previous": summary_id,
        "made_by": "person",
        "dropped": True,
    }
    return _insert(db, thread_id, thread_id, None, value, "summary_dropped", {"of": summary_id}, now_ms)


def list_summaries(db: sqlite3.Connection, thread_id: str, transcript_id: str | None) -> list[SummaryRecord]:
    """Every row of a conversation, the newest first."""
    of = transcript_id or thread_id
    found = (summary_of(row, of) for row in _rows(db, thread_id, of))
    return [summary for summary in found if summary is not None]


def read_conversation(db: sqlite3.Connection, thread_id: str) -> StoredConversation:
    """All that says what a thread's next request would be."""
    thread = _require_thread(db, thread_id)
    return StoredConversation(
        transcript=read_transcript(db, thread_id),
        summary=in_effect(db, thread_id, thread_id, thread["head_seq"]),
        pins=pinned_places(db, thread_id, thread["head_seq"]),
    )


def read_context(db: sqlite3.Connection, thread_id: str) -> StoredContext:
    """What stands for the older messages now, and how long the last request was."""
    thread = db.execute("SELECT head_seq FROM thread WHERE id = ?", (thread_id,)).fetchone()
    if thread is None:
        return StoredContext()
    # its own runs' only: what a subagent is sent says nothing of this conversation
    row = db.execute(
        "SELECT e.body FROM event e JOIN run r ON r.id = e.run_id WHERE e.thread_id = ? AND e.type = 'llm_call'"
        " AND r.parent_run_id IS NULL ORDER BY e.id DESC LIMIT 1",
        (thread_id,),
    ).fetchone()
    last = json.loads(row[0]) if row else {}
    return StoredContext(
        summary=in_effect(db, thread_id, thread_id, thread["head_seq"]),
        pins=pinned_places(db, thread_id, thread["head_seq"]),
        model=last.get("model", ""),
        sent_tokens=last.get("input_tokens") or last.get("estimated_tokens"),
        window_tokens=last.get("window_tokens"),
    )


def take_along(db: sqlite3.Connection, source_id: str, thread_id: str, head_seq: int, now_ms: int) -> None:
    """Give a fork the summary that was in effect where it was forked. One that was made later may stand for the last
    step too, which the fork goes its own way with."""
    last = max((m.seq for m in read_messages(db, source_id, head_seq) if m.role != "tool"), default=0)
    stands = in_effect(db, source_id, source_id, last - 1)
    if stands is None:
        return
    value = {
        **_stored(db, source_id, stands.summary_id),
        "previous": None,
        "copied_from": [source_id, stands.summary_id],
    }
    _write(db, thread_id, KEY, None, value, now_ms)


def _add(
    db: sqlite3.Connection,
    thread_id: str,
    run_id: str | None,
    new: NewSummary,
    telemetry: dict[str, Any],
    now_ms: int,
) -> SummaryRecord:
    value = {"v": VERSION, **asdict(new), "text": storable(new.text)}
    del value["transcript_id"], value["expected"]
    return _insert(db, thread_id, new.transcript_id, run_id, value, "summary_recorded", telemetry, now_ms)


def _insert(
    db: sqlite3.Connection,
    thread_id: str,
    transcript_id: str,
    run_id: str | None,
    value: dict[str, Any],
    event: str,
    body: dict[str, Any],
    now_ms: int,
) -> SummaryRecord:
    ordinal = _write(db, thread_id, key_of(thread_id, transcript_id), run_id, value, now_ms)
    told = {
        **body,
        "summary_id": ordinal,
        "through_seq": value["through_seq"],
        "messages": value["message_count"],
        "made_by": value["made_by"],
    }
    add_event(db, thread_id, run_id, event, told, now_ms)
    row = db.execute(
        "SELECT * FROM state WHERE thread_id = ? AND ordinal = ?", (thread_id, ordinal)
    ).fetchone()
    added = summary_of(row, transcript_id)
    assert added is not None
    return added


def _write(
    db: sqlite3.Connection, thread_id: str, key: str, run_id: str | None, value: dict[str, Any], now_ms: int
) -> int:
    (ordinal,) = db.execute(
        "UPDATE thread SET state_ordinal = state_ordinal + 1 WHERE id = ? RETURNING state_ordinal",
        (thread_id,),
    ).fetchone()
    db.execute(
        "INSERT INTO state (thread_id, ordinal, run_id, key, value, created_at_ms) VALUES (?, ?, ?, ?, ?, ?)",
        (thread_id, ordinal, run_id, key, dump(value), now_ms),
    )
    return ordinal


def _rows(db: sqlite3.Connection, thread_id: str, transcript_id: str) -> sqlite3.Cursor:
    return db.execute(
        "SELECT * FROM state WHERE thread_id = ? AND key = ? ORDER BY ordinal DESC",
        (thread_id, key_of(thread_id, transcript_id)),
    )


def _stored(db: sqlite3.Connection, thread_id: str, summary_id: int) -> dict[str, Any]:
    (value,) = db.execute(
        "SELECT value FROM state WHERE thread_id = ? AND ordinal = ?", (thread_id, summary_id)
    ).fetchone()
    return json.loads(value)


def _require_thread(db: sqlite3.Connection, thread_id: str) -> sqlite3.Row:
    row = db.execute(
        "SELECT * FROM thread WHERE id = ? AND part_of IS NULL AND deleted_at_ms IS NULL", (thread_id,)
    ).fetchone()
    if row is None:
        raise ThreadNotFoundError(
            f"No thread {thread_id!r} in this store. List what there is with: afk-tui threads"
        )
    return row


def require_idle(db: sqlite3.Connection, owners: Owners, thread_id: str) -> None:
    """Raises AgentRunBusyError while a run of the thread is live: it has its summary in memory, and would go on with
    it. Raises ThreadNotFoundError."""
    thread = _require_thread(db, thread_id)
    run = db.execute("SELECT * FROM run WHERE id = ?", (thread["last_run_id"],)).fetchone()
    if run is not None and run["owner"] is not None:
        refuse_if_live(run, owners)


def _require_in_effect(
    db: sqlite3.Connection, thread_id: str, transcript_id: str, summary_id: int | None
) -> SummaryRecord | None:
    """The row in effect now, which must be this one (None: there must be none)."""
    head_seq = db.execute("SELECT head_seq FROM thread WHERE id = ?", (transcript_id,)).fetchone()[0]
    stands = in_effect(db, thread_id, transcript_id, head_seq)
    found = stands.summary_id if stands else None
    if found != summary_id:
        is_now = f"it is summary {found} now" if found else "there is none now"
        raise SummaryError(
            f"The summary of this conversation was changed by someone else meanwhile: {is_now}. "
            "Nothing was written. Look at it again, then repeat what you wanted."
        )
    return stands


def summary_of(row: sqlite3.Row, transcript_id: str) -> SummaryRecord | None:
    """A row as a record; None for one that this version does not know."""
    try:
        value = json.loads(row["value"])
        if value["v"] != VERSION:
            return None
    except (ValueError, KeyError, TypeError):
        return None
    return SummaryRecord(
        summary_id=row["ordinal"],
        thread_id=row["thread_id"],
        transcript_id=transcript_id,
        run_id=row["run_id"],
        text=value["text"],
        first_seq=value["first_seq"],
        through_seq=value["through_seq"],
        message_count=value["message_count"],
        verbatim=tuple(value.get("verbatim", ())),
        previous=value.get("previous"),
        model=value.get("model", ""),
        input_tokens=value.get("input_tokens", 0),
        output_tokens=value.get("output_tokens", 0),
        tokens=value.get("tokens", 0),
        replaced_tokens=value.get("replaced_tokens", 0),
        made_by=value["made_by"],
        edited=value.get("edited", False),
        dropped=value.get("dropped", False),
        created_at_ms=row["created_at_ms"],
    )
