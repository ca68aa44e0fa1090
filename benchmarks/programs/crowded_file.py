"""Files of many threads, of a thread of many messages, or of one with many checkpoints, written by bare SQL."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from afk.memory.sqlite.naming import NUMBER
from afk.memory.sqlite.rows import checksum_of, state_text

FEW = 20
TEXT = (
    "Some words of an answer that nobody needs to read twice, of the length that they have most of the time. "
)
NEEDLE = "a needle in all of this hay"
LONG = f"thread_{FEW - 1:07d}"
"""The thread that has many messages or checkpoints."""

THREAD = (
    "INSERT INTO thread (id, title, agent_name, workspace, created_at_ms, updated_at_ms, last_run_id, head_seq,"
    " message_count, state_ordinal) VALUES (?, ?, 'assistant', ?, 1, ?, ?, ?, ?, ?)"
)
RUN = (
    "INSERT INTO run (id, thread_id, transcript_id, agent_name, model, fingerprint, workspace, state, step, context,"
    " usage, budget, epoch, checkpoint, root_run_id, created_at_ms, updated_at_ms)"
    " VALUES (?1, ?2, ?2, 'assistant', 'm', '{}', ?3, 'completed', 1, '{}', '{}', '{}', 1, ?4, ?1, 1, 1)"
)
MESSAGE = (
    "INSERT INTO message_row (thread, seq, role, chars, lines, run, created_at_ms, text)"
    f" VALUES ({NUMBER}, ?, ?, ?, 1, {NUMBER}, 1, ?)"
)
CHECKPOINT = (
    "INSERT INTO checkpoint_row (run, number, thread, ordinal, step, phase, head_seq, message_count, state, checksum,"
    f" created_at_ms) VALUES ({NUMBER.replace('?', '?1')}, ?2, {NUMBER.replace('?', '?3')}, ?2 + 1, ?2, 'final', 2, 2,"
    " ?4, ?5, 1)"
)
STATE = state_text({}, ())


def prepare(database: Path, workspace: Path, what: str, size: int) -> None:
    """Fill a database that has its tables. `what`: `threads` of two messages, or 20 of which the last has so many
    `messages` or `checkpoints`."""
    threads = size if what == "threads" else FEW
    with sqlite3.connect(database) as db:
        for n in range(threads):
            last = n == threads - 1
            messages = size if last and what == "messages" else 2
            checkpoints = size if last and what == "checkpoints" else 0
            name, run = f"thread_{n:07d}", f"run_{n:07d}"
            thread = (name, f"Thread {n} about things", str(workspace), n + 1, run, messages, messages)
            db.execute(THREAD, (*thread, checkpoints))
            db.execute(RUN, (run, name, str(workspace), max(0, checkpoints - 1)))
            db.executemany(
                CHECKPOINT,
                (
                    (run, number, name, STATE, checksum_of(run, number, number, "final", 2, 2, STATE))
                    for number in range(checkpoints)
                ),
            )
            texts = [TEXT * (1 + at % 7) for at in range(messages)]
            if n == threads // 2:
                texts[0] = NEEDLE
            db.executemany(
                MESSAGE,
                (
                    (name, at + 1, "user" if at % 2 == 0 else "assistant", len(text), run, text)
                    for at, text in enumerate(texts)
                ),
            )
    db.close()
