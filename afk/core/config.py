"""How a runner runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from afk.agents.errors import AgentConfigurationError
from afk.memory.retention import Retention
from afk.outputs import LEAST_RESULT_CHARS, MAX_OUTPUT_BYTES, MAX_RESULT_CHARS, ResultLimits


@dataclass(frozen=True, slots=True)
class RunnerConfig:
    """Limits and manners of a runner. None is no limit.

    `interaction_mode`: "headless", `run` returns when only people can go on; "interactive", it waits for them.
    `approval_fallback` (headless): "pause", the run waits on disk; "deny", what needs a yes gets a no.
    `max_steps` model answers, `max_tool_calls` calls and `max_wall_time_s` seconds of work are one budget: time
    spent waiting for a person, or while no process ran, is not counted, and a resume after a spent budget begins a
    fresh one. `llm_timeout_s`: the longest silence of a model, in seconds. `max_model_retries`: how often a failed
    request is tried again. `approval_expires_after_s`: how long a request stands.
    `max_subagent_depth`: how many levels of subagents may be below a root run (0: none); `max_subagents`: how many
    calls to subagents one run may make. The limits of steps and tool calls hold for each run of its own; the wall time
    is the root's.
    `context_window_tokens`: how long a request to the model may be, its answer included (None: what a refusal taught,
    else what is known of the model by its name, else unknown); `answer_tokens` of it are left for the answer, a quarter
    at the most. `summarise_at`: the share of the rest that a request may fill before the older messages are summarised
    (None: never, only by hand).
    `compact_before_resume`: what to keep of a thread's records when a run of it is resumed; the rest is removed first.
    Whether or not that succeeds, the run is resumed.
    `max_result_chars`: how many characters of a call's result the model is shown (at least 1,000); of a longer one it
    gets the beginning, the end and a note, and may read the rest. `max_output_bytes`: how much of a result is kept, in
    bytes of UTF-8 (at least four times as many as characters are shown).
    """

    interaction_mode: Literal["headless", "interactive"] = "headless"
    approval_fallback: Literal["pause", "deny"] = "pause"
    max_steps: int | None = 200
    max_wall_time_s: float | None = None
    max_tool_calls: int | None = None
    max_parallel_tools: int = 8
    llm_timeout_s: float = 120.0
    max_model_retries: int = 4
    retry_base_delay_s: float = 0.5
    retry_max_delay_s: float = 30.0
    approval_expires_after_s: float | None = None
    max_subagent_depth: int = 3
    max_subagents: int = 32
    context_window_tokens: int | None = None
    summarise_at: float | None = 0.8
    answer_tokens: int = 4096
    compact_before_resume: Retention | None = None
    max_result_chars: int | None = MAX_RESULT_CHARS
    max_output_bytes: int = MAX_OUTPUT_BYTES

    @property
    def result_limits(self) -> ResultLimits:
        """How much of a result is shown, and how much is kept."""
        return ResultLimits(self.max_result_chars, self.max_output_bytes)

    def __post_init__(self) -> None:
        if self.interaction_mode not in ("headless", "interactive"):
            raise AgentConfigurationError(
                f"interaction_mode is 'headless' or 'interactive'; got {self.interaction_mode!r}."
            )
        if self.approval_fallback not in ("pause", "deny"):
            raise AgentConfigurationError(
                f"approval_fallback is 'pause' or 'deny'; got {self.approval_fallback!r}."
            )
        if self.compact_before_resume is not None and not isinstance(self.compact_before_resume, Retention):
            raise AgentConfigurationError(
                f"compact_before_resume is a Retention, or None; got {self.compact_before_resume!r}."
            )
        for name in ("max_steps", "max_wall_time_s", "max_tool_calls", "approval_expires_after_s"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise AgentConfigurationError(
                    f"{name} must be above zero, or None for no limit; got {value!r}."
                )
        if self.max_subagent_depth < 0 or self.max_subagents < 0:
            raise AgentConfigurationError("max_subagent_depth and max_subagents must not be below zero.")
        if self.context_window_tokens is not None and self.context_window_tokens < 1:
            raise AgentConfigurationError(
                f"context_window_tokens must be above zero, or None; got {self.context_window_tokens!r}."
            )
        if self.summarise_at is not None and not 0 < self.summarise_at <= 1:
            raise AgentConfigurationError(
                f"summarise_at is a share above 0 and up to 1, or None; got {self.summarise_at!r}."
            )
        if self.answer_tokens < 0:
            raise AgentConfigurationError(
                f"answer_tokens must not be below zero; got {self.answer_tokens!r}."
            )
        shown = self.max_result_chars
        if shown is not None and shown < LEAST_RESULT_CHARS:
            raise AgentConfigurationError(
                f"max_result_chars must be at least {LEAST_RESULT_CHARS}, or None for no limit; got {shown!r}."
            )
        if self.max_output_bytes < 4 * (shown or LEAST_RESULT_CHARS):
            raise AgentConfigurationError(
                "max_output_bytes must be at least four times max_result_chars (a character takes up to four bytes); "
                f"got {self.max_output_bytes!r}."
            )
        if self.max_parallel_tools < 1 or self.llm_timeout_s <= 0 or self.max_model_retries < 0:
            raise AgentConfigurationError(
                "max_parallel_tools must be at least 1, llm_timeout_s above 0, max_model_retries at least 0."
            )
