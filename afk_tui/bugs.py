"""Errors that nothing knows how to tell: the app tells them."""

from __future__ import annotations

from typing import Any, cast

from textual._context import active_message_pump
from textual.app import App
from textual.css.query import NoMatches
from textual.dom import DOMNode
from textual.worker import Worker


def is_of_leaving(app: App[Any], error: Exception) -> bool:
    """Whether `error`, raised now, is only a want of widgets in what is being left: the whole app, or the screen or
    widget that handles a message. Textual mounts nothing more there, but still lets the rest of it begin."""
    if not isinstance(error, NoMatches):
        return False
    if app._exit or not app.is_running:
        return True
    pump = active_message_pump.get(None)
    nodes = pump.ancestors_with_self if isinstance(pump, DOMNode) else []
    return any(node._closing or node._pruning for node in nodes)


class TellsBugs:
    """For every screen and widget that runs workers: what fails in one in a way that it does not know is for the app.

    Textual tells the node alone that its worker failed, and one that is closing not even that: what fails there for
    want of widgets that are gone is no bug.
    """

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """The app decides what is told of it."""
        cast("DOMNode", self).app.post_message(event)
