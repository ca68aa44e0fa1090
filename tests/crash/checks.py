"""What must hold of a story, at every moment and at its end."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

from afk.core.calls import HAPPENED_BY_VERIFY
from afk.core.unknown import STILL_RUNNING
from afk.memory.decided import HAPPENED_BY_PERSON, SKIPPED_BY_PERSON
from afk.memory.sqlite import schema
from afk.memory.sqlite.soundness import damaged_outputs
from tests.core.kit import transcript
from tests.crash.older_file import lost_from
from tests.crash.plot import CAN_TELL, ONCE, TOOLS
from tests.crash.telling import Telling

THREAD = "th"
# asked because another process was still at the call, however often that was
NOT_STILL_RUNNING = f"reason NOT LIKE '{STILL_RUNNING}%'"


def check_file(telling: Telling) -> None:
    """What must hold of the files at every moment, also right after a kill."""
    if telling.db.exists():
        try:
            found = telling.rows("PRAGMA integrity_check")
        except sqlite3.DatabaseError as error:
            found = [(str(error),)]
        if found != [("ok",)]:
            telling.blame(f"the database is damaged: {found}")
            return
    if telling.older is not None:
        _check_older_rows(telling)
        _check_copy(telling, must_be_there=False)
    _check_known_requests(telling)
    _check_outputs(telling)


def check_end(telling: Telling, calm: Telling | None) -> None:
    """What must hold at the end; beside the same story told without disturbance."""
    check_file(telling)
    for line in telling.lines("violations"):
        telling.blame(line)
    found = telling.rows(f"SELECT state, owner FROM run WHERE thread_id = '{THREAD}'")
    if set(found) != {("completed", None)} or len(found) != _expected_runs(telling):
        telling.blame(f"the run ended as {found}")
    _check_migrated(telling)
    _check_results(telling)
    _check_effects(telling)
    _check_approvals(telling)
    if calm is not None:
        _compare(telling, calm)


def check_closed(telling: Telling) -> None:
    """What must hold when a new message closed the run: nothing is open, and nothing ran without a yes."""
    check_file(telling)
    for line in telling.lines("violations"):
        telling.blame(line)
    _check_migrated(telling)
    _check_results(telling)
    _check_effects(telling)
    *closed, last = telling.rows(
        f"SELECT state, owner, superseded_by FROM run WHERE thread_id = '{THREAD}'"
        " ORDER BY parent_run_id IS NULL, rowid"
    )
    if last != ("completed", None, None) or any(
        row[0] != "completed" and (row[0] != "cancelled" or row[1] or not row[2]) for row in closed
    ):
        telling.blame(f"the runs ended as {closed}, {last}")
    if telling.rows("SELECT 1 FROM approval WHERE status = 'pending'"):
        telling.blame("a request is still waiting")


def _check_older_rows(telling: Telling) -> None:
    assert telling.older is not None
    if lost := lost_from(telling.db, telling.older):
        telling.blame(f"rows of the older file are lost from {lost}")


def _check_copy(telling: Telling, *, must_be_there: bool) -> None:
    """Whole under its final name, or not there."""
    assert telling.older is not None
    copy = Path(f"{telling.db}.before-v{schema.VERSION}")
    if not copy.exists():
        if must_be_there:
            telling.blame("no copy of the older file was kept")
        return
    try:
        with closing(sqlite3.connect(copy)) as db:
            found = (
                db.execute("PRAGMA user_version").fetchone()[0],
                db.execute("PRAGMA integrity_check").fetchall(),
            )
        whole = found == (1, [("ok",)]) and not lost_from(copy, telling.older)
    except sqlite3.DatabaseError as error:
        found, whole = str(error), False
    if not whole:
        telling.blame(f"the copy of the older file is torn: {found}")


def _check_migrated(telling: Telling) -> None:
    if (found := telling.rows("PRAGMA user_version")) != [(schema.VERSION,)]:
        telling.blame(f"the file is of version {found}")
    if telling.older is not None:
        _check_copy(telling, must_be_there=True)
        if left := [path.name for path in telling.folder.glob("*.making*")]:
            telling.blame(f"half a copy was left: {left}")


def _check_known_requests(telling: Telling) -> None:
    """A request that was once on disk stays the very same, and so does a decision."""
    if not telling.db.exists() or not telling.rows("SELECT 1 FROM sqlite_master WHERE name = 'approval'"):
        return
    now = {
        row[0]: row[1:]
        for row in telling.rows(
            "SELECT id, call_id, kind, arguments, args_sha, requested_at_ms, status, edited_arguments, output"
            f" FROM approval WHERE thread_id = '{THREAD}'"
        )
    }
    for approval_id, before in telling.known_requests.items():
        if approval_id not in now:
            telling.blame(f"request {approval_id}, which was on disk, is lost")
            continue
        after = now[approval_id]
        decided = before[5] != "pending"
        if (after if decided else after[:5]) != (before if decided else before[:5]):
            telling.blame(f"request {approval_id} was {before}, and is {after}")
    telling.known_requests |= now


def _check_outputs(telling: Telling) -> None:
    """A message and the whole that it shows a part of are on disk together, or neither is."""
    if not telling.db.exists() or telling.rows("PRAGMA user_version") != [(schema.VERSION,)]:
        return
    with closing(sqlite3.connect(telling.db)) as db:
        db.row_factory = sqlite3.Row
        for sha, why in damaged_outputs(db).items():
            telling.blame(f"the whole result {sha}, {why}")
    if telling.rows(
        "SELECT 1 FROM output WHERE sha256 NOT IN (SELECT output_sha FROM message WHERE output_sha > '')"
    ):
        telling.blame("a whole result is kept that nobody refers to")


def _expected_runs(telling: Telling) -> int:
    return {"no": 1, "all": 2, "beside": 2, "deep": 3}[telling.plot.nested]


def _transcripts(telling: Telling) -> list[str]:
    """The thread's own conversation, then those of its subagents, in the order of their runs."""
    inside = telling.rows(
        f"SELECT transcript_id FROM run WHERE thread_id = '{THREAD}' AND parent_run_id IS NOT NULL ORDER BY rowid"
    )
    return [THREAD, *(row[0] for row in inside)]


