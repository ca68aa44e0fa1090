"""`grants`: what is always allowed, and taking it back; and the person's own rules."""

from __future__ import annotations

import asyncio
from pathlib import Path

from afk.core import Runner
from afk.memory import SQLiteMemoryStore
from afk.memory.grants import GrantPattern
from tests.cli.conftest import Waiting
from tests.cli.kit import Cli

KEYS = {
    "grant_id",
    "tool_name",
    "kind",
    "value",
    "scope",
    "thread_id",
    "workspace",
    "arguments",
    "approval_id",
    "decided_by",
    "created_at_ms",
    "revoked_at_ms",
}
DENY = '[[rule]]\ntool = "run_command"\naction = "deny"\nreason = "not here"\n'


def remember(db: Path, approval_id: str, pattern: GrantPattern | None) -> None:
    async def decide() -> None:
        async with Runner(memory_store=SQLiteMemoryStore(db), workspace=db.parent) as runner:
            (request,) = await runner.list_approvals()
            await runner.decide(
                approval_id, "allow", args_sha=request.args_sha, scope="workspace", pattern=pattern, by="ada"
            )

    asyncio.run(decide())


def test_where_there_is_no_database_nothing_is_allowed_and_none_is_made(cli: Cli) -> None:
    assert cli("grants", "--json").expect(0).json == []
    told = cli("grants").expect(0)
    assert (told.out, "Nothing is always allowed" in told.err) == ("", True)
    assert not cli.db.parent.exists()
    assert "There is no database" in cli("grants", "--revoke", "grant_1").expect(1).err


def test_a_grant_is_listed_with_its_pattern_and_revoked_once(cli: Cli, waiting: Waiting) -> None:
    remember(cli.db, waiting.approval_id, GrantPattern("write_file", "path_glob", "*"))
    (grant,) = cli("grants", "--json").expect(0).json
    assert set(grant) == KEYS
    assert (grant["kind"], grant["value"], grant["scope"]) == ("path_glob", "*", "workspace")
    assert (grant["decided_by"], grant["approval_id"]) == ("ada", waiting.approval_id)
    table = cli("grants").expect(0).out
    assert grant["grant_id"] in table
    assert "any file that fits: *" in table
    assert cli("grants", "--json", before=("--workspace", "/")).expect(0).json == []

    revoked = cli("grants", "--revoke", grant["grant_id"], "--json").expect(0).json
    assert revoked["revoked_at_ms"] is not None
    assert cli("grants", "--json").expect(0).json == []
    again = cli("grants", "--revoke", grant["grant_id"], "--json").expect(1)
    assert "revoked before" in again.json["error"]


def test_a_grant_that_is_not_there_is_an_error(cli: Cli, waiting: Waiting) -> None:
    done = cli("grants", "--revoke", "grant_none", "--json").expect(1)
    assert "No grant 'grant_none'" in done.json["error"]


def test_a_grant_answers_in_the_next_process_until_it_is_revoked(cli: Cli) -> None:
    asked = cli("run", "run: echo one", "--json").expect(3).json
    remember(
        cli.db,
        asked["pending_approvals"][0]["approval_id"],
        GrantPattern("run_command", "command_prefix", "echo"),
    )
    assert cli("run", "run: echo two", "--json").expect(0).json["state"] == "completed"
    assert cli("run", "run: echo two; true", "--json").expect(3)
    (grant,) = cli("grants", "--json").expect(0).json
    assert "Revoked: run_command" in cli("grants", "--revoke", grant["grant_id"]).expect(0).out
    cli("run", "run: echo two", "--json").expect(3)


def test_the_rules_of_a_named_file_hold(cli: Cli) -> None:
    rules = cli.home / "rules.toml"
    rules.write_text(DENY)
    cli.env = {"AFK_POLICY": str(rules)}
    cli("run", "run: touch made", "--json").expect(0)
    assert not (cli.workspace / "made").exists()
    cli.env = {"AFK_POLICY": ""}
    cli("run", "run: touch made", "--json").expect(3)


def test_the_rules_of_the_users_own_folder_hold(cli: Cli) -> None:
    folder = cli.home / "config" / "afk-tui"
    folder.mkdir(parents=True)
    (folder / "policy.toml").write_text(DENY.replace("deny", "allow"))
    cli.env = {"XDG_CONFIG_HOME": str(cli.home / "config")}
    cli("run", "run: touch made", "--json").expect(0)
    assert (cli.workspace / "made").exists()


def test_rules_that_can_not_be_understood_stop_everything_that_would_need_them(cli: Cli) -> None:
    rules = cli.home / "rules.toml"
    rules.write_text(DENY.replace("deny", "denny"))
    cli.env = {"AFK_POLICY": str(rules)}
    done = cli("run", "run: touch made", "--json").expect(1)
    assert "rule 1 (line 1): action is allow, ask or deny; got 'denny'" in done.json["error"]
    cli.env = {"AFK_POLICY": str(cli.home / "none.toml")}
    assert "can't be read" in cli("run", "run: touch made", "--json").expect(1).json["error"]
    assert not (cli.workspace / "made").exists()
