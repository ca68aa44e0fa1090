"""Letters that look like others: a Cyrillic "а" in a command is no "a", and nobody can see that.

Marked is what stands between letters that it does not belong to, what could be read as ASCII from end to end, and signs
that look like those a shell or a path is made of. A word of one script is left as it is where that script is plainly
written: what is read fluently is not taken apart.
"""

from __future__ import annotations

import re

# Letters that are hard to tell from ASCII ones in a terminal's font, by script.
_CYRILLIC = "аеорсухіјѕԁһӏԛԝьАВЕКМНОРСТУХІЈЅԌЗбѵ"
_GREEK = "ονρυΑΒΕΖΗΙΚΜΝΟΡΤΥΧϲϳ"
_ARMENIAN = "աոսցհօԼՍՏՕ"
_CHEROKEE = "ᎠᎡᎢᎥᎩᎪᎫᎬᎳᎵᎷᎻᎽᏀᏂᏃᏎᏔᏒᏚᏟᏢᏦ"
_SCRIPTS = {
    "Cyrillic": ("\u0400-\u052f\u1c80-\u1c8f\u2de0-\u2dff\ua640-\ua69f", _CYRILLIC),
    "Greek": ("\u0370-\u03ff\u1f00-\u1fff", _GREEK),
    "Armenian": ("\u0531-\u058a", _ARMENIAN),
    "Cherokee": ("\u13a0-\u13ff", _CHEROKEE),
}
# These are no letters of a text of any language: always marked.
_ALWAYS = (
    "ıȷɑɡɩʋⅼℓꞌꓐ-ꓽ"  # of Latin and Lisu, as they stand alone
    "\u037e\u2024\u2044\u2215\u2216\u2236\u29f5\u29f8\ua789\u01c0\u01c3"
    "\U0001d400-\U0001d7ff"
)
# Ordinary in Chinese, Japanese and Korean.
_WIDE = "\uff10-\uff19\uff21-\uff3a\uff41-\uff5a"
_CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
# Prose is full of these, a command of what they look like.
_IN_COMMANDS = "‐‑‒–—―−‘’‚‛“”„‟′″\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff5e"

_ALL_LOOKALIKES = _CYRILLIC + _GREEK + _ARMENIAN + _CHEROKEE
_SCRIPT_LETTERS = "".join(letters for letters, _ in _SCRIPTS.values())
_ANY = re.compile(f"[{_ALWAYS}{_WIDE}{_IN_COMMANDS}{_SCRIPT_LETTERS}]")
_WORD = re.compile(rf"[A-Za-z0-9_{_SCRIPT_LETTERS}]*[{_SCRIPT_LETTERS}][A-Za-z0-9_{_SCRIPT_LETTERS}]*")
_LATIN = re.compile(r"[A-Za-z]")
_SIGNS = re.compile(f"[{_ALWAYS}]")
_SIGNS_AND_WIDE = re.compile(f"[{_ALWAYS}{_WIDE}]")
_SIGNS_OF_COMMANDS = re.compile(f"[{_ALWAYS}{_WIDE}{_IN_COMMANDS}]")
_LOOKALIKE = re.compile(f"[{_ALL_LOOKALIKES}]")
_PLAINLY = {name: re.compile(f"(?![{alike}])[{letters}]") for name, (letters, alike) in _SCRIPTS.items()}


def plainly_written(text: str) -> frozenset[str]:
    """The scripts that a text is plainly written in: it has letters of them that look like no ASCII ones."""
    if text.isascii():
        return frozenset()
    found = {name for name, plainly in _PLAINLY.items() if plainly.search(text)}
    return frozenset(found | {"CJK"} if _CJK.search(text) else found)


def mark_lookalikes(
    text: str, written: frozenset[str] = frozenset(), *, is_command: bool = False
) -> tuple[str, int]:
    """`text` with the code point of each such character in its place, and how many there were. `written`: the scripts
    in which words stay as they are. `is_command`: also signs that are ordinary in prose."""
    if text.isascii() or not _ANY.search(text):
        return text, 0
    count = 0

    def mark(match: re.Match[str]) -> str:
        nonlocal count
        count += 1
        return f"⟨U+{ord(match.group()):04X}⟩"

    def mark_word(match: re.Match[str]) -> str:
        word = match.group()
        if _LATIN.search(word) or _could_be_ascii(word, written):
            return _LOOKALIKE.sub(mark, word)
        return word

    signs = _SIGNS_OF_COMMANDS if is_command else _SIGNS if "CJK" in written else _SIGNS_AND_WIDE
    # a mark is of ASCII letters between brackets, so the words are marked before the signs
    marked = _WORD.sub(mark_word, text)
    return signs.sub(mark, marked), count


def _could_be_ascii(word: str, written: frozenset[str]) -> bool:
    """Whether every letter looks like an ASCII one, in a script that nothing else in the text is written in."""
    for name, (letters, alike) in _SCRIPTS.items():
        found = re.findall(f"[{letters}]", word)
        if found and (name in written or not set(found) <= set(alike)):
            return False
    return True
