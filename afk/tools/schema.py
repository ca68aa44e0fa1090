"""Arguments against their schema, by pydantic. Imported when first needed: pydantic costs 0.1 s."""

from __future__ import annotations

import json
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, create_model
from pydantic.errors import PydanticUserError
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from afk.tools.signature import REQUIRED, Argument


class ArgumentsProblem(ValueError):
    """Written for a model; `problems` are the places and what is wrong there."""

    def __init__(self, message: str, problems: list[tuple[str, str]]) -> None:
        super().__init__(message)
        self.problems = problems


class ArgumentsSchema:
    """The schema of one tool's arguments. Raises TypeError when one of them cannot be written as JSON."""

    def __init__(self, tool_name: str, arguments: tuple[Argument, ...]) -> None:
        self._tool_name = tool_name
        self._arguments = arguments
        # fields are numbered and aliased, so that no argument's name collides with a method of the model
        fields: dict[str, Any] = {f"argument_{n}": self._field(a) for n, a in enumerate(arguments)}
        try:
            self._model: type[BaseModel] = create_model(
                tool_name,
                __config__=ConfigDict(extra="forbid", protected_namespaces=(), validate_default=True),
                **fields,
            )
            self.json_schema: dict[str, Any] = _without_titles(self._model.model_json_schema())
        except PydanticUserError as error:
            raise TypeError(f"tool {tool_name}: its arguments have no JSON Schema: {error}") from error

    def _field(self, argument: Argument) -> tuple[Any, Any]:
        described = Field(alias=argument.name)
        if get_origin(argument.hint) is Annotated:
            texts = [note for note in get_args(argument.hint)[1:] if isinstance(note, str)]
            if texts:
                described = Field(alias=argument.name, description=" ".join(texts))
        hint = Annotated[argument.hint, described]
        if argument.default is REQUIRED:
            return hint, ...
        if not isinstance(argument.default, FieldInfo):
            try:
                to_json_values(TypeAdapter(argument.hint).validate_python(argument.default))
            except ValidationError as error:
                raise TypeError(
                    f"tool {self._tool_name}: the default of {argument.name!r} does not fit its type hint: {error}"
                ) from error
            except ValueError as error:
                raise TypeError(
                    f"tool {self._tool_name}: the default of {argument.name!r} is not JSON: {error}"
                ) from error
        return hint, argument.default

    def _validated(self, arguments: object) -> BaseModel:
        if not isinstance(arguments, dict):
            raise ValueError(
                f"{self._tool_name}: the arguments must be a JSON object, not {type(arguments).__name__}"
            )
        try:
            return self._model.model_validate(arguments)
        except ValidationError as error:
            raise self._explained(error) from error
        except RecursionError as error:
            raise ValueError(f"{self._tool_name}: the arguments are nested too deeply") from error

    def parse(self, arguments: object) -> dict[str, Any]:
        """The values to call the function with, by name. Raises ValueError, written for a model."""
        model = self._validated(arguments)
        return {a.name: getattr(model, f"argument_{n}") for n, a in enumerate(self._arguments)}

    def normalise(self, arguments: object) -> dict[str, Any]:
        """The JSON-safe form of all arguments, defaults filled in. Raises ValueError, written for a model."""
        model = self._validated(arguments)
        try:
            values = model.model_dump(mode="json", by_alias=True, warnings="error")
            json.dumps(values, ensure_ascii=False, allow_nan=False).encode()
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{self._tool_name}: the arguments cannot be kept as JSON: {error}") from error
        return values

    def _explained(self, error: ValidationError) -> ArgumentsProblem:
        problems = [
            (_place(problem["loc"]), _MESSAGES.get(problem["type"], problem["msg"]))
            for problem in error.errors(include_url=False, include_context=False, include_input=False)
        ]
        known = ", ".join(
            f"{name} (required)" if name in self.json_schema.get("required", ()) else name
            for name in self.json_schema["properties"]
        )
        takes = f"it takes {known}" if known else "it takes no arguments"
        said = "; ".join(f"{place}: {what}" for place, what in problems)
        return ArgumentsProblem(f"{self._tool_name}: {said}. Nothing was called; {takes}.", problems)


_MESSAGES = {"extra_forbidden": "there is no such argument", "missing": "is required, and missing"}


def _place(location: tuple[int | str, ...]) -> str:
    text = ""
    for step in location:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def _without_titles(schema: dict[str, Any]) -> dict[str, Any]:
    # pydantic's titles repeat the names, and every request to a model pays for them
    schema.pop("title", None)
    for argument in schema["properties"].values():
        argument.pop("title", None)
    return schema


def to_json_values(value: object) -> Any:
    """`value` with models, dataclasses, dates, sets and the like as JSON values. Raises ValueError."""
    return to_jsonable_python(value)
