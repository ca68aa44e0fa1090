"""A preview shows all that a call would do, against the files as they are now."""

from __future__ import annotations

import json
import os
import random
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from afk.tools import diff as diff_module
from afk.tools.diff import unified_diff
from afk.tools.preview import Preview, preview_call
from afk.tools.workspace import workspace_tools

from .conftest import MakeContext


def applied(before: str, diff: str) -> str:
    """What a program that applies unified diffs would make of it."""
    old = before.split("\n")
    new: list[str] = []
    at = 0
    hunks = re.split(r"^@@ -(\d+)(?:,(\d+))? \+\d+(?:,\d+)? @@\n", diff, flags=re.MULTILINE)[1:]
    for start, count, body in zip(hunks[0::3], hunks[1::3], hunks[2::3], strict=True):
        first = int(start) - (0 if count == "0" else 1)
        new.extend(old[at:first])
        at = first
        for line in body.removesuffix("\n").split("\n"):
            if line.startswith("\\"):
                continue
            if line[0] != "+":
                assert old[at] == line[1:]
                at += 1
            if line[0] != "-":
                new.append(line[1:])
    new.extend(old[at:])
    return "\n".join(new)


def test_a_diff_applied_gives_the_new_text() -> None:
    rng = random.Random(1)
    for _ in range(300):
        before = [rng.choice("abc") for _ in range(rng.randrange(30))]
        after = list(before)
        for _ in range(rng.randrange(4)):
            at = rng.randrange(len(after) + 1)
            after[at : at + rng.randrange(3)] = [rng.choice("abcd") for _ in range(rng.randrange(3))]
        old, new = "".join(f"{line}\n" for line in before), "".join(f"{line}\n" for line in after)
        assert applied(old, unified_diff(old, new, "f")) == new


def test_a_diff_shows_a_missing_line_end_and_a_lone_carriage_return() -> None:
    assert unified_diff("a\n", "a", "f") == (
        "--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+a\n\\ No newline at end of file\n"
    )
    assert unified_diff("", "x\ry\u2028z\n", "f", new_file=True) == (
        "--- /dev/null\n+++ b/f\n@@ -0,0 +1 @@\n+x\ry\u2028z\n"
    )
    assert unified_diff("same", "same", "f") == ""


def test_a_change_too_large_to_compare_is_still_shown_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diff_module, "_MOST_COMPARISONS", 10)
    old, new = "".join(f"{n}\n" for n in range(50)), "".join(f"{n}\n" for n in range(0, 50, 2))
    assert applied(old, unified_diff(old, new, "f")) == new


def test_a_new_file_is_a_diff_of_all_its_lines(workspace: Path) -> None:
    preview = preview_call("write_file", {"path": "a/b.txt", "content": "one\ntwo\n"}, workspace)
    diff = "--- /dev/null\n+++ b/a/b.txt\n@@ -0,0 +1,2 @@\n+one\n+two\n"
    assert replace(preview, fingerprint=None) == Preview("diff", diff, "diff", "new file", "a/b.txt")


def test_a_write_is_a_diff_against_the_file_as_it_is_now(workspace: Path) -> None:
    (workspace / "a").write_text("one\ntwo\n")
    arguments = {"path": "a", "content": "one\n2\n"}
    preview = preview_call("write_file", arguments, workspace)
    diff = "--- a/a\n+++ b/a\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n"
    assert replace(preview, fingerprint=None) == Preview("diff", diff, "diff", "", "a")
    (workspace / "a").write_text("changed since\n")
    assert "-changed since\n+one\n+2\n" in preview_call("write_file", arguments, workspace).text
    (workspace / "a").write_text("one\n2\n")
    same = preview_call("write_file", arguments, workspace)
    assert (same.kind, same.note) == ("json", "identical: the file already holds exactly this")


def test_an_edit_is_a_diff_of_the_place(workspace: Path) -> None:
    (workspace / "a").write_text("".join(f"{n}\n" for n in range(100)))
    preview = preview_call("edit_file", {"path": "a", "old_text": "50\n", "new_text": "fifty\n"}, workspace)
    assert replace(preview, fingerprint=None) == Preview(
        "diff",
        "--- a/a\n+++ b/a\n@@ -48,7 +48,7 @@\n 47\n 48\n 49\n-50\n+fifty\n 51\n 52\n 53\n",
        "diff",
        "",
        "a",
    )