def _check_results(telling: Telling) -> None:
    for transcript_id in _transcripts(telling):
        answers = telling.rows(
            f"SELECT tool_calls FROM message WHERE tool_calls IS NOT NULL AND thread_id = '{transcript_id}'"
            " ORDER BY seq"
        )
        calls = [call["id"] for (text,) in answers for call in json.loads(text)]
        results = [
            row[0]
            for row in telling.rows(
                f"SELECT call_id FROM message WHERE role = 'tool' AND thread_id = '{transcript_id}' ORDER BY seq"
            )
        ]
        if results != calls:
            telling.blame(f"calls {calls} have the results {results}")
        if telling.rows(
            f"SELECT 1 FROM effect WHERE finished_at_ms IS NULL AND thread_id = '{transcript_id}'"
        ):
            telling.blame("a call is still open")
    subagents = telling.rows(
        "SELECT e.call_id, count(r.id) FROM effect e LEFT JOIN run r ON r.parent_effect_id = e.id"
        " WHERE e.effect = 'subagent' GROUP BY e.id"
    )
    if any(runs > 1 for _, runs in subagents):
        telling.blame(f"a call to a subagent has several runs: {subagents}")


def _check_effects(telling: Telling) -> None:
    ledger = telling.ledger
    ran = Counter((name, what.removesuffix("-edited")) for name, what, _ in ledger)
    ways = set(ledger)
    if len({key for _, _, key in ways}) != len(ways) or len(ran) != len(ways):
        telling.blame(f"a call ran in two ways or under two keys, or a key was used for two calls: {ways}")
    wishes = Counter(
        (tool, json.loads(arguments)["what"].removesuffix("-edited"))
        for tool, arguments in telling.rows(
            "SELECT tool_name, arguments FROM approval WHERE status = 'run_again' AND consumed_at_ms IS NOT NULL"
        )
    )
    for name, what in telling.plot.calls:
        times, deed, again = ran[name, what], telling.plot.deed(name, what), wishes[name, what]
        if name in ONCE and times > 1 + again:
            telling.blame(f"{name} {what} ran {times} times, with {again} wishes to repeat it")
        if deed in ("deny", "respond") and times:
            telling.blame(f"{name} {what} ran although the decision was {deed}")
        done_as = f"{what}-edited" if deed == "edit" else what
        if any(n == name and w.startswith(what) and w != done_as for n, w, _ in ways):
            telling.blame(f"{name} {what} ran with other arguments than those allowed")


