"""Files offered by name, and never opened."""

from __future__ import annotations

import os
from pathlib import Path

from afk_tui.gateway import workspace_files
from afk_tui.gateway.workspace_files import WorkspaceFiles


def make(folder: Path, *paths: str) -> None:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("")


async def find(folder: Path, text: str) -> list[str]:
    return list((await WorkspaceFiles().find(str(folder), text)).paths)


async def test_names_that_begin_with_it_come_first_then_names_then_paths_then_letters(tmp_path: Path) -> None:
    make(tmp_path, "apple/z.txt", "my_app.py", "app.py", "a/p/p.md", "other.txt")
    assert await find(tmp_path, "APP") == ["app.py", "my_app.py", "apple/z.txt", "a/p/p.md"]


async def test_version_control_links_and_names_that_show_as_others_are_left_out(tmp_path: Path) -> None:
    make(tmp_path, ".git/config", "sub/.hg/x", "ok.txt", "bad\nname", "bidi\u202e.txt")
    (tmp_path / "link.txt").symlink_to(tmp_path / "ok.txt")
    (tmp_path / "up").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    assert await find(tmp_path, "") == ["ok.txt"]


async def test_what_looks_like_a_secret_is_offered_and_not_even_readable(tmp_path: Path) -> None:
    make(tmp_path, ".env", "id_rsa")
    for name in (".env", "id_rsa"):
        (tmp_path / name).chmod(0)
    assert await find(tmp_path, "") == [".env", "id_rsa"]


async def test_no_file_is_opened(tmp_path: Path, monkeypatch) -> None:
    make(tmp_path, "a.txt", "b/c.txt")

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a file was opened")

    monkeypatch.setattr("builtins.open", refuse)
    monkeypatch.setattr(os, "open", refuse)
    assert await find(tmp_path, "") == ["a.txt", "b/c.txt"]


async def test_what_can_not_be_read_or_is_gone_is_nothing(tmp_path: Path) -> None:
    assert await find(tmp_path / "gone", "a") == []


async def test_a_list_that_is_not_complete_says_so(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(workspace_files, "MOST_FILES", 100)
    make(tmp_path, *(f"{folder}/{n}.txt" for folder in "abcd" for n in range(60)))
    found = await WorkspaceFiles().find(str(tmp_path), "txt")
    assert (len(found.paths), found.count, found.note) == (50, 120, "of the first 120 files")


async def test_a_new_word_sees_new_files_and_a_longer_one_does_not_walk_again(
    tmp_path: Path, monkeypatch
) -> None:
    files = WorkspaceFiles()
    make(tmp_path, "one.txt")
    assert (await files.find(str(tmp_path), "")).paths == ("one.txt",)
    make(tmp_path, "two.txt")
    monkeypatch.setattr(workspace_files, "STALE_S", 0.0)
    assert (await files.find(str(tmp_path), "t")).paths == ("one.txt",)
    assert (await files.find(str(tmp_path), "")).paths == ("one.txt", "two.txt")
