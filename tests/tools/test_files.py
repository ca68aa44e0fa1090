"""What list_directory and read_file show, and how much of it."""

from __future__ import annotations

import os
import re
import tracemalloc
from pathlib import Path

import pytest

from afk.outputs import MAX_RESULT_CHARS, ResultLimits
from afk.tools import ToolArgumentsError, ToolError
from afk.tools import files as files_module
from afk.tools import text as text_module
from afk.tools.files import MAX_ENTRIES, MAX_READ_BYTES, NOTES_CHARS, list_directory, read_file

from .conftest import MakeContext


async def test_a_listing_has_folders_first_and_sizes(workspace: Path, context: MakeContext) -> None:
    (workspace / "zoo").mkdir()
    (workspace / "b.txt").write_text("12")
    (workspace / "A.txt").write_bytes(b"x" * 2048)
    (workspace / "inner").symlink_to("b.txt")
    (workspace / "outer").symlink_to("/etc")
    (workspace / "beside").symlink_to(f"{workspace}-evil")
    os.mkfifo(workspace / "pipe")
    assert (await list_directory.call(context(), {})).splitlines() == [
        "zoo/",
        "A.txt  2.0 KB",
        "b.txt  2 bytes",
        f"beside -> {workspace}-evil  [outside the workspace]",
        "inner -> b.txt",
        "outer -> /etc  [outside the workspace]",
        "pipe  [special file]",
    ]


async def test_an_empty_directory_is_told_from_a_missing_one(workspace: Path, context: MakeContext) -> None:
    (workspace / "file").write_text("")
    (workspace / "empty").mkdir()
    assert await list_directory.call(context(), {"path": "empty"}) == "[empty directory]"
    with pytest.raises(ToolError, match="cannot list 'missing': no such file"):
        await list_directory.call(context(), {"path": "missing"})
    with pytest.raises(ToolError, match="cannot list 'file'"):
        await list_directory.call(context(), {"path": "file"})


