"""Searching a conversation in the app, as one types."""

from __future__ import annotations

from afk_tui.widgets.search_bar import SearchBar
from tests.memory.kit import answer, begin, interrupted


def said(driven) -> str:
    return str(driven.main.query_one("#search-count").render())


async def test_hits_are_counted_and_gone_through_with_the_arrows_from_the_field(start) -> None:
    async with start() as driven:
        for text in ("read a.txt", "search first", "list"):
            await driven.say(text)
            await driven.until_state("done")
        await driven.pilot.press("ctrl+f")
        await driven.until(lambda: driven.main.search_bar.field.has_focus, "the field")
        await driven.pilot.press(*"FIRST")
        await driven.until(
            lambda: driven.main.conversation.found == "first" and " of " in said(driven), "hits"
        )
        total = int(said(driven).split(" of ")[1].split()[0])
        assert total >= 4
        at = int(said(driven).split(" of ")[0])
        await driven.pilot.press("down")
        await driven.until(lambda: said(driven).startswith(f"{at % total + 1} of {total}"), "the next")
        await driven.pilot.press("up", "up")
        await driven.until(
            lambda: said(driven).startswith(f"{(at - 2) % total + 1} of {total}"), "the one before"
        )
        await driven.pilot.press(*"ly no")
        await driven.until(lambda: said(driven).startswith("nothing found"), "nothing")


async def test_in_the_conversation_a_slash_opens_it_and_n_goes_on_after_enter(start) -> None:
    async with start() as driven:
        for text in ("read a.txt", "search first"):
            await driven.say(text)
            await driven.until_state("done")
        conversation = driven.main.conversation
        conversation.focus()
        await driven.pilot.press("slash", *"first")
        await driven.until(
            lambda: driven.main.conversation.found == "first" and " of " in said(driven), "hits"
        )
        await driven.pilot.press("enter")
        assert conversation.has_focus
        before = said(driven)
        await driven.pilot.press("n")
        await driven.until(lambda: said(driven) != before, "the next hit")
        await driven.pilot.press("N")
        await driven.until(lambda: said(driven) == before, "the one before")
        await driven.pilot.press("escape")
        assert not driven.main.search_bar.display
        assert conversation.found == ""
        assert conversation.has_focus


async def test_escape_closes_the_line_and_does_not_stop_the_run(start) -> None:
    async with start() as driven:
        await driven.say("read a.txt")
        await driven.until_state("done")
        await driven.pilot.press("ctrl+f", "x", "escape")
        assert not driven.main.query_one(SearchBar).display
        assert driven.main.conversation.has_focus


async def test_another_thread_is_not_searched_for_what_was_searched_here(start) -> None:
    async with start() as driven:
        await driven.say("read a.txt")
        await driven.until_state("done")
        await driven.pilot.press("ctrl+f", *"first")
        await driven.until(lambda: " of " in said(driven), "hits")
        await driven.main.open_thread(None)
        assert not driven.main.search_bar.display
        assert driven.main.conversation.found == ""


async def test_all_of_a_long_thread_is_searched_though_little_of_it_is_loaded(start, folder) -> None:
    async with start() as driven:
        store = driven.main.gateway._store
        run = (await begin(store, thread_id="long")).run
        for step in range(1, 1_500):
            text = "the needle" if step in (3, 700, 1_400) else f"answer {step}"
            await answer(store, run, text=text, step=step, stop=interrupted() if step == 1_499 else None)
        store.live_runs.clear()
        await driven.main.open_thread("long")
        await driven.pilot.press("ctrl+f", *"needle")
        await driven.until(lambda: said(driven).startswith("3 of 3"), "all hits, the nearest first")
        await driven.pilot.press("down")
        await driven.until(lambda: said(driven).startswith("1 of 3"), "the first")
        await driven.until_shown("the needle")
        loaded = sum(1 for entry in driven.main.conversation.pages.entries if entry.item is not None)
        assert loaded < 600


async def test_every_place_in_a_message_is_a_hit_of_its_own_and_gone_to_in_its_turn(start) -> None:
    async with start() as driven:
        await driven.say("what of zebra, zebra and Zebra?")
        await driven.until_state("done")
        await driven.pilot.press("ctrl+f", *"zebra")
        await driven.until(
            lambda: driven.main.conversation.found == "zebra" and " of " in said(driven), "hits"
        )
        total = int(said(driven).split(" of ")[1].split()[0])
        assert total >= 3
        assert said(driven).startswith("1 of ")
        conversation = driven.main.conversation
        for nth in (1, 2):
            await driven.pilot.press("down")
            await driven.until(lambda nth=nth: said(driven).startswith(f"{nth + 1} of {total}"), "the next")
            assert conversation.cursor_key == conversation.pages.entries[0].key
            assert conversation.found_here is not None
            assert conversation.found_here[1] == nth


async def test_the_keys_are_said_beside_the_count_only_while_there_is_room_for_them(start) -> None:
    async with start() as driven:
        await driven.say("read a.txt")
        await driven.until_state("done")
        await driven.pilot.resize_terminal(120, 36)
        await driven.pilot.press("ctrl+f", *"first")
        await driven.until(lambda: said(driven).endswith("esc"), "the keys")
        await driven.pilot.resize_terminal(80, 24)
        await driven.until(lambda: "esc" not in said(driven) and " of " in said(driven), "the count alone")
        await driven.pilot.resize_terminal(120, 36)
        await driven.until(lambda: said(driven).endswith("esc"), "the keys again")
