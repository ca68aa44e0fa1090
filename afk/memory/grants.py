"""What an "always allow" covers: a pattern over the calls of one tool, small enough to be read whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

PatternKind = Literal["call", "command_prefix", "path_glob"]
_KINDS = get_args(PatternKind)


@dataclass(frozen=True, slots=True)
class GrantPattern:
    """Calls of `tool` that a grant covers.

    call: the very same call, `value` its hash. command_prefix: commands whose first words are `value`, written as a
    shell would read them. path_glob: files whose path below the workspace fits `value` (`*` inside one component,
    `**` over any number of them). Raises ValueError for any other kind and for an empty tool or value.
    """

    tool: str
    kind: PatternKind
    value: str

    def __post_init__(self) -> None:
        if self.kind not in _KINDS:
            raise ValueError(f"A grant's pattern is of kind {', '.join(_KINDS)}; got {self.kind!r}.")
        if not self.tool or not isinstance(self.value, str) or not self.value.strip():
            raise ValueError(
                f"A grant's pattern names a tool and a value; got {self.tool!r}, {self.value!r}."
            )

    def to_json(self) -> dict[str, str]:
        """The same as a JSON object."""
        return {"tool": self.tool, "kind": self.kind, "value": self.value}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> GrantPattern:
        """The inverse of `to_json`."""
        return cls(value["tool"], value["kind"], value["value"])
