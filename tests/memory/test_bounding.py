"""Of a long result its beginning and its end are shown, and a note that says how to read the rest."""

from __future__ import annotations

import hashlib
import re

import pytest

from afk.memory.bounding import as_shown
from afk.memory.records import CallResult
from afk.outputs import ResultLimits

LIMITS = ResultLimits(1_000, 100_000)
NOTE = re.compile(r"\n(\[Not shown here: .*\])\n")


def shown(text: str, limits: ResultLimits = LIMITS) -> CallResult:
    return as_shown(CallResult("done", text), limits)


@pytest.mark.parametrize("text", ["", "short", "x" * 1_000, "\n" * 1_000])
def test_what_fits_is_shown_as_it_is_and_kept_nowhere_else(text: str) -> None:
    assert shown(text) == CallResult("done", text)


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"line {n}\n" for n in range(5_000)),
        "".join(f"line {n}\r\n" for n in range(5_000)),
        "x" * 50_000,
        "x" * 20_000 + "\n" + "y" * 20_000,
        "short\n" + "x" * 50_000 + "\nshort",
        "\n" * 5_000,
        "é" * 1_001,
    ],
    ids=["lines", "crlf", "one line", "two lines", "a long line between", "empty lines", "one too many"],
)
def test_a_long_result_is_shown_within_the_limit_and_its_ends_are_its_own(text: str) -> None:
    result = shown(text)
    assert result.whole is not None
    assert len(result.text) <= 1_000
    head, note, tail = NOTE.split(result.text)
    assert text.startswith(head)
    assert text.endswith(tail)
    assert result.whole.text == text
    assert result.whole.sha256 == hashlib.sha256(text.encode()).hexdigest()
    assert f'read_output(output="{result.whole.sha256[:12]}"' in note
    assert f"of {len(text):,} characters" in note


def test_it_is_cut_at_lines_and_the_note_names_those_between() -> None:
    result = shown("".join(f"line {n}\n" for n in range(1, 5_001)))
    head, note, tail = NOTE.split(result.text)
    last_shown = int(head.splitlines()[-1].removeprefix("line "))
    next_shown = int(tail.splitlines()[0].removeprefix("line "))
    assert f"lines {last_shown + 1} to {next_shown - 1:,} of 5,000" in note
    assert f"offset={last_shown + 1})" in note


def test_inside_a_long_line_the_note_names_the_column_and_nothing_is_lost_between() -> None:
    text = "".join(f"{n:06}" for n in range(10_000))
    head, note, tail = NOTE.split(shown(text).text)
    found = re.search(r"a part of line 1 of 1, ([\d,]+) of 60,000 characters.*offset=1, column=(\d+)", note)
    assert found
    assert int(found[2]) == len(head) + 1
    assert len(head) + int(found[1].replace(",", "")) + len(tail) == len(text)


@pytest.mark.parametrize(
    "letter", ["e\u0301", "👩\u200d👩\u200d👧", "❤\ufe0f"], ids=["accent", "family", "heart"]
)
def test_no_letter_is_parted_from_its_accents_and_no_emoji_is_cut(letter: str) -> None:
    for shift in range(len(letter)):
        text = "x" * shift + letter * 2_000
        head, _, tail = NOTE.split(shown(text).text)
        assert head.removeprefix("x" * shift).replace(letter, "") == ""
        assert tail.replace(letter, "") == ""


def test_the_same_result_is_shown_the_same_and_once_shown_it_is_not_cut_again() -> None:
    result = shown("x\n" * 5_000)
    assert shown("x\n" * 5_000) == result
    assert as_shown(result, LIMITS) is result


def test_of_more_than_is_kept_both_ends_are_and_it_is_said_how_much_is_lost() -> None:
    text = "a" + "é" * 200_000 + "end"
    result = shown(text)
    assert result.whole is not None
    kept = result.whole.text
    lost = re.search(r"\n\[([\d,]+) bytes are left out here: 100,000 of a result are kept\]\n", kept)
    assert lost
    assert len(kept.encode()) < 100_000 + 100
    assert "\ufffd" not in kept
    assert kept.endswith("éend")
    assert int(lost[1].replace(",", "")) == len(text.encode()) - len(kept.replace(lost[0], "").encode())


def test_without_a_limit_all_that_is_kept_is_shown() -> None:
    assert shown("x" * 90_000, ResultLimits(None, 100_000)).text == "x" * 90_000
    cut = shown("x" * 200_000, ResultLimits(None, 100_000))
    assert (cut.whole, "100,000 bytes are left out here" in cut.text) == (None, True)
