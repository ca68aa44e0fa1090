"""What write_file and edit_file leave on disk, and what can be told of it afterwards."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from afk.tools import Tool, ToolArgumentsError, ToolError
from afk.tools.edits import edit_happened
from afk.tools.writing import edit_file, write_file

from .conftest import MakeContext


async def verified(tool: Tool, ctx: Any, arguments: dict[str, Any]) -> bool | None:
    assert tool.verify is not None
    answer = tool.verify(ctx, arguments)
    assert answer is None or isinstance(answer, bool)
    return answer


async def test_writing_makes_the_file_and_its_folders(workspace: Path, context: MakeContext) -> None:
    text = await write_file.call(context(), {"path": "a/b/c.txt", "content": "é\r\nx"})
    assert text == "made a/b/c.txt: 2 lines, 5 bytes"
    assert (workspace / "a/b/c.txt").read_bytes() == "é\r\nx".encode()
    assert (
        await write_file.call(context(), {"path": "a/b/c.txt", "content": ""})
        == "replaced a/b/c.txt: 0 lines, 0 bytes"
    )
    assert [path.name for path in (workspace / "a/b").iterdir()] == ["c.txt"]


async def test_a_new_file_follows_the_umask_and_an_old_one_keeps_its_mode(
    workspace: Path, context: MakeContext
) -> None:
    script = workspace / "run.sh"
    script.write_text("old")
    script.chmod(0o750)
    await write_file.call(context(), {"path": "run.sh", "content": "old new"})
    assert stat.S_IMODE(script.stat().st_mode) == 0o750
    await edit_file.call(context(), {"path": "run.sh", "old_text": "old ", "new_text": ""})
    assert stat.S_IMODE(script.stat().st_mode) == 0o750
    await write_file.call(context(), {"path": "new", "content": ""})
    (workspace / "plain").touch()
    assert (workspace / "new").stat().st_mode == (workspace / "plain").stat().st_mode


async def test_writing_through_a_link_inside_keeps_the_link(workspace: Path, context: MakeContext) -> None:
    (workspace / "real").write_text("old")
    (workspace / "link").symlink_to("real")
    assert (await write_file.call(context(), {"path": "link", "content": "new"})).startswith("replaced real")
    assert (workspace / "link").is_symlink()
    assert (workspace / "real").read_text() == "new"


@pytest.mark.parametrize("path", [".", "folder", "folder/", "new/"])
async def test_a_directory_is_not_written(workspace: Path, context: MakeContext, path: str) -> None:
    (workspace / "folder").mkdir()
    with pytest.raises(ToolError, match=r"director|the workspace itself"):
        await write_file.call(context(), {"path": path, "content": "x"})
    assert [entry.name for entry in workspace.iterdir()] == ["folder"]


async def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    workspace: Path, context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workspace / "a.txt").write_text("old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ToolError, match=r"cannot write 'a.txt': no space left on device"):
        await write_file.call(context(), {"path": "a.txt", "content": "new"})
    assert [(path.name, path.read_text()) for path in workspace.iterdir()] == [("a.txt", "old")]


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes read-only files")
async def test_a_read_only_file_stays_what_it_is(workspace: Path, context: MakeContext) -> None:
    (workspace / "a.txt").write_text("old")
    (workspace / "a.txt").chmod(0o444)
    with pytest.raises(ToolError, match="read-only"):
        await write_file.call(context(), {"path": "a.txt", "content": "new"})


async def test_an_edit_replaces_exactly_one_place(workspace: Path, context: MakeContext) -> None:
    (workspace / "a.py").write_text("x = 1\ny = 2\nz = 3\n")
    text = await edit_file.call(context(), {"path": "a.py", "old_text": "y = 2", "new_text": "y = 20"})
    assert text == "replaced one place in a.py, at line 2"
    assert (workspace / "a.py").read_text() == "x = 1\ny = 20\nz = 3\n"


@pytest.mark.parametrize(
    ("old_text", "says"),
    [("b", "not in it"), ("aa", "there 2 times"), ("x", "there 3 times"), ("y" * 2, "more than 100 times")],
)
async def test_an_edit_of_no_or_several_places_changes_nothing(
    workspace: Path, context: MakeContext, old_text: str, says: str
) -> None:
    before = "aaa x x x " + "y" * 300
    (workspace / "a").write_text(before)
    with pytest.raises(ToolError, match=f"cannot edit 'a': .*{says}"):
        await edit_file.call(context(), {"path": "a", "old_text": old_text, "new_text": "z"})
    assert (workspace / "a").read_text() == before


async def test_an_edit_that_can_be_made_nowhere_is_a_wrong_argument(
    workspace: Path, context: MakeContext
) -> None:
    for old, new in (("", "x"), ("x", "x")):
        with pytest.raises(ToolArgumentsError):
            await edit_file.call(context(), {"path": "a", "old_text": old, "new_text": new})


async def test_line_ends_survive_an_edit(workspace: Path, context: MakeContext) -> None:
    dos = workspace / "dos.txt"
    dos.write_bytes(b"a\r\nb\r\nc\r\n")
    await edit_file.call(context(), {"path": "dos.txt", "old_text": "a\nb", "new_text": "a\nnew\nb"})
    assert dos.read_bytes() == b"a\r\nnew\r\nb\r\nc\r\n"
    await edit_file.call(context(), {"path": "dos.txt", "old_text": "new\r\n", "new_text": ""})
    assert dos.read_bytes() == b"a\r\nb\r\nc\r\n"
    mixed = workspace / "mixed.txt"
    mixed.write_bytes(b"a\r\nb\nc")
    await edit_file.call(context(), {"path": "mixed.txt", "old_text": "b\n", "new_text": "B\n"})
    assert mixed.read_bytes() == b"a\r\nB\nc"


async def test_what_is_no_utf8_is_not_edited(workspace: Path, context: MakeContext) -> None:
    for name, data, says in (
        ("latin", "dé à".encode("latin-1"), "not UTF-8 text .byte 1 is 0xe9"),
        ("binary", b"a\0b", "is a binary file"),
    ):
        (workspace / name).write_bytes(data)
        with pytest.raises(ToolError, match=f"cannot edit '{name}': it .*{says}|{says}"):
            await edit_file.call(context(), {"path": name, "old_text": "a", "new_text": "b"})
        assert (workspace / name).read_bytes() == data


async def test_a_huge_file_is_not_edited(workspace: Path, context: MakeContext) -> None:
    with (workspace / "big").open("wb") as file:
        file.truncate(200 << 20)
    with pytest.raises(ToolError, match=r"cannot edit 'big': at 200\.0 MB"):
        await edit_file.call(context(), {"path": "big", "old_text": "a", "new_text": "b"})


async def test_a_missing_file_is_not_edited(context: MakeContext) -> None:
    with pytest.raises(ToolError, match="cannot edit 'none': there is no such file"):
        await edit_file.call(context(), {"path": "none", "old_text": "a", "new_text": "b"})


async def test_a_file_changed_by_someone_else_meanwhile_is_not_overwritten(
    workspace: Path, context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    import afk.tools.writing as writing

    really_apply = writing.apply_edit

    def apply_while_someone_saves(*args: Any) -> Any:
        (workspace / "a").write_text("old and what someone else wrote")
        return really_apply(*args)

    (workspace / "a").write_text("old")
    monkeypatch.setattr(writing, "apply_edit", apply_while_someone_saves)
    with pytest.raises(ToolError, match="changed meanwhile: nothing was written"):
        await edit_file.call(context(), {"path": "a", "old_text": "old", "new_text": "new"})
    assert (workspace / "a").read_text() == "old and what someone else wrote"


async def test_whether_a_write_happened_is_told_only_where_it_can_be_known(
    workspace: Path, context: MakeContext
) -> None:
    arguments = {"path": "a/b", "content": "new"}
    assert await verified(write_file, context(), arguments) is False
    await write_file.call(context(), arguments)
    assert await verified(write_file, context(), arguments) is True
    (workspace / "a/b").write_text("something else")
    assert await verified(write_file, context(), arguments) is None
    assert await verified(write_file, context(), {"path": "../x", "content": ""}) is None


async def test_whether_an_edit_happened_is_told_by_the_file(workspace: Path, context: MakeContext) -> None:
    arguments = {"path": "a", "old_text": "one", "new_text": "two"}
    assert await verified(edit_file, context(), arguments) is None
    (workspace / "a").write_text("a one b")
    assert await verified(edit_file, context(), arguments) is False
    await edit_file.call(context(), arguments)
    assert await verified(edit_file, context(), arguments) is True


@pytest.mark.parametrize(
    ("text", "old", "new", "happened"),
    [
        ("a one b", "one", "", False),
        ("a  b", "one", "", True),
        ("neither", "one", "two", None),
        ("one two", "one", "two", False),  # taking "two" back would make "one" twice
        ("one one two", "one", "two", None),
        ("one more", "one", "one more", None),  # before and after look the same
        ("a\r\nX\r\nb", "x\ny", "X", True),
        ("two two", "one", "two", True),
    ],
)
def test_an_edit_is_known_by_whether_it_can_be_made_or_taken_back(
    text: str, old: str, new: str, happened: bool | None
) -> None:
    assert edit_happened(text, old, new) is happened
