"""The options before the subcommand."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from afk_tui.gateway.launch import Settings


@dataclass(frozen=True, slots=True)
class Options:
    """What stands before the subcommand; None where nothing was said."""

    db: Path | None = None
    workspace: Path | None = None
    agent: str | None = None
    model: str | None = None
    demo: bool = False
    trust: bool = False
    thread_id: str | None = None

    def settings(self) -> Settings:
        """The same, for the gateway."""
        from afk_tui.cli_output import tell
        from afk_tui.gateway.launch import Settings

        return Settings(
            workspace=self.workspace or Path("."),
            db=self.db,
            agent=self.agent,
            model=self.model,
            demo=self.demo,
            trust=self.trust,
            tell=tell,
        )

    def command(self, *words: str, runs: bool = False) -> str:
        """A command line to be typed later that means the same database, and (`runs`) the same agent and model."""
        before: list[str] = []
        if self.db is not None:
            before += ["--db", str(self.db)]
        if runs:
            for option, value in (("--agent", self.agent), ("--model", self.model)):
                if value is not None:
                    before += [option, value]
            if self.demo:
                before.append("--demo")
        return shlex.join(["afk-tui", *before, *words])
