"""A model for the first minute: offline, deterministic, plainly labelled, and driving the real tools."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Sequence

from afk.llms.call_ids import CallIds
from afk.llms.demo_commands import Command, Plan, parse_plan
from afk.llms.demo_texts import HELP, STORY, digest, long_answer
from afk.llms.protocol import Answer, ChatMessage, ModelEvent, ModelRequest, TextDelta, ToolCall, Usage
from afk.llms.summary_request import is_summary_message, record_in

_STREAM = re.compile(r"stream (\d{1,6}) lines?\W*", re.IGNORECASE)
_STORY = re.compile(r"tell (?:me )?a long story\W*", re.IGNORECASE)
# The beginnings of the results that the runner gives to calls that never ran.
_NEVER_RAN = re.compile(
    r"The person denied this call|This call was not executed|This call was never executed"
)
_SHOWN_LINES = 20


class DemoModel:
    """Understands the commands of `demo_commands.py` and explains itself at anything else.

    It keeps nothing: where it stands in a plan is read from the conversation, so a run resumed in another
    process goes on. `delta_delay_s` is the pause between two words.
    """

    def __init__(self, *, delta_delay_s: float = 0.0) -> None:
        self._delta_delay_s = delta_delay_s

    @property
    def label(self) -> str:
        """Says that this is no real model."""
        return "demo model (offline)"

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Answer word by word, then the `Answer`."""
        text, calls = _answer(request)
        for word in re.findall(r"\s*\S+\s*", text):
            await asyncio.sleep(self._delta_delay_s)
            yield TextDelta(word)
        asked = sum(len(message.content) for message in request.messages)
        usage = Usage(input_tokens=asked // 4, output_tokens=len(text) // 4)  # a rule of thumb, not a count
        yield Answer(text, calls, "tool_calls" if calls else "stop", usage=usage)

    async def close(self) -> None:
        """Nothing to close."""


def _answer(request: ModelRequest) -> tuple[str, tuple[ToolCall, ...]]:
    if (wanted := record_in(request)) is not None:
        return digest(*wanted), ()
    people = (
        at for at, one in enumerate(request.messages) if one.role == "user" and not is_summary_message(one)
    )
    last_user = max(people, default=None)
    if last_user is None:
        return HELP, ()
    asked = request.messages[last_user].content.strip()
    if found := _STREAM.fullmatch(asked):
        return long_answer(int(found[1])), ()
    if _STORY.fullmatch(asked):
        return STORY, ()
    plan = parse_plan(asked)
    if plan is None:
        return HELP, ()
    offered = {tool.name for tool in request.tools}
    missing = sorted({command.tool_name for step in plan for command in step} - offered)
    if missing:
        names = ", ".join(f"`{name}`" for name in missing)
        return f"For that I would need {names}, which this agent does not have. Nothing was done.\n", ()
    since = request.messages[last_user + 1 :]
    steps_asked = _steps_asked(plan, since, is_cut=any(map(is_summary_message, request.messages)))
    if steps_asked < len(plan):
        step = plan[steps_asked]
        ids = CallIds(request.messages)
        calls = tuple(
            ToolCall(ids.settle(index), command.tool_name, _arguments(command))
            for index, command in enumerate(step)
        )
        return f"I will {_joined([command.intent for command in step])}.\n", calls
    return _summary(plan, since), ()


def _steps_asked(plan: Plan, since: Sequence[ChatMessage], *, is_cut: bool) -> int:
    """How many steps of the plan were begun. Where the conversation is cut, the first ones may stand in its summary by
    now, so the last one is looked for among the plan's own."""
    asked = [message for message in since if message.role == "assistant" and message.tool_calls]
    if not asked or not is_cut:
        return len(asked)
    last = [(call.name, call.arguments) for call in asked[-1].tool_calls]
    fits = (
        n
        for n, step in enumerate(plan, 1)
        if n >= len(asked) and [(c.tool_name, _arguments(c)) for c in step] == last
    )
    return next(fits, len(asked))


def _arguments(command: Command) -> str:
    return json.dumps(command.arguments, ensure_ascii=False)


def _summary(plan: Plan, since: Sequence[ChatMessage]) -> str:
    """What came of each call, in the words of its result: the tools know, the model doesn't."""
    results = {message.tool_call_id: message.content for message in since if message.role == "tool"}
    call_ids = [call.id for message in since for call in message.tool_calls]
    commands = [command for step in plan for command in step][-len(call_ids) :]  # the first may be summarised
    outcomes = [
        (command, results.get(call_id, "")) for command, call_id in zip(commands, call_ids, strict=False)
    ]
    denied = sum(1 for _, result in outcomes if _NEVER_RAN.match(result))
    head = f"**{denied} of {len(outcomes)} not done.** " if denied else ""
    shown = [_outcome(command, result) for command, result in outcomes]
    return "\n\n".join([f"{head}This is what came back:", *shown]) + "\n"


def _outcome(command: Command, result: str) -> str:
    title = f"**{command.intent[0].upper()}{command.intent[1:]}**"
    if _NEVER_RAN.match(result):
        title += " (not done)"
    lines = result.strip("\n").splitlines()
    if len(lines) <= 1:
        return f"- {title}: {lines[0] if lines else 'no output'}"
    left_out = len(lines) - _SHOWN_LINES
    shown = lines[:_SHOWN_LINES] + ([f"... ({left_out} more lines)"] if left_out > 0 else [])
    # A result may hold fences of its own: ours is longer than any of them.
    longest = max((len(run) for run in re.findall(r"`{3,}", result)), default=2)
    fence = "`" * (longest + 1)
    return "\n".join([f"- {title}:", "", fence, *shown, fence])


def _joined(intents: Sequence[str]) -> str:
    return intents[0] if len(intents) == 1 else f"{', '.join(intents[:-1])} and {intents[-1]}"
