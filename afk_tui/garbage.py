"""What lasts is kept out of Python's search for garbage, which would stop the app each time for as long as it takes to
look at all of it: 40 ms after the start, 60 to 107 ms with a conversation of 100,000 messages.

Only in the program, whose start switches the search off (`start.py`): in another one, as a test, what was there before
the app is not the app's to decide on.
"""

from __future__ import annotations

import gc

_is_program = False


def begin_search() -> None:
    """Search for garbage from now on; what is there by now stays."""
    global _is_program
    if not gc.isenabled():
        _is_program = True
        gc.freeze()
        gc.enable()


def keep_what_is_there() -> None:
    """After much that lasts was made: search once, then never again in what is left. What of it is let go of later is
    freed all the same, unless it refers to itself in a circle."""
    if _is_program:
        gc.collect()
        gc.freeze()
