"""Nothing of others' text commands the terminal or hides from the reader."""

from __future__ import annotations

import re
import sys
import unicodedata

import pytest

from afk_tui.gateway.clean import clean, clean_exact, clean_line, mark_count

# Arabic number signs and their like are of category Cf and have a glyph.
VISIBLE_FORMAT = {
    0x600,
    0x601,
    0x602,
    0x603,
    0x604,
    0x605,
    0x6DD,
    0x70F,
    0x890,
    0x891,
    0x8E2,
    0x110BD,
    0x110CD,
}
FILLERS = {
    0x34F,
    0x115F,
    0x1160,
    0x17B4,
    0x17B5,
    0x3164,
    0xFFA0,
    *range(0xFE00, 0xFE10),
    *range(0xE0100, 0xE01F0),
}


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[2J\x1b]0;title\x07", "␛[2J␛]0;title␇"),
        ("\x1b]52;c;cm0gLXJm\x1b\\", "␛]52;c;cm0gLXJm␛\\"),
        ("\x00\x08\x0b\x0c\x7f", "␀␈␋␌␡"),
        ("a\x9b31mb\x85c", "a⟨9b⟩31mb⟨85⟩c"),
        ("safe\u202egnp.exe", "safe⟨U+202E⟩gnp.exe"),
        ("r\u200bm \u2066-rf\u2069", "r⟨U+200B⟩m ⟨U+2066⟩-rf⟨U+2069⟩"),
        ("\U000e0041\U000e007f", "⟨U+E0041⟩⟨U+E007F⟩"),
        ("a\u2028b\u2029c", "a⟨U+2028⟩b⟨U+2029⟩c"),
        ("\ud83d alone", "⟨U+D83D⟩ alone"),
        ("\ufeff\ufdd0\U0010ffff", "⟨U+FEFF⟩⟨U+FDD0⟩⟨U+10FFFF⟩"),
        ("pass\u00adword \u3164", "pass⟨U+00AD⟩word ⟨U+3164⟩"),
    ],
)
def test_what_could_deceive_becomes_a_visible_mark(hostile: str, shown: str) -> None:
    assert clean(hostile) == shown


def test_no_code_point_that_is_a_control_or_has_no_glyph_is_left() -> None:
    left: list[str] = []
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        category = unicodedata.category(character)
        hidden = category in {"Cc", "Cf", "Cs", "Zl", "Zp"} or code in FILLERS
        if (
            hidden
            and character != "\n"
            and code not in VISIBLE_FORMAT
            and character in clean(f"x{character}x")
        ):
            left.append(f"U+{code:04X}")
    assert left == []


def test_ordinary_text_of_any_script_stays_as_it_is() -> None:
    text = "Grüße, мир, 世界 — “quotes” 1 < 2 [bold]no markup[/] e\u0301 \n\n  indented\u00a0text ␛ ⟨x⟩\n"
    assert clean(text) == text
    assert mark_count(text) == 0


def test_emoji_sequences_and_keycaps_stay_whole() -> None:
    text = "👩\u200d💻 👨\u200d👩\u200d👧 ❤\ufe0f\u200d🔥 🏳\ufe0f\u200d🌈 🧑🏽\u200d🚀 1\ufe0f\u20e3 ☎\ufe0e"
    assert clean(text) == text
    assert clean_exact(text) == text
    assert mark_count(text) == 0


def test_joiners_stay_in_scripts_that_need_them_but_not_in_what_is_approved() -> None:
    persian = "می\u200cخواهم"
    assert clean(persian) == persian
    assert "⟨U+200C⟩" in clean_exact(persian)


@pytest.mark.parametrize(
    "hostile",
    [
        "a\u200db",
        "😀\u200da",
        "a\u200d😀",
        "a\ufe0f",
        "😀\ufe0f\ufe0f",
        "x\u200cy",
        "1\ufe0f",
        "a\ufe0f\u200d😀",
    ],
)
def test_joiners_and_selectors_that_join_nothing_are_marked(hostile: str) -> None:
    assert "⟨U+" in clean(hostile)
    assert mark_count(hostile) >= 1


def test_line_ends_and_tabs_are_made_plain() -> None:
    assert clean("a\r\nb\rc\n\td\te") == "a\nb␍c\n    d   e"
    assert mark_count("a\r\nb\tc") == 0
    assert mark_count("a\rb") == 1


def test_a_title_is_one_line_whatever_it_holds() -> None:
    assert clean_line("first\r\nsecond\nthird\u2028fourth") == "first⏎second⏎third⟨U+2028⟩fourth"
    assert clean("a\nb", keep_newlines=False) == "a⏎b"


def test_what_is_approved_shows_also_its_spaces_and_line_ends() -> None:
    assert clean_exact("rm -rf /tmp/x \r\nnext  \n  end ") == "rm -rf /tmp/x·␍\nnext··\n  end·"
    assert clean_exact("a\u00a0b\u3000c\u2800d") == "a⟨U+00A0⟩b⟨U+3000⟩c⟨U+2800⟩d"
    assert clean_exact("all:\n\tmake\tit\nab\tc\nd\t") == "all:\n→   make→   it\nab→ c\nd→"
    assert clean_exact("\x1b[8m\u202e") == "␛[8m⟨U+202E⟩"


def test_cleaning_twice_changes_nothing_more() -> None:
    every = "".join(map(chr, range(0x3000))) + "\ud800\U000e0001👩\u200d💻\r\n\tx  \n"
    for make in (clean, clean_line, clean_exact):
        assert make(make(every)) == make(every)


def test_the_count_of_marks_is_the_number_of_characters_replaced() -> None:
    hostile = "a\x1b\x9b\u202e\u200b b\u200dc 👩\u200d💻 \ud800\x7f\r"
    assert mark_count(hostile) == 8
    assert mark_count(hostile) == len(re.findall(r"⟨\w*\+?\w+⟩|[\u2400-\u2421]", clean(hostile)))


def test_a_megabyte_of_the_worst_is_marked_whole() -> None:
    hostile = "\x1b\u202e\u200d\ufe0f" * 250_000
    assert mark_count(hostile) == 1_000_000
    assert clean(hostile) == "␛⟨U+202E⟩⟨U+200D⟩⟨U+FE0F⟩" * 250_000