async def test_a_long_listing_is_cut_and_says_so(
    workspace: Path, context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(MAX_ENTRIES + 3):
        (workspace / f"{number:04}").touch()
    lines = (await list_directory.call(context(), {})).splitlines()
    assert lines[MAX_ENTRIES - 1].startswith("0499 ")
    assert lines[MAX_ENTRIES].startswith(f"[the first {MAX_ENTRIES} of {MAX_ENTRIES + 3} entries")
    monkeypatch.setattr(files_module, "MAX_SCANNED_ENTRIES", MAX_ENTRIES + 1)
    lines = (await list_directory.call(context(), {})).splitlines()
    assert len(lines) == MAX_ENTRIES + 1
    assert "of more than" in lines[-1]


async def test_a_name_cannot_forge_a_line_of_a_listing(workspace: Path, context: MakeContext) -> None:
    (workspace / "a\nfake/").parent.mkdir(exist_ok=True)
    (workspace / "a\nfake").touch()
    assert await list_directory.call(context(), {}) == '"a\\nfake"  0 bytes'


async def test_a_file_is_read_as_it_is(workspace: Path, context: MakeContext) -> None:
    (workspace / "a.txt").write_text("one\n  two é\nthree")
    assert await read_file.call(context(), {"path": "a.txt"}) == "one\n  two é\nthree"
    (workspace / "empty").touch()
    assert await read_file.call(context(), {"path": "empty"}) == "[empty file]"


async def test_a_file_is_read_by_lines_and_says_how_to_read_on(workspace: Path, context: MakeContext) -> None:
    (workspace / "a.txt").write_text("".join(f"line {n}\n" for n in range(1, 11)))
    text = await read_file.call(context(), {"path": "a.txt", "offset": 3, "limit": 2})
    assert text == "line 3\nline 4\n[lines 3 to 4 of a file of 71 bytes: read on with offset=5]"
    assert await read_file.call(context(), {"path": "a.txt", "offset": 9, "limit": 2}) == "line 9\nline 10\n"
    assert await read_file.call(context(), {"path": "a.txt", "offset": 10}) == "line 10\n"
    with pytest.raises(ToolError, match="ends before line 11: it has 10 lines"):
        await read_file.call(context(), {"path": "a.txt", "offset": 11})
    with pytest.raises(ToolError, match="ends before line 50: it has 10 lines"):
        await read_file.call(context(), {"path": "a.txt", "offset": 50})


async def test_reading_on_as_told_gives_the_whole_file(workspace: Path, context: MakeContext) -> None:
    whole = "".join(f"{n} é {'x' * (n % 300)}\n" for n in range(3000))
    (workspace / "a.txt").write_text(whole)
    got, offset = "", 1
    while True:
        text = await read_file.call(context(), {"path": "a.txt", "offset": offset})
        body, mark, note = text.rpartition("[lines ")
        if not mark:
            break
        got += body
        offset = int(note.rstrip("]").rpartition("offset=")[2])
    assert got + text == whole


@pytest.mark.parametrize("arguments", [{"offset": 0}, {"offset": -1}, {"limit": 0}])
async def test_lines_that_cannot_be_are_refused(
    workspace: Path, context: MakeContext, arguments: dict[str, int]
) -> None:
    (workspace / "a.txt").write_text("x")
    with pytest.raises(ToolArgumentsError, match="read_file: "):
        await read_file.call(context(), {"path": "a.txt", **arguments})


async def test_of_a_200_mb_file_only_a_window_is_in_memory(workspace: Path, context: MakeContext) -> None:
    big = workspace / "big.log"
    line = b"0123456789abcde\n"
    with big.open("wb") as file:
        file.write(line * (1 << 17))
        file.truncate(200 << 20)
        file.seek(-len(line), os.SEEK_END)
        file.write(line)
    tracemalloc.start()
    try:
        text = await read_file.call(context(), {"path": "big.log"})
        far = await read_file.call(context(), {"path": "big.log", "offset": 1 << 17, "limit": 1})
        with pytest.raises(ToolError, match="ends before line 900000: it has 131073 lines"):
            await read_file.call(context(), {"path": "big.log", "offset": 900_000})
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 << 20
    assert text.startswith("0123456789abcde\n")
    assert text.endswith("[lines 1 to 968 of a file of 200.0 MB: read on with offset=969]")
    assert (
        far == "0123456789abcde\n[lines 131072 to 131072 of a file of 200.0 MB: read on with offset=131073]"
    )


async def test_a_200_mb_file_of_nothing_is_refused_as_binary(workspace: Path, context: MakeContext) -> None:
    with (workspace / "sparse").open("wb") as file:
        file.truncate(200 << 20)
    with pytest.raises(ToolError, match="'sparse' is a binary file"):
        await read_file.call(context(), {"path": "sparse"})


async def test_a_line_beyond_reach_says_what_to_use_instead(
    workspace: Path, context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_module, "MAX_SCAN_BYTES", 3 << 20)
    (workspace / "big").write_bytes(b"x\n" * (4 << 20))
    with pytest.raises(ToolError, match="too far for read_file; use run_command"):
        await read_file.call(context(), {"path": "big", "offset": 4_000_000})


async def test_one_endless_line_is_cut_between_characters(workspace: Path, context: MakeContext) -> None:
    (workspace / "one").write_text("x" + "é" * MAX_READ_BYTES)
    text = await read_file.call(context(), {"path": "one"})
    body, _, note = text.rpartition("\n")
    page = MAX_RESULT_CHARS - NOTES_CHARS
    assert body == "x" + "é" * (page // 2 - 1)
    assert note.startswith("[line 1 is longer than the 15.1 KB shown of it")


@pytest.mark.parametrize(("shown", "most"), [(1_000, 1_000), (16_000, 16_000), (None, 64 * 1024 + 100)])
async def test_a_page_of_a_file_is_never_longer_than_the_model_is_shown(
    workspace: Path, context: MakeContext, shown: int | None, most: int
) -> None:
    (workspace / "log").write_text("a line of the log\n" * 20_000)
    text = await read_file.call(context(limits=ResultLimits(shown)), {"path": "log"})
    assert most - 600 < len(text) <= most
    assert re.search(r"\[lines 1 to \d+ of a file of .*: read on with offset=\d+\]$", text)
    assert (len(text) > MAX_READ_BYTES) is (shown is None)


async def test_bytes_that_are_not_utf8_are_shown_replaced_and_told(
    workspace: Path, context: MakeContext
) -> None:
    (workspace / "latin").write_bytes("déjà\n".encode("latin-1"))
    text = await read_file.call(context(), {"path": "latin"})
    assert text.startswith("d\ufffdj\ufffd\n[not UTF-8 text")
    (workspace / "utf16").write_text("hello", encoding="utf-16")
    with pytest.raises(ToolError, match="looks like UTF-16"):
        await read_file.call(context(), {"path": "utf16"})


async def test_crlf_is_told(workspace: Path, context: MakeContext) -> None:
    (workspace / "dos").write_bytes(b"a\r\nb\r\n")
    assert await read_file.call(context(), {"path": "dos"}) == "a\nb\n[its lines end in CRLF]"


async def test_a_missing_file_and_a_directory_are_different_errors(
    workspace: Path, context: MakeContext
) -> None:
    with pytest.raises(ToolError, match=r"cannot read 'none.txt': no such file or directory"):
        await read_file.call(context(), {"path": "none.txt"})
    (workspace / "folder").mkdir()
    for path in ("folder", "."):
        with pytest.raises(ToolError, match="is a directory: list_directory"):
            await read_file.call(context(), {"path": path})
