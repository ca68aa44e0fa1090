"""Each promise that the crash matrix checks can be broken, and is then seen to be: a story that went well is falsified
in one place."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from afk.memory.sqlite import schema
from tests.crash.checks import check_closed, check_end, check_file
from tests.crash.matrix import Matrix, Stage
from tests.crash.plot import AT_LENGTH, ONCE, Plot, plot_of
from tests.crash.story import write_line
from tests.crash.telling import Telling
from tests.support.tables import writable

Falsify = Callable[[Telling], None]


@pytest.fixture(scope="module")
def matrix(stage: Stage) -> Matrix:
    return Matrix(stage)


@pytest.fixture(scope="module")
def calm(matrix: Matrix, tmp_path_factory: pytest.TempPathFactory) -> Telling:
    """A story with every kind of decision to falsify, in an older file."""
    seed = next(seed for seed in range(10_000) if _has_everything(plot_of(seed)))
    telling = matrix.telling(seed, tmp_path_factory.mktemp("told") / "calm")
    assert telling.finish()
    check_end(telling, None)
    assert matrix.report.violations == []
    return telling


def _has_everything(plot: Plot) -> bool:
    once = {plot.deed(name, what) for name, what in plot.calls if name in ("act", "check")}
    at_length = any(name in AT_LENGTH for name, _ in plot.calls)
    return at_length and once >= {"allow", "deny", "edit"} and plot.older_file and not plot.over_http


@pytest.fixture
def told(matrix: Matrix, calm: Telling, tmp_path: Path) -> Telling:
    """The same story, to be falsified."""
    matrix.report.violations.clear()
    copy = matrix.telling(calm.seed, tmp_path / "told")
    shutil.rmtree(copy.folder)
    shutil.copytree(calm.folder, copy.folder)
    copy.older, copy.known_requests = calm.older, dict(calm.known_requests)
    return copy


def sql(statement: str) -> Falsify:
    def falsify(telling: Telling) -> None:
        with closing(writable(telling.db, isolation_level=None)) as db:
            before = db.total_changes
            db.execute(statement)
            assert db.total_changes > before

    return falsify


def line(name: str, text: str) -> Falsify:
    return lambda telling: write_line(telling.folder / name, text)


def once_more(telling: Telling) -> None:
    """A call that must not be repeated runs again, under its own key."""
    name, what, key = next(entry for entry in telling.ledger if entry[0] in ONCE)
    write_line(telling.folder / "ledger", f"{name} {what} {key}")


def under_another_key(telling: Telling) -> None:
    name, what, _ = telling.ledger[0]
    write_line(telling.folder / "ledger", f"{name} {what} idem_of_its_own")


def with_deed(deed: str, suffix: str = "") -> Falsify:
    """A call about which a person said this runs as it was asked for."""

    def falsify(telling: Telling) -> None:
        name, what = next(call for call in telling.plot.calls if telling.plot.deed(*call) == deed)
        write_line(telling.folder / "ledger", f"{name} {what}{suffix} idem_of_its_own")

    return falsify


def decided_twice(telling: Telling) -> None:
    write_line(telling.folder / "decided", telling.lines("decided")[0])


def copy_path(telling: Telling) -> Path:
    return Path(f"{telling.db}.before-v{schema.VERSION}")


def tear_copy(telling: Telling) -> None:
    content = copy_path(telling).read_bytes()
    copy_path(telling).write_bytes(content[: len(content) // 2])


def tear_database(telling: Telling) -> None:
    content = bytearray(telling.db.read_bytes())
    content[4096 * 2 : 4096 * 8] = b"\xee" * (4096 * 6)
    telling.db.write_bytes(content)


A_REQUEST = "(SELECT id FROM approval WHERE kind = 'call' AND thread_id = 'th' LIMIT 1)"
ASK_TWICE = """
    INSERT INTO approval SELECT 'apr_again', run_id, thread_id, call_id, effect_id, kind, tool_name, arguments,
    args_sha, tool_schema, reason, agent_path, status, requested_at_ms, expires_at_ms, edited_arguments, edited_sha,
    decision_reason, output, scope, decided_by, decided_at_ms, consumed_at_ms, shown FROM approval
    WHERE kind = 'call' AND thread_id = 'th' LIMIT 1
"""
ASK_ABOUT_OUTCOME = ASK_TWICE.replace("effect_id, kind,", "effect_id, 'uncertain',")
ANOTHER_RESULT = """
    INSERT INTO message (thread_id, seq, role, chars, lines, run_id, call_id, created_at_ms, tool_calls, text,
    output_sha) SELECT thread_id, seq + 1000, role, chars, lines, run_id, call_id, created_at_ms, tool_calls,
    text, output_sha FROM message WHERE role = 'tool' AND thread_id = 'th' LIMIT 1
