"""A conversation of many times its model's context, killed on the way, in short. The long form, of 500 turns:
python -m tests.crash.long_talk."""

from __future__ import annotations

import pytest

from tests.crash.long_talk import ASKED_EVERY, WORD, Heard, Talk, hear

TALK = Talk(turns=60, window=3_000, kills=3)


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> Heard:
    """The story, told once."""
    return hear(TALK, tmp_path_factory.mktemp("talk"))


def test_a_talk_of_many_windows_goes_on_to_its_end_through_every_kill(heard: Heard) -> None:
    assert heard.kills == TALK.kills
    assert heard.runs == [("completed", TALK.turns)]
    assert heard.integrity == "ok"
    assert heard.summaries >= 5
    notes = [line.split()[0] for line in heard.ledger]
    assert sorted(set(notes), key=int) == [str(n) for n in range(3, TALK.turns + 1, 3) if n % ASKED_EVERY]
    # what may be repeated is repeated under its own key
    assert len(set(heard.ledger)) == len(set(notes))


def test_every_request_is_whole_and_only_the_one_that_taught_how_long_they_may_be_was_too_long(
    heard: Heard,
) -> None:
    assert (heard.malformed, heard.out_of_order) == ([], [])
    assert 0 < heard.largest <= TALK.window
    assert len(heard.refused) == 1


def test_what_was_said_in_turn_three_can_still_be_answered(heard: Heard) -> None:
    assert heard.answers == [f"The word was {WORD}."] * (TALK.turns // ASKED_EVERY)


def test_what_a_turn_takes_on_disk_does_not_grow_with_the_talk(heard: Heard) -> None:
    middle, last = heard.growth[1], heard.growth[-1]
    # whole pages: two more or less for a dozen turns are no growth
    assert last <= 1.3 * middle + 1_000
