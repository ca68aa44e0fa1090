"""A key's echo while an answer streams, and when the answer is whole on the screen.

Each program runs in a pseudo-terminal of 120x36 against a server on loopback that keeps its pace by a clock. Letters
that stand in no text are typed one after another, first while nothing else happens and then while the answer arrives;
what counts is the time from the write of the key to the read of its paint. The view follows the answer's end.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.measuring import Figures, MeasuringError, add, ratio_by_round
from benchmarks.model import Model, serving
from benchmarks.peers import Peers
from benchmarks.programs.streaming_server import LAST_WORDS
from benchmarks.report import Report, Target
from benchmarks.sessions import DEADLINE_S, Session, percentile
from benchmarks.terminals import CODEX, OURS, PEERS, Terminal, others, ours

RATE = 1_000
SIZES = {"mixed": 50_000, "fence": 10_000, "table": 5_000}
QUICK_TOKENS = 1_500
KINDS = {
    "mixed": "prose, lists, code blocks of 30 lines, tables",
    "fence": "one code block",
    "table": "one table",
}
LINES, LINES_A_S, QUICK_LINES = 2_000, 100, 100
ECHO_TARGET = 2.0
ENDS_TARGET_S = 1.0
LINES_ECHO_TARGET, LINES_END_TARGET, LINES_CPU_TARGET = 1.5, 1.1, 4 / 3
IDLE_KEYS, QUICK_IDLE_KEYS = 60, 5
SETTLED_S = 2.0
# some programs ask for other things first, or wait before they paint the last words
PATIENCE = 6


def one(
    terminal: Terminal, kind: str, number: int, per_s: float, idle_keys: int = IDLE_KEYS
) -> dict[str, float]:
    """Measure one answer in a program that is started for it. Raises MeasuringError."""
    with tempfile.TemporaryDirectory(prefix="afk-benchmark-") as folder:
        home = Path(folder)
        with (
            serving(kind, number, per_s, home) as model,
            terminal.session(home, model.url, mark=LAST_WORDS) as session,
        ):
            return _measure(session, model, number / per_s, idle_keys)


def _measure(session: Session, model: Model, stream_s: float, idle_keys: int) -> dict[str, float]:
    session.first_echo()
    session.rest(SETTLED_S)
    session.clear()
    idle = [session.echo() for _ in range(idle_keys)]
    session.say(b"go")
    before, began = session.processor_s(), time.monotonic()
    streaming: list[float] = []
    while session.marked_at is None:
        if time.monotonic() - began > PATIENCE * stream_s + DEADLINE_S:
            raise MeasuringError("the end of the answer was not painted")
        # a key that is never painted is a failure, whatever else was
        streaming.append(session.echo(deadline_s=PATIENCE * stream_s + DEADLINE_S))
    processor_s = session.processor_s() - before
    session.rest(SETTLED_S / 4)
    told = model.told()
    return {
        **{f"idle_p{at}": percentile(idle, at) for at in (50, 95)},
        **{f"echo_p{at}": percentile(streaming, at) for at in (50, 95, 100)},
        "p50_ratio": percentile(streaming, 50) / percentile(idle, 50),
        "p95_ratio": percentile(streaming, 95) / percentile(idle, 95),
        "rate": told["pieces"] / (told["ended"] - told["began"]),
        "ends_s": session.marked_at - told["ended"],
        "ends_ratio": (session.marked_at - told["began"]) / (told["ended"] - told["began"]),
        "cpu_s": processor_s,
        "cpu": 100 * processor_s / (session.marked_at - began),
        "memory_mb": session.memory_mb(),
    }


def measure(peers: Peers, rounds: int, quick: bool, tell: Callable[[str], None]) -> Report:
    """The table, and what is asked of it."""
    terminals = [ours(), *(t for t in others(peers) if t.answers)]
    lines, keys = (QUICK_LINES, QUICK_IDLE_KEYS) if quick else (LINES, IDLE_KEYS)
    taken = {kind: Figures() for kind in SIZES}
    beside = {terminal.name: Figures() for terminal in terminals}
    for turn in range(rounds):
        for kind, size in SIZES.items():
            tokens = QUICK_TOKENS if quick else size
            tell(f"round {turn + 1} of {rounds}: {kind}, {tokens:,} tokens")
            add(taken[kind], lambda k=kind, n=tokens: one(ours(), k, n, RATE, keys))
        for terminal in terminals:
            tell(f"round {turn + 1} of {rounds}: {terminal.name}, {lines:,} lines")
            add(beside[terminal.name], lambda t=terminal: one(t, "lines", lines, LINES_A_S, keys))
    report = Report(
        "streaming",
        "A key's echo while an answer streams",
        (
            "program",
            "answer",
            "idle p50 / p95 ms",
            "streaming p50 / p95 / worst ms",
            "pieces/s",
            "ends after s",
            "processor s (% of one core)",
            "memory MB",
        ),
    )
    for kind, figures in taken.items():
        tokens = QUICK_TOKENS if quick else SIZES[kind]
        report.rows.append(_row(OURS, f"{tokens:,} tokens at {RATE:,}/s: {KINDS[kind]}", figures))
    for name, figures in beside.items():
        report.rows.append(_row(name, f"{lines:,} lines of Markdown at {LINES_A_S}/s", figures))
    report.targets += _targets(taken, beside)
    report.notes += [
        *(f"{name}: {figures.failure}" for name, figures in (taken | beside).items() if figures.failure),
        *peers.notes_of(*PEERS),
        "Medians of the rounds. *Pieces/s* is what the server could send: it is on the same machine. *Ends after* is "
        "from the last piece sent to its paint. *Processor* and *memory* count all processes of the program.",
    ]
    return report


def _targets(taken: dict[str, Figures], beside: dict[str, Figures]) -> list[Target]:
    targets: list[Target] = []
    for kind, figures in taken.items():
        targets += [
            Target(f"{kind}: p95 while streaming against idle", figures.median("p95_ratio"), ECHO_TARGET),
            Target(f"{kind}: painted after the stream's end", figures.median("ends_s"), ENDS_TARGET_S, "s"),
        ]
    mine, codex = beside[OURS], beside.get(CODEX, Figures())
    return [
        *targets,
        Target("lines: echo p50 while streaming against idle", mine.median("p50_ratio"), LINES_ECHO_TARGET),
        Target("lines: echo p50 against codex", ratio_by_round(mine, codex, "echo_p50"), 1.0),
        Target("lines: end against the stream's", mine.median("ends_ratio"), LINES_END_TARGET),
        Target("lines: processor time against codex", ratio_by_round(mine, codex, "cpu_s"), LINES_CPU_TARGET),
    ]


def _row(program: str, answer: str, figures: Figures) -> tuple[str, ...]:
    return (
        program,
        answer,
        " / ".join(_said(figures, f"idle_p{at}") for at in (50, 95)),
        " / ".join(_said(figures, f"echo_p{at}") for at in (50, 95, 100)),
        _said(figures, "rate"),
        _said(figures, "ends_s", 2),
        f"{_said(figures, 'cpu_s', 1)} ({_said(figures, 'cpu')})",
        _said(figures, "memory_mb"),
    )


def _said(figures: Figures, name: str, digits: int = 0) -> str:
    median = figures.median(name)
    return "–" if median is None else f"{median:,.{digits}f}"