"""
A_RESULT = "(SELECT seq FROM message WHERE role = 'tool' AND thread_id = 'th' LIMIT 1)"
BROKEN_PROMISES = {
    "a call has two results": (sql(ANOTHER_RESULT), "have the results"),
    "a call has no result": (
        sql(f"DELETE FROM message WHERE thread_id = 'th' AND seq = {A_RESULT}"),
        "have the results",
    ),
    "a call is open": (
        sql("UPDATE effect SET finished_at_ms = NULL WHERE thread_id = 'th'"),
        "a call is still open",
    ),
    "one byte of the conversation differs": (
        sql(f"UPDATE message SET text = text || ' ' WHERE thread_id = 'th' AND seq = {A_RESULT}"),
        "the conversation has (",
    ),
    "a message too many": (
        sql(
            "INSERT INTO message (thread_id, seq, role, chars, lines, run_id, created_at_ms, text)"
            " VALUES ('th', 999, 'user', 1, 1, 'r', 1, 'x')"
        ),
        "messages, not",
    ),
    "a request is lost": (
        sql(f"DELETE FROM approval WHERE id = {A_REQUEST}"),
        "which a person saw, is lost",
    ),
    "a request that was on disk is lost": (
        sql(f"DELETE FROM approval WHERE id = {A_REQUEST}"),
        "which was on disk, is lost",
    ),
    "a request changed": (
        sql(f"UPDATE approval SET args_sha = 'another' WHERE id = {A_REQUEST}"),
        "and is (",
    ),
    "a decision changed": (
        sql(f"UPDATE approval SET status = 'closed' WHERE id = {A_REQUEST}"),
        "reads closed",
    ),
    "a request is asked twice": (sql(ASK_TWICE), "to be asked were"),
    "an outcome is asked about that nothing was unknown of": (
        sql(ASK_ABOUT_OUTCOME),
        "more questions about one call",
    ),
    "a request is decided twice": (decided_twice, "was decided 2 times"),
    "a request still waits": (
        sql(f"UPDATE approval SET status = 'pending' WHERE id = {A_REQUEST}"),
        "a request is still waiting",
    ),
    "a once call ran twice": (once_more, "ran 2 times, with 0 wishes to repeat it"),
    "a call ran under two keys": (under_another_key, "under two keys"),
    "a denied call ran": (with_deed("deny"), "although the decision was deny"),
    "an edited call ran as it was": (with_deed("edit"), "other arguments than those allowed"),
    "an allowed call ran otherwise": (with_deed("allow", "-edited"), "other arguments than those allowed"),
    "the run is not over": (
        sql("UPDATE run SET state = 'interrupted' WHERE thread_id = 'th'"),
        "the run ended as",
    ),
    "the run is still owned": (
        sql("UPDATE run SET owner = 'somebody' WHERE thread_id = 'th'"),
        "the run ended as",
    ),
    "the model was sent what a server refuses": (
        line("violations", "the model was sent calls without results"),
        "without results",
    ),
    "a row of the older file is lost": (
        sql("DELETE FROM approval_grant WHERE rowid = 1"),
        "lost from ['approval_grant']",
    ),
    "a part of a whole result is lost": (
        sql("DELETE FROM output_part WHERE rowid = (SELECT min(rowid) FROM output_part)"),
        "does not fit its hash",
    ),
    "a whole result is lost": (sql("DELETE FROM output"), "is missing"),
    "a whole result is kept that nobody refers to": (
        sql("UPDATE message SET output_sha = NULL WHERE output_sha IS NOT NULL"),
        "nobody refers to",
    ),
    "the copy is torn": (tear_copy, "the copy of the older file is torn"),
    "the copy is missing": (lambda telling: copy_path(telling).unlink(), "no copy of the older file"),
    "half a copy is left": (lambda telling: write_line(telling.folder / "x.making", ""), "half a copy"),
    "the database is damaged": (tear_database, "the database is damaged"),
}


@pytest.mark.parametrize("broken", BROKEN_PROMISES)
def test_a_broken_promise_is_seen(matrix: Matrix, calm: Telling, told: Telling, broken: str) -> None:
    falsify, found = BROKEN_PROMISES[broken]
    falsify(told)
    if broken == "the database is damaged":
        check_file(told)
    else:
        check_end(told, calm)
    assert [violation for violation in matrix.report.violations if found in violation], (
        matrix.report.violations
    )


def test_a_story_that_went_well_breaks_no_promise(matrix: Matrix, calm: Telling, told: Telling) -> None:
    check_end(told, calm)
    assert matrix.report.violations == []


def test_a_run_left_open_by_the_message_that_closed_it_is_seen(matrix: Matrix, told: Telling) -> None:
    sql("UPDATE run SET state = 'running' WHERE thread_id = 'th'")(told)
    check_closed(told)
    assert "the runs ended as" in matrix.report.violations[0]


def test_a_summary_that_was_made_twice_is_seen(matrix: Matrix, tmp_path: Path) -> None:
    matrix.report.violations.clear()
    seed = next(seed for seed in range(10_000) if _outgrows_simply(plot_of(seed)))
    calm, told = (matrix.telling(seed, tmp_path / name) for name in ("calm", "told"))
    assert calm.finish()
    assert told.finish()
    check_end(told, calm)
    assert matrix.report.violations == []
    sql("INSERT INTO state SELECT thread_id, ordinal + 1000, run_id, key, value, 1 FROM state")(told)
    check_end(told, calm)
    assert [one for one in matrix.report.violations if "the conversation has the summaries" in one]
    matrix.report.violations.clear()


def _outgrows_simply(plot: Plot) -> bool:
    return plot.outgrows and plot.nested == "no" and plot.compacts == "never" and not plot.older_file
