"""Large pastes in a draft: a short line stands for each where one writes, and the whole of it is sent.

Where a draft is kept, a pasted part stands between two control characters that no text of a draft can hold (they are
made visible when text comes in), so that it is folded again when the draft is shown again.
"""

from __future__ import annotations

import re

FOLD_CHARS = 8_000
"""A paste above this, or of more than FOLD_LINES lines, is folded: a wrapped line of a composer costs at each key."""
FOLD_LINES = 100
UNFOLD_CHARS = 64_000
"""A paste up to this can be unfolded where it stands; above it, it can be looked at."""

_BEGIN, _END = "\x02", "\x03"
_TOKEN = re.compile(r"\[pasted \d+: [^\[\]\n]*\]")
_KEPT = re.compile(f"{_BEGIN}([^{_BEGIN}{_END}]*){_END}")


def line_count(text: str) -> int:
    """How many lines a person would count: a line break at the end begins no other."""
    return text.count("\n") + (not text.endswith("\n"))


class Pastes:
    """The pastes of one composer, by the line that stands for each. None is forgotten: an undo may bring it back."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def fold(self, text: str) -> str:
        """What is to be inserted for a paste: itself, or the line that stands for it."""
        lines = line_count(text)
        if len(text) <= FOLD_CHARS and lines <= FOLD_LINES:
            return text
        said = f"{lines:,} lines" if lines > 1 else f"{len(text):,} characters"
        token = f"[pasted {len(self._texts) + 1}: {said} · ctrl+o]"
        self._texts[token] = text
        return token

    def text_of(self, token: str) -> str | None:
        """The paste that a line stands for."""
        return self._texts.get(token)

    def spans(self, line: str) -> list[tuple[int, int]]:
        """Where in a line of a draft something stands for a paste: first and end column."""
        if not self._texts or "[pasted " not in line:
            return []
        return [match.span() for match in _TOKEN.finditer(line) if match.group() in self._texts]

    def whole(self, draft: str) -> str:
        """The message: every paste in its place."""
        return self._replaced(draft, "{}")

    def kept(self, draft: str) -> str:
        """The same with a mark around each, as a draft is kept."""
        return self._replaced(draft, f"{_BEGIN}{{}}{_END}")

    def shown(self, kept: str) -> str:
        """A draft that was kept, as it is shown. One that comes from elsewhere is folded if it is large."""
        if _BEGIN not in kept:
            return self.fold(kept)
        return _KEPT.sub(lambda match: self.fold(match[1]), kept).replace(_BEGIN, "").replace(_END, "")

    def _replaced(self, draft: str, form: str) -> str:
        if not self._texts or "[pasted " not in draft:
            return draft
        before, after = form.split("{}")

        def put(match: re.Match[str]) -> str:
            text = self._texts.get(match.group())
            return match.group() if text is None else f"{before}{text}{after}"

        return _TOKEN.sub(put, draft)
