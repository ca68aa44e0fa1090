"""What search_files finds, what it leaves out, and that no pattern can hold it up."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from afk.tools import ToolArgumentsError, ToolError
from afk.tools import search as search_module
from afk.tools import walking as walking_module
from afk.tools.processes import ProcessGroup
from afk.tools.search import MAX_LINE_CHARACTERS, MAX_MATCHES, search_files
from afk.tools.walking import Glob

from .conftest import MakeContext

SLOW_PATTERN = "(a+)+$"
SLOW_TEXT = "a" * 60 + "!"


async def test_matches_are_lines_of_files_in_order(workspace: Path, context: MakeContext) -> None:
    (workspace / "b").mkdir()
    (workspace / "b" / "z.txt").write_text("no\nneedle 1\r\nneedle 2")
    (workspace / "a.txt").write_text("a needle\n")
    assert await search_files.call(context(), {"pattern": r"need\w+"}) == (
        "a.txt:1: a needle\nb/z.txt:2: needle 1\nb/z.txt:3: needle 2"
    )
    assert (
        await search_files.call(context(), {"pattern": "NEEDLE 1", "path": "b"})
        == "no line matches, in 1 file"
    )
    assert (
        await search_files.call(context(), {"pattern": "(?i)NEEDLE 1", "path": "b/z.txt"})
        == "b/z.txt:2: needle 1"
    )


async def test_only_files_that_the_glob_means_are_searched(workspace: Path, context: MakeContext) -> None:
    for name in ("x.py", "src/x.py", "src/deep/x.py", "src/x.txt"):
        (workspace / name).parent.mkdir(parents=True, exist_ok=True)
        (workspace / name).write_text("x")

    async def files(glob: str, path: str = ".") -> list[str]:
        text = await search_files.call(context(), {"pattern": "x", "glob": glob, "path": path})
        return [line.partition(":")[0] for line in text.splitlines()]

    assert await files("*.py") == ["src/deep/x.py", "src/x.py", "x.py"]
    assert await files("src/*.py") == ["src/x.py"]
    assert await files("src/**/*.py") == ["src/deep/x.py", "src/x.py"]
    assert await files("deep/*", path="src") == ["src/deep/x.py"]
    for glob in ("*.{py,txt}", "", "/"):
        with pytest.raises(ToolArgumentsError, match="search_files: "):
            await files(glob)


@pytest.mark.parametrize(
    ("glob", "path", "means"),
    [
        ("**/x", "x", True),
        ("**/x", "a/b/x", True),
        ("a/**", "a/b/c", True),
        ("a/**/b/**/c", "a/b/c", True),
        ("a/**/b/**/c", "a/1/2/b/3/c", True),
        ("a/**/b", "a/b/c", False),
        ("a/*", "a/b/c", False),
        ("./a/*", "a/b", True),
        ("a*", "dir/abc", True),
        ("**/" * 30 + "x", "a/" * 60 + "y", False),
    ],
)
def test_a_glob_means_names_or_whole_paths(glob: str, path: str, means: bool) -> None:
    assert Glob(glob).matches(path) is means


async def test_what_is_left_out_is_said(
    workspace: Path, context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_module, "MAX_FILE_BYTES", 1024)
    (workspace / "a.txt").write_text("needle")
    (workspace / "big.txt").write_text("needle" * 1000)
    (workspace / "binary").write_bytes(b"needle\0")
    (workspace / ".env").write_text("needle=secret")
    (workspace / ".ssh").mkdir()
    (workspace / ".ssh" / "config").write_text("needle")
    (workspace / ".git").mkdir()
    (workspace / ".git" / "HEAD").write_text("needle")
    (workspace / "latin").write_bytes("é needle".encode("latin-1"))
    os.mkfifo(workspace / "pipe")
    assert await search_files.call(context(), {"pattern": "needle"}) == (
        "a.txt:1: needle\n"
        "latin:1: \ufffd needle\n"
        "[2 files skipped because of looking like secrets]\n"
        "[1 file skipped: binary]\n"
        "[1 file skipped: larger than 1.0 KB]"
    )


@pytest.mark.parametrize("path", [".env", "notes.txt"])
async def test_the_content_of_a_secret_is_never_shown(
    workspace: Path, context: MakeContext, path: str
) -> None:
    (workspace / ".env").write_text("needle=secret")
    (workspace / "notes.txt").symlink_to(".env")
    text = await search_files.call(context(), {"pattern": "needle", "path": path})
    assert text == "no line matches, in 0 files\n[1 file skipped because of looking like secrets]"


async def test_no_link_is_followed(workspace: Path, tmp_path: Path, context: MakeContext) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a").write_text("needle")
    (workspace / "folder").symlink_to(outside)
    (workspace / "file").symlink_to(outside / "a")
    (workspace / "round").symlink_to(".")
    assert await search_files.call(context(), {"pattern": "needle"}) == "no line matches, in 0 files"
    with pytest.raises(ToolError, match="outside the workspace"):
        await search_files.call(context(), {"pattern": "needle", "path": "folder"})
    with pytest.raises(ToolError, match="cannot search 'none': no such file"):
        await search_files.call(context(), {"pattern": "needle", "path": "none"})


async def test_a_file_swapped_after_it_was_chosen_is_not_searched(
    workspace: Path, tmp_path: Path, context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "outside").write_text("needle")
    (workspace / "folder").mkdir()
    (workspace / "folder" / "outside").write_text("harmless")
    really_choose: Callable[..., object] = search_module.candidates

    def choose_and_swap(**values: object) -> object:
        chosen = really_choose(**values)
        (workspace / "folder").rename(workspace / "moved")
        (workspace / "folder").symlink_to(tmp_path)
        return chosen

    monkeypatch.setattr(search_module, "candidates", choose_and_swap)
    text = await search_files.call(context(), {"pattern": "needle"})
    assert text == "no line matches, in 0 files\n[1 file skipped: replaced meanwhile]"


async def test_files_of_the_store_are_not_searched(workspace: Path, context: MakeContext) -> None:
    (workspace / "afk.db").write_text("needle")
    kept = (workspace / "afk.db").stat()
    ctx = context(off_limits=lambda found: os.path.samestat(found, kept))
    assert await search_files.call(ctx, {"pattern": "needle"}) == "no line matches, in 0 files"
    with pytest.raises(ToolError, match="belongs to the database"):
        await search_files.call(ctx, {"pattern": "needle", "path": "afk.db"})


async def test_many_matches_and_long_lines_are_cut_and_say_so(workspace: Path, context: MakeContext) -> None:
    (workspace / "a").write_text("needle\n" * (MAX_MATCHES + 1))
    lines = (await search_files.call(context(), {"pattern": "needle"})).splitlines()
    assert len(lines) == MAX_MATCHES + 1
    assert lines[-1].startswith(f"[there are more than these {MAX_MATCHES} lines")
    (workspace / "a").write_text("needle\n" * MAX_MATCHES)
    assert len((await search_files.call(context(), {"pattern": "needle"})).splitlines()) == MAX_MATCHES
    (workspace / "a").write_text("x" * 5000 + "needle" + "y" * 5000)
    text = await search_files.call(context(), {"pattern": "needle"})
    assert "xneedley" in text
    assert len(text) < MAX_LINE_CHARACTERS + 20


async def test_a_walk_that_finds_too_much_says_so(
    workspace: Path, context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walking_module, "MAX_FILES", 3)
    for number in range(5):
        (workspace / str(number)).write_text("x")
    text = await search_files.call(context(), {"pattern": "x"})
    assert text.endswith("2:1: x\n[only the first 3 files were looked at]")


@pytest.mark.parametrize("pattern", ["(", "[a", "*x", "(?P<a>x)(?P<a>y)", "x{2,1}"])
async def test_an_invalid_pattern_is_a_clear_error(context: MakeContext, pattern: str) -> None:
    with pytest.raises(ToolArgumentsError, match="is no regular expression: "):
        await search_files.call(context(), {"pattern": pattern})


async def test_a_pattern_that_would_take_for_ever_is_stopped(
    workspace: Path, context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_module, "MAX_SEARCH_S", 1.0)
    (workspace / "bad").write_text(SLOW_TEXT)
    with pytest.raises(
        ToolError, match="the search was stopped after 1 s at bad, file 1 of 1: use a simpler"
    ):
        await search_files.call(context(), {"pattern": SLOW_PATTERN})
    (workspace / "a").write_text("aaa")
    text = await search_files.call(context(), {"pattern": SLOW_PATTERN})
    assert text.startswith("a:1: aaa\n[the search was stopped after 1 s at bad, file 2 of 2")


async def test_a_cancelled_search_leaves_no_process(
    workspace: Path, context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workspace / "bad").write_text(SLOW_TEXT)
    groups: list[ProcessGroup] = []

    class Watched(ProcessGroup):
        def __init__(self, *args: object, **more: object) -> None:
            super().__init__(*args, **more)  # type: ignore[arg-type]
            groups.append(self)

    monkeypatch.setattr(search_module, "ProcessGroup", Watched)
    call = asyncio.create_task(search_files.call(context(), {"pattern": SLOW_PATTERN}))
    async with asyncio.timeout(20):
        while not groups:
            await asyncio.sleep(0.01)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert groups[0].exited.is_set()
    with pytest.raises(ProcessLookupError):
        os.kill(groups[0].pid, 0)


async def test_a_search_that_cannot_run_is_an_error_and_not_no_match(
    workspace: Path, context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workspace / "a").write_text("needle")
    monkeypatch.setattr(search_module.search_worker, "__file__", str(workspace / "gone.py"))
    with pytest.raises(ToolError, match=r"the search failed: .*gone\.py"):
        await search_files.call(context(), {"pattern": "needle"})
