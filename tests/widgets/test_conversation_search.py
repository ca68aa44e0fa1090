"""A search as the conversation shows it: marked, on the screen, and folded again."""

from __future__ import annotations

from textual.strip import Strip

from afk_tui.widgets.conversation import Conversation
from tests.widgets.conversation_kit import CountingSource, item, running, screen, shown, until


def marked(conversation: Conversation) -> list[str]:
    """What is marked on the screen, from top to bottom."""
    return _in_colours_of(conversation, "found", "found-here")


def marked_here(conversation: Conversation) -> list[str]:
    """What is marked as the hit that was gone to."""
    return _in_colours_of(conversation, "found-here")


def _in_colours_of(conversation: Conversation, *parts_of_palette: str) -> list[str]:
    colours = {conversation.palette[part].bgcolor for part in parts_of_palette}

    def parts(strip: Strip) -> list[str]:
        return [s.text for s in strip if s.style is not None and s.style.bgcolor in colours]

    return [text for y in range(conversation.size.height) for text in parts(conversation.render_line(y))]


async def test_every_place_is_marked_whatever_its_case_and_only_while_one_searches() -> None:
    async with running((60, 12)) as (pilot, app):
        conversation = app.conversation
        conversation.append(item("u", "user", "A Needle, and a needle."))
        conversation.append(item("a", "assistant", "**NEEDLE**work"))
        await pilot.pause()
        conversation.show_found("needle")
        assert marked(conversation) == ["Needle", "needle", "NEEDLE"]
        lines = screen(conversation)
        conversation.show_found("")
        assert marked(conversation) == []
        assert screen(conversation) == [line.replace("▌", " ") for line in lines]


async def test_a_hit_far_away_is_loaded_and_shown_with_the_cursor_on_it() -> None:
    source = CountingSource(item(f"a{n}", "user", f"line {n}") for n in range(10_000))
    async with running((60, 12)) as (pilot, app):
        conversation = app.conversation
        await conversation.open(source)
        conversation.show_found("line 17")
        conversation.go_to_found(17)
        await until(pilot, lambda: any("▌" in line and "line 17" in line for line in screen(conversation)))
        assert conversation.cursor_key == "a17"
        assert sum(last - first for first, last in source.asked) < 500


async def test_the_line_that_holds_it_is_on_the_screen_however_long_the_message() -> None:
    text = "\n\n".join(f"paragraph {n}" for n in range(600))
    for kind in ("user", "assistant"):
        async with running((60, 12)) as (pilot, app):
            conversation = app.conversation
            await conversation.open(CountingSource([item("a", kind, text), item("b")]))
            conversation.show_found("paragraph 444")
            conversation.go_to_found(0)
            await until(pilot, lambda: marked(conversation) == ["paragraph 444"])  # noqa: B023


async def test_a_call_is_unfolded_for_what_it_hides_and_folded_again_afterwards() -> None:
    output = "\n".join([*(f"line {n}" for n in range(50)), "the needle"])
    async with running((60, 20)) as (pilot, app):
        conversation = app.conversation
        conversation.append(item("c", "call", output, title="look", detail="{}", status="ran"))
        conversation.append(item("d", "call", "no", title="needle in the title", status="ran"))
        await pilot.pause()
        before = screen(conversation)
        conversation.show_found("needle")
        conversation.go_to_found(0)
        assert "the needle" in shown(conversation)
        conversation.go_to_found(1)
        assert "line 1" not in shown(conversation)
        conversation.go_to_found(0)
        conversation.show_found("")
        conversation.scroll_to_end()
        await pilot.pause()
        assert [line.replace("▌", " ") for line in screen(conversation)] == before


async def test_a_call_that_one_unfolded_stays_so_when_the_search_is_over() -> None:
    async with running((60, 20)) as (pilot, app):
        conversation = app.conversation
        conversation.append(item("c", "call", "the needle", title="look", status="ran"))
        conversation.focus()
        await pilot.press("up", "enter")
        assert "the needle" in shown(conversation)
        conversation.show_found("needle")
        conversation.go_to_found(0)
        conversation.show_found("")
        assert "the needle" in shown(conversation)


async def test_letters_whose_small_form_is_longer_move_no_mark() -> None:
    async with running((60, 12)) as (pilot, app):
        app.conversation.append(item("u", "user", "İİİ needle"))
        await pilot.pause()
        app.conversation.show_found("needle")
        assert marked(app.conversation) == ["needle"]


async def test_the_hits_of_one_message_are_gone_to_one_by_one_and_the_one_that_is_looked_at_stands_out() -> (
    None
):
    text = "\n\n".join(f"paragraph {n}: a Needle{n}" for n in range(600))
    for kind in ("user", "assistant"):
        async with running((60, 12)) as (pilot, app):
            conversation = app.conversation
            await conversation.open(CountingSource([item("a", kind, text), item("b")]))
            conversation.show_found("needle")
            for nth in (0, 1, 299, 599, 2):
                conversation.go_to_found(0, nth, 600)
                await until(pilot, lambda: f"Needle{nth}" in shown(conversation))  # noqa: B023
                assert marked_here(conversation) == ["Needle"]
                [line] = [y for y in range(12) if "Needle" in _here_on(conversation, y)]
                assert f"Needle{nth}" in screen(conversation)[line].split()


def _here_on(conversation: Conversation, y: int) -> list[str]:
    colour = conversation.palette["found-here"].bgcolor
    return [s.text for s in conversation.render_line(y) if s.style and s.style.bgcolor == colour]


async def test_several_hits_on_one_line_stand_out_one_after_the_other() -> None:
    async with running((60, 12)) as (pilot, app):
        conversation = app.conversation
        conversation.append(item("u", "user", "Aaa b aaa c aAa"))
        await pilot.pause()
        conversation.show_found("aaa")
        for nth, word in enumerate(("Aaa", "aaa", "aAa")):
            conversation.go_to_found(0, nth, 3)
            assert marked_here(conversation) == [word]
        conversation.show_found("")
        assert marked_here(conversation) == []


async def test_a_call_has_its_hits_in_the_arguments_first_though_its_title_repeats_them() -> None:
    async with running((60, 20)) as (pilot, app):
        conversation = app.conversation
        output = "needle One\nneedle Two"
        call = item("c", "call", output, title="look needle", detail='{"for": "needle"}', status="ran")
        conversation.append(call)
        await pilot.pause()
        conversation.show_found("needle")
        lines: list[str] = []
        for nth in range(3):
            conversation.go_to_found(0, nth, 3)
            [y] = [y for y in range(20) if _here_on(conversation, y)]
            lines.append(screen(conversation)[y])
        assert "look needle" in lines[0]
        assert "needle One" in lines[1]
        assert "needle Two" in lines[2]
