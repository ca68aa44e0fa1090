import pytest

from tests.widgets.conversation_kit import CountingSource, item, running, screen, shown, until

MARKUP = "[@click=app.quit]x[/] and [/nope] and [red]"


async def test_markup_is_shown_literally_everywhere():
    async with running((100, 40), MARKUP) as (pilot, app):
        conversation = app.conversation
        assert MARKUP in shown(conversation)
        conversation.append(item("u", "user", MARKUP, footnote=MARKUP))
        conversation.append(item("a", "assistant", MARKUP, footnote=MARKUP))
        conversation.append(item("n", "note", MARKUP, tone="error"))
        conversation.append(
            item("c", "call", MARKUP, title=MARKUP, detail=MARKUP, status="ran", footnote="[/nope]")
        )
        conversation.focus()
        await pilot.press("up", "enter")
        assert shown(conversation).count(MARKUP) == 8
        await pilot.click("Conversation", offset=(4, 0))
        assert app.is_running
        for y in range(conversation.size.height):
            for segment in conversation.render_line(y):
                assert segment.style is None or not {k for k in segment.style.meta if k.startswith("@")}


async def test_a_link_shows_where_it_leads_and_is_no_hyperlink():
    async with running((100, 10)) as (_pilot, app):
        conversation = app.conversation
        conversation.append(item("a", text="[good](https://evil.example/x) ![pic](https://evil.example/y)"))
        assert "good (https://evil.example/x)" in shown(conversation)
        assert all(not (s.style and s.style.link) for s in conversation.render_line(0))


async def test_raw_html_is_shown_not_swallowed():
    async with running((100, 10)) as (_pilot, app):
        conversation = app.conversation
        conversation.append(item("a", text="<div>\nhidden\n</div>\n\nand <b>bold</b>"))
        assert "<div> hidden </div>" in shown(conversation)
        assert "<b>bold</b>" in shown(conversation)


CONTROLS = "\x1b]52;c;eA==\x07 \x9b31m \x7f \x08 \u202e \u2066 \u200b \ufeff"
ENTITIES = "&#27;]52;c;eA==&#7; &#x9b;31m &#x202e;evil&#x2066; &#8203;"


@pytest.mark.parametrize(
    "text", [CONTROLS, ENTITIES, f"```\n{CONTROLS}\n```", f"`{CONTROLS}`", f"| a |\n|---|\n| {ENTITIES} |"]
)
async def test_no_control_character_reaches_a_strip(text: str):
    async with running((100, 40), text) as (pilot, app):
        conversation = app.conversation
        seen = [shown(conversation)]
        conversation.append(item("u", "user", text))
        conversation.append(item("a", text=text, footnote=text))
        conversation.append(item("n", "note", text))
        conversation.append(item("c", "call", text, title=text, detail=text, status="ran", footnote=text))
        conversation.focus()
        await pilot.press("up", "enter")
        seen.append(shown(conversation))
        for character in "".join(seen).replace("\n", ""):
            assert character.isprintable(), repr(character)


HOSTILE = {
    "deep quotes": ">" * 5_000 + " x",
    "deep lists": "".join("  " * i + "- x\n" for i in range(300)),
    "deep brackets": "[" * 5_900,
    "deep emphasis": "*a **b " * 800,
    "a wide table": "|a" * 2_000 + "|\n" + "|-" * 2_000 + "|\n" + "|b" * 2_000 + "|\n",
    "a long table": "|a|b|\n|-|-|\n" + "|1|2|\n" * 30_000,
    "one line of a megabyte": "word " * 200_000,
    "a megabyte without a space": "x" * 1_000_000,
    "wide characters without a space": "日" * 100_000,
    "an endless fence": "```python\n" + "x = '''\n" * 50_000,
    "unknown language": "```[/nope]\nx\n```",
    "a line of backticks": "`" * 100_000,
    "only newlines": "\n" * 100_000,
    "only spaces": " " * 10_000,
    "link definitions only": "[a]: https://example.org",
    "a huge number": "999999999. x",
}


@pytest.mark.parametrize("name", list(HOSTILE))
async def test_hostile_markdown_is_drawn_opened_or_streamed(name: str):
    text = HOSTILE[name]
    async with running((80, 12)) as (pilot, app):
        conversation = app.conversation
        await conversation.open(CountingSource([item("a", text=text), item("z", "user", "after it")]))
        await until(pilot, lambda: "after it" in shown(conversation))
        conversation.focus()
        await pilot.press("home", "pagedown", "end")
        conversation.begin_stream("s")
        for start in range(0, min(len(text), 60_000), 20_000):
            conversation.feed(text[start : start + 20_000])
            await pilot.pause()
        conversation.end_stream(item("s", text=text + "\n\nthe end of it"))
        conversation.scroll_to_end()
        assert "of it" in shown(conversation)
        await pilot.resize_terminal(12, 12)
        await until(pilot, lambda: conversation.pages.width in (11, 12))
        assert "of it" in shown(conversation)
        assert app.is_running


async def test_a_large_message_is_drawn_only_where_it_is_seen():
    text = "".join(f"Paragraph {i} of many, with a few words.\n\n" for i in range(20_000))
    async with running((80, 20)) as (pilot, app):
        conversation = app.conversation
        await conversation.open(CountingSource([item("a", text=text)]))
        await until(pilot, lambda: "Paragraph 19999" in shown(conversation))
        entry = conversation.pages.entries[0]
        assert sum(piece.exact for piece in entry.pieces) < 100 < len(entry.pieces)
        conversation.focus()
        await pilot.press("home")
        assert "Paragraph 0 " in screen(conversation)[0]
