"""The second net under what is drawn. The text came clean, but `&#x202e;` becomes a character only when drawn."""

from __future__ import annotations

import re

# C0, C1, bidi controls and what has no width
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]"
)


def safe(text: str) -> str:
    """`text` without the characters that act on a terminal or cannot be seen. For one line: newlines go too."""
    return _UNSAFE.sub("", text) if not text.isascii() or not text.isprintable() else text
