"""Values of the command line: ids and durations."""

from __future__ import annotations

import re

import click

_DURATION = re.compile(r"(\d{1,9})([smhdw])")
_UNIT_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}


class Duration(click.ParamType[int]):
    """A length of time such as 90m, 24h or 7d, as milliseconds."""

    name = "duration"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        found = _DURATION.fullmatch(value.strip())
        if found is None or int(found[1]) == 0:
            self.fail(f"{value!r} is not a length of time above zero, such as 90m, 24h or 7d.", param, ctx)
        return int(found[1]) * _UNIT_MS[found[2]]


def duration(ms: int) -> str:
    """The same as a person would write it: in the largest unit that fits it evenly."""
    unit = next((unit for unit in "wdhms" if ms % _UNIT_MS[unit] == 0), None)
    return f"{ms // _UNIT_MS[unit]}{unit}" if unit else f"{ms / 1000:g}s"


class Id(click.ParamType[str]):
    """The name of a thread, a run or a request: any text that is not empty."""

    name = "id"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not value.strip():
            self.fail("an id can't be empty. Take it from: afk-tui threads, runs or approvals", param, ctx)
        return value
