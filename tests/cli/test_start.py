"""What opens the app at once is read as the command line would read it."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import combinations

import click
import pytest

from afk_tui.cli import cli
from afk_tui.start import plain_options

SAID = (
    ["--db", "a b.db"],
    ["--workspace=/tmp/x=y"],
    ["--agent", "mod:attr"],
    ["--model=m"],
    ["--thread", "thr_1"],
    ["--demo"],
    ["--trust"],
    ["--db=other.db"],
)


def read_by_click(arguments: list[str]) -> dict[str, object]:
    return cli.make_context("afk-tui", list(arguments)).params


@pytest.mark.parametrize("many", range(len(SAID) + 1))
def test_what_it_takes_click_takes_alike(many: int) -> None:
    for chosen in combinations(SAID, many):
        arguments = [word for words in chosen for word in words]
        options = plain_options(arguments)
        assert options is not None
        assert {name: getattr(options, name) for name in options.__slots__} == read_by_click(arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        *(
            ["threads"],
            ["--help"],
            ["-h"],
            ["--version"],
            ["--demo", "run", "x"],
            ["--nothing"],
            ["--demo=1"],
        ),
        *(["--db"], ["--db", ""], ["--thread", " "], ["--thread="], ["--model", "--demo"], ["--", "run"]),
        *(["--dem"], ["-x"], [""]),
    ],
)
def test_everything_else_is_left_to_click(arguments: list[str]) -> None:
    assert plain_options(arguments) is None


def test_every_option_of_the_command_line_is_known_or_is_clicks_own() -> None:
    known = {option for option in cli.params if isinstance(option, click.Option) and option.name != "version"}
    for option in known:
        value = [] if option.is_flag else ["x"]
        assert plain_options([option.opts[0], *value]) is not None


@pytest.mark.parametrize(("arguments", "code"), [(["--thread", ""], 2), (["nonsense"], 2), (["--demo"], 1)])
def test_what_is_wrong_is_said_either_way(arguments: list[str], code: int) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "afk_tui", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == code
    assert "Traceback" not in ended.stderr
    assert ended.stderr


def test_a_shell_that_completes_is_answered() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", "import sys; sys.argv = ['afk-tui']; from afk_tui.start import main; main()"],
        env={**os.environ, "_AFK_TUI_COMPLETE": "bash_source"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "_AFK_TUI_COMPLETE" in ended.stdout
