"""The command palette offers the menu's actions, with their keys, and nothing else."""

from __future__ import annotations

from functools import partial
from typing import Protocol, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from afk_tui.actions import Action
from afk_tui.keys import actions_of


class RunsMainActions(Protocol):
    """The app, as the palette knows it."""

    def run_main_action(self, name: str) -> object:
        """Run `action_NAME` of the main screen."""
        ...


def _help(action: Action) -> str:
    return " · ".join(part for part in (action.key_label, f"/{action.command}", action.about) if part)


def offered(app: object) -> list[Action]:
    """What the palette offers: itself is open already."""
    return [action for action in actions_of(app) if action.name != "palette"]


class AfkCommands(Provider):
    """Made for `App.COMMANDS = {AfkCommands}`; the app is a `RunsMainActions`."""

    async def discover(self) -> Hits:
        """Every action, in the menu's order."""
        for action in offered(self.app):
            yield DiscoveryHit(
                Content(action.title), self._run(action), text=action.title, help=_help(action)
            )

    async def search(self, query: str) -> Hits:
        """The actions whose title, /command or key is like `query`."""
        matcher = self.matcher(query)
        for action in offered(self.app):
            named = matcher.match(action.title)
            also = max(matcher.match(f"/{action.command}"), matcher.match(action.key_label))
            if max(named, also) > 0:
                title = matcher.highlight(action.title) if named > 0 else Content(action.title)
                yield Hit(max(named, also), title, self._run(action), text=action.title, help=_help(action))

    def _run(self, action: Action) -> partial[object]:
        return partial(cast("RunsMainActions", self.app).run_main_action, action.name)
