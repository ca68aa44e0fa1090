"""Text of a model, cleaned while it arrives."""

from __future__ import annotations

from afk_tui.gateway.clean import TAB_WIDTH, clean

# what `clean` judges by its neighbours: never cut beside one of these
_JOINERS = frozenset("\u200c\u200d\ufe0e\ufe0f")


class CleanStream:
    """Cleans a text piece by piece, with the same marks as if it had come whole.

    The last character is kept back until the next one is known, since what it joins, or whether a CR ends a line,
    can't be told before.
    """

    def __init__(self) -> None:
        self._held = ""
        self._column = 0

    def feed(self, piece: str) -> str:
        """The clean text that is certain now."""
        text = self._held + piece
        cut = len(text) - 1
        while cut > 0 and (text[cut] in _JOINERS or text[cut - 1] in _JOINERS or text[cut - 1] == "\r"):
            cut -= 1
        cut = max(cut, 0)
        self._held = text[cut:]
        return self._clean(text[:cut])

    def end(self) -> str:
        """What was kept back; the next piece begins another text."""
        text, self._held = self._held, ""
        shown = self._clean(text)
        self._column = 0
        return shown

    def _clean(self, text: str) -> str:
        # tab stops are counted from the beginning of the line, most of which was shown before
        shown = clean(" " * self._column + text)[self._column :]
        _, newline, line = shown.rpartition("\n")
        self._column = (len(line) if newline else self._column + len(line)) % TAB_WIDTH
        return shown
