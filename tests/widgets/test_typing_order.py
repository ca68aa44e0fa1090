"""Keys take effect in the order in which they were pressed, however slow what is around the field is."""

from __future__ import annotations

import pytest
from textual import events
from textual.app import App, ComposeResult
from textual.widget import Widget
from textual.widgets import Input, TextArea

from afk_tui.screens.fields import LineField, TextField
from afk_tui.widgets.composer import Composer
from afk_tui.widgets.typing_order import LineInput, TextInput

FIELDS = [Composer, LineField, TextField, LineInput, TextInput]


class Desk(App[None]):
    def __init__(self, field: Widget) -> None:
        super().__init__()
        self.field = field

    def compose(self) -> ComposeResult:
        yield self.field


def written(field: Widget) -> str:
    assert isinstance(field, Input | TextArea)
    return field.value if isinstance(field, Input) else field.text


@pytest.mark.parametrize("kind", FIELDS)
async def test_a_letter_never_overtakes_a_backspace(kind: type[Widget]) -> None:
    field = kind()
    async with Desk(field).run_test() as pilot:
        field.focus()
        await pilot.press("a")
        # both are in the field's queue before either is acted on, as behind a screen that is being painted
        for key in (events.Key("backspace", "\x7f"), events.Key("b", "b")):
            field._forward_event(key)
        await pilot.pause()
        assert written(field) == "b"


@pytest.mark.parametrize("kind", FIELDS)
async def test_a_letter_never_overtakes_an_arrow(kind: type[Widget]) -> None:
    field = kind()
    async with Desk(field).run_test() as pilot:
        field.focus()
        await pilot.press("a")
        for key in (events.Key("left", None), events.Key("b", "b")):
            field._forward_event(key)
        await pilot.pause()
        assert written(field) == "ba"
