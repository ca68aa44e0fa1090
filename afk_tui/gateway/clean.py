"""Text of others, made harmless: what could deceive a reader or command the terminal becomes a visible mark.

Everything that the app shows and did not write itself goes through here once, on its way from the engine to
the views: `clean` for a conversation, `clean_line` for a title, `clean_exact` for what is to be approved.
Marks are "␛" (and its like for the other control characters of ASCII), "␡", "⟨9b⟩" for the C1 controls and
"⟨U+202E⟩" for the rest. Cleaning what is clean changes nothing.
"""

from __future__ import annotations

import re
from functools import cache

TAB_WIDTH = 4

# Hidden from a reader or obeyed by a terminal: controls, bidi and other format characters, fillers, line
# separators, tags, lone surrogates, noncharacters. `_JOINERS` are marked only where they join nothing.
_PRINTABLE_BUT_HIDDEN = (
    "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef"
)
_HIDDEN = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff"
    "\ufdd0-\ufdef\ufeff\ufff0-\ufffb\ufffe\uffff\U00013430-\U0001345f\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    + "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0x10000, 0x110000, 0x10000))
    + _PRINTABLE_BUT_HIDDEN
)
_IS_HIDDEN = re.compile(f"[{_HIDDEN}]")
_ANY_PRINTABLE_BUT_HIDDEN = re.compile(f"[{_PRINTABLE_BUT_HIDDEN}]")
_HIDDEN_SPACES = (
    "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u2800\u3000"
)
_ANY_HIDDEN_SPACE = re.compile(f"[{_HIDDEN_SPACES}]")

_EMOJI = (
    "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23ff\u24c2\u25aa-\u27bf\u2934\u2935\u2b00-\u2bff"
    "\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
)
# Arabic, Syriac and the scripts of India, Burma and Cambodia are misspelt without their joiners.
_JOINING = "\u0600-\u06ff\u0700-\u077f\u08a0-\u08ff\u0900-\u0dff\u1000-\u109f\u1780-\u17ff"
_JOINERS = re.compile("[\u200c\u200d\ufe0e\ufe0f]")
_IDLE_SELECTOR = f"(?<![{_EMOJI}])(?!(?<=[0-9#*])\ufe0f\u20e3)[\ufe0e\ufe0f]"
_IDLE_EMOJI_JOINER = f"(?<![{_EMOJI}])(?<![{_EMOJI}]\ufe0f)\u200d|\u200d(?![{_EMOJI}])"
# A joiner between two others joins nothing; taken together, a run of a million costs no more than one.
_IDLE_RUN = "(?<=[\u200c\u200d\ufe0e\ufe0f])[\u200c\u200d\ufe0e\ufe0f]+(?=[\u200c\u200d\ufe0e\ufe0f])"
_IDLE_JOINER = (
    f"{_IDLE_RUN}|{_IDLE_SELECTOR}|"
    f"(?!(?<=[{_JOINING}])[\u200c\u200d][{_JOINING}])(?:{_IDLE_EMOJI_JOINER}|\u200c)"
)
_IDLE_JOINER_EXACT = f"{_IDLE_RUN}|{_IDLE_SELECTOR}|{_IDLE_EMOJI_JOINER}|\u200c"
# compiled with the first text that has a joiner: it takes as long as the rest of this module three times over
_compiled = cache(re.compile)
_TRAILING_SPACES = re.compile(r" +(?=\n|\r|\Z)")


def _mark(code: int) -> str:
    """The visible stand-in of the character `code`."""
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    if code < 0xA0:
        return f"⟨{code:02x}⟩"
    return f"⟨U+{code:04X}⟩"


def _is_marked(code: int) -> bool:
    character = chr(code)
    return bool(_IS_HIDDEN.match(character)) and not _JOINERS.match(character)


class _Marks(dict[int, str | int]):
    """A table for `str.translate` that fills itself with the characters met."""

    def __missing__(self, code: int) -> str | int:
        self[code] = made = _mark(code) if _is_marked(code) else code
        return made


