"""Other people's programs, each in a virtual environment of its own under the cache folder, never among our own
dependencies."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from platformdirs import user_cache_path

VERSIONS: dict[str, tuple[str, ...]] = {
    "langgraph": ("langgraph==1.2.22", "langgraph-checkpoint-sqlite==3.1.2"),
    "openai-agents": ("openai-agents==0.24.0",),
    "dbos": ("dbos==3.4.0",),
    "gptme": ("gptme[tui]==0.35.1",),
    "elia": ("elia-chat==1.10.0",),
    "mistral-vibe": ("mistral-vibe==2.26.1",),
}
# from npm
NODE_VERSIONS: dict[str, tuple[str, ...]] = {"codex": ("@openai/codex@0.169.0",)}


class Peers:
    """Installs peers when they are first asked for."""

    def __init__(self, wanted: bool = True) -> None:
        self._wanted = wanted
        self._folders: dict[str, Path | None] = {}
        self._failures: dict[str, str] = {}

    def python_of(self, peer: str) -> str | None:
        """The Python of a peer's environment, or None where it can't be had."""
        folder = self.folder_of(peer)
        return str(folder / "bin" / "python") if folder else None

    def folder_of(self, peer: str) -> Path | None:
        """The environment of a peer, with its `bin` (of npm: `node_modules/.bin`), or None where it can't be had."""
        if not self._wanted:
            return None
        if peer not in self._folders:
            try:
                self._folders[peer] = _install(peer)
            except _CantInstallError as error:
                self._folders[peer] = None
                self._failures[peer] = str(error)
        return self._folders[peer]

    def notes_of(self, *peers: str) -> list[str]:
        """Which of these are not compared, and why."""
        if not self._wanted:
            return ["Measured without peers."]
        return [f"{peer} is not compared: {self._failures[peer]}" for peer in peers if peer in self._failures]


class _CantInstallError(Exception):
    pass


def _install(peer: str) -> Path:
    of_node = NODE_VERSIONS.get(peer)
    wanted = of_node or VERSIONS[peer]
    mark = hashlib.sha256("\n".join([sys.version, *wanted]).encode()).hexdigest()[:12]
    folder = user_cache_path("afk-tui") / "benchmarks" / f"{peer}-{mark}"
    done = folder / "installed"
    if done.exists():
        return folder
    if of_node:
        folder.mkdir(parents=True, exist_ok=True)
        _run(["npm", "install", "--silent", "--prefix", str(folder), *wanted])
    else:
        python = folder / "bin" / "python"
        _run([sys.executable, "-m", "venv", "--clear", str(folder)])
        _run([str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", *wanted])
    done.touch()
    return folder


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path.home())
    except OSError as error:
        raise _CantInstallError(str(error)) from error
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise _CantInstallError(last[:200])
