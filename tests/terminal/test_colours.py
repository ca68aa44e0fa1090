"""Colours as the terminal has them: none of more depth than it says, none at all but greys where that is asked for, and
none on which a text could not be read."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.raw_terminal import PROJECT, RawTerminal

SGR = re.compile(r"\x1b\[([0-9;]*)m([^\x1b]*)")
TRUE, INDEXED = re.compile(r"[34]8;2;(\d+);(\d+);(\d+)"), re.compile(r"[34]8;5;(\d+)")
# lines and blocks are drawn in the colour of what is behind them on purpose
DRAWN = set("▕▁▔─│╭╮╰╯▊▎▌▐█▀▄┃▇▆▅▃▂ ")


def painted(folder: Path, **env: str) -> str:
    """What the app writes on its way through several screens."""
    work = folder / "work"
    work.mkdir()
    program = [sys.executable, "-m", "afk_tui", "--demo", "--trust", "--db", str(folder / "a.db")]
    program += ["--workspace", str(work)]
    command = [*program, "run", "--json", "write a.txt: hello"]
    waits = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    program += ["--thread", json.loads(waits.stdout)["thread_id"]]
    with RawTerminal(program, size=(120, 36), **env) as terminal:

        def seen(text: str, *, after: str = "") -> None:
            begins = len(terminal.bytes)
            if after:
                terminal.type(after)
            terminal.until(
                lambda: text in plain(terminal.bytes[begins if after else 0 :].decode(errors="replace")), text
            )

        seen("line 5 of 5")  # at a start, what waits is opened
        seen("1 call waits", after="\x1b")
        seen("enter do it", after="\x1bOQ")
        seen("1 call waits", after="\x1b")
        seen("newest", after="\x1b[17~")
        return terminal.bytes.decode(errors="replace")


def plain(written: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written)


def colours(parameters: str) -> tuple[list[str], list[str]]:
    """The foregrounds and the backgrounds of the sixteen."""
    words = parameters.split(";")
    fore = [word for word in words if re.fullmatch("3[0-7]|9[0-7]", word)]
    back = [str(int(word) - 10) for word in words if re.fullmatch("4[0-7]|10[0-7]", word)]
    return fore, back


@pytest.mark.parametrize("term", ["xterm", "screen", "linux"])
def test_a_terminal_of_16_colours_gets_these_and_no_text_is_of_the_colour_behind_it(
    tmp_path: Path, term: str
) -> None:
    written = SGR.findall(painted(tmp_path, TERM=term))
    assert any(colours(parameters)[0] for parameters, _ in written)
    assert [parameters for parameters, _ in written if "38;" in parameters or "48;" in parameters] == []
    unreadable = [
        text
        for parameters, text in written
        if set(text) - DRAWN and colours(parameters)[0] and colours(parameters)[0] == colours(parameters)[1]
    ]
    assert unreadable == []


def test_a_terminal_of_256_colours_gets_these(tmp_path: Path) -> None:
    written = SGR.findall(painted(tmp_path, TERM="screen-256color"))
    assert any(INDEXED.search(parameters) for parameters, _ in written)
    assert [parameters for parameters, _ in written if TRUE.search(parameters)] == []


def test_no_color_leaves_greys_and_marks(tmp_path: Path) -> None:
    all_of_it = painted(tmp_path, TERM="xterm-256color", COLORTERM="truecolor", NO_COLOR="1")
    written = SGR.findall(all_of_it)
    coloured = {
        rgb
        for parameters, _ in written
        for rgb in TRUE.findall(parameters)
        if max(map(int, rgb)) - min(map(int, rgb)) > 1
    }
    assert coloured == set()
    assert [p for p, _ in written if any(colours(TRUE.sub("", p)))] == []
    said = plain(all_of_it)
    # what a colour says elsewhere, a sign says as well
    assert "◆ 1 waiting" in said
    assert "1  +hello" in said