class _WithoutMarked(dict[int, int | None]):
    """The same, of a table that deletes them."""

    def __missing__(self, code: int) -> int | None:
        self[code] = made = None if _is_marked(code) else code
        return made


_MARKS = _Marks()
_WITHOUT_MARKED = _WithoutMarked()
# No `__missing__` to call: with it `translate` takes 1.5 ms a megabyte.
_ASCII_MARKS = {code: _mark(code) for code in (*range(0x20), 0x7F) if chr(code) not in "\t\n"}
_CONTEXT_MARKS = {
    ord(character): _mark(ord(character)) for character in "\u200c\u200d\ufe0e\ufe0f" + _HIDDEN_SPACES
}
_WITHOUT_ASCII_MARKED = dict.fromkeys(_ASCII_MARKS)


def _mark_match(match: re.Match[str]) -> str:
    return match.group().translate(_CONTEXT_MARKS)


def _may_hide(text: str) -> bool:
    """False if nothing in `text` is to be marked. Five times as fast as a search for `_HIDDEN`."""
    plain = text.replace("\n", "").replace("\t", "")
    return not plain.isprintable() or _ANY_PRINTABLE_BUT_HIDDEN.search(text) is not None


def _mark_hidden(text: str, idle_joiner: str) -> str:
    if text.isascii():
        return text.translate(_ASCII_MARKS)
    if not _may_hide(text):
        return text
    if _JOINERS.search(text):
        text = _compiled(idle_joiner).sub(_mark_match, text)
    return text.translate(_MARKS)


def clean(text: str, *, keep_newlines: bool = True) -> str:
    """`text` with a visible mark for each character that could deceive or reach the terminal raw.

    Only "\\n" is left of the controls: CR LF becomes "\\n", a lone CR "␍", tabs spaces up to the next
    multiple of `TAB_WIDTH`. Zero-width joiners and variation selectors stay where they join emoji, or letters
    of a script that needs them. Without `keep_newlines` the result is one line: see `clean_line`.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    text = _mark_hidden(text, _IDLE_JOINER)
    if "\t" in text:
        text = text.expandtabs(TAB_WIDTH)
    return text if keep_newlines else text.replace("\n", "⏎")


def clean_line(text: str) -> str:
    """`clean`, and on one line: each newline becomes "⏎"."""
    return clean(text, keep_newlines=False)


def clean_exact(text: str) -> str:
    """`clean` for what is approved: shows also what is harmless on the screen but matters when executed.

    Spaces at the end of a line become "·", a tab "→" and spaces, the CR of CR LF "␍", a space other than
    ASCII's its code point. Give it the text itself, before a diff puts marks of its own at the start of lines.
    """
    if " \n" in text or " \r" in text or text.endswith(" "):
        text = _TRAILING_SPACES.sub(lambda match: "·" * len(match.group()), text)
    text = _mark_hidden(text, _IDLE_JOINER_EXACT)
    if not text.isascii() and _ANY_HIDDEN_SPACE.search(text):
        text = _ANY_HIDDEN_SPACE.sub(_mark_match, text)
    return _show_tabs(text) if "\t" in text else text


def _show_tabs(text: str) -> str:
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if "\t" in line:
            *before, last = line.split("\t")
            shown = ""
            for part in before:
                shown += part
                shown += "→".ljust(TAB_WIDTH - len(shown) % TAB_WIDTH)
            lines[number] = shown + last if last else shown.rstrip(" ")
    return "\n".join(lines)


def mark_count(text: str) -> int:
    """How many characters `clean` makes visible because they could deceive; CR LF and tabs don't count."""
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    if text.isascii():
        return len(text) - len(text.translate(_WITHOUT_ASCII_MARKED))
    if not _may_hide(text):
        return 0
    idle = 0
    if _JOINERS.search(text):
        idle = sum(len(match.group()) for match in _compiled(_IDLE_JOINER).finditer(text))
    return idle + len(text) - len(text.translate(_WITHOUT_MARKED))
