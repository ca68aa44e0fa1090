"""Persisting a step: a model's answer with one tool call and its result of 1 KB, as each system really runs it."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.measuring import Figures, Subject, Taken, ratio, ratio_by_round, take
from benchmarks.peers import Peers
from benchmarks.report import Report, Target, number, with_spread

SIZES = (50, 200, 800, 8000)
QUICK_SIZES = (5, 10)
# 1 KB of result, and the arguments and the name that the model wrote
CONTENT_BYTES = 1024 + 40
OURS, LANGGRAPH, SQLITE, AIOSQLITE = "afk", "langgraph, sync", "floor: sqlite3", "floor: aiosqlite"
HOP = "floor: aiosqlite, one hop"


def subjects(peers: Peers) -> list[Subject]:
    """All that are compared; the peers only as far as they can be installed."""
    found = [
        Subject(OURS, "afk_steps.py"),
        Subject(SQLITE, "floor_steps.py", arguments=("sqlite3",)),
        Subject(AIOSQLITE, "floor_steps.py", arguments=("aiosqlite",)),
        Subject(HOP, "floor_steps.py", arguments=("aiosqlite", "hop")),
    ]
    # beyond these sizes a run takes longer than all others together: they grow with the square of it
    for name, peer, program, words, largest in (
        (LANGGRAPH, "langgraph", "langgraph_steps.py", ("sync",), 800),
        ("langgraph, default", "langgraph", "langgraph_steps.py", ("async",), 800),
        ("openai-agents, session", "openai-agents", "openai_agents_steps.py", (), 800),
        ("openai-agents, state each step", "openai-agents", "openai_agents_steps.py", ("state",), 200),
        ("dbos", "dbos", "dbos_steps.py", (), 800),
    ):
        if python := peers.python_of(peer):
            found.append(Subject(name, program, python, words, largest))
    return found


def measure(peers: Peers, rounds: int, quick: bool, tell: Callable[[str], None]) -> Report:
    """The table, and what is asked of it."""
    sizes = QUICK_SIZES if quick else SIZES
    compared = subjects(peers)
    taken = take(compared, sizes, rounds, tell)
    counted = take([_counting(s) for s in compared], sizes[:1], 1, tell)
    report = Report(
        "persist",
        "Persisting a step",
        ("system", "steps", "wall ms a step", "CPU ms a step", "file", "commits a step", "flushed"),
    )
    for subject in compared:
        commits = counted[subject.name, sizes[0]]
        for size in sizes:
            _add_row(report, subject, size, taken[subject.name, size], commits, sizes[0])
    _judge(report, taken, sizes)
    report.notes += [
        "Wall and CPU are of the whole process from the beginning of the run to its end, the code of the model "
        "and of the tool included, imports and the schema of the tool not. The file's WAL is folded in. *Flushed*: "
        "commits that reach the disk before they return.",
        "The floor writes as many rows' worth of bytes, with as many commits and flushes as a step of ours has; *one "
        "hop*: each transaction goes to aiosqlite's thread as a whole, as ours do. "
        + _beside_floors(taken, sizes),
        f"Content is {CONTENT_BYTES:,} bytes a step: the result, and the call as the model wrote it.",
        *peers.notes_of("langgraph", "openai-agents", "dbos"),
    ]
    return report


def _counting(subject: Subject) -> Subject:
    return Subject(
        subject.name, subject.program, subject.python, (*subject.arguments, "count"), subject.largest
    )


def _add_row(
    report: Report, subject: Subject, size: int, figures: Figures, commits: Figures, counted_at: int
) -> None:
    if figures.failure:
        report.rows.append((subject.name, f"{size:,}", figures.failure, "–", "–", "–", "–"))
        return
    wall = figures.median("wall_s")
    if wall is None:
        report.rows.append((subject.name, f"{size:,}", "not run: too long", "–", "–", "–", "–"))
        return

    def a_step(name: str) -> str:
        spread = figures.spread(name)
        median = figures.median(name)
        if median is None or spread is None:
            return "–"
        return with_spread(median / size * 1e3, (spread[0] / size * 1e3, spread[1] / size * 1e3))

    def counted(name: str) -> str:
        total = commits.median(name)
        return "–" if total is None else number(total / counted_at)

    size_bytes = figures.median("bytes") or 0
    row = (subject.name, f"{size:,}", a_step("wall_s"), a_step("cpu_s"), f"{number(size_bytes / 1e6)} MB")
    report.rows.append((*row, counted("commits"), counted("flushed")))


def _beside_floors(taken: Taken, sizes: tuple[int, ...]) -> str:
    compared_at = _compared_at(sizes)
    ours = taken.get((OURS, compared_at), Figures())
    ratios = {
        name: ratio_by_round(ours, taken.get((name, compared_at), Figures()), "cpu_s")
        for name in (HOP, SQLITE)
    }
    said = [f"{number(found)} × {name.removeprefix('floor: ')}" for name, found in ratios.items() if found]
    return f"Our CPU at {compared_at:,} steps is {' and '.join(said)}."


def _compared_at(sizes: tuple[int, ...]) -> int:
    return 800 if 800 in sizes else sizes[-1]


def _judge(report: Report, taken: Taken, sizes: tuple[int, ...]) -> None:
    small, large = sizes[0], sizes[-1]
    compared_at = _compared_at(sizes)

    def figures(name: str, size: int) -> Figures:
        return taken.get((name, size), Figures())

    def flat(name: str) -> float | None:
        one, many = figures(OURS, small).median(name), figures(OURS, large).median(name)
        return ratio(many / large if many else None, one / small if one else None)

    ours, peer = figures(OURS, compared_at), figures(LANGGRAPH, compared_at)
    content = compared_at * CONTENT_BYTES
    report.targets += [
        Target(f"wall a step, {large:,} steps against {small:,}", flat("wall_s"), 1.3),
        Target(
            f"CPU at {compared_at:,} steps against LangGraph, sync", ratio_by_round(ours, peer, "cpu_s"), 0.1
        ),
        Target(
            f"file at {compared_at:,} steps against LangGraph",
            ratio(ours.median("bytes"), peer.median("bytes")),
            1 / 500,
        ),
        Target(
            f"file at {compared_at:,} steps against its content", ratio(ours.median("bytes"), content), 1.6
        ),
        Target(
            f"CPU at {compared_at:,} steps against the floor (aiosqlite)",
            ratio_by_round(ours, figures(AIOSQLITE, compared_at), "cpu_s"),
            2.0,
        ),
    ]