def _check_approvals(telling: Telling) -> None:
    kept = dict(telling.rows("SELECT id, status FROM approval"))
    for approval_id in telling.lines("asked"):
        if approval_id not in kept:
            telling.blame(f"request {approval_id}, which a person saw, is lost")
    said = [line.split() for line in telling.lines("decided")]
    for approval_id, n in Counter(approval_id for approval_id, _ in said).items():
        if n > 1:
            telling.blame(f"request {approval_id} was decided {n} times")
    for approval_id, status in said:
        if kept.get(approval_id) != status:
            telling.blame(f"the decision {status} about {approval_id} reads {kept.get(approval_id)}")
    if "pending" in kept.values():
        telling.blame("a request is still waiting")
    wanted = Counter(f"{name} {what}" for name, what in telling.plot.calls if TOOLS[name][1])
    counted = NOT_STILL_RUNNING if telling.taken_over else "1"
    asked = Counter(
        f"{tool} {json.loads(arguments)['what'].removesuffix('-edited')}"
        for tool, arguments in telling.rows(
            "SELECT tool_name, arguments FROM approval"
            f" WHERE kind = 'call' AND thread_id = '{THREAD}' AND {counted}"
        )
    )
    if asked != wanted:
        telling.blame(f"asked about {dict(asked)}, to be asked were {dict(wanted)}")
    unknown = telling.rows(f"SELECT effect_id FROM approval WHERE kind = 'uncertain' AND {counted}")
    if unknown and max(Counter(unknown).values()) > telling.kills:
        telling.blame(f"{telling.kills} kills, and more questions about one call: {unknown}")


def _compare(telling: Telling, calm: Telling) -> None:
    """Byte for byte, but for a result that stands for an outcome which a person or the tool itself told."""
    settled: dict[tuple[str, str], str] = {
        (transcript_id, call_id): status
        for transcript_id, call_id, status in telling.rows(
            "SELECT e.thread_id, e.call_id, a.status FROM effect e JOIN approval a ON a.id = e.approval_id"
            " WHERE a.kind = 'uncertain'"
        )
    }
    tools = {
        (transcript_id, call_id): tool
        for transcript_id, call_id, tool in telling.rows("SELECT thread_id, call_id, tool_name FROM effect")
    }
    texts = {"happened": HAPPENED_BY_PERSON, "skipped": SKIPPED_BY_PERSON}
    mine_all, calms_all = _transcripts(telling), _transcripts(calm)
    if len(mine_all) != len(calms_all):
        telling.blame(f"there are {len(mine_all)} conversations, not {len(calms_all)}")
        return
    for n, (mine_id, calms_id) in enumerate(zip(mine_all, calms_all, strict=True)):
        is_same = True
        found, expected = transcript(telling.db, mine_id), transcript(calm.db, calms_id)
        if len(found) != len(expected):
            telling.blame(f"the conversation has {len(found)} messages, not {len(expected)}")
            return
        for mine, calms in zip(found, expected, strict=True):
            if mine == calms:
                continue
            is_same = False
            call = (mine_id, mine[4])
            by_person = texts.get(settled.get(call, ""))
            by_tool = HAPPENED_BY_VERIFY if telling.kills and tools.get(call) in CAN_TELL else None
            if mine[2] not in (by_person, by_tool) or (mine[:2], mine[3:]) != (calms[:2], calms[3:]):
                telling.blame(f"the conversation has {mine}, not {calms}")
        if is_same and telling.plot.compacts == "never":
            _compare_summaries(telling, calm, (mine_id, calms_id) if n else (None, None))


def _compare_summaries(telling: Telling, calm: Telling, conversations: tuple[str | None, str | None]) -> None:
    """A summary that was being made is made again or not at all: each is there once, and as it would have been."""

    def rows(of: Telling, conversation: str | None) -> list[tuple[Any, ...]]:
        key = "summary" if conversation is None else f"summary:{conversation}"
        values = of.rows(
            f"SELECT value FROM state WHERE thread_id = '{THREAD}' AND key = '{key}' ORDER BY ordinal"
        )
        read = [json.loads(value) for (value,) in values]
        return [(one["text"], one["first_seq"], one["through_seq"], one["message_count"]) for one in read]

    mine, calms = (rows(of, one) for of, one in zip((telling, calm), conversations, strict=True))
    if mine != calms:
        telling.blame(f"the conversation has the summaries {mine}, not {calms}")
