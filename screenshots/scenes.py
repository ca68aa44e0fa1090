"""Every scene with the pictures that it makes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from screenshots.approvals import approvals, hostile
from screenshots.asides import asides
from screenshots.conversations import compaction, conversation, output, streaming, subagents
from screenshots.reading import reading
from screenshots.stage import SIZE, THEME, VARIANTS, Stage, stage
from screenshots.states import beginning, narrow, questions, summary, unknown
from screenshots.threads import threads
from screenshots.trouble import elsewhere, failures, full_disk, waiting


@dataclass(frozen=True)
class Scene:
    """What is played on a stage of its own, and the names of the pictures taken of it."""

    play: Callable[[Stage, Path], Awaitable[None]]
    pictures: tuple[str, ...]
    size: tuple[int, int] = SIZE
    theme: str = THEME
    agent: str | None = None
    trust: bool = True

    @property
    def name(self) -> str:
        """That of what is played."""
        return self.play.__name__

    def files(self) -> Iterator[str]:
        """The path of each picture below the folder; on the usual stage there is one for each variant too."""
        folders = [""] if (self.size, self.theme) != (SIZE, THEME) else ["", *(f"{v[0]}/" for v in VARIANTS)]
        for folder in folders:
            for picture in self.pictures:
                yield f"{folder}{picture}.svg"

    async def take(self, folder: Path) -> None:
        """Play it, and write its pictures below `folder`."""
        async with stage(self.size, self.theme, self.agent, trust=self.trust) as shown:
            await self.play(shown, folder)


SCENES = (
    Scene(
        conversation,
        ("main", "approval-write", "approval-command", "checkpoints", "menu", "help"),
    ),
    Scene(compaction, ("compaction-dry", "compaction")),
    Scene(streaming, ("streaming",)),
    Scene(output, ("output",)),
    Scene(approvals, ("approval-diff", "approval-several", "approval-edit")),
    Scene(threads, ("threads", "find")),
    Scene(asides, ("grants", "delete", "themes", "inbox")),
    Scene(reading, ("search", "commands", "queued")),
    Scene(failures, ("error-key", "error-too-long")),
    Scene(waiting, ("error-rate-limit", "error-away")),
    Scene(full_disk, ("quit", "error-disk-full")),
    Scene(elsewhere, ("elsewhere",)),
    Scene(summary, ("summary",)),
    Scene(questions, ("rename", "approval-reason", "approval-respond", "paste", "edit-message")),
    Scene(hostile, ("approval-hostile",), size=(80, 24), theme="textual-light"),
    Scene(subagents, ("subagents",), agent="screenshots.team:editor"),
    Scene(unknown, ("approval-unknown",), agent="screenshots.team:publisher"),
    Scene(beginning, ("trust", "empty", "inbox-empty"), trust=False),
    Scene(narrow, ("narrow", "narrow-threads", "narrow-approval"), size=(40, 15)),
)
