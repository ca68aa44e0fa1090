"""What `doctor` says of each way in which a database fails, and what it saves."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from afk.memory.sqlite.schema import VERSION
from tests.cli.conftest import Waiting
from tests.cli.kit import Cli
from tests.support.failing import change, locked, mounted, overwrite_page


def problems(cli: Cli) -> str:
    """What is wrong, as one text."""
    done = cli("doctor", "--json")
    assert done.code == (0 if done.json["ok"] else 1)
    return "\n".join(done.json["problems"])


def saved(cli: Cli, out: Path) -> Cli:
    """The command line on what `--salvage` wrote."""
    cli("doctor", "--salvage", str(out)).expect(0)
    return Cli(cli.home, before=("--demo", "--db", str(out)))


def test_a_full_disk_is_named_and_what_is_there_can_be_saved_elsewhere(
    cli: Cli, waiting: Waiting, tmp_path: Path
) -> None:
    with mounted(tmp_path / "disk") as disk:
        shutil.copy(cli.db, disk.folder / "afk.db")
        disk.fill()
        cli.env = {"AFK_DB": str(disk.folder / "afk.db")}
        assert "is full" in problems(cli)
        assert "what was recorded before is safe" in problems(cli)
        other = saved(cli, tmp_path / "saved.db")
        assert [r["approval_id"] for r in other.waiting()] == [waiting.approval_id]


def test_a_read_only_disk_is_named(cli: Cli, waiting: Waiting, tmp_path: Path) -> None:
    with mounted(tmp_path / "disk") as disk:
        shutil.copy(cli.db, disk.folder / "afk.db")
        disk.make_read_only()
        cli.env = {"AFK_DB": str(disk.folder / "afk.db")}
        assert "can't be written to" in problems(cli)
        told = cli("run", "list").expect(1).err
        assert "read-only" in told
        assert "--db" in told


def test_a_locked_database_is_read_all_the_same_and_is_sound(cli: Cli, waiting: Waiting) -> None:
    with locked(cli.db):
        found = cli("doctor", "--json").json["database"]
    assert (found["integrity"], found["waiting_requests"]) == ("ok", 1)


def test_an_overwritten_page_is_named_and_the_rest_is_saved_and_goes_on(
    cli: Cli, waiting: Waiting, tmp_path: Path
) -> None:
    overwrite_page(cli.db, "event_row")
    assert "is damaged" in problems(cli)
    assert "--salvage OUT" in problems(cli)
    other = saved(cli, tmp_path / "saved.db")
    assert problems(other) == ""
    other("approve", waiting.approval_id, "--resume").expect(0)


def test_a_checkpoint_with_a_wrong_checksum_is_named_with_its_run(cli: Cli, waiting: Waiting) -> None:
    change(cli.db, "UPDATE checkpoint SET checksum = 'x' WHERE run_id = ?", waiting.run_id)
    told = problems(cli)
    assert f"Run {waiting.run_id} can't be resumed: the checksum of its newest checkpoint" in told
    assert "fork it from an earlier checkpoint" in told
    refused = cli("approve", waiting.approval_id, "--resume").expect(1)
    assert "its checksum does not fit" in refused.err
    assert not (cli.workspace / "notes.txt").exists()


def test_a_missing_message_is_named_and_the_thread_goes_on_in_what_was_saved(
    cli: Cli, waiting: Waiting, tmp_path: Path
) -> None:
    change(cli.db, "DELETE FROM message WHERE thread_id = ? AND role = 'user'", waiting.thread_id)
    told = problems(cli)
    assert f"Run {waiting.run_id} can't be resumed: its newest checkpoint refers to" in told
    assert f"Messages of thread {waiting.thread_id} are missing" in told
    other = saved(cli, tmp_path / "saved.db")
    assert "are missing" not in problems(other)
    went_on = other("run", "list", "--thread", waiting.thread_id, "--json").expect(0)
    assert went_on.json["state"] == "completed"
    assert problems(other) == ""


def test_a_database_of_a_newer_version_is_named_and_left_as_it_is(cli: Cli, waiting: Waiting) -> None:
    db = sqlite3.connect(cli.db)
    db.execute(f"PRAGMA user_version = {VERSION + 1}")
    db.close()
    before = cli.db.read_bytes()
    assert "written by a newer version" in problems(cli)
    assert "Install the newer afk-tui" in problems(cli)
    assert cli.db.read_bytes() == before


@pytest.mark.parametrize("where", ["AFK_POLICY", "the configuration folder"])
def test_a_policy_that_can_not_be_used_is_named(cli: Cli, where: str) -> None:
    if where == "AFK_POLICY":
        policy = cli.home / "rules.toml"
        cli.env = {"AFK_POLICY": str(policy)}
    else:
        policy = cli.home / ".config" / "afk-tui" / "policy.toml"
        policy.parent.mkdir(parents=True)
    policy.write_text('[[rule]]\ntool = "run_command"\naction = "forbid"\n')
    told = problems(cli)
    assert f"The policy {policy}, rule 1 (line 1): action is" in told
    assert "without that nothing starts" in told
    policy.write_text('[[rule]]\ntool = "run_command"\naction = "deny"\n')
    found = cli("doctor", "--json").expect(0).json
    assert found["policy"] == {"path": str(policy), "rules": 1}
    assert f"policy     {policy}, rules: 1" in cli("doctor").expect(0).out


def test_a_policy_that_is_named_and_is_not_there_is_told(cli: Cli) -> None:
    cli.env = {"AFK_POLICY": str(cli.home / "gone.toml")}
    assert "gone.toml can't be read" in problems(cli)
