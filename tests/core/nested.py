"""A run with runs inside it, two side by side and one inside those; and all of its conversations at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from afk.agents import Agent, AgentResult
from afk.core import Runner
from tests.core.family import ByAgent, delegate, member
from tests.core.kit import Ledger, call, rows, say, transcript


def nested_model() -> ByAgent:
    """The boss gives two tasks at once beside a call of its own, and a further one; each helper acts, asks and gives a
    task to its own subagent."""
    return ByAgent(
        boss=(
            call(("helper", {"task": "one"}), ("act", {"what": "above"}), ("helper", {"task": "two"})),
            delegate("helper", task="three"),
            say("End."),
        ),
        helper=(
            lambda request: call(
                ("look", {"what": "around"}),
                ("act", {"what": f"for {request.messages[1].content}"}),
                ("ask", {"what": f"about {request.messages[1].content}"}),
            ),
            lambda request: call(("inner", {"task": f"below {request.messages[1].content}"})),
            say("Helped."),
        ),
        inner=(
            lambda request: call(("ask", {"what": request.messages[1].content})),
            lambda request: call(("act", {"what": request.messages[1].content})),
            say("Done below."),
        ),
    )


def nested_agent(ledger: Ledger) -> Agent:
    look = ledger.tool("look", "read")
    act, ask = ledger.tool("act", approval="never"), ledger.tool("ask")
    inner = member("inner", act, ask)
    return member("boss", act, below=(member("helper", look, act, ask, below=(inner,)),))


async def drive(runner: Runner, agent: Agent, run_id: str | None = None) -> AgentResult:
    """Begin or go on, and decide, until the run has completed."""
    if run_id is None:
        result = await runner.run(agent, user_message="go", thread_id="th")
    else:
        result = await runner.resume(agent, run_id=run_id, thread_id="th")
    while result.state != "completed":
        assert result.state == "awaiting_approval", result
        requests = await runner.list_approvals()
        assert requests, "it waits, and nothing is asked"
        for request in requests:
            await runner.decide(request.approval_id, "allow", args_sha=request.args_sha)
        result = await runner.resume(agent, run_id=result.run_id, thread_id="th")
    return result


def conversations(db: Path, thread_id: str = "th") -> dict[str, list[tuple[Any, ...]]]:
    """Of a root run and all inside it the conversations, each by the calls that lead to it."""
    runs = rows(
        db,
        "SELECT r.id, r.transcript_id, r.parent_run_id, e.step, e.position FROM run r"
        " LEFT JOIN effect e ON e.id = r.parent_effect_id WHERE r.thread_id = ? ORDER BY r.rowid",
        thread_id,
    )
    names: dict[str, str] = {}
    found: dict[str, list[tuple[Any, ...]]] = {}
    for run_id, transcript_id, parent_run_id, step, position in runs:
        names[run_id] = f"{names[parent_run_id]}/{step}.{position}" if parent_run_id else ""
        assert names[run_id] not in found, "two runs worked for one call"
        found[names[run_id]] = transcript(db, transcript_id)
    return found


def check_at_rest(db: Path) -> None:
    """What holds of every file whose runs are all over, or stopped."""
    assert rows(db, "PRAGMA integrity_check") == [("ok",)]
    assert rows(db, "SELECT id, state, owner FROM run WHERE state = 'running' OR owner IS NOT NULL") == []


def check_over(db: Path) -> None:
    """What holds when every run is over: each call has its one result, and nothing waits."""
    check_at_rest(db)
    assert rows(db, "SELECT id FROM run WHERE state != 'completed'") == []
    assert rows(db, "SELECT id FROM effect WHERE finished_at_ms IS NULL") == []
    assert rows(db, "SELECT id FROM approval WHERE status = 'pending'") == []
    results = (
        "SELECT e.id, count(m.seq) FROM effect e LEFT JOIN message m ON m.thread_id = e.thread_id"
        " AND m.seq = e.result_seq AND m.call_id = e.call_id AND m.role = 'tool' GROUP BY e.id"
    )
    assert [n for _, n in rows(db, results) if n != 1] == []
