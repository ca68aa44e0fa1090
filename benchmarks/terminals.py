"""The terminal programs that are compared: how each is installed, set up for a server on loopback, and started."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.measuring import PROGRAMS, ROOT
from benchmarks.peers import Peers
from benchmarks.sessions import Session

BARE, OURS, CODEX, GPTME, ELIA, VIBE = (
    "a bare Textual app",
    "afk-tui",
    "codex",
    "gptme-tui",
    "elia",
    "mistral-vibe 2",
)

PEERS = ("codex", "gptme", "elia", "mistral-vibe")

ELIA_CONFIG = """
default_model = "openai/m"
[[models]]
name = "openai/m"
display_name = "m"
provider = "loopback"
api_base = "{url}"
api_key = "none"
"""
CODEX_CONFIG = """
model = "m"
model_provider = "loopback"
approval_policy = "never"
sandbox_mode = "read-only"
check_for_update_on_startup = false
[model_providers.loopback]
name = "loopback"
base_url = "{url}"
env_key = "OPENAI_API_KEY"
wire_api = "responses"
[projects."{work}"]
trust_level = "trusted"
"""


@dataclass(frozen=True, slots=True)
class Terminal:
    """One of them. `command(home, work)`: the program and its arguments; `files`: what it needs under its home."""

    name: str
    command: Callable[[Path, Path], list[str]]
    files: Mapping[str, str] = field(default_factory=dict[str, str])
    answers: bool = True
    """Whether a conversation with the server on loopback works."""
    folder: Path | None = None
    """Where it is started; None for the work folder."""

    def session(self, home: Path, url: str = "http://127.0.0.1:9/v1", mark: str = "") -> Session:
        """Set up in this home, ready to be entered. `mark`: a text whose first paint is noted."""
        work = home / "work"
        work.mkdir(exist_ok=True)
        for name, text in self.files.items():
            at = home / name
            at.parent.mkdir(parents=True, exist_ok=True)
            at.write_text(text.format(url=url, work=work), encoding="utf-8")
        environment = {
            "HOME": str(home),
            "OPENAI_API_KEY": "none",
            "OPENAI_BASE_URL": url,
            "AFK_POLICY": "",
        }
        return Session(self.command(home, work), self.folder or work, environment, mark)


def ours() -> Terminal:
    """The app, as `afk-tui` starts it."""

    def command(home: Path, work: Path) -> list[str]:
        return [
            *(sys.executable, "-m", "afk_tui", "--trust", "--model", "m"),
            *("--workspace", str(work), "--db", str(home / "afk.db")),
        ]

    return Terminal(OURS, command, folder=ROOT)


def bare() -> Terminal:
    """A Textual app with a header, an input and a footer."""
    return Terminal(BARE, lambda home, work: [sys.executable, str(PROGRAMS / "bare_app.py")], answers=False)


def others(peers: Peers) -> list[Terminal]:
    """The peers that can be installed here; the rest is named by `peers.notes_of(*PEERS)`."""
    found: list[Terminal] = []
    if folder := peers.folder_of("codex"):
        codex = str(folder / "node_modules" / ".bin" / "codex")
        found.append(Terminal(CODEX, lambda home, work: [codex], {".codex/config.toml": CODEX_CONFIG}))
    if folder := peers.folder_of("gptme"):
        gptme = str(folder / "bin" / "gptme-tui")
        found.append(Terminal(GPTME, lambda home, work: [gptme, "--model", "local/m"]))
    if folder := peers.folder_of("elia"):
        # its answers of a hundred lines take it a minute
        elia = str(folder / "bin" / "elia")
        found.append(
            Terminal(
                ELIA, lambda home, work: [elia], {".config/elia/config.toml": ELIA_CONFIG}, answers=False
            )
        )
    if folder := peers.folder_of("mistral-vibe"):
        vibe = str(folder / "bin" / "vibe")
        found.append(Terminal(VIBE, lambda home, work: [vibe], answers=False))
    return found
