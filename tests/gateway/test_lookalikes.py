"""What looks like ASCII and is not is shown by its code point; what is read fluently is left alone."""

from __future__ import annotations

import pytest

from afk.tools.preview import Preview
from afk_tui.gateway.lookalikes import mark_lookalikes, plainly_written
from afk_tui.gateway.requests import exact_text


@pytest.mark.parametrize(
    ("text", "shown", "count"),
    [
        ("rm p\u0430ypal.txt", "rm p⟨U+0430⟩ypal.txt", 1),
        ("git \u0441lone", "git ⟨U+0441⟩lone", 1),
        ("\u0441\u043e\u0440\u0443 a b", "⟨U+0441⟩⟨U+043E⟩⟨U+0440⟩⟨U+0443⟩ a b", 4),
        ("\u0391\u0392", "⟨U+0391⟩⟨U+0392⟩", 2),
        ("a\u2215b \u037e", "a⟨U+2215⟩b ⟨U+037E⟩", 2),
        ("\U0001d42b\U0001d426 \uff32\uff2d", "⟨U+1D42B⟩⟨U+1D426⟩ ⟨U+FF32⟩⟨U+FF2D⟩", 4),
        ("\u13a0\u13a1", "⟨U+13A0⟩⟨U+13A1⟩", 2),
    ],
)
def test_a_look_alike_is_shown_by_its_code_point(text: str, shown: str, count: int) -> None:
    assert mark_lookalikes(text, plainly_written(text)) == (shown, count)


@pytest.mark.parametrize(
    "text",
    [
        "Привет, мир. Я с ним, а он со мной.",
        "α + β = γ, Δt in 5 µs, 3 Ω",
        "café naïve “quoted” – and so on",
        "日本語のＡＢＣ",
        "Ελλάδα και το",
        "plain ascii",
    ],
)
def test_what_is_plainly_written_in_its_script_stays_as_it_is(text: str) -> None:
    assert mark_lookalikes(text, plainly_written(text)) == (text, 0)


def test_in_a_command_no_other_word_excuses_a_look_alike_and_signs_are_told_apart_too() -> None:
    preview = Preview("command", "\u0441\u043e\u0440\u0443 a # привет; rm \u2013rf \u201cx\u201d", "bash", "")
    shown, count = exact_text(preview)
    assert shown.startswith("⟨U+0441⟩⟨U+043E⟩⟨U+0440⟩⟨U+0443⟩ a # привет; rm ⟨U+2013⟩rf ⟨U+201C⟩x⟨U+201D⟩")
    assert count == 7


def test_of_a_diff_the_whole_text_says_in_which_script_it_is_written() -> None:
    text = "--- a/f\n+++ b/f\n@@ -1 +1,2 @@\n-Привет\n+а\n+\u0430dmin  \n"
    shown, count = exact_text(Preview("diff", text, "diff", "", "f"))
    assert shown == "--- a/f\n+++ b/f\n@@ -1 +1,2 @@\n-Привет\n+а\n+⟨U+0430⟩dmin··\n"
    assert count == 1
    of_name, count = exact_text(
        Preview("diff", "--- a/\u0441\u043e\n+++ b/\u0441\u043e\n@@ -1 +1 @@\n-х\n", "diff", "")
    )
    assert count == 5
    assert of_name.startswith("--- a/⟨U+0441⟩⟨U+043E⟩\n")
