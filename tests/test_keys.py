"""The keys that a person gives to actions."""

from __future__ import annotations

import pytest
from textual._xterm_parser import XTermParser

from afk_tui.actions import ACTIONS, BY_NAME
from afk_tui.keys import NO_KEY, canonical, keymap, names_of, rebound


def keys(actions) -> dict[str, str]:
    return {action.name: action.key for action in actions}


@pytest.mark.parametrize(
    ("written", "is_key"),
    [
        ("f9", "f9"),
        (" Ctrl + T ", "ctrl+t"),
        ("shift+ctrl+x", "ctrl+shift+x"),
        ("alt+Up", "alt+up"),
        ("ctrl++", "ctrl++"),
        ("[", "["),
        ("crtl+t", None),
        ("ctrl+ctrl+t", None),
        ("f25", None),
        ("pagetop", None),
        ("", None),
        (" ", None),
        ("\x1b", None),
    ],
)
def test_a_key_is_known_however_it_is_written(written: str, is_key: str | None) -> None:
    assert canonical(written) == is_key


def test_an_action_gets_the_keys_that_it_is_given_and_the_first_is_shown() -> None:
    actions, problems = rebound({"copy_last": ("f12", "alt+c"), "new_thread": ("ctrl+t",), "resume": ()})
    by_name = {action.name: action for action in actions}
    assert problems == []
    assert (by_name["copy_last"].key, by_name["copy_last"].key_label) == ("f12,alt+c", "f12")
    assert (by_name["new_thread"].key, by_name["resume"].key) == ("ctrl+t", "")
    assert keymap(actions) == {"copy_last": "alt+c,f12", "new_thread": "ctrl+t", "resume": NO_KEY}
    untouched = [action for action in ACTIONS if action.name not in keymap(actions)]
    assert untouched == [action for action in actions if action.name not in keymap(actions)]


def test_two_actions_may_change_places() -> None:
    actions, problems = rebound({"checkpoints": ("f6",), "compaction": ("f5",)})
    assert problems == []
    assert (keys(actions)["checkpoints"], keys(actions)["compaction"]) == ("f6", "f5")


def test_a_key_given_twice_is_the_first_ones_and_that_is_told() -> None:
    actions, problems = rebound({"find": ("ctrl+t",), "grants": ("Ctrl+T", "f12")})
    assert problems == ["'Ctrl+T' is given to both find and grants; find keeps it."]
    assert (keys(actions)["find"], keys(actions)["grants"]) == ("ctrl+t", "f12")


def test_an_action_that_loses_its_key_to_another_is_told_about() -> None:
    actions, [problem] = rebound({"copy_last": ("f5",)})
    assert (keys(actions)["copy_last"], keys(actions)["checkpoints"]) == ("f5", "")
    assert "f5 is now" in problem
    assert "/checkpoints" in problem
    # and one that was said to need none is not
    assert rebound({"copy_last": ("f5",), "checkpoints": ()})[1] == []


@pytest.mark.parametrize("key", ["enter", "ctrl+c", "tab", "x", "crtl+x", "up", "ctrl+j"])
def test_a_key_that_can_not_be_given_leaves_the_action_as_it_was(key: str) -> None:
    actions, [problem] = rebound({"find": (key,)})
    assert keys(actions)["find"] == BY_NAME["find"].key
    assert repr(key) in problem


def test_an_unknown_action_is_told_with_the_name_that_is_like_it() -> None:
    actions, [problem] = rebound({"newthread": ("f9",), "copy_last": ("f10",)})
    assert "Did you mean new_thread?" in problem
    assert keys(actions)["copy_last"] == "f10"


def test_the_keys_that_actions_come_with_are_keys_that_can_be_given() -> None:
    assert rebound({action.name: (action.key,) for action in ACTIONS if action.key})[1] == []


def test_names_are_those_of_textual() -> None:
    actions, _ = rebound({"find": ("ctrl+_", "alt+[", "f9"), "focus_threads": ()})
    [find] = [action for action in actions if action.name == "find"]
    assert names_of(find) == {"ctrl+underscore", "alt+left_square_bracket", "f9"}
    assert [key.key for key in XTermParser().feed("\x1f\x1b[20~")] == ["ctrl+underscore", "f9"]
