"""`compact --all`: over a thousand threads it shows how far it is, and stops when it is told to."""

from __future__ import annotations

import re
import signal

from tests.cli.conftest import Waiting
from tests.cli.kit import Cli, wait_for
from tests.cli.many_threads import multiply, watched_terminal
from tests.core.kit import rows
from tests.memory.compaction_kit import add_events


def noise(cli: Cli) -> int:
    return rows(cli.db, "SELECT count(*) FROM event WHERE type = 'noise'")[0][0]


def test_over_a_thousand_threads_it_shows_progress_on_a_terminal_and_the_result_alone_on_stdout(
    cli: Cli, waiting: Waiting
) -> None:
    names = multiply(cli.db, 1_000, events=7)
    with watched_terminal() as terminal:
        done = cli("compact", "--all", "--json", stderr=terminal.descriptor)
        wait_for(lambda: terminal.text.endswith("\r\x1b[K"))
    assert done.code == 0
    told = re.findall(r"\rthread ([\d,]+) of 1,002: ([\d,]+) records removed", terminal.text)
    numbers = [(int(thread.replace(",", "")), int(removed.replace(",", ""))) for thread, removed in told]
    assert numbers == sorted(numbers)
    assert len(numbers) > 1
    assert numbers[-1][0] > 500
    assert {one["thread_id"] for one in done.json} > set(names)
    assert sum(one["events_removed"] for one in done.json) == 7_000
    assert noise(cli) == 0
    # only what had something to remove has a row
    assert rows(cli.db, "SELECT count(*), sum(result IS NOT NULL) FROM compaction") == [(1_000, 1_000)]


def test_elsewhere_than_on_a_terminal_it_shows_no_progress(cli: Cli, waiting: Waiting) -> None:
    multiply(cli.db, 3, events=7)
    done = cli("compact", "--all").expect(0)
    assert done.err == ""
    assert done.out.count("thread_copy_") == 3
    assert "Nothing to remove in 5 threads." in cli("compact", "--all").expect(0).out


def test_ctrl_c_stops_between_two_batches_and_says_what_was_done(cli: Cli, waiting: Waiting) -> None:
    names = multiply(cli.db, 3, events=0)
    add_events(cli.db, names[1], 400_000)
    with watched_terminal() as terminal:
        process = cli.start("compact", "--all", "--json", stderr=terminal.descriptor)
        wait_for(lambda: "of 400,000 rows" in terminal.text)
        process.send_signal(signal.SIGINT)
        done = cli.finish(process)
        wait_for(lambda: "for the rest" in terminal.text)
    assert done.code == 4
    gone = 400_000 - noise(cli)
    assert 0 < gone < 400_000
    cut = next(one for one in done.json if one.get("stopped"))
    assert (cut["thread_id"], cut["events_removed"]) == (names[1], gone)
    assert re.search(r"stopped at thread \d of 5: [\d,]+ records removed so far", terminal.text)
    (row,) = rows(cli.db, "SELECT stopped FROM compaction WHERE result IS NULL")
    assert '"why":"cancelled"' in row[0]
    assert rows(cli.db, "PRAGMA integrity_check") == [("ok",)]
    cli("compact", "--all").expect(0)
    assert noise(cli) == 0
