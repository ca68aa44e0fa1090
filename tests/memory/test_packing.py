"""What is written shorter than it is read: the state of a checkpoint, hashes and keys, the names of calls."""

from __future__ import annotations

from typing import Any

import pytest

from afk.memory.sqlite.naming import place_of
from afk.memory.sqlite.rows import SPENT, packed, state_of, state_text

CHILD = {"call_id": "c", "run_id": "r", "agent_name": "a", "checkpoint": 3}


@pytest.mark.parametrize(
    ("state", "spent", "text"),
    [
        ({"open_calls": []}, (0, 0, 0), "[2]"),
        ({"open_calls": []}, (7, 0, 2), "[2,[7,0,2]]"),
        ({"open_calls": ["a", "b"]}, (0, 0, 0), '[2,[],["a","b"]]'),
        ({"open_calls": [], "forked_from": "run_1.4"}, (0, 0, 0), '[2,[],[],{"forked_from":"run_1.4"}]'),
    ],
)
def test_of_a_state_neither_names_nor_what_is_empty_is_written(
    state: dict[str, Any], spent: tuple[int, int, int], text: str
) -> None:
    assert state_text(state, spent) == text
    used = {name: count for name, count in zip(SPENT, spent, strict=True) if count}
    assert state_of(text) == (state | {"spent": used} if used else state)


def test_a_state_with_everything_in_it_reads_as_it_was_written() -> None:
    state = {"open_calls": ["c"], "children": [CHILD]}
    spent = {"input_tokens": 1, "output_tokens": 2, "tool_calls": 3}
    assert state_of(state_text(state, (1, 2, 3))) == state | {"spent": spent}


def test_a_state_of_the_first_version_reads_as_it_is() -> None:
    text = '{"open_calls":["c"],"spent":{"input_tokens":10},"v":1}'
    assert state_of(text) == {"open_calls": ["c"], "spent": {"input_tokens": 10}, "v": 1}


@pytest.mark.parametrize(
    ("text", "prefix", "kept"),
    [
        ("00ff", "", b"\x00\xff"),
        ("idem_0a", "idem_", b"\x0a"),
        ("0a", "idem_", "0a"),  # not one of ours
        ("0A", "", "0A"),  # it would come back in small letters
        ("0a0", "", "0a0"),
        ("", "", ""),
        ("sha_a", "", "sha_a"),
    ],
)
def test_only_what_comes_back_as_it_was_is_kept_as_bytes(text: str, prefix: str, kept: bytes | str) -> None:
    assert packed(text, prefix) == kept


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("eff_run_1.3.0", ("run_1", 3, 0)),
        ("eff_a.b.12.4", ("a.b", 12, 4)),  # a run may be named like this
        ("eff_4f0c", ("", 0, 0)),
        ("", ("", 0, 0)),
    ],
)
def test_a_call_is_named_by_its_place(name: str, place: tuple[str, int, int]) -> None:
    assert place_of(name) == place
