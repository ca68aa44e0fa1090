"""Nothing that a model asks for leads out of the workspace."""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path

import pytest

from afk.tools import ToolError
from afk.tools.confinement import locate, opened_directory, opened_file
from afk.tools.files import read_file
from afk.tools.replacing import replace_file
from afk.tools.writing import edit_file, write_file

from .conftest import MakeContext


def nothing(_: os.stat_result) -> bool:
    return False


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret.txt").write_text("the secret")
    return folder


@pytest.mark.parametrize(
    "asked", ["../outside/secret.txt", "a/../../outside/secret.txt", "..", "/etc/passwd", "/"]
)
def test_a_path_that_leads_outside_is_refused_by_name(workspace: Path, outside: Path, asked: str) -> None:
    with pytest.raises(ToolError, match=f"{re.escape(repr(asked))}.* is outside the workspace"):
        locate(workspace, asked)


@pytest.mark.parametrize("link", ["file", "folder/secret.txt", "chain", "dangling", "new/below.txt"])
async def test_a_link_out_of_the_workspace_is_refused(
    workspace: Path, outside: Path, context: MakeContext, link: str
) -> None:
    (workspace / "file").symlink_to(outside / "secret.txt")
    (workspace / "folder").symlink_to(outside)
    (workspace / "chain").symlink_to("file")
    (workspace / "dangling").symlink_to(outside / "not-there-yet")
    (workspace / "new").symlink_to(outside / "not-there-either")
    for tool, arguments in (
        (read_file, {"path": link}),
        (write_file, {"path": link, "content": "x"}),
        (edit_file, {"path": link, "old_text": "secret", "new_text": "x"}),
    ):
        with pytest.raises(ToolError, match=f"'{link}' leads to .* is outside the workspace"):
            await tool.call(context(), arguments)
    assert [path.name for path in outside.iterdir()] == ["secret.txt"]
    assert (outside / "secret.txt").read_text() == "the secret"


def test_links_and_dots_that_stay_inside_are_followed(workspace: Path) -> None:
    (workspace / "a").mkdir()
    (workspace / "a" / "real.txt").write_text("x")
    (workspace / "link.txt").symlink_to("a/real.txt")
    assert locate(workspace, "link.txt").parts == ("a", "real.txt")
    assert locate(workspace, "a/../a/./real.txt").shown == "a/real.txt"
    assert locate(workspace, str(workspace / "a")).parts == ("a",)
    assert locate(workspace, ".").shown == "."


def test_a_workspace_reached_by_a_link_is_still_the_workspace(workspace: Path, tmp_path: Path) -> None:
    (workspace / "a.txt").write_text("x")
    alias = tmp_path / "alias"
    alias.symlink_to(workspace)
    assert locate(alias, "a.txt").path == workspace.resolve() / "a.txt"
    assert locate(alias, str(alias / "a.txt")).parts == ("a.txt",)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("", "is empty"),
        ("  ", "is empty"),
        ("a\0b", "NUL"),
        ("~/notes", "~ has no meaning"),
        ("~", "~ has no"),
    ],
)
def test_what_is_no_path_is_refused(workspace: Path, asked: str, says: str) -> None:
    with pytest.raises(ToolError, match=says):
        locate(workspace, asked)


def test_a_workspace_that_is_gone_is_said_to_be_gone(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"the workspace .*gone' is not there"):
        locate(tmp_path / "gone", "a.txt")


async def test_a_link_in_a_circle_is_an_error(workspace: Path, context: MakeContext) -> None:
    (workspace / "a").symlink_to("b")
    (workspace / "b").symlink_to("a")
    with pytest.raises(ToolError, match="'a'"):
        await read_file.call(context(), {"path": "a"})


def test_a_folder_swapped_for_a_link_after_the_check_leads_nowhere(workspace: Path, outside: Path) -> None:
    (workspace / "folder").mkdir()
    (workspace / "folder" / "secret.txt").write_text("harmless")
    place = locate(workspace, "folder/secret.txt")
    (workspace / "folder").rename(workspace / "moved")
    (workspace / "folder").symlink_to(outside)

    with pytest.raises(ToolError, match="replaced by a link"), opened_file(place, nothing):
        pass
    with pytest.raises(ToolError, match="replaced by a link"):
        replace_file(place, b"x", nothing)
    assert (outside / "secret.txt").read_text() == "the secret"
    assert [path.name for path in outside.iterdir()] == ["secret.txt"]


def test_a_file_swapped_for_a_link_after_the_check_is_not_read(workspace: Path, outside: Path) -> None:
    (workspace / "a.txt").write_text("harmless")
    place = locate(workspace, "a.txt")
    (workspace / "a.txt").unlink()
    (workspace / "a.txt").symlink_to(outside / "secret.txt")
    with pytest.raises(ToolError, match="a link that appeared"), opened_file(place, nothing):
        pass


async def test_special_files_are_refused_without_opening_them(workspace: Path, context: MakeContext) -> None:
    os.mkfifo(workspace / "pipe")  # opening it would wait for a writer that never comes
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(workspace / "socket"))
        for name, kind in (("pipe", "a named pipe"), ("socket", "a socket")):
            with pytest.raises(ToolError, match=f"'{name}' is {kind}, not a regular file"):
                await read_file.call(context(), {"path": name})
            with pytest.raises(ToolError, match=f"'{name}' is {kind}, not a regular file"):
                await write_file.call(context(), {"path": name, "content": "x"})


async def test_files_of_the_store_are_refused_before_they_are_opened(
    workspace: Path, context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = workspace / "afk.db"
    database.write_text("pages")
    (workspace / "innocent.txt").hardlink_to(database)
    kept = database.stat()
    ctx = context(off_limits=lambda found: os.path.samestat(found, kept))
    opened: list[object] = []
    really_open = os.open

    def watched(path: str, *args: int, dir_fd: int | None = None) -> int:
        opened.append(path)
        return really_open(path, *args, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", watched)
    for name in ("afk.db", "innocent.txt"):
        for tool, arguments in (
            (read_file, {"path": name}),
            (edit_file, {"path": name, "old_text": "pages", "new_text": "x"}),
            (write_file, {"path": name, "content": "x"}),
        ):
            with pytest.raises(ToolError, match=f"'{name}' belongs to the database"):
                await tool.call(ctx, arguments)
    assert opened
    assert not [path for path in opened if str(path).endswith((".db", ".txt"))]
    assert database.read_text() == "pages"


def test_directories_are_closed_again(workspace: Path) -> None:
    (workspace / "a" / "b").mkdir(parents=True)
    before = len(os.listdir("/dev/fd"))
    with opened_directory(locate(workspace, "a/b"), ("a", "b")):
        pass
    with pytest.raises(FileNotFoundError), opened_directory(locate(workspace, "a/c/d"), ("a", "c", "d")):
        pass
    assert len(os.listdir("/dev/fd")) == before
