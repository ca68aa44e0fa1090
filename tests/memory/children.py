"""Programs that run in a process of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}


def run_code(
    code: str, *args: object, options: tuple[str, ...] = (), **env: str
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end; every warning in it is an error."""
    return subprocess.run(
        [sys.executable, "-W", "error", *options, "-c", code, *map(str, args)],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment(**env),
        check=False,
    )


def start_code(code: str, *args: object, **env: str) -> subprocess.Popen[str]:
    """Start a program that talks through its standard input and output."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", code, *map(str, args)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(**env),
    )


def line_of(process: subprocess.Popen[str]) -> str:
    """The next line a program prints: how it says that it got somewhere."""
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    if not line:
        _, errors = process.communicate(timeout=30)
        raise AssertionError(f"the program ended without a word: {errors}")
    return line


def finish(process: subprocess.Popen[str], text: str = "\n") -> tuple[str, str]:
    """Let a program that reads a line go on to its end; what it printed since, and its errors."""
    return process.communicate(text, timeout=60)
