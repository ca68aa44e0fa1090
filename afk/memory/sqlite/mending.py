"""What rows that were saved of a damaged database lack, so that they can be read, and gone on with, without the others.

Nothing that was saved is changed or taken away, but for a name or a number that others contradict. What is put beside
it says of itself that it stands for something lost.
"""

from __future__ import annotations

import sqlite3

from afk.memory.sqlite.lineage import effect_rows, read_messages
from afk.memory.sqlite.mending_names import name_anew, name_runs_after_threads
from afk.memory.sqlite.naming import NUMBER
from afk.memory.sqlite.rows import dump
from afk.memory.sqlite.writing import add_message

TITLE_CHARS = 80
LOST_TITLE = "(its title was lost)"
LOST_RUN = (
    "The record of this run was lost with a damaged part of the database, so it can't be resumed. "
    "Its conversation goes on with a new message."
)
LOST_RESULT = "The result of this call was lost with a damaged part of the database."
LOST_CALL = (
    "Whether this call took effect is not known: its record was lost with a damaged part of the database. "
    "Do not repeat it without asking."
)


def mend(db: sqlite3.Connection, now_ms: int) -> None:
    """Inside a transaction: threads and their last runs are there, every call has its result or can still get it,
    every result its call, and threads count the messages that are there."""
    name_anew(db)
    _make_threads_anew(db)
    name_runs_after_threads(db)
    _make_last_runs_anew(db, now_ms)
    for thread in db.execute("SELECT * FROM thread WHERE deleted_at_ms IS NULL").fetchall():
        _mend_conversation(db, thread, now_ms)
    # what is kept of how a thread stands follows from its last run and its requests
    db.execute("UPDATE thread SET last_run_id = last_run_id WHERE part_of IS NULL AND deleted_at_ms IS NULL")


def _make_threads_anew(db: sqlite3.Connection) -> None:
    """Threads that are lost, and the conversations of subagents, from the runs in them."""
    for run in db.execute(
        "SELECT *, max(rowid) FROM run WHERE transcript_id NOT IN (SELECT id FROM thread)"
        " AND thread_id NOT IN (SELECT id FROM thread WHERE deleted_at_ms IS NOT NULL) GROUP BY transcript_id"
    ).fetchall():
        thread_id = run["transcript_id"]
        head_seq, first_text = db.execute(
            "SELECT max((SELECT coalesce(max(seq), 0) FROM message WHERE thread_id = ?1),"
            " (SELECT coalesce(max(result_seq), 0) FROM effect WHERE thread_id = ?1)),"
            " (SELECT text FROM message WHERE thread_id = ?1 AND role = 'user' ORDER BY seq LIMIT 1)",
            (thread_id,),
        ).fetchone()
        ordinal = db.execute(
            "SELECT max((SELECT coalesce(max(ordinal), 0) FROM checkpoint WHERE thread_id = ?1),"
            " (SELECT coalesce(max(ordinal), 0) FROM state WHERE thread_id = ?1))",
            (thread_id,),
        ).fetchone()[0]
        db.execute(
            "INSERT INTO thread (id, title, agent_name, workspace, created_at_ms, updated_at_ms, last_run_id,"
            " head_seq, message_count, state_ordinal, part_of) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?)",
            (
                thread_id,
                " ".join((first_text or "").split())[:TITLE_CHARS] or LOST_TITLE,
                run["agent_name"],
                run["workspace"],
                run["created_at_ms"],
                run["updated_at_ms"],
                run["id"],
                head_seq,
                ordinal,
                None if run["thread_id"] == thread_id else run["thread_id"],
            ),
        )


def _make_last_runs_anew(db: sqlite3.Connection, now_ms: int) -> None:
    """A thread's last run that is lost: over, where its last answer is there; else left open, for the next message to
    close."""
    for thread in db.execute(
        "SELECT * FROM thread WHERE part_of IS NULL AND deleted_at_ms IS NULL"
        " AND last_run_id NOT IN (SELECT id FROM run)"
    ).fetchall():
        run_id = thread["last_run_id"]
        final = db.execute(
            "SELECT m.text FROM checkpoint c JOIN message m ON m.thread = c.thread AND m.seq = c.head_seq"
            " WHERE c.run_id = ? AND c.phase = 'final'",
            (run_id,),
        ).fetchone()
        interruption = {"kind": "infrastructure", "detail": LOST_RUN, "superseded_by": None}
        db.execute(
            "INSERT INTO run (id, thread_id, transcript_id, agent_name, model, fingerprint, workspace, state,"
            " interruption, step, context, usage, budget, result, epoch, checkpoint, root_run_id, created_at_ms,"
            " updated_at_ms) VALUES (?1, ?2, ?2, ?3, '', '{}', ?4, ?5, ?6, 0, '{}', '{}', '{}', ?7,"
            " 1 + (SELECT coalesce(max(epoch), 0) FROM effect WHERE run_id = ?1), -1, ?1, ?8, ?8)",
            (
                run_id,
                thread["id"],
                thread["agent_name"],
                thread["workspace"],
                "completed" if final else "interrupted",
                None if final else dump(interruption),
                dump({"final_text": final["text"]}) if final else None,
                now_ms,
            ),
        )


def _mend_conversation(db: sqlite3.Connection, thread: sqlite3.Row, now_ms: int) -> None:
    """What a fork reads in its source and lacks is put into the fork."""
    thread_id = thread["id"]
    messages = {message.seq: message for message in read_messages(db, thread_id, thread["head_seq"])}
    effects = {row["result_seq"]: row for row in effect_rows(db, thread_id, 0, thread["head_seq"])}
    of_lost_answers: dict[int, list[sqlite3.Row]] = {}
    for place, effect in effects.items():
        answer_seq = place - 1 - effect["position"]
        answer = messages.get(answer_seq)
        if answer is None or not answer.tool_calls:
            of_lost_answers.setdefault(answer_seq, []).append(effect)
    for seq, made in of_lost_answers.items():
        calls = [{"id": e["call_id"], "name": e["tool_name"], "arguments": e["arguments"]} for e in made]
        if answer := messages.get(seq):
            db.execute(
                f"UPDATE message_row SET tool_calls = ? WHERE thread = {NUMBER} AND seq = ?",
                (dump(calls), answer.thread_id, seq),
            )
            messages[seq] = answer._replace(tool_calls=tuple(calls))
        else:
            run_id = made[0]["run_id"]
            messages[seq] = add_message(db, thread_id, run_id, seq, "assistant", "", now_ms, tool_calls=calls)
    for answer in list(messages.values()):
        for position, call in enumerate(answer.tool_calls):
            place = answer.seq + 1 + position
            effect = effects.get(place)
            if place in messages or (effect is not None and effect["finished_at_ms"] is None):
                continue  # an open call gets its result from its run, or from the message that closes it
            text = LOST_CALL if effect is None else LOST_RESULT
            messages[place] = add_message(
                db, thread_id, answer.run_id, place, "tool", text, now_ms, call_id=call["id"]
            )
    db.execute(
        "UPDATE thread SET message_count = ?, head_seq = ? WHERE id = ?",
        (len(messages), max([thread["head_seq"], *messages]), thread_id),
    )
