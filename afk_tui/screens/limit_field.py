"""One limit of a policy: an age with its unit or a count, or nothing for no limit."""

from __future__ import annotations

import re
from collections.abc import Callable

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Label, Static

from afk_tui.widgets.typing_order import LineInput

_AGE = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)", re.IGNORECASE)
_UNITS_MS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1_000),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60_000),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3_600_000),
    **dict.fromkeys(("d", "day", "days"), 86_400_000),
    **dict.fromkeys(("w", "week", "weeks"), 604_800_000),
}
LONGEST_AGE_MS = 100 * 365 * 86_400_000
LARGEST_COUNT = 1_000_000_000


def parse_age(text: str) -> int | None:
    """Milliseconds of "24h", "7d", "90m", "1.5 days"; None for nothing. Raises ValueError, which says what to write."""
    text = text.strip()
    if not text:
        return None
    found = _AGE.fullmatch(text)
    if found is None:
        raise ValueError("Write a number and a unit, such as 24h, 7d or 90m.")
    if not found[2]:
        raise ValueError(f"{found[1]} what? Add a unit: {found[1]}h, {found[1]}d or {found[1]}m.")
    unit_ms = _UNITS_MS.get(found[2].lower())
    if unit_ms is None:
        raise ValueError("The unit is one of s, m, h, d, w: seconds to weeks.")
    age_ms = int(float(found[1]) * unit_ms)
    if age_ms <= 0:
        raise ValueError("More than zero, or nothing for no limit.")
    if age_ms > LONGEST_AGE_MS:
        raise ValueError("More than 100 years: leave it empty for no limit.")
    return age_ms


def parse_count(text: str) -> int | None:
    """A count of rows, "50" or "1,000"; None for nothing. Raises ValueError, which says what to write."""
    text = text.strip()
    if not text:
        return None
    digits = re.sub(r"(?<=\d)[, _](?=\d{3}(?!\d))", "", text)
    if not re.fullmatch(r"\d{1,20}", digits):
        raise ValueError("Write a whole number, such as 50, or nothing for no limit.")
    number = int(digits)
    if number <= 0:
        raise ValueError("More than zero, or nothing for no limit.")
    if number > LARGEST_COUNT:
        raise ValueError("That many there never are: leave it empty for no limit.")
    return number


class LimitField(Vertical):
    """A labelled input; what is wrong with its value stands under it."""

    def __init__(
        self, label: str, value: str, placeholder: str, parse: Callable[[str], int | None], *, id: str
    ) -> None:
        super().__init__(id=id)
        self._label = label
        self._first_value = value
        self._placeholder = placeholder
        self._parse = parse

    def compose(self) -> ComposeResult:
        """Label, input; error."""
        with Horizontal():
            yield Label(self._label, markup=False)
            yield LineInput(self._first_value, placeholder=self._placeholder, max_length=40, compact=True)
        yield Static(classes="error")

    @property
    def input(self) -> Input:
        """Where it is typed."""
        return self.query_one(Input)

    def read(self) -> int | None:
        """The limit (None for none). Raises ValueError, having said why under the input."""
        error = self.query_one(".error", Static)
        try:
            value = self._parse(self.input.value)
        except ValueError as wrong:
            error.update(Content(str(wrong)))
            self.add_class("-wrong")
            raise
        error.update(Content())
        self.remove_class("-wrong")
        return value
