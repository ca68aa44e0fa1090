"""Results of calls that are longer than a model is shown: the limits, and what is known of what is kept.

Here, and nowhere else, stands how much of a result the model is shown and how much of it is kept.
"""

from __future__ import annotations

from dataclasses import dataclass

MAX_RESULT_CHARS = 16_000
MAX_OUTPUT_BYTES = 8 << 20
# below, a note would leave no room for the result itself
LEAST_RESULT_CHARS = 1_000
# the tool that reads on; no agent may have another of this name
READ_OUTPUT = "read_output"
# of a hash, as the model writes it
NAME_CHARS = 12


@dataclass(frozen=True, slots=True)
class ResultLimits:
    """`max_chars` characters of a result are shown to the model (None: all of it), notes among them; `max_bytes` of
    UTF-8 are kept of the whole."""

    max_chars: int | None = MAX_RESULT_CHARS
    max_bytes: int = MAX_OUTPUT_BYTES


DEFAULT_LIMITS = ResultLimits()


@dataclass(frozen=True, slots=True)
class WholeOutput:
    """All of a result of which a part is shown; `sha256` is the hash of its UTF-8 bytes, in hex."""

    sha256: str
    text: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class OutputRecord:
    """A whole result that is kept: characters, lines (from 1; a last one without a line break counts) and bytes."""

    sha256: str
    size_bytes: int
    chars: int
    lines: int


@dataclass(frozen=True, slots=True)
class OutputSlice:
    """A piece of a kept result. `offset`: the place of its first character, from 0; `line` and `column`: the same,
    from 1."""

    text: str
    offset: int
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class OutputMatch:
    """Where a text was found in a kept result."""

    offset: int
    line: int


def name_of(sha256: str) -> str:
    """Under which name a model asks for a result."""
    return sha256[:NAME_CHARS]


def count_lines(text: str) -> int:
    """Lines as people count them: one that no line break ends is one, too."""
    return text.count("\n") + (not text.endswith("\n"))
