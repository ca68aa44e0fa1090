"""Errors of the gateway, told where they come up instead of ending the app."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from textual.screen import Screen

from afk_tui.gateway.errors import GatewayError

P = ParamSpec("P")
S = TypeVar("S", bound=Screen[None])


def tell_error(screen: Screen[None], error: GatewayError) -> None:
    """Say what happened, what is safe, and what to do: the error's own words."""
    screen.notify(str(error), severity="error", timeout=12, markup=False)


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
