"""Errors of the gateway, told where they come up instead of ending the app."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar, cast
from weakref import WeakKeyDictionary

from textual.app import App
from textual.screen import Screen

from afk_tui.gateway.errors import GatewayError

P = ParamSpec("P")
S = TypeVar("S", bound=Screen[None])


TOLD_FOR_S = 12.0
_told: WeakKeyDictionary[App[object], dict[str, float]] = WeakKeyDictionary()


def tell_error(screen: Screen[None], error: GatewayError) -> None:
    """Say what happened, what is safe, and what to do: the error's own words. What still stands on the screen is not
    said again: a full disk would fill it with one sentence."""
    now = time.monotonic()
    told = _told.setdefault(cast("App[object]", screen.app), {})
    if now - told.get(str(error), float("-inf")) < TOLD_FOR_S:
        return
    told[str(error)] = now
    screen.notify(str(error), severity="error", timeout=TOLD_FOR_S, markup=False)


def hush(app: App[object]) -> None:
    """Take away what was told in passing, before a question that it would lie on; warnings and errors stay."""
    for one in [one for one in app._notifications if one.severity == "information"]:
        app._unnotify(one)


def telling(
    handler: Callable[Concatenate[S, P], Awaitable[None]],
) -> Callable[Concatenate[S, P], Awaitable[None]]:
    """A handler or action of a screen, whose GatewayErrors are told on it."""

    @wraps(handler)
    async def told(screen: S, *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            await handler(screen, *args, **kwargs)
        except GatewayError as error:
            tell_error(screen, error)

    return told
