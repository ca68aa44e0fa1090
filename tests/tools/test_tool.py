"""What `@tool` promises to who declares a tool, to the runner and to the model."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from afk.tools import Tool, ToolArgumentsError, ToolContext, ToolError, tool

from .conftest import MakeContext


@tool
def remember(
    key: Annotated[str, "what to remember it by"],
    ctx: ToolContext,
    times: int = 1,
    tone: Literal["loud", "soft"] = "soft",
) -> str:
    """Remember something."""
    return f"{key} {times} {tone} {ctx.call_id}"


def test_a_bare_decorator_takes_the_careful_defaults() -> None:
    assert (remember.name, remember.description) == ("remember", "Remember something.")
    assert (remember.effect, remember.approval) == ("once", "policy")
    assert (remember.verify, remember.timeout_s, remember.ask_when) == (None, None, None)


def test_only_reading_needs_no_approval_by_default() -> None:
    def look() -> str:
        """Look."""
        return ""

    assert tool(effect="read")(look).approval == "never"
    assert tool(effect="idempotent")(look).approval == "policy"
    assert tool(effect="read", approval="always")(look).approval == "always"


def test_the_schema_describes_the_arguments_and_hides_the_context() -> None:
    assert remember.parameters == {
        "type": "object",
        "additionalProperties": False,
        "required": ["key"],
        "properties": {
            "key": {"type": "string", "description": "what to remember it by"},
            "times": {"type": "integer", "default": 1},
            "tone": {"type": "string", "enum": ["loud", "soft"], "default": "soft"},
        },
    }
    assert remember.parameters is remember.parameters


def test_pydantic_fields_describe_and_limit_arguments() -> None:
    @tool(effect="read")
    def count(
        json: Annotated[int, Field(ge=1, description="how many")], copy: int = Field(default=7, le=9)
    ) -> int:
        """Count."""
        return json + copy

    assert count.parameters["properties"]["json"] == {
        "type": "integer",
        "minimum": 1,
        "description": "how many",
    }
    assert count.validate({"json": 2}) == {"json": 2, "copy": 7}
    with pytest.raises(ToolArgumentsError, match=r"copy: .*less than or equal to 9"):
        count.validate({"json": 2, "copy": 10})


def test_a_tool_without_arguments_has_an_object_schema() -> None:
    @tool(effect="read")
    def now() -> str:
        """The time."""
        return ""

    assert now.parameters == {"type": "object", "additionalProperties": False, "properties": {}}
    assert now.validate({}) == {}
    with pytest.raises(ToolArgumentsError, match="it takes no arguments"):
        now.validate({"zone": "utc"})


def test_arguments_come_back_converted_with_defaults_and_stay_the_same_when_validated_again() -> None:
    once = remember.validate({"times": "3", "key": "k"})
    assert once == {"key": "k", "times": 3, "tone": "soft"}
    assert list(once) == ["key", "times", "tone"]
    assert remember.validate(once) == once


def test_validated_arguments_are_json() -> None:
    @tool
    def store(where: Path, tags: set[str]) -> str:
        """Store."""
        return f"{type(where).__name__} {type(tags).__name__}"

    values = store.validate({"where": "a/b", "tags": ["x", "x"]})
    assert json.loads(json.dumps(values)) == {"where": "a/b", "tags": ["x"]}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({}, "key: is required, and missing"),
        ({"key": 1}, "key: .*valid string"),
        ({"key": "k", "tmes": 2}, "tmes: there is no such argument.*it takes key .required., times, tone"),
        ({"key": "k", "tone": "shrill"}, "tone: .*'loud' or 'soft'"),
        ({"key": "\ud800"}, "cannot be kept as JSON: .*surrogates"),
        (["k"], "must be a JSON object, not list"),
        ({"key": "k", "times": "three", "tone": 1}, "times: .*; tone: "),
    ],
)
def test_wrong_arguments_are_told_so_that_a_model_can_mend_them(arguments: Any, says: str) -> None:
    with pytest.raises(ToolArgumentsError, match=says):
        remember.validate(arguments)


def test_numbers_that_json_cannot_hold_are_refused() -> None:
    @tool
    def weigh(kilos: float) -> str:
        """Weigh."""
        return ""

    with pytest.raises(ToolArgumentsError, match="kept as JSON"):
        weigh.validate({"kilos": float("nan")})


async def test_a_sync_tool_runs_in_a_thread_of_its_own(context: MakeContext) -> None:
    @tool
    def where(ctx: ToolContext) -> str:
        """Where."""
        return f"{threading.current_thread() is threading.main_thread()} {ctx.run_id}"

    assert where.is_threaded
    assert await where.call(context(), {}) == "False run_1"


async def test_an_async_tool_is_awaited_on_the_loop(context: MakeContext) -> None:
    @tool
    async def where(prefix: str, ctx: ToolContext) -> str:
        """Where."""
        await asyncio.sleep(0)
        return f"{prefix} {threading.current_thread() is threading.main_thread()} {ctx.run_id}"

    assert not where.is_threaded
    assert await where.call(context(), {"prefix": "main"}) == "main True run_1"


async def test_wrong_arguments_reach_no_function(context: MakeContext) -> None:
    called: list[str] = []

    @tool
    def act(what: str) -> None:
        """Act."""
        called.append(what)

    with pytest.raises(ToolArgumentsError):
        await act.call(context(), {"what": "x", "how": "y"})
    assert called == []


@pytest.mark.parametrize("kind", [ToolError, KeyError, StopIteration])
async def test_what_a_tool_raises_comes_out_of_its_call(context: MakeContext, kind: type[Exception]) -> None:
    @tool
    def fail() -> str:
        """Fail."""
        raise kind("broken")

    with pytest.raises(RuntimeError if kind is StopIteration else kind):
        await fail.call(context(), {})


async def test_results_that_are_no_text_are_json(context: MakeContext) -> None:
    @dataclass
    class Point:
        x: int

    results: list[Any] = [{"a": "é"}, None, [1, 2.5], Point(3)]

    @tool
    def give() -> Any:
        """Give."""
        return results.pop(0)

    texts = [await give.call(context(), {}) for _ in range(4)]
    assert texts == ['{"a": "é"}', "null", "[1, 2.5]", '{"x": 3}']


async def test_a_result_that_cannot_be_json_is_an_error_and_not_lost(context: MakeContext) -> None:
    @tool
    def give() -> object:
        """Give."""
        return {"socket": object()}

    with pytest.raises(ToolError, match=r"give ran to its end, but its result .dict. is not JSON"):
        await give.call(context(), {})


async def test_a_result_can_always_be_encoded(context: MakeContext) -> None:
    @tool
    def give() -> str:
        """Give."""
        return "name\udcff"

    text = await give.call(context(), {})
    assert text.encode() == b"name\\udcff"


def test_a_sync_tool_that_hangs_does_not_keep_the_process_from_ending(tmp_path: Path) -> None:
    program = """
