"""What costs time is imported by those commands alone that need it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from afk import __version__
from tests.cli.kit import ROOT, Cli

HEAVY = {"textual", "rich", "openai", "pydantic", "aiosqlite", "sqlite3", "asyncio", "pygments"}


def imported_by(cli: Cli, *arguments: str) -> tuple[set[str], str]:
    """The modules that a command imports, of those that are heavy, and its output."""
    command = [sys.executable, "-X", "importtime", "-m", "afk_tui", *arguments]
    done = subprocess.run(
        command, env=cli.environment(), cwd=cli.workspace, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0
    names = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if "|" in line}
    return names & HEAVY, done.stdout


@pytest.mark.parametrize("words", [("--version",), ("--help",), ("run", "--help")])
def test_version_and_help_import_nothing_heavy(cli: Cli, words: tuple[str, ...]) -> None:
    heavy, out = imported_by(cli, *words)
    assert heavy == set()
    assert out == f"afk-tui {__version__}\n" or out.startswith("Usage: afk-tui")


def test_a_list_needs_neither_the_app_nor_a_model(cli: Cli) -> None:
    heavy, _ = imported_by(cli, "threads")
    assert not heavy & {"textual", "rich", "openai", "pydantic", "pygments"}


def test_the_command_line_asks_the_gateway_and_never_the_engine() -> None:
    for path in (ROOT / "afk_tui").glob("cli*.py"):
        lines = path.read_text().splitlines()
        assert not [line for line in lines if line.split()[:2] in (["from", "afk"], ["import", "afk"])]
        assert not [line for line in lines if line.strip().startswith(("from afk.", "import afk."))], path
