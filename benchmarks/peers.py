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
}


class Peers:
    """Installs peers when they are first asked for. `notes`: those that are not compared, and why."""

    def __init__(self, wanted: bool = True) -> None:
        self._wanted = wanted
        self._pythons: dict[str, str | None] = {}
        self.notes: list[str] = [] if wanted else ["Measured without peers."]

    def python_of(self, peer: str) -> str | None:
        """The Python of a peer's environment, or None where it can't be had."""
        if not self._wanted:
            return None
        if peer not in self._pythons:
            try:
                self._pythons[peer] = _install(peer)
            except _CantInstallError as error:
                self._pythons[peer] = None
                self.notes.append(f"{peer} is not compared: {error}")
        return self._pythons[peer]


class _CantInstallError(Exception):
    pass


def _install(peer: str) -> str:
    wanted = VERSIONS[peer]
    mark = hashlib.sha256("\n".join([sys.version, *wanted]).encode()).hexdigest()[:12]
    folder = user_cache_path("afk-tui") / "benchmarks" / f"{peer}-{mark}"
    python, done = folder / "bin" / "python", folder / "installed"
    if not done.exists():
        _run([sys.executable, "-m", "venv", "--clear", str(folder)])
        _run([str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", *wanted])
        done.touch()
    return str(python)


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path.home())
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise _CantInstallError(last[:200])
