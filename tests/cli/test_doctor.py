"""`doctor`: what is there, what is broken, and that it changes nothing."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from pathlib import Path

import pytest

from afk.memory.sqlite.schema import VERSION
from tests.cli.conftest import Waiting
from tests.cli.kit import ROOT, Cli
from tests.memory.test_version_9 import make_version_9


@pytest.fixture
def installed(cli: Cli, tmp_path: Path) -> Cli:
    """The command line of a copy of the program that has its stylesheets as an installed one has."""
    cli.package_root = tmp_path / "site"
    for name in ("afk", "afk_tui"):
        shutil.copytree(ROOT / name, cli.package_root / name)
    styles = cli.package_root / "afk_tui" / "styles"
    styles.mkdir(exist_ok=True)
    (styles / "base.tcss").write_text("")
    return cli


def test_without_a_database_all_is_well_and_none_is_made(installed: Cli) -> None:
    done = installed("doctor", "--json").expect(0)
    assert done.json["ok"] is True
    assert done.json["database"]["path"] == str(installed.db)
    assert done.json["database"]["exists"] is False
    assert done.json["versions"]["textual"].startswith("8.")
    assert not installed.db.parent.exists()
    assert "all is well" in installed("doctor").expect(0).out


def test_it_counts_what_is_open_and_leaves_the_file_as_it_was(installed: Cli, waiting: Waiting) -> None:
    before = installed.db.read_bytes()
    found = installed("doctor", "--json").expect(0).json["database"]
    assert (found["integrity"], found["schema_version"]) == ("ok", VERSION)
    assert found["open_runs"] == {"awaiting_approval": 1}
    assert found["waiting_requests"] == 1
    assert installed.db.read_bytes() == before
    assert [path.name for path in installed.db.parent.iterdir()] == ["afk.db"]


def test_the_key_is_never_printed(installed: Cli) -> None:
    installed.env = {"OPENAI_API_KEY": "sk-secret", "OPENAI_BASE_URL": "http://me:pass@localhost:9/v1"}
    done = installed("doctor", "--json", before=("--model", "m")).expect(0)
    assert done.json["model"] == {
        "name": "m",
        "api_key_set": True,
        "base_url_set": True,
        "host": "localhost:9",
        "demo": False,
    }
    shown = installed("doctor").expect(0)
    assert "key set: yes" in shown.out
    for secret in ("sk-secret", "pass@"):
        assert secret not in done.out + done.err + shown.out + shown.err


def test_missing_styles_are_broken(installed: Cli) -> None:
    (installed.package_root / "afk_tui" / "styles" / "base.tcss").unlink()
    for rest in (installed.package_root / "afk_tui" / "styles").iterdir():
        rest.unlink()
    done = installed("doctor", "--json").expect(1)
    assert done.json["styles"] is None
    assert "Install afk-tui again" in done.json["problems"][0]


def test_a_damaged_database_is_broken(installed: Cli, waiting: Waiting) -> None:
    data = bytearray(installed.db.read_bytes())
    for at in range(3 * 4096, len(data), 4096):
        data[at : at + 64] = b"\xff" * 64
    installed.db.write_bytes(data)
    done = installed("doctor", "--json").expect(1)
    assert done.json["database"]["integrity"] in ("broken", "unreadable")
    assert "--salvage" in done.json["problems"][0]
    assert str(installed.db) in done.err


def test_long_results_are_counted_and_one_that_is_not_as_it_was_written_is_named(installed: Cli) -> None:
    asked = installed("run", "run: seq 9000; echo more && seq 5000", "--json").expect(3).json
    installed("approve", asked["pending_approvals"][0]["approval_id"], "--resume").expect(0)
    found = installed("doctor", "--json").expect(0).json["database"]
    assert (found["outputs"], found["damaged_outputs"]) == (1, {})
    assert f"long results: 1, of {found['output_bytes']:,} bytes" in installed("doctor").expect(0).out
    with contextlib.closing(sqlite3.connect(installed.db, isolation_level=None)) as db:
        db.execute("UPDATE output_part SET body = replace(body, '4711', '4712')")
        [(sha,)] = db.execute("SELECT sha256 FROM output").fetchall()
    done = installed("doctor", "--json").expect(1)
    assert done.json["database"]["damaged_outputs"] == {
        sha: f"of thread {asked['thread_id']}, does not fit its hash"
    }
    assert f"The whole result {sha[:12]}, of thread" in done.json["problems"][0]


def test_what_can_be_read_is_written_into_a_new_file_and_no_file_is_overwritten(
    cli: Cli, waiting: Waiting, tmp_path: Path
) -> None:
    out = tmp_path / "saved.db"
    done = cli("doctor", "--salvage", str(out), "--json").expect(0)
    assert done.json["path"] == str(out)
    assert done.json["rows"]["run"] == 2
    assert (done.json["damaged_tables"], done.json["broken_runs"]) == ([], [])
    assert "exists" in cli("doctor", "--salvage", str(out)).expect(1).err
    saved = cli("approvals", "--json", before=("--db", str(out))).expect(0).json
    assert [request["approval_id"] for request in saved] == [waiting.approval_id]


def test_an_address_that_is_none_is_broken(installed: Cli) -> None:
    installed.env = {"OPENAI_BASE_URL": "not a url"}
    assert "OPENAI_BASE_URL" in installed("doctor", before=()).expect(1).err


def test_a_file_of_an_earlier_version_is_said_to_be_one_and_the_first_command_tells_of_its_copy(
    installed: Cli,
) -> None:
    installed.db.parent.mkdir(parents=True)
    make_version_9(installed.db)
    found = installed("doctor", "--json").expect(0).json["database"]
    assert (found["schema_version"], found["is_earlier"], found["waiting_requests"]) == (9, True, 1)
    assert "of an earlier version: the next start gives it the format of this one" in installed("doctor").out
    first, second = installed("threads", "--json").expect(0), installed("threads", "--json").expect(0)
    assert (
        f"As it was it is kept in {installed.db}.before-v{VERSION}: delete that when all is well" in first.err
    )
    assert (first.json, second.err) == (second.json, "")
    assert installed("doctor", "--json").expect(0).json["database"]["is_earlier"] is False
