"""The start: what has been imported when the first frame is painted, in a process and a terminal of its own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.raw_terminal import RawTerminal

SLOW = ("openai", "httpx", "httpx2", "pydantic", "pygments", "markdown_it")

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
from afk_tui.cli import main
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
