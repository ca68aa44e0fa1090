"""A dry run in detail: what would go and what is protected, by kind of record and by run."""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict

from afk.memory.compaction_detail import (
    RECORD_KINDS,
    CompactionDetail,
    RecordCount,
    RecordKind,
    RunDetail,
)
from afk.memory.sqlite.compaction import (
    REASONS,
    Plan,
    Table,
)

# the SQL that tells the kind of a row, where a table has several
TABLES: tuple[tuple[Table, str | None], ...] = (
    ("event", None),
    ("checkpoint", None),
    ("state", "CASE WHEN c.key = 'summary' OR c.key LIKE 'summary:%' THEN 'summaries' ELSE 'metadata' END"),
)
KIND_OF: dict[str, RecordKind] = {
    "event": "events",
    "checkpoint": "checkpoints",
    "summaries": "summaries",
    "metadata": "metadata",
}
KEPT = "event types that are kept"


def detail(db: sqlite3.Connection, plan: Plan, most_runs: int) -> CompactionDetail:
    """What the plan would do now, in rows. By run it takes some times as long as without (`most_runs` 0)."""
    args = plan.parameters()
    run, by = ("coalesce(c.run_id, '')", "GROUP BY 1") if most_runs else ("''", "")
    by_run: dict[str, dict[RecordKind, RecordCount]] = defaultdict(dict)
    for table, kind in TABLES:
        for row in db.execute(
            f"SELECT {run} AS run, {kind or repr(table)} AS kind, count(*) AS there,"
            f" total({plan.going(table)}) AS going, total({plan.old(table)}) AS old FROM {table} c"
            " WHERE c.thread_id = :thread"
            f" {by if kind is None else 'GROUP BY 1, 2'}",
            args,
        ):
            if row["there"]:
                going, old_rows = int(row["going"]), int(row["old"])
                counted = RecordCount(row["there"], going, old_rows - going)
                by_run[row["run"]][KIND_OF[row["kind"]]] = counted
    reasons: dict[str, Counter[str]] = defaultdict(Counter)
    protected: list[tuple[Table, str, str]] = [
        (table, why, needed) for why, (table, needed) in REASONS.items()
    ]
    if plan.keep_event_types:
        protected.append(("event", KEPT, plan.kept_event))
    for table, why, needed in protected:
        for row in db.execute(
            f"SELECT {run} AS run, count(*) AS n FROM {table} c"
            f" WHERE c.thread_id = :thread AND {plan.old(table)} AND {needed} {by}",
            args,
        ):
            reasons[row["run"]] += Counter({why: row["n"]})
    order = sorted(
        by_run,
        key=lambda run: (sum(c.going for c in by_run[run].values()), sum(reasons[run].values())),
        reverse=True,
    )
    shown = order[:most_runs]
    return CompactionDetail(
        kinds={
            kind: _sum([kinds[kind] for kinds in by_run.values() if kind in kinds]) for kind in RECORD_KINDS
        },
        protected_by=sum(reasons.values(), Counter[str]()),
        runs=tuple(_run_detail(db, run, by_run[run], reasons[run]) for run in shown),
        other_runs=len(order) - len(shown),
    )


def _sum(counts: list[RecordCount]) -> RecordCount:
    return RecordCount(
        sum(c.there for c in counts), sum(c.going for c in counts), sum(c.protected for c in counts)
    )


def _run_detail(
    db: sqlite3.Connection, run_id: str, kinds: dict[RecordKind, RecordCount], why: Counter[str]
) -> RunDetail:
    run = db.execute("SELECT state, created_at_ms FROM run WHERE id = ?", (run_id,)).fetchone()
    return RunDetail(
        run_id, run["state"] if run else "", run["created_at_ms"] if run else 0, kinds, dict(why)
    )
