"""`threads` with a filter, `rename`, `pin` and `archive`."""

from __future__ import annotations

from tests.cli.conftest import Waiting
from tests.cli.kit import Cli


def titles(cli: Cli, *words: str) -> list[str]:
    return [thread["title"] for thread in cli("threads", *words, "--json").expect(0).json]


def done_one(cli: Cli) -> str:
    """The thread whose run is over."""
    return cli("threads", "--state", "done", "--json").expect(0).json[0]["thread_id"]


def test_threads_are_filtered_by_how_they_stand(cli: Cli, waiting: Waiting) -> None:
    assert titles(cli, "--state", "waiting") == ["write notes.txt: buy milk"]
    assert titles(cli, "--state", "done") == ["list"]
    assert titles(cli, "--state", "running") == titles(cli, "--state", "interrupted") == []
    assert "No threads are interrupted" in cli("threads", "--state", "interrupted").expect(0).err
    cli("threads", "--state", "done", "--archived").expect(2)
    cli("threads", "--state", "lost").expect(2)


def test_an_archived_thread_is_listed_only_when_asked_for_and_comes_back(cli: Cli, waiting: Waiting) -> None:
    thread_id = done_one(cli)
    assert "Archived: list" in cli("archive", thread_id).expect(0).out
    assert titles(cli) == ["write notes.txt: buy milk"]
    assert titles(cli, "--archived") == ["list"]
    assert titles(cli, "--all") == ["write notes.txt: buy milk", "list"]
    assert "archived" in cli("threads", "--all").expect(0).out
    assert cli("archive", thread_id, "--undo", "--json").expect(0).json["archived_at_ms"] is None
    cli("archive", thread_id).expect(0)
    cli("run", "list", "--thread", thread_id).expect(0)
    assert titles(cli) == ["list", "write notes.txt: buy milk"]


def test_a_pinned_thread_comes_first_and_a_renamed_one_has_its_new_title_in_one_line(
    cli: Cli, waiting: Waiting
) -> None:
    thread_id = done_one(cli)
    cli("pin", thread_id).expect(0)
    assert cli("rename", thread_id, "Shopping\n and   so on").expect(0).out == "Renamed: Shopping and so on\n"
    assert titles(cli) == ["Shopping and so on", "write notes.txt: buy milk"]
    cli("pin", thread_id, "--undo").expect(0)
    assert titles(cli) == ["write notes.txt: buy milk", "Shopping and so on"]


def test_a_title_can_not_be_empty_and_an_unknown_thread_is_an_error(cli: Cli, waiting: Waiting) -> None:
    refused = cli("rename", waiting.thread_id, "  \n", "--json").expect(1)
    assert "can't be empty" in refused.json["error"]
    for words in (("rename", "thread_none", "x"), ("pin", "thread_none"), ("archive", "thread_none")):
        assert "No thread 'thread_none'" in cli(*words).expect(1).err
    assert "write notes.txt: buy milk" in titles(cli)


def test_what_a_script_did_is_new_to_a_person_until_the_app_showed_it(cli: Cli, waiting: Waiting) -> None:
    assert all(thread["is_unread"] for thread in cli("threads", "--json").expect(0).json)
