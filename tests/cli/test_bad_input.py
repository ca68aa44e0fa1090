"""What can't work says so in one line, with the right code, and touches nothing."""

from __future__ import annotations

import os
import shutil
import sqlite3

import pytest

from tests.cli.conftest import Waiting
from tests.cli.kit import Cli


def one_line(text: str) -> str:
    (line,) = text.strip().splitlines()
    assert line.startswith("afk-tui: ")
    return line


def test_an_unknown_run(cli: Cli, waiting: Waiting) -> None:
    done = cli("resume", "run_nothing", "--json").expect(1)
    assert "run_nothing" in one_line(done.err)
    assert "afk-tui runs" in done.json["error"]


def test_an_unknown_run_where_there_is_no_database(cli: Cli) -> None:
    for words in (("resume", "run_x"), ("approve", "apr_x")):
        assert str(cli.db) in one_line(cli(*words).expect(1).err)
    assert not cli.db.parent.exists()


def test_an_empty_id_is_wrong_usage(cli: Cli) -> None:
    for words in (("resume", ""), ("settle", " ", "skip"), ("export", "")):
        assert "empty" in cli(*words).expect(2).err


def test_a_database_of_a_newer_version_is_left_as_it_is(cli: Cli, waiting: Waiting) -> None:
    db = sqlite3.connect(cli.db)
    db.execute("PRAGMA user_version = 99")
    db.close()
    before = cli.db.read_bytes()
    for words in (("run", "list"), ("resume", waiting.run_id)):
        assert "newer version" in one_line(cli(*words).expect(1).err)
    assert "newer version" in cli("doctor").expect(1).err
    assert cli.db.read_bytes() == before


def test_a_file_that_is_no_database_is_left_as_it_is(cli: Cli) -> None:
    cli.db.parent.mkdir()
    cli.db.write_text("my diary, " * 100)
    assert "not a database" in one_line(cli("run", "list").expect(1).err)
    assert "not a database" in cli("doctor").expect(1).err
    assert cli.db.read_text() == "my diary, " * 100


def test_a_folder_for_a_database_is_refused(cli: Cli) -> None:
    done = cli("threads", before=("--db", str(cli.workspace))).expect(1)
    assert "--db" in one_line(done.err)


def test_a_folder_that_can_not_be_written_to_is_named(cli: Cli) -> None:
    # a file in the folder's place refuses root as well
    (cli.home / "locked").write_text("")
    before = ("--demo", "--db", str(cli.home / "locked" / "afk.db"))
    assert "locked" in one_line(cli("run", "list", before=before).expect(1).err)
    assert "locked" in cli("doctor", before=before).expect(1).err


def test_a_folder_without_write_permission_is_named_and_left_as_it_is(cli: Cli, waiting: Waiting) -> None:
    # also root, once it has lost the right to ignore permissions
    through = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("root without setpriv may write everywhere")
    cli.db.parent.chmod(0o555)
    try:
        for words in (("threads",), ("run", "list")):
            done = cli(*words, through=through if os.geteuid() == 0 else ())
            assert str(cli.db) in one_line(done.expect(1).err)
        doctor = cli("doctor", through=through if os.geteuid() == 0 else ())
        assert "can't be written to" in doctor.expect(1).err
    finally:
        cli.db.parent.chmod(0o755)
    assert [path.name for path in cli.db.parent.iterdir()] == ["afk.db"]


def test_a_workspace_that_is_not_there(cli: Cli) -> None:
    done = cli("run", "list", before=("--demo", "--workspace", "/no/such/folder")).expect(1)
    assert "/no/such/folder" in one_line(done.err)
    assert not cli.db.exists()


def test_a_current_folder_that_was_removed(cli: Cli) -> None:
    gone = cli.home / "gone"
    gone.mkdir()
    through = ("sh", "-c", 'rmdir "$PWD" && exec "$@"', "sh")
    done = cli("run", "list", "--json", cwd=gone, through=through).expect(1)
    assert "--workspace" in one_line(done.err)
    assert "--workspace" in done.json["error"]


def test_an_agent_that_can_not_be_loaded(cli: Cli) -> None:
    (cli.workspace / "mine.py").write_text("agent = 'a text'\n")
    for name in ("nobody", "no.such.module:agent", "mine:agent"):
        done = cli("run", "list", before=("--demo", "--agent", name)).expect(1)
        assert name.partition(":")[0] in one_line(done.err)
    assert not cli.db.exists()


def test_another_agent_can_not_go_on_with_a_run(cli: Cli, waiting: Waiting) -> None:
    (cli.workspace / "mine.py").write_text("from afk.agents import Agent\nagent = Agent(name='other')\n")
    done = cli("resume", waiting.run_id, before=("--demo", "--agent", "mine:agent")).expect(1)
    assert "'assistant'" in one_line(done.err)


def test_the_app_without_a_terminal_points_at_run(cli: Cli) -> None:
    assert "afk-tui run" in one_line(cli().expect(1).err)