@pytest.mark.parametrize(
    ("path", "old_text", "says"),
    [
        ("none", "x", "there is no such file"),
        ("a", "x", "old_text is not in it"),
        ("a", "b", "there 2 times"),
        ("latin", "x", "not UTF-8"),
        ("../a", "x", "outside the workspace"),
    ],
)
def test_an_edit_that_will_fail_says_why_and_shows_its_arguments(
    workspace: Path, path: str, old_text: str, says: str
) -> None:
    (workspace / "a").write_text("bb")
    (workspace / "latin").write_bytes(b"\xe9")
    arguments = {"path": path, "old_text": old_text, "new_text": "é"}
    preview = preview_call("edit_file", arguments, workspace)
    assert (preview.kind, preview.language) == ("json", "json")
    assert preview.note.startswith("as the file is now, the edit will fail: ")
    assert says in preview.note
    assert json.loads(preview.text) == arguments
    assert "é" in preview.text


def test_a_file_that_has_no_diff_is_told(workspace: Path) -> None:
    (workspace / "latin").write_bytes(b"\xe9")
    with (workspace / "big").open("wb") as file:
        file.truncate(200 << 20)
    (workspace / "folder").mkdir()
    for path, says in (
        ("latin", "the file is replaced, and no diff can be shown: .*not UTF-8"),
        ("big", r"no diff can be shown: .*200\.0 MB"),
        ("folder", "no diff can be shown: .*is a directory"),
        ("../a", "no diff can be shown: .*outside the workspace"),
    ):
        preview = preview_call("write_file", {"path": path, "content": "x"}, workspace)
        assert preview.kind == "json"
        assert re.match(says, preview.note), preview.note


def test_a_path_that_leads_elsewhere_is_named(workspace: Path) -> None:
    (workspace / "real").write_text("x\n")
    (workspace / "link").symlink_to("real")
    preview = preview_call("write_file", {"path": "link", "content": "y\n"}, workspace)
    assert preview.note == "link leads to real"
    assert preview.text.startswith("--- a/real\n")
    assert preview_call("write_file", {"path": "./real", "content": "y\n"}, workspace).note == ""


def test_files_of_the_store_are_not_opened_for_a_preview(workspace: Path, context: MakeContext) -> None:
    (workspace / "afk.db").write_text("pages")
    kept = (workspace / "afk.db").stat()

    def off_limits(found: os.stat_result) -> bool:
        return os.path.samestat(found, kept)

    preview = preview_call("write_file", {"path": "afk.db", "content": "x"}, workspace, off_limits)
    assert "belongs to the database" in preview.note
    assert "pages" not in preview.text


@pytest.mark.parametrize("tool_name", ["write_file", "edit_file"])
def test_the_fingerprint_of_a_preview_is_that_of_the_tool_and_changes_with_the_file(
    workspace: Path, tool_name: str
) -> None:
    (tool,) = [t for t in workspace_tools() if t.name == tool_name]
    assert tool.basis is not None
    arguments = {"path": "a", "content": "x", "old_text": "one", "new_text": "two"}
    seen = set[str | None]()
    for prepare in (
        lambda path: None,
        lambda path: path.write_text("one"),
        lambda path: path.write_text("one two"),
        lambda path: path.write_bytes(b"\xe9"),
        lambda path: (path.unlink(), path.mkdir()),
    ):
        prepare(workspace / "a")
        preview = preview_call(tool_name, arguments, workspace)
        assert preview.fingerprint == tool.basis(workspace, arguments, lambda _: False).fingerprint
        seen.add(preview.fingerprint)
    assert len(seen) == 5


def test_a_command_is_its_own_text(workspace: Path) -> None:
    command = "echo 1\nrm -rf build"
    preview = preview_call("run_command", {"command": command, "timeout_s": 5}, workspace)
    assert preview == Preview("command", command, "bash", f"in {workspace}, stops after 5 s")


def test_a_command_that_is_not_given_the_key_of_the_model_says_so(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    preview = preview_call("run_command", {"command": "env", "timeout_s": 5}, workspace)
    assert preview.note == f"in {workspace}, without OPENAI_API_KEY, stops after 5 s"


@pytest.mark.parametrize(
    ("tool_name", "arguments"),
    [
        ("my_tool", {"é": [1, None]}),
        ("write_file", {"path": 1}),
        ("run_command", {}),
        ("read_file", {"path": "a"}),
    ],
)
def test_anything_else_is_whole_json(workspace: Path, tool_name: str, arguments: dict[str, Any]) -> None:
    preview = preview_call(tool_name, arguments, workspace)
    assert preview == Preview("json", json.dumps(arguments, ensure_ascii=False, indent=2), "json", "")
