"""Errors that nothing knows how to tell: the app tells them."""

from __future__ import annotations

from typing import cast

from textual.dom import DOMNode
from textual.worker import Worker


class TellsBugs:
    """For every screen and widget that runs workers: what fails in one in a way that it does not know is for the app.

    Textual tells the node alone that its worker failed, and one that is closing not even that: what fails there for
    want of widgets that are gone is no bug.
    """

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """The app decides what is told of it."""
        cast("DOMNode", self).app.post_message(event)
