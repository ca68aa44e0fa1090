"""What a bug that ends the app leaves in the terminal."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.support.raw_terminal import RawTerminal

PROGRAM = """\
import sys
from pathlib import Path
from afk_tui.app import AfkApp
from afk_tui.gateway.settings import Settings

class Broken(AfkApp):
    async def on_mount(self):
        key = "sk-" + "a-real-key"
        raise RuntimeError("\\x1b]0;OWNED\\x07 the bug [/nope]")

folder = Path(sys.argv[1])
app = Broken(Settings(workspace=folder, db=folder / "afk.db", demo=True, trust=True))
app.run()
sys.exit(app.return_code)
"""


def test_a_crash_says_where_without_secrets_and_without_commanding_the_terminal(tmp_path: Path) -> None:
    with RawTerminal([sys.executable, "-c", PROGRAM, str(tmp_path)]) as terminal:
        terminal.until_over()
    assert b"Traceback" in terminal.bytes
    assert b"the bug [/nope]" in terminal.bytes
    assert b"What was recorded is kept" in terminal.bytes
    assert b"sk-a-real-key" not in terminal.bytes
    assert b"\x1b]0;OWNED" not in terminal.bytes