import asyncio, threading, sys
from pathlib import Path
from afk.tools import tool, ToolContext
begun = threading.Event()

@tool
def hang() -> str:
    '''Hang.'''
    begun.set()
    threading.Event().wait()
    return ""

async def main():
    call = asyncio.create_task(hang.call(ToolContext(Path("."), "r", "t", "c", "k"), {}))
    while not begun.is_set():
        await asyncio.sleep(0.001)
    call.cancel()
    await asyncio.wait([call])
    assert call.cancelled()

asyncio.run(main())
print("ended")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=20)
    assert (done.stdout, done.stderr) == ("ended\n", "")


def test_importing_and_declaring_tools_does_not_import_pydantic() -> None:
    program = """
import sys
from afk.tools import tool

@tool
def act(what: str) -> str:
    '''Act.'''
    return what

assert "pydantic" not in sys.modules
act.parameters
assert "pydantic" in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=20)


def documented() -> None:
    """A docstring."""


@pytest.mark.parametrize(
    ("options", "kind", "says"),
    [
        ({"effect": "write"}, ValueError, "effect is one of read, idempotent, once, not 'write'"),
        ({"approval": "ask"}, ValueError, "approval is one of never, always, policy, not 'ask'"),
        ({"timeout_s": 0}, ValueError, "positive number of seconds"),
        ({"timeout_s": float("inf")}, ValueError, "positive number of seconds"),
        ({"name": "my tool"}, ValueError, "1 to 64 letters"),
        ({"verify": True}, TypeError, "verify is a function"),
        ({"description": "  "}, ValueError, "write a docstring"),
        ({"retries": 3}, TypeError, "retries"),
    ],
)
def test_a_declaration_that_makes_no_sense_is_refused(
    options: dict[str, Any], kind: type[Exception], says: str
) -> None:
    with pytest.raises(kind, match=says):
        tool(**options)(documented)


def test_a_function_that_cannot_be_described_is_refused() -> None:
    def untyped(what) -> None:  # type: ignore[no-untyped-def]
        """Act."""

    def undocumented(what: str) -> None: ...

    def several(*what: str) -> None:
        """Act."""

    def yields() -> Iterator[int]:
        """Act."""
        yield 1

    def unknown(what: Missing) -> None:  # type: ignore[name-defined]  # noqa: F821
        """Act."""

    def two(a: ToolContext, b: ToolContext) -> None:
        """Act."""

    for function, says in (
        (untyped, "parameter 'what' has no type hint"),
        (several, "cannot be given by name"),
        (yields, "a generator"),
        (unknown, "a type hint names 'Missing'"),
        (two, "only one parameter"),
        (print, "a tool of a function"),
    ):
        with pytest.raises(TypeError, match=says):
            tool(function)
    with pytest.raises(ValueError, match="write a docstring"):
        tool(undocumented)


def test_a_type_without_a_json_form_is_refused_when_the_schema_is_asked_for() -> None:
    @tool
    def act(lock: threading.Event) -> None:
        """Act."""

    with pytest.raises(TypeError, match="tool act: its arguments have no JSON Schema"):
        _ = act.parameters

    @tool
    def wait(times: Any = object()) -> None:  # noqa: B008
        """Wait."""

    with pytest.raises(TypeError, match="the default of 'times' is not JSON"):
        _ = wait.parameters


def test_a_default_that_its_own_type_refuses_is_refused() -> None:
    @tool
    def wait(times: int = None) -> None:  # type: ignore[assignment]  # noqa: RUF013
        """Wait."""

    with pytest.raises(TypeError, match="the default of 'times' does not fit its type hint"):
        wait.validate({})


def test_a_default_and_the_same_value_given_are_the_same_arguments() -> None:
    @tool
    def wait(seconds: float = 3, where: Path = Path("a")) -> None:
        """Wait."""

    assert json.dumps(wait.validate({})) == json.dumps(wait.validate({"seconds": "3", "where": "a"}))


def test_a_tool_keeps_its_function_for_direct_use() -> None:
    assert isinstance(remember, Tool)
    assert remember.function.__name__ == "remember"
