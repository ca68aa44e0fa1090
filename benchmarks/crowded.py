"""Many threads, and threads of many messages: what a person waits for, against few."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.measuring import Figures, Subject, ratio_by_round, take
from benchmarks.peers import Peers
from benchmarks.report import Report, Target, with_spread

THREADS, MESSAGES, CHECKPOINTS = "threads", "messages", "checkpoints"
SIZES = {THREADS: (100, 100_000), MESSAGES: (20, 1_000, 10_000, 100_000), CHECKPOINTS: (100, 100_000)}
QUICK_SIZES = {THREADS: (10, 100), MESSAGES: (20, 100), CHECKPOINTS: (10, 100)}
FIGURES = (
    ("start_s", "the app's start"),
    ("open_s", "open"),
    ("change_s", "a change shown"),
    ("page_s", "a page"),
    ("frame_s", "scrolling, p95"),
    ("worst_frame_s", "scrolling, worst"),
    ("key_s", "a key's echo"),
    ("indexing_key_s", "while it is indexed"),
    ("find_s", "find"),
)
LIMIT = 2.0
STRICTER = {"start_s": 1.5, "open_s": 1.5, "key_s": 1.5, "memory_mb": 1.5}
REPORTED_ONLY = {"worst_frame_s"}
# the bodies that are kept, and what is drawn of them: the same for every length
GROWN_LIMIT_MB = 16.0


def measure(peers: Peers, rounds: int, quick: bool, tell: Callable[[str], None]) -> Report:
    """The table, and what is asked of it."""
    report = Report(
        "crowded",
        "Many threads, long threads",
        ("what", "number", *(f"{title}, ms" for _, title in FIGURES), "memory, MB", "grown by scrolling, MB"),
    )
    for what, sizes in (QUICK_SIZES if quick else SIZES).items():
        subject = Subject(what, "crowded.py", arguments=(what, "quick") if quick else (what,))
        taken = take([subject], sizes, rounds, tell)
        for size in sizes:
            report.rows.append(_row(what, size, taken[what, size]))
        few = taken[what, sizes[0]]
        for size in sizes[1:]:
            report.targets += _targets(f"{size:,} {what} against {sizes[0]:,}", taken[what, size], few)
    report.notes += [
        "*Open* is the list, or the thread at its end, read and painted again (what is above that is read after it was "
        "painted, and counts in the memory); *a change shown* is what the app does when another process recorded "
        "something; *a page* a key of the list or the conversation, a thirtieth of a second after the one before; "
        "*scrolling* goes from the end to the beginning as the scrollbar does, page by page or in 300 steps, each "
        "painted before the next; *while it is indexed* is a key's echo in the first minutes with a file that has no "
        "search index; *find* a text that one message has. "
        "*Memory* is the most that the process held. The app is driven in a process of its own at 120x36; the file is "
        "warm.",
    ]
    return report


def _targets(of: str, many: Figures, few: Figures) -> list[Target]:
    asked = [(name, title) for name, title in FIGURES if name not in REPORTED_ONLY]
    if few.median("scrolled_mb") is None:
        asked.append(("memory_mb", "memory"))
    targets = [
        Target(f"{title}, {of}", ratio_by_round(many, few, name), STRICTER.get(name, LIMIT))
        for name, title in asked
        if few.median(name) is not None
    ]
    if (grown := many.median("scrolled_mb")) is not None:
        targets.append(Target(f"memory grown by scrolling, {of}", grown, GROWN_LIMIT_MB, "MB"))
    return targets


def _row(what: str, size: int, figures: Figures) -> tuple[str, ...]:
    if figures.failure:
        return (what, f"{size:,}", figures.failure, *("–" for _ in FIGURES), "–")
    cells = [_ms(figures, name) for name, _ in FIGURES]
    return (what, f"{size:,}", *cells, _mb(figures, "memory_mb"), _mb(figures, "scrolled_mb"))


def _mb(figures: Figures, name: str) -> str:
    median, spread = figures.median(name), figures.spread(name)
    return "–" if median is None or spread is None else with_spread(median, spread)


def _ms(figures: Figures, name: str) -> str:
    median, spread = figures.median(name), figures.spread(name)
    if median is None or spread is None:
        return "–"
    return with_spread(median * 1e3, (spread[0] * 1e3, spread[1] * 1e3))
