"""What a tool is: a function, what it does to the world, and whether it must be asked for."""

from __future__ import annotations

import inspect
import json
import math
import os
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args, overload

from afk.outputs import DEFAULT_LIMITS, ResultLimits
from afk.tools.basis import Basis
from afk.tools.signature import read_signature
from afk.tools.threads import call_in_thread

if TYPE_CHECKING:
    from afk.tools.read_output import Outputs
    from afk.tools.schema import ArgumentsSchema

Effect = Literal["read", "idempotent", "once"]
# a subagent's call is neither repeated nor lost: it is resumed inside its own run
CallEffect = Literal[Effect, "subagent"]
ApprovalMode = Literal["never", "always", "policy"]


def _nothing_off_limits(_: os.stat_result) -> bool:
    return False


def _drop(_: str) -> None:
    return None


class Lifeline(Protocol):
    """For tools that start programs: a program that inherits `descriptor` is known to run for as long as it does,
    even when this process is killed."""

    descriptor: int

    def note(self, process_id: int) -> None:
        """Write down the leader of the program's process group, for a person to read."""
        ...


@dataclass(frozen=True, slots=True)
class ToolContext:
    """What a call is given beside its arguments.

    `idempotency_key` is the same over all attempts of one call. `attempt` counts from 1. `emit` shows
    output while the tool works; it is never stored. `off_limits(stat)` is true for files that the store
    keeps open: they must not even be opened (closing a descriptor of a SQLite file drops the locks that
    SQLite holds on it), so tools ask with `os.stat` *before* they open. `lifeline` is for the programs that a
    call starts. `shown` is the fingerprint of the `basis` that was shown to the person who allowed the call, None
    where nothing was: where it is another one by now, the tool raises BasisChangedError and has done nothing.
    call starts. `limits`: how much of the result the model is shown, and how much is kept; `outputs`: the long
    results of this conversation.
    """

    workspace: Path
    run_id: str
    thread_id: str
    call_id: str
    idempotency_key: str
    attempt: int = 1
    context: Mapping[str, Any] = field(default_factory=dict[str, Any])
    emit: Callable[[str], None] = _drop
    off_limits: Callable[[os.stat_result], bool] = _nothing_off_limits
    lifeline: Lifeline | None = None
    shown: str | None = None
    limits: ResultLimits = DEFAULT_LIMITS
    outputs: Outputs | None = None


class ToolError(Exception):
    """The call failed in a way the model should know: the message is its result."""


class ToolArgumentsError(ToolError):
    """The arguments do not fit the tool's schema; the message says which and why, and so do `problems`: pairs of a
    place ("rows[2].name", "" for all of them) and what is wrong there."""

    def __init__(self, message: str, problems: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems) or (("", message),)


class BasisChangedError(ToolError):
    """What the call is about is no longer what it was: nothing was done. Where a person was shown the former, they
    are asked again."""


# Given the context and the validated arguments: did this call happen? None where it can't be known.
Verify = Callable[[ToolContext, dict[str, Any]], Awaitable[bool | None] | bool | None]
# Given the workspace and the arguments: a reason to ask a person even so, or None.
AskWhen = Callable[[Path, dict[str, Any]], str | None]
# Given the workspace, the arguments and `off_limits`: what the call would change, as it is now. Never raises.
BasisOf = Callable[[Path, dict[str, Any], Callable[[os.stat_result], bool]], Basis]

