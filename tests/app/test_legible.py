"""Text can be read in every theme there is to choose."""

from __future__ import annotations

import pytest
from textual.color import Color
from textual.theme import BUILTIN_THEMES

from afk_tui.legible import COLOURED, LEAST_CONTRAST, contrast, grounds_of, legible

THEMES = [name for name in BUILTIN_THEMES if not name.startswith("ansi") and name != "textual-ansi"]


def variables_of(theme: str) -> dict[str, str]:
    return BUILTIN_THEMES[theme].to_color_system().generate()


@pytest.mark.parametrize("theme", THEMES)
def test_coloured_text_stands_out_from_what_is_behind_it(theme: str) -> None:
    made = legible(variables_of(theme))
    for name in COLOURED:
        for ground in grounds_of(made):
            assert contrast(Color.parse(made[name]), ground) >= LEAST_CONTRAST, name


def test_what_can_be_read_already_stays_as_it_is() -> None:
    given = variables_of("textual-dark")
    made = legible(given)
    assert {name for name in given if made[name] != given[name]} == {
        "text-secondary"
    }  # 4.2 behind code in a line


def test_contrast_is_what_wcag_says() -> None:
    assert contrast(Color(0, 0, 0), Color(255, 255, 255)) == pytest.approx(21)
    assert contrast(Color.parse("#767676"), Color(255, 255, 255)) == pytest.approx(4.54, abs=0.01)


def test_a_theme_of_the_terminals_own_colours_is_left_alone() -> None:
    given = {**variables_of("textual-dark"), "background": "ansi_default"}
    assert legible(given) == given


async def test_the_app_shows_them(start) -> None:
    async with start() as driven:
        driven.app.theme = "textual-light"
        variables = driven.app.get_css_variables()
        assert variables["text-warning"] == legible(variables_of("textual-light"))["text-warning"]
        assert variables["text-warning"] != variables_of("textual-light")["text-warning"]
