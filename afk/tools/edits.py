"""An exact replacement in a text: whether it can be made, and whether it was."""

from __future__ import annotations

from dataclasses import dataclass

from afk.tools.tool import ToolArgumentsError, ToolError

_MOST_PLACES = 100


@dataclass(frozen=True, slots=True)
class Edit:
    """The text after an edit. `line` is where it was made, from 1."""

    text: str
    line: int


def check_edit(old_text: str, new_text: str) -> None:
    """Raise ToolArgumentsError for an edit that can be made nowhere."""
    if not old_text:
        raise ToolArgumentsError("edit_file: old_text is empty; to make or fill a file use write_file")
    if old_text == new_text:
        raise ToolArgumentsError("edit_file: old_text and new_text are the same: there is nothing to change")


def apply_edit(text: str, old_text: str, new_text: str, asked: str) -> Edit:
    """`text` with the one `old_text` in it replaced. Raises ToolError unless it is there exactly once.

    In a text whose lines all end in CRLF, the line ends of both may be given as LF: they stay CRLF.
    """
    check_edit(old_text, new_text)
    old, new = _with_line_ends_of(text, old_text, new_text)
    places = _places(text, old)
    if len(places) == 1:
        at = places[0]
        return Edit(text[:at] + new + text[at + len(old) :], text.count("\n", 0, at) + 1)
    if not places:
        hint = "read the file again and copy the text exactly, with its spaces and line ends"
        raise ToolError(f"cannot edit {asked!r}: old_text is not in it; {hint}")
    times = f"more than {_MOST_PLACES}" if len(places) > _MOST_PLACES else str(len(places))
    raise ToolError(
        f"cannot edit {asked!r}: old_text is there {times} times, not once; give more of the text around it"
    )


def edit_happened(text: str, old_text: str, new_text: str) -> bool | None:
    """Whether `text` is the result of the edit, if it is either that or what was there before.

    True when the edit can be taken back to a text in which `old_text` stood once, and cannot be made; False
    when it can be made and not taken back; None when both, or neither.
    """
    old, new = _with_line_ends_of(text, old_text, new_text)
    can_be_made = len(_places(text, old)) == 1
    can_be_taken_back = _can_be_taken_back(text, old, new)
    if can_be_made == can_be_taken_back:
        return None
    return can_be_taken_back


def _can_be_taken_back(text: str, old: str, new: str) -> bool:
    if not new:
        # it could have stood anywhere; where any of it is still there, putting it back would make it twice
        return old not in text
    places = _places(text, new)
    return any(len(_places(text[:at] + old + text[at + len(new) :], old)) == 1 for at in places)


def _with_line_ends_of(text: str, old: str, new: str) -> tuple[str, str]:
    if "\r\n" not in text or text.count("\n") != text.count("\r\n"):
        return old, new
    return _crlf(old), _crlf(new)


def _crlf(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\n", "\r\n")


def _places(text: str, part: str) -> list[int]:
    """Where `part` begins in `text`, overlapping ones too: an edit of either of two overlapping places is a
    guess."""
    places: list[int] = []
    at = text.find(part)
    while at >= 0 and len(places) <= _MOST_PLACES:
        places.append(at)
        at = text.find(part, at + 1)
    return places
