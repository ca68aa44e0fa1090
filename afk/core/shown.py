"""Whether what a call would change is still what the person who allowed it was shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from afk.tools import Tool
from afk.tools.confinement import OffLimits


def changed_since_shown(
    tool: Tool, shown: str, workspace: Path, arguments: dict[str, Any], off_limits: OffLimits
) -> str | None:
    """What to say when it is asked about anew, or None where nothing changed. Blocking: looks at it now."""
    if tool.basis is None:
        return None
    now = tool.basis(workspace, arguments, off_limits)
    return None if now.fingerprint == shown else f"{now.what} changed since you were shown it."
