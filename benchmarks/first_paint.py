"""From spawn to a typed character echoed, beside a bare Textual app and other terminals; and after 200 turns.

All are started in turn in a pseudo-terminal of 120x36. As soon as the terminal is theirs, one character is typed again
and again until it is painted.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measuring import Figures, MeasuringError, add, ratio_by_round
from benchmarks.model import Model, serving
from benchmarks.peers import Peers
from benchmarks.report import Report, Target, number, with_spread
from benchmarks.sessions import DEADLINE_S, Session, percentile
from benchmarks.terminals import BARE, OURS, PEERS, Terminal, bare, others, ours

PAIRS_A_ROUND = 5
TARGET, MEMORY_TARGET_MB = 1.25, 100.0
TURNS, QUICK_TURNS = 200, 3
TURNS_ECHO_TARGET, TURNS_MEMORY_TARGET_MB = 1.2, 40.0
LINES_A_TURN, LINES_A_S = 20, 2_000
KEYS, QUICK_KEYS = 40, 5
SETTLED_S = 2.0
# a program that takes longer for all its turns is left
TURNS_DEADLINE_S = 420.0
# an enter in one burst with what is typed would be a line of a paste
A_TURN_S = 0.3


def start(terminal: Terminal, home: Path) -> dict[str, float]:
    """Start a program, type until it echoes, and kill it. Raises MeasuringError."""
    with terminal.session(home) as session:
        echo_s = session.first_echo()
        cpu_s, memory_mb = session.processor_s(), session.memory_mb()
    return {"echo_s": echo_s, "cpu_s": cpu_s, "memory_mb": memory_mb}


def turns(terminal: Terminal, number_of: int, keys: int = KEYS) -> dict[str, float]:
    """A key's echo and the memory after so many turns of 20 lines, beside a program that had one turn. Raises
    MeasuringError.

    The keys of both come in turn: a machine is faster in one minute than in another.
    """
    with (
        tempfile.TemporaryDirectory(prefix="afk-benchmark-") as folder,
        _after_one_turn(terminal, folder) as (
            session,
            model,
        ),
    ):
        began = time.monotonic()
        for turn in range(number_of):
            if time.monotonic() - began > TURNS_DEADLINE_S:
                raise MeasuringError(f"{turn} of {number_of} turns took it {TURNS_DEADLINE_S:g} s")
            answers = int(model.told()["answers"])
            session.say(b"go", A_TURN_S)
            model.wait(session, answers + 1, DEADLINE_S)
            session.rest(A_TURN_S)
        session.rest(SETTLED_S)
        with (
            tempfile.TemporaryDirectory(prefix="afk-benchmark-") as other,
            _after_one_turn(terminal, other) as (
                fresh,
                _,
            ),
        ):
            first: list[float] = []
            last: list[float] = []
            for _ in range(keys):
                first.append(fresh.echo())
                last.append(session.echo())
            return {
                "first_ms": percentile(first, 50),
                "last_ms": percentile(last, 50),
                "ratio": percentile(last, 50) / percentile(first, 50),
                "grown_mb": session.memory_mb() - fresh.memory_mb(),
            }


@contextmanager
def _after_one_turn(terminal: Terminal, folder: str) -> Iterator[tuple[Session, Model]]:
    """A program that has had a turn: what is loaded for the first one would count as growth."""
    home = Path(folder)
    with (
        serving("lines", LINES_A_TURN, LINES_A_S, home) as model,
        terminal.session(home, model.url) as session,
    ):
        session.first_echo()
        session.rest(SETTLED_S)
        session.clear()
        session.say(b"go")
        model.wait(session, 1, DEADLINE_S)
        session.rest(SETTLED_S)
        yield session, model


def measure(peers: Peers, rounds: int, quick: bool, tell: Callable[[str], None]) -> Report:
    """The tables, and what is asked of them."""
    plain, compared = [bare(), ours()], others(peers)
    taken = {terminal.name: Figures() for terminal in [*plain, *compared]}
    after = {terminal.name: Figures() for terminal in [ours(), *(t for t in compared if t.answers)]}
    with tempfile.TemporaryDirectory(prefix="afk-benchmark-") as folder:
        pairs = rounds if quick else rounds * PAIRS_A_ROUND
        for pair in range(pairs + 1):
            tell(f"start {pair} of {pairs}")
            for terminal in plain if pair > rounds else [*plain, *compared]:
                home = Path(folder) / terminal.name.replace(" ", "-")
                home.mkdir(exist_ok=True)
                add(taken[terminal.name], lambda t=terminal, h=home: start(t, h), counts=pair > 0)
    number_of, keys = (QUICK_TURNS, QUICK_KEYS) if quick else (TURNS, KEYS)
    for terminal in (t for t in [ours(), *compared] if t.answers):
        tell(f"{terminal.name}, {number_of} turns")
        add(after[terminal.name], lambda t=terminal: turns(t, number_of, keys))
    columns = (
        "program",
        "echo ms",
        "processor ms",
        "memory MB",
        f"echo after one turn and after {number_of}, ms",
        "grown MB",
    )
    report = Report("first_paint", "From spawn to a typed character echoed", columns)
    for name, figures in taken.items():
        then = after.get(name, Figures())
        echoes = f"{_said(then, 'first_ms')} → {_said(then, 'last_ms')}" if then.values else "–"
        cells = (_ms(figures, "echo_s"), _ms(figures, "cpu_s"), _said(figures, "memory_mb"))
        report.rows.append((name, *cells, echoes, _said(then, "grown_mb")))
    report.targets += [
        Target("echo against a bare Textual app", ratio_by_round(taken[OURS], taken[BARE], "echo_s"), TARGET),
        Target("memory at the echo", taken[OURS].median("memory_mb"), MEMORY_TARGET_MB, "MB"),
        Target(f"echo after {number_of} turns", after[OURS].median("ratio"), TURNS_ECHO_TARGET),
        Target(
            f"memory grown in {number_of} turns", after[OURS].median("grown_mb"), TURNS_MEMORY_TARGET_MB, "MB"
        ),
    ]
    report.notes += [
        *(f"{name}: {figures.failure}" for name, figures in taken.items() if figures.failure),
        *(f"{name}, turns: {figures.failure}" for name, figures in after.items() if figures.failure),
        *peers.notes_of(*PEERS),
        "The bare app has a header, an input and a footer. *Processor* is what all processes of the program had used "
        "by the echo. The first start of each is not counted: it reads everything from the disk.",
    ]
    return report


def _ms(figures: Figures, name: str) -> str:
    median, spread = figures.median(name), figures.spread(name)
    if median is None or spread is None:
        return "–"
    return with_spread(median * 1000, (spread[0] * 1000, spread[1] * 1000))


def _said(figures: Figures, name: str) -> str:
    return number(figures.median(name))
