"""What the app shows: plain values, made by the gateway, whose text is already clean (see `clean.py`).

Widgets and screens know these and nothing of the engine.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from afk_tui.gateway.kinds import CallStatus, ItemKind, Standing


@dataclass(frozen=True, slots=True)
class ItemHead:
    """Enough of an item to guess its height: `chars` and `lines` (newline count + 1) of its text."""

    key: str
    kind: ItemKind
    chars: int
    lines: int


@dataclass(frozen=True, slots=True)
class ConversationItem:
    """One thing in a conversation.

    user, queued: `text` is plain. assistant: `text` is Markdown. note: `text` is a plain line or a few, `tone` colours
    it.
    call: `title` is the call in one line ("write_file notes.txt"), `detail` its arguments (JSON or a command),
    `text` its output so far, `status` what the journal knows of it, `facts` the same in sentences, each under a word
    ("decided", "allowed by ada, ..."), `output_sha` names the whole of which `text` is a part; for a call to a subagent
    `inside` is what that did for it, in order, after `inside_earlier` things that are not shown. `above` is a line
    between this item and the one before it.
    """

    key: str
    kind: ItemKind
    text: str
    title: str = ""
    detail: str = ""
    status: CallStatus | None = None
    footnote: str = ""
    tone: Literal["info", "warning", "error"] = "info"
    at_ms: int = 0
    facts: tuple[tuple[str, str], ...] = ()
    above: str = ""
    output_sha: str = ""
    inside: tuple[InsideItem, ...] = ()
    inside_earlier: int = 0


@dataclass(frozen=True, slots=True)
class InsideItem:
    """Something in a subagent's conversation; `depth` counts the subagents above it, from 0."""

    depth: int
    item: ConversationItem


@dataclass(frozen=True, slots=True)
class ItemText:
    """One thing of a conversation in full. Of a call `title` and `arguments` too; `text` is its output."""

    text: str
    title: str = ""
    arguments: str = ""

    @property
    def whole(self) -> str:
        """All of it, as it is copied."""
        return "\n\n".join(part for part in (self.title, self.arguments, self.text) if part)


@dataclass(frozen=True, slots=True)
class ThreadRow:
    """A line of the thread list; `unread`: something was done in it since it was last shown."""

    thread_id: str
    title: str
    state: str
    updated_at_ms: int
    pending: int
    workspace: str
    message_count: int = 0
    pinned: bool = False
    archived: bool = False
    unread: bool = False


@dataclass(frozen=True, slots=True)
class PatternChoice:
    """A pattern that a yes may be remembered by; `text` says what it covers, `value` is as it is kept."""

    kind: Literal["command_prefix", "path_glob"]
    value: str
    text: str


@dataclass(frozen=True, slots=True)
class ApprovalView:
    """A request for a decision, with everything that will be executed.

    `preview_kind`: "diff" (unified diff text), "command" (shell text), "json". `preview` is whole, never cut;
    `marks` says how many characters in it were made visible because they could deceive, `lookalikes` how many because
    they look like ASCII ones. `patterns` are what a yes
    may be remembered by, beside the very same call; the narrowest first. `file` is what a diff is of; `shown` stands
    for the file as the preview shows it, and goes back with a decision; `effects` are sentences about what else the
    call would do, as far as that can be seen in it. `title` is the call in one line. `edited` are the arguments as a
    person changed them, never shown themselves: the preview is of them, and they go back with a yes.
    """

    approval_id: str
    run_id: str
    thread_id: str
    thread_title: str
    call_id: str
    kind: Literal["call", "uncertain"]
    tool_name: str
    agent_path: str
    reason: str
    args_sha: str
    preview_kind: Literal["diff", "command", "json"]
    preview: str
    preview_note: str
    language: str
    workspace: str
    requested_at_ms: int
    status: str
    position: int = 1
    total: int = 1
    marks: int = 0
    lookalikes: int = 0
    known: str = ""
    patterns: tuple[PatternChoice, ...] = ()
    file: str = ""
    shown: str | None = None
    effects: tuple[str, ...] = ()
    title: str = ""
    edited: dict[str, Any] | None = field(default=None, hash=False)


@dataclass(frozen=True, slots=True)
class ArgumentField:
    """One argument. `text` is the argument itself ("text"), or JSON: of what is no text, and of a text that holds
    characters which can't be shown as they are. `about` says what it is for."""

    name: str
    kind: Literal["text", "json"]
    text: str
    label: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class WaitingRow:
    """A request in one line; `title` is the call ("write_file notes.txt")."""

    approval_id: str
    thread_id: str
    thread_title: str
    title: str
    kind: Literal["call", "uncertain"]
    requested_at_ms: int
    workspace: str


@dataclass(frozen=True, slots=True)
class CheckpointRow:
    """A line of the checkpoint browser."""

    checkpoint_id: str
    run_id: str
    number: int
    step: int
    phase: str
    created_at_ms: int
    message_count: int
    size_bytes: int
    latest: bool = False


TimelineMark = Literal[
    "run",
    "asked",
    "wants",
    "waiting",
    "handed",
    "ran",
    "failed",
    "denied",
    "answered",
    "unknown",
    "interrupted",
    "said",
    "forked",
    "summary",
]


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """A line of the timeline: what happened, in words.

    A run's line has `state`, its usage and no checkpoint, a summary's no run. `agent` is the subagent that the line is
    of, `depth` how many runs are above its run. `place` is the key of the item in the conversation of the thread where
    it happened (of a subagent: of the call that it worked for), `place_seq` the same as a number.
    """

    key: str
    mark: TimelineMark
    what: str
    at_ms: int
    run_id: str = ""
    step: int = 0
    state: str = ""
    agent: str = ""
    depth: int = 0
    latest: bool = False
    place_seq: int | None = None
    checkpoint: CheckpointRow | None = None
    tokens: int = 0
    tool_calls: int = 0
    begun_at_ms: int = 0
    model: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class RunView:
    """How a thread's last run stands.

    `standing`: "idle" (over, or none), "working" (in this app), "waiting" (for a decision), "decided" (somebody
    decided; it goes on when it is resumed), "stopped" (it can be resumed), "elsewhere" (in another process).
    `cause`: of a run that stopped because the model did not answer, what kind of error that was ("auth", "rate_limit",
    ...), else "".
    `context_share`: how much of the model's context its last request took, from 0 on; None where that is not known.
    """

    run_id: str
    state: str
    standing: Standing
    reason: str
    pending: int
    input_tokens: int
    output_tokens: int
    context_share: float | None = None
    cause: str = ""
