"""What a person is offered to remember: narrow, never more than it says, and nothing where nothing is safe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from afk.core.grant_patterns import covers, suggestions
from afk.memory.grants import GrantPattern


def offered(tool: str, arguments: dict[str, Any], workspace: Path) -> list[str]:
    return [p.value for p in suggestions(tool, arguments, str(workspace))]


@pytest.mark.parametrize(
    ("command", "values"),
    [
        ("git status -s", ["git status", "git"]),
        ("ls -la", ["ls"]),
        ("make", ["make"]),
        ("./run.sh fast", ["./run.sh fast", "./run.sh"]),
        ("'my tool' x", ["'my tool' x", "'my tool'"]),
        ("git status; rm x", []),
        ("echo $HOME", []),
        ("sudo reboot", []),
        ("! reboot now", []),
        ("trap 'rm x' EXIT", []),
        ("/bin/bash script", []),
        ("FOO=1 make", []),
        ("echo 'open", []),
        ("   ", []),
    ],
)
def test_of_a_command_its_first_words_are_offered_unless_they_say_nothing(
    tmp_path: Path, command: str, values: list[str]
) -> None:
    assert offered("run_command", {"command": command, "timeout_s": 120}, tmp_path) == values


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("src/a.py", ["src/*", "src/**"]),
        ("src/sub/a.py", ["src/sub/*", "src/sub/**"]),
        ("src/../b.py", ["*"]),
        ("we[i]rd/a.py", ["we[[]i]rd/*", "we[[]i]rd/**"]),
        ("src/.env", []),
        ("../out.py", []),
        ("", []),
    ],
)
def test_of_a_file_its_folder_is_offered(tmp_path: Path, path: str, values: list[str]) -> None:
    assert offered("write_file", {"path": path, "content": "x"}, tmp_path) == values


def test_nothing_is_offered_or_covered_where_the_call_is_not_the_known_kind(tmp_path: Path) -> None:
    assert offered("act", {"command": "git status"}, tmp_path) == []
    more = {"command": "git status", "as_root": True}
    assert offered("run_command", more, tmp_path) == []
    pattern = GrantPattern("run_command", "command_prefix", "git")
    assert covers(pattern, "run_command", {"command": "git status"}, str(tmp_path))
    assert not covers(pattern, "run_command", more, str(tmp_path))
    assert not covers(pattern, "run_command", {"command": ["git"]}, str(tmp_path))


def test_a_pattern_of_a_wrong_kind_or_without_a_value_is_an_error() -> None:
    with pytest.raises(ValueError, match="command_prefix"):
        GrantPattern("run_command", "regex", ".*")  # type: ignore[arg-type]
    for tool, value in (("", "x"), ("run_command", " ")):
        with pytest.raises(ValueError, match="a tool and a value"):
            GrantPattern(tool, "command_prefix", value)
