"""What a command would write over, and what it sets, is said where it can be seen; and nothing that is not so."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from afk.tools.command_effects import MOST_WARNINGS, command_warnings
from afk.tools.shell_words import shell_tokens


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "notes.txt").write_text("a\nb")
    (tmp_path / "empty").write_text("")
    (tmp_path / "sp ace").write_text("a\n")
    (tmp_path / "data.bin").write_bytes(b"\0" * 2048)
    (tmp_path / "folder").mkdir()
    return tmp_path


def said(command: str, workspace: Path) -> list[str]:
    return list(command_warnings(command, workspace, lambda _: False))


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("echo hi > notes.txt", ["overwrites notes.txt (2 lines)"]),
        ("echo hi >notes.txt 2>empty", ["overwrites notes.txt (2 lines)", "overwrites empty (empty)"]),
        ("echo hi >| 'sp ace'", ["overwrites sp ace (1 line)"]),
        ("make &> data.bin", ["overwrites data.bin (2.0 KB)"]),
        ("make >& notes.txt", ["overwrites notes.txt (2 lines)"]),
        ("echo hi >> notes.txt", ["appends to notes.txt (2 lines)"]),
        ("echo hi > not\\\nes.txt", ["overwrites notes.txt (2 lines)"]),
        ("(echo hi; echo ho) > ./notes.txt", ["overwrites ./notes.txt (2 lines)"]),
        ("x=$(echo hi > notes.txt)", ["overwrites notes.txt (2 lines)", "sets x in the environment"]),
        (
            "cat > notes.txt <<EOF\n> empty\nEOF\necho >> empty",
            ["overwrites notes.txt (2 lines)", "appends to empty (empty)"],
        ),
        ("echo hi > $HOME/x", ["overwrites $HOME/x, whatever that is when it runs"]),
        (
            "cd folder && echo hi > notes.txt",
            ["overwrites notes.txt, in the folder that it has gone to by then"],
        ),
        ("PATH=. LD_PRELOAD=x.so make", ["sets PATH, LD_PRELOAD in the environment"]),
        ("export A=1 B; env C=2 make; unset D", ["sets A, C in the environment", "unsets D"]),
    ],
)
def test_what_a_command_writes_over_and_sets_is_said(workspace: Path, command: str, says: list[str]) -> None:
    assert said(command, workspace) == says


@pytest.mark.parametrize(
    "command",
    [
        "echo hi > new.txt",
        "echo '> notes.txt'",
        'echo "a > notes.txt"',
        "echo hi # > notes.txt",
        "cat < notes.txt",
        "ls 2>&1 >&2",
        "ls > /dev/null",
        "ls > folder",
        "[[ a > notes.txt ]]",
        "(( 3 > notes.txt ))",
        "cat <<'EOF'\n> notes.txt\nEOF",
        "cat <<-EOF\n\t> notes.txt\n\tEOF",
        "echo 'never closed > notes.txt",
        "echo a=b make",
        "echo \\> notes.txt",
        "",
    ],
)
def test_nothing_is_said_that_is_not_so(workspace: Path, command: str) -> None:
    assert said(command, workspace) == []


def test_a_file_outside_is_named_and_not_opened(
    workspace: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "hosts"
    outside.write_text("one\n")
    assert said(f"echo > {outside}", workspace) == [f"overwrites {outside} (4 bytes, outside the workspace)"]
    (workspace / "link").symlink_to(outside)
    assert said("echo > link", workspace) == ["overwrites link (4 bytes, outside the workspace)"]


def test_a_file_of_the_store_is_not_opened(workspace: Path) -> None:
    kept = (workspace / "notes.txt").stat()
    warnings = command_warnings("echo > notes.txt", workspace, lambda found: os.path.samestat(found, kept))
    assert list(warnings) == [
        "overwrites notes.txt (3 bytes)"
    ]  # its lines could be counted by opening it alone


def test_of_many_effects_it_is_said_how_many_are_not_listed(workspace: Path) -> None:
    for number in range(20):
        (workspace / f"f{number}").write_text("x")
    warnings = said("; ".join(f"echo > f{number}" for number in range(20)), workspace)
    assert len(warnings) == MOST_WARNINGS
    assert warnings[-1] == "and 15 more such effects"
    long = said(f"echo > notes.txt; {'true; ' * 20_000}", workspace)
    assert long == [
        "overwrites notes.txt (2 lines)",
        "only the first 64,000 of 120,018 characters were looked at for this",
    ]


def test_words_are_read_as_a_shell_reads_them() -> None:
    tokens = [(t.text, t.is_literal) for t in shell_tokens('a\'b c\'"d\\"$e" \\$f ~x 2>g|h')]
    assert tokens == [
        ('ab cd"$e', False),
        ("$f", True),
        ("~x", False),
        ("2", True),
        (">", True),
        ("g", True),
        ("|", True),
        ("h", True),
    ]
