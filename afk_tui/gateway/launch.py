"""What the app is launched with. Importing this costs nothing: the engine comes with `settings.build`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from afk_tui.gateway.errors import GatewayError

ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class Settings:
    """`db` None is AFK_DB or the user's data folder; `agent` None is the built-in assistant, else `module:attr`;
    `model` None is AFK_MODEL or the default; `demo` is the offline model."""

    workspace: Path
    db: Path | None = None
    agent: str | None = None
    model: str | None = None
    demo: bool = False
    trust: bool = False
    tell: Callable[[str], object] | None = None
    """For what is worth knowing beside what a command answers."""

    def folder(self) -> Path:
        """The workspace, absolute. Raises GatewayError where that is no folder."""
        folder = self.workspace.expanduser().resolve()
        if not folder.is_dir():
            raise GatewayError(f"The workspace {folder} is not a folder. Name one with --workspace.")
        return folder

    @property
    def is_own_agent(self) -> bool:
        """Whether a module of the person's own has to be imported for it."""
        return self.agent not in (None, ASSISTANT)
