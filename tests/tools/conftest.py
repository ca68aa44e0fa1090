from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from afk.tools import ToolContext

MakeContext = Callable[..., ToolContext]


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace with a world outside it: `tmp_path` holds both."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    return folder


@pytest.fixture
def context(workspace: Path) -> MakeContext:
    """Makes the context of a call in `workspace`."""

    def make(**changes: Any) -> ToolContext:
        values: dict[str, Any] = {
            "workspace": workspace,
            "run_id": "run_1",
            "thread_id": "thread_1",
            "call_id": "call_1",
            "idempotency_key": "key_1",
        }
        return ToolContext(**{**values, **changes})

    return make