_EFFECTS = get_args(Effect)
_APPROVALS = get_args(ApprovalMode)
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Tool:
    """A function that a model may call. Made by `@tool`; immutable by convention.

    `effect` says what calling it twice would do: "read" changes nothing, "idempotent" changes nothing more,
    "once" must not happen twice. `approval` "policy" means that rules decide, and that without a rule a
    person is asked. `timeout_s` is the limit of one call in seconds, None for the runner's. `basis` says what a call
    would change, as it is now: a person's yes holds only for what they were shown of it. `function` is what was
    decorated. Raises TypeError or ValueError for a declaration that makes no sense.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        effect: Effect = "once",
        approval: ApprovalMode | None = None,
        verify: Verify | None = None,
        timeout_s: float | None = None,
        name: str | None = None,
        description: str | None = None,
        ask_when: AskWhen | None = None,
        basis: BasisOf | None = None,
    ) -> None:
        self._context_name, self._arguments = read_signature(function, ToolContext)
        called = name if name is not None else function.__name__
        if not _NAME.fullmatch(called):
            raise ValueError(f"tool {called!r}: a name is 1 to 64 letters, digits, _ or -; pass name=...")
        if effect not in _EFFECTS:
            raise ValueError(f"tool {called}: effect is one of {', '.join(_EFFECTS)}, not {effect!r}")
        if approval is not None and approval not in _APPROVALS:
            raise ValueError(f"tool {called}: approval is one of {', '.join(_APPROVALS)}, not {approval!r}")
        for what, value in (("verify", verify), ("ask_when", ask_when), ("basis", basis)):
            if value is not None and not callable(value):
                raise TypeError(f"tool {called}: {what} is a function or None, not {value!r}")
        if timeout_s is not None and not (math.isfinite(timeout_s) and timeout_s > 0):
            raise ValueError(f"tool {called}: timeout_s is a positive number of seconds, not {timeout_s!r}")
        text = inspect.cleandoc(description if description is not None else function.__doc__ or "")
        if not text:
            raise ValueError(
                f"tool {called}: a model must be told what it does: write a docstring or pass description="
            )
        self.function = function
        self.name = called
        self.description = text
        self.effect: CallEffect = effect
        self.approval: ApprovalMode = approval or ("never" if effect == "read" else "policy")
        self.verify = verify
        self.timeout_s = timeout_s
        self.ask_when = ask_when
        self.basis = basis
        self.is_threaded = not inspect.iscoroutinefunction(function)
        """Whether it runs in a thread, and so goes on when its call is given up: it cannot be killed."""

    def __repr__(self) -> str:
        return f"<Tool {self.name} effect={self.effect} approval={self.approval}>"

    @cached_property
    def _schema(self) -> ArgumentsSchema:
        # pydantic costs 0.1 s; a start that calls no tool does not pay it
        from afk.tools.schema import ArgumentsSchema

        return ArgumentsSchema(self.name, self._arguments)

    @property
    def parameters(self) -> dict[str, Any]:
        """The JSON Schema object of the arguments, made on first use and cached: don't change it.

        Raises TypeError when a parameter's type or default cannot be written as JSON.
        """
        return self._schema.json_schema

    def validate(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """The arguments as JSON-safe values in one normal form: converted, defaults filled in, in the order
        of the signature. Validating the result again changes nothing. Raises ToolArgumentsError, written
        for the model.
        """
        try:
            return self._schema.normalise(arguments)
        except ValueError as error:
            raise ToolArgumentsError(str(error), getattr(error, "problems", ())) from error

    async def call(self, ctx: ToolContext, arguments: dict[str, Any]) -> str:
        """Call the function and return its result as text: a str as it is, anything else as JSON.

        Raises ToolArgumentsError before anything happened, ToolError when the tool failed or its result
        cannot be written as JSON, and whatever else the function raises. Cancelled, an async function is
        cancelled; a sync one (`is_threaded`) goes on in its thread.
        """
        try:
            values = self._schema.parse(arguments)
        except ValueError as error:
            raise ToolArgumentsError(str(error)) from error
        if self._context_name is not None:
            values[self._context_name] = ctx
        if self.is_threaded:
            result = await call_in_thread(self.function, values)
            if inspect.isawaitable(result):
                result = await result
        else:
            result = await self.function(**values)
        return _as_text(self.name, result)


def _as_text(name: str, result: object) -> str:
    if isinstance(result, str):
        text = result
    else:
        try:
            text = json.dumps(result, ensure_ascii=False)
        except (TypeError, ValueError, RecursionError):
            from afk.tools.schema import to_json_values

            try:
                text = json.dumps(to_json_values(result), ensure_ascii=False)
            except (TypeError, ValueError, RecursionError) as error:
                raise ToolError(
                    f"{name} ran to its end, but its result ({type(result).__name__}) is not JSON: "
                    f"{error}. The call may have had its effect."
                ) from error
    # a lone surrogate (an undecodable file name) can be neither stored nor sent: it is shown as \udcXX
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


@overload
def tool(function: Callable[..., Any], /) -> Tool: ...
@overload
def tool(
    *,
    effect: Effect = "once",
    approval: ApprovalMode | None = None,
    verify: Verify | None = None,
    timeout_s: float | None = None,
    name: str | None = None,
    description: str | None = None,
    ask_when: AskWhen | None = None,
    basis: BasisOf | None = None,
) -> Callable[[Callable[..., Any]], Tool]: ...
def tool(
    function: Callable[..., Any] | None = None, /, **options: Any
) -> Tool | Callable[[Callable[..., Any]], Tool]:
    """Make a function a `Tool`: `@tool`, or `@tool(effect="read", ...)` with the options of `Tool`.

    Every parameter needs a type hint; `Annotated[int, "how many lines"]` describes it to the model. A
    parameter annotated `ToolContext` receives the context of the call and is not shown to the model.
    """
    if function is not None:
        return Tool(function)

    def decorate(decorated: Callable[..., Any]) -> Tool:
        return Tool(decorated, **options)

    return decorate
