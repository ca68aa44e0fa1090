"""A call's arguments as fields to write in, and back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from afk.agents.agent import Agent
from afk.core.runner import Runner
from afk.memory.records import ApprovalRecord
from afk.tools import ToolArgumentsError
from afk_tui.gateway.clean import clean_exact, clean_line
from afk_tui.gateway.errors import ArgumentProblems, GatewayError, told
from afk_tui.gateway.lookalikes import mark_lookalikes, plainly_written
from afk_tui.gateway.views import ArgumentField


def fields_of(request: ApprovalRecord, edited: dict[str, Any] | None) -> list[ArgumentField]:
    """A field for each argument of the tool, in the order of its schema."""
    arguments = request.arguments if edited is None else edited
    properties: dict[str, Any] = request.schema.get("properties", {})
    names = [*properties, *(name for name in arguments if name not in properties)]
    return [_field(name, arguments.get(name), properties.get(name, {})) for name in names]


def _field(name: str, value: Any, schema: dict[str, Any]) -> ArgumentField:
    about = clean_line(str(schema.get("description", "")))
    label = clean_line(name)
    if schema.get("type") == "string" and isinstance(value, str) and _is_shown_as_it_is(value):
        return ArgumentField(name, "text", value, label, about)
    text = json.dumps(value, ensure_ascii=False, indent=2)
    if not _is_shown_as_it_is(text):
        text = json.dumps(value, indent=2)
    return ArgumentField(name, "json", text, label, about)


def _is_shown_as_it_is(text: str) -> bool:
    """Spaces at an end and tabs are what they are in an editor; every other mark stands for something else."""
    if mark_lookalikes(text, plainly_written(text))[1]:
        return False
    plain = text.replace("\t", " ")
    return clean_exact("\n".join(line.rstrip(" ") for line in plain.split("\n"))) == "\n".join(
        line.rstrip(" ") for line in plain.split("\n")
    )


async def weighed(
    runner: Runner, agent: Agent, request: ApprovalRecord, fields: Sequence[ArgumentField]
) -> dict[str, Any]:
    """The arguments that these fields hold, in the tool's normal form. Raises ArgumentProblems."""
    problems: dict[str, str] = {}
    arguments: dict[str, Any] = {}
    for field in fields:
        if field.kind == "text":
            arguments[field.name] = field.text
            continue
        try:
            arguments[field.name] = json.loads(field.text)
        except (ValueError, RecursionError) as error:
            problems[field.name] = f"This is no JSON: {error}."
    if problems:
        raise ArgumentProblems(problems)
    try:
        with told():
            return await runner.weigh_edit(agent, request.approval_id, arguments)
    except ToolArgumentsError as error:
        for place, what in error.problems:
            name = place.partition(".")[0].partition("[")[0]
            said = what if place in (name, "") else f"{place}: {what}"
            key = name if any(name == field.name for field in fields) else ""
            problems[key] = f"{problems[key]}; {said}" if key in problems else said
        raise ArgumentProblems(problems) from error
    except GatewayError as error:
        raise ArgumentProblems({"": str(error)}) from error
