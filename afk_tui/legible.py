"""Coloured text that can be read in every theme: some of the light ones write amber on light grey."""

from __future__ import annotations

from collections.abc import Mapping

from textual.color import Color

LEAST_CONTRAST = 4.5
"""Of text with what is behind it, as WCAG 2.2 asks for (success criterion 1.4.3)."""
COLOURED = ("text-primary", "text-secondary", "text-accent", "text-warning", "text-success", "text-error")
BEHIND = ("background", "surface")
RAISED = 0.07
"""How much of the foreground is mixed into what is behind code in a line of text."""
STEP = 0.05


def legible(variables: Mapping[str, str]) -> dict[str, str]:
    """The variables of a theme, with the colours of text moved towards black or white as far as that takes.

    A theme that leaves its colours to the terminal stays as it is.
    """
    behind = [variables[name] for name in BEHIND]
    if any(name.startswith("ansi") for name in behind):
        return dict(variables)
    grounds = grounds_of(variables)
    end = Color(0, 0, 0) if luminance(grounds[0]) > 0.5 else Color(255, 255, 255)
    return {**variables, **{name: _moved(variables[name], grounds, end) for name in COLOURED}}


def grounds_of(variables: Mapping[str, str]) -> list[Color]:
    """What coloured text stands on."""
    grounds = [Color.parse(variables[name]) for name in BEHIND]
    return [*grounds, grounds[0].blend(Color.parse(variables["foreground"]), RAISED)]


def _moved(name: str, grounds: list[Color], end: Color) -> str:
    colour = Color.parse(name)
    moved, part = colour, 0.0
    while part < 1 and min(contrast(moved, ground) for ground in grounds) < LEAST_CONTRAST:
        part += STEP
        moved = colour.blend(end, part)
    return name if moved is colour else moved.hex


def contrast(one: Color, other: Color) -> float:
    """From 1 to 21."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: Color) -> float:
    """Relative luminance, from 0 to 1, as WCAG defines it."""
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour.normalized
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
