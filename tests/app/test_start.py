"""The start: what has been imported when the first frame is painted, in a process and a terminal of its own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.raw_terminal import RawTerminal

# and the engine, with the database
SLOW = (
    "click",
    "openai",
    "httpx",
    "httpx2",
    "pydantic",
    "pygments",
    "markdown_it",
    "afk",
    "aiosqlite",
    "sqlite3",
)

PROGRAM = """\
import sys
from textual.screen import Screen

slow = set({slow!r}.split())
paint = Screen._compositor_refresh

def painted(self):
    paint(self)
    if self.app.screen is self and self.query("#composer"):
        Screen._compositor_refresh = paint
        open({report!r}, "w").write(" ".join(sorted(slow & sys.modules.keys())) + ".")

Screen._compositor_refresh = painted
sys.argv = ["afk-tui", *{arguments!r}]
from afk_tui.start import main
main()
"""


@pytest.mark.parametrize("arguments", [["--demo"], []], ids=["the demo model", "a server"])
def test_nothing_slow_is_imported_before_the_first_paint(tmp_path: Path, arguments: list[str]) -> None:
    report = tmp_path / "imported"
    folder = tmp_path / "work"
    folder.mkdir()
    arguments = ["--trust", "--db", str(tmp_path / "afk.db"), "--workspace", str(folder), *arguments]
    program = PROGRAM.format(slow=" ".join(SLOW), report=str(report), arguments=arguments)
    with RawTerminal([sys.executable, "-c", program], OPENAI_BASE_URL="http://127.0.0.1:9/v1") as terminal:
        terminal.until(lambda: report.exists() and report.read_text().endswith("."), "the first paint")
    assert report.read_text() == "."


@pytest.mark.parametrize("broken", ["policy", "workspace", "agent"])
def test_a_start_that_fails_says_why_on_the_terminal_that_it_leaves(tmp_path: Path, broken: str) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text("[[rule]\n" if broken == "policy" else "")
    options = {
        "policy": ["--workspace", str(tmp_path)],
        "workspace": ["--workspace", str(tmp_path / "none")],
        "agent": ["--workspace", str(tmp_path), "--agent", "nowhere:agent"],
    }[broken]
    program = [sys.executable, "-m", "afk_tui", "--demo", "--db", str(tmp_path / "afk.db"), *options]
    with RawTerminal(program, AFK_POLICY=str(policy)) as terminal:
        terminal.until_over()
        said = terminal.bytes.rpartition(b"\x1b[?1049l")[2].decode()
    assert {"policy": str(policy), "workspace": "is not a folder", "agent": "could not be loaded"}[
        broken
    ] in said
    assert "Traceback" not in said
