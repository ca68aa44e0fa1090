"""A function's signature, read as the arguments of a tool."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

REQUIRED = inspect.Parameter.empty


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument that a model gives. `default` is `REQUIRED` where there is none."""

    name: str
    hint: Any
    default: Any


def read_signature(function: Any, context_type: type) -> tuple[str | None, tuple[Argument, ...]]:
    """The parameter that receives the context, if any, and the arguments in order.

    Raises TypeError for what cannot be called by name or described to a model.
    """
    if not (inspect.isfunction(function) or inspect.ismethod(function)):
        raise TypeError(f"@tool makes a tool of a function, not of {function!r}")
    name = function.__name__
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise TypeError(f"tool {name}: a generator has no single result; return it instead of yielding")
    parameters = inspect.signature(function).parameters.values()
    for parameter in parameters:
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise TypeError(f"tool {name}: {parameter} cannot be given by name; use ordinary parameters")
        if parameter.annotation is parameter.empty:
            raise TypeError(f"tool {name}: parameter {parameter.name!r} has no type hint")
    hints = _hints(function)
    context_name: str | None = None
    arguments: list[Argument] = []
    for parameter in parameters:
        hint = hints[parameter.name]
        bare = typing.get_args(hint)[0] if typing.get_origin(hint) is typing.Annotated else hint
        if bare is context_type:
            if context_name is not None:
                raise TypeError(f"tool {name}: only one parameter can be the {context_type.__name__}")
            context_name = parameter.name
        else:
            arguments.append(Argument(parameter.name, hint, parameter.default))
    return context_name, tuple(arguments)


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    # without the return type, which is nobody's business here and often imported for type checkers only
    try:
        annotations = {name: hint for name, hint in function.__annotations__.items() if name != "return"}
        return typing.get_type_hints(
            SimpleNamespace(__annotations__=annotations),
            globalns=getattr(function, "__globals__", {}),
            include_extras=True,
        )
    except NameError as error:
        raise TypeError(
            f"tool {function.__name__}: a type hint names {error.name!r}, which is not known at module level"
        ) from error
