"""The keys that a person gave to actions, in place of those that they come with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from afk_tui.actions import ACTIONS, BY_NAME, Action

# A key that no terminal sends: the binding of an action that has none, and can be given one.
NO_KEY = "no_key"

_MODIFIERS = ("ctrl", "alt", "shift", "super", "meta", "hyper")
_NAMED = frozenset(
    {
        *(f"f{number}" for number in range(1, 25)),
        "up",
        "down",
        "left",
        "right",
        "home",
        "end",
        "pageup",
        "pagedown",
    }
    | {"insert", "delete", "backspace", "tab", "enter", "escape", "space"}
)
# what is typed, and what moves in what is typed, stays where it is; ctrl+c, ctrl+z and their like too
_NEEDED = frozenset(
    {
        "up",
        "down",
        "left",
        "right",
        "home",
        "end",
        "pageup",
        "pagedown",
        "insert",
        "delete",
        "backspace",
        "space",
    }
    | {
        "tab",
        "enter",
        "escape",
        "shift+tab",
        "shift+enter",
        "ctrl+c",
        "ctrl+z",
        "ctrl+j",
        "ctrl+m",
        "ctrl+i",
        "ctrl+[",
    }
)


def canonical(key: str) -> str | None:
    """A key as it is compared ("Ctrl + T" is "ctrl+t"), or None where that is no key."""
    head, plus, base = key.strip().rpartition("+")
    if plus and not base:  # the plus itself
        head, base = head.removesuffix("+"), "+"
    base = base.strip()
    known = [modifier.strip().lower() for modifier in head.split("+")] if head else []
    if any(modifier not in _MODIFIERS for modifier in known) or len(set(known)) < len(known):
        return None
    if base.lower() in _NAMED:
        base = base.lower()
    elif len(base) != 1 or not base.isprintable() or base == " ":
        return None
    elif known:
        base = base.lower()
    return "+".join([*sorted(known, key=_MODIFIERS.index), base])


def label(keys: Sequence[str]) -> str:
    """How the keys of an action are written for a person: the first of them."""
    shown = keys[0] if keys else ""
    return {"escape": "esc", "delete": "del"}.get(shown, shown)


def rebound(wanted: Mapping[str, Sequence[str]]) -> tuple[tuple[Action, ...], list[str]]:
    """The actions with the keys of `wanted` (by the action's name; none at all takes its key away), and a sentence for
    each thing that could not be done as it was said.

    A key that is given to two actions is the first one's. One that another action comes with goes to whom it was given.
    """
    problems: list[str] = []
    given: dict[str, tuple[str, ...]] = {}
    owners: dict[str, str] = {}
    for name, keys in wanted.items():
        if name not in BY_NAME:
            problems.append(f"There is no action {name!r} to give a key to. {_like(name)}")
            continue
        kept: list[str] = []
        for key in keys:
            if problem := _objection(key, name, owners):
                problems.append(problem)
            elif (known := canonical(key)) is not None and known not in kept:
                kept.append(known)
                owners[known] = name
        # where nothing of it could be used, the action keeps what it comes with
        if kept or not keys:
            given[name] = tuple(kept)
    actions: list[Action] = []
    for action in ACTIONS:
        if action.name in given:
            keys = given[action.name]
            actions.append(replace(action, key=",".join(keys), key_label=label(keys)))
        elif action.key in owners:
            taker = BY_NAME[owners[action.key]].title
            problems.append(
                f"{action.key} is now {taker!r}, so {action.title!r} has no key: give {action.name} another one, "
                f'or "" to say that it needs none. /{action.command} and the menu still do it.'
            )
            actions.append(replace(action, key="", key_label=""))
        else:
            actions.append(action)
    return tuple(actions), problems


def _objection(key: str, name: str, owners: Mapping[str, str]) -> str | None:
    known = canonical(key)
    if known is None:
        return (
            f"{key!r}, given to {name}, is no key. Keys are written like f9, ctrl+t, alt+up or ctrl+shift+x."
        )
    if known in _NEEDED:
        return f"{key!r} can't be given to {name}: it is needed for writing, moving or leaving."
    if len(known) == 1:
        return f"{key!r} can't be given to {name} alone: it is a letter where one writes. Put ctrl+ or alt+ before it."
    if known in owners and owners[known] != name:
        return f"{key!r} is given to both {owners[known]} and {name}; {owners[known]} keeps it."
    return None


def _like(name: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, BY_NAME, n=1)
    return f"Did you mean {near[0]}?" if near else f"There are: {', '.join(BY_NAME)}."


def keymap(actions: Iterable[Action]) -> dict[str, str]:
    """For `App.set_keymap`: what differs from the keys that the actions come with."""
    changed = (action for action in actions if action.key != BY_NAME[action.name].key)
    return {action.name: ",".join(sorted(names_of(action))) or NO_KEY for action in changed}


def names_of(action: Action) -> frozenset[str]:
    """The keys of an action by Textual's names for them ("[" is "left_square_bracket")."""
    from textual.keys import _character_to_key

    def name(key: str) -> str:
        *modifiers, base = key.rsplit("+", 1) if len(key) > 1 and not key.endswith("+") else (key,)
        return "+".join([*modifiers, _character_to_key(base) if len(base) == 1 else base])

    return frozenset(name(key) for key in action.key.split(",") if key)


def actions_of(app: Any) -> tuple[Action, ...]:
    """The actions with the keys of this app's user."""
    return getattr(app, "actions", ACTIONS)


def keys_of(app: Any) -> frozenset[str]:
    """All keys of actions, by Textual's names for them."""
    return frozenset[str]().union(*map(names_of, actions_of(app)))


def written(key: str) -> str:
    """A key as a word in a sentence: "F4"."""
    return key.upper() if key[:1] == "f" and key[1:].isdigit() else key


def key_of(app: Any, name: str) -> str:
    """How to do an action, in a word: its key, or where it has none its /command."""
    action = next(action for action in actions_of(app) if action.name == name)
    return action.key_label or f"/{action.command}"
