"""The fields of dialogs: what is pasted into them can't hide anything."""

from __future__ import annotations

import pytest
from textual import events
from textual.app import App, ComposeResult

from afk_tui.screens.fields import LineField, TextField

PASTED = "\none \x1b[2Jtwo\r\nthree\u202e"


class Form(App[None]):
    def compose(self) -> ComposeResult:
        yield LineField(id="line")
        yield TextField(id="text")


@pytest.mark.parametrize(
    ("field", "taken"), [("line", "one ␛[2Jtwo"), ("text", "\none ␛[2Jtwo\nthree⟨U+202E⟩")]
)
async def test_a_paste_brings_marks_for_what_hides_and_into_a_line_only_its_first(
    field: str, taken: str
) -> None:
    app = Form()
    async with app.run_test() as pilot:
        app.query_one(f"#{field}").focus()
        await pilot.pause()
        app.post_message(events.Paste(PASTED))
        await pilot.pause()
        line, text = app.query_one(LineField), app.query_one(TextField)
        assert (line.value if field == "line" else text.text) == taken
