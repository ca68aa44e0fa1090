"""What a checkpoint says of the step that it stands in the middle of."""

from __future__ import annotations

import sqlite3
from typing import Any


def open_work(db: sqlite3.Connection, run_id: str, step: int) -> dict[str, Any]:
    """`open_calls`: the step's calls without a result; `children`, where there are any: the runs of subagents that
    work for them, each with the number of its newest checkpoint."""
    open_calls: list[str] = []
    children: list[dict[str, Any]] = []
    for effect in db.execute(
        "SELECT id, call_id, effect FROM effect WHERE run_id = ? AND step = ? AND finished_at_ms IS NULL"
        " ORDER BY position",
        (run_id, step),
    ).fetchall():
        open_calls.append(effect["call_id"])
        if effect["effect"] != "subagent":
            continue
        child = db.execute(
            "SELECT id, agent_name, checkpoint FROM run WHERE parent_effect_id = ?", (effect["id"],)
        ).fetchone()
        if child is not None:
            children.append(
                {
                    "call_id": effect["call_id"],
                    "run_id": child["id"],
                    "agent_name": child["agent_name"],
                    "checkpoint": child["checkpoint"],
                }
            )
    return {"open_calls": open_calls, "children": children} if children else {"open_calls": open_calls}
