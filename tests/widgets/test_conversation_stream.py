import pytest

from afk_tui.widgets import conversation, conversation_markdown, conversation_stream
from tests.widgets.conversation_kit import item, running, screen, shown, until

ANSWER = """\
## What I did

I read **three** files and `changed` one of them, which took a while, so this paragraph wraps at least once.

- first
- second
  - nested
- third

1. one
2. two

```python
def f(x):
    return x + 1
```

> quoted words

| a | b |
| --- | --- |
| 1 | 2 |

Done.
"""


def visible(lines: list[str]) -> list[str]:
    return "\n".join(lines).rstrip().split("\n")


async def test_streaming_shows_what_the_whole_message_shows():
    async with running((70, 60)) as (pilot, app):
        conversation = app.conversation
        conversation.append(item("u", "user", "question"))
        conversation.begin_stream("s")
        for start in range(0, len(ANSWER), 5):
            conversation.feed(ANSWER[start : start + 5])
        await until(pilot, lambda: "Done." in shown(conversation))
        streamed = screen(conversation)
        conversation.end_stream(item("final", text=ANSWER))
        finished = screen(conversation)
        assert visible(streamed) == visible(finished)
        conversation.remove_item("final")
        conversation.append(item("again", text=ANSWER))
        assert screen(conversation) == finished
        assert conversation.copy_text("again") == ANSWER


async def test_only_the_open_block_is_drawn_again(monkeypatch: pytest.MonkeyPatch):
    drawn: list[str] = []
    original = conversation_markdown.draw_markdown

    def counting(text: str, width: int, palette: object) -> object:
        drawn.append(text)
        return original(text, width, palette)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(conversation_markdown, "draw_markdown", counting)
    async with running((70, 60)) as (pilot, app):
        conversation = app.conversation
        conversation.begin_stream("s")
        for index in range(20):
            conversation.feed(f"paragraph {index} begins")
            await until(pilot, lambda i=index: f"paragraph {i} begins" in shown(conversation))
            conversation.feed(" and ends\n\n")
        conversation.feed("last")
        await until(pilot, lambda: "last" in shown(conversation))
        finished = [text for text in drawn if text.endswith("and ends")]
        assert len(finished) == len(set(finished)) == 20
        assert len(drawn) <= 2 * 20 + 3


async def test_many_tokens_are_drawn_a_few_times(monkeypatch: pytest.MonkeyPatch):
    drawn = 0
    original = conversation_markdown.draw_markdown

    def counting(text: str, width: int, palette: object) -> object:
        nonlocal drawn
        drawn += 1
        return original(text, width, palette)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(conversation_markdown, "draw_markdown", counting)
    async with running((70, 20)) as (pilot, app):
        conversation = app.conversation
        conversation.begin_stream("s")
        for index in range(2_000):
            conversation.feed(f"token{index} ")
        await until(pilot, lambda: "token1999" in shown(conversation))
        assert drawn < 40


async def test_following_a_stream_stays_at_its_end_and_letting_go_holds_still():
    async with running((70, 10)) as (pilot, app):
        conversation = app.conversation
        conversation.begin_stream("s")
        conversation.feed("".join(f"line {i}\n\n" for i in range(40)))
        await until(pilot, lambda: "line 39" in shown(conversation))
        conversation.move(-10)
        before = screen(conversation)
        conversation.feed("".join(f"line {i}\n\n" for i in range(40, 80)))
        total = conversation.pages.total
        await until(pilot, lambda: conversation.pages.total > total)
        assert screen(conversation) == before
        conversation.end_stream(item("final", text="".join(f"line {i}\n\n" for i in range(80))))
        assert screen(conversation) == before
        conversation.scroll_to_end()
        assert "line 79" in shown(conversation)


async def test_a_restarted_stream_forgets_what_was_streamed():
    async with running((70, 10)) as (pilot, app):
        conversation = app.conversation
        conversation.begin_stream("s")
        conversation.feed("void words\n\nmore void\n\n")
        await until(pilot, lambda: "void words" in shown(conversation))
        conversation.restart_stream()
        assert "void" not in shown(conversation)
        conversation.feed("real words")
        await until(pilot, lambda: "real words" in shown(conversation))
        assert "void" not in shown(conversation)


async def test_a_dropped_stream_leaves_nothing_and_late_text_is_ignored():
    async with running((70, 10)) as (pilot, app):
        conversation = app.conversation
        conversation.append(item("a", text="before"))
        conversation.begin_stream("s")
        conversation.feed("words")
        conversation.end_stream(None)
        conversation.feed("late words")
        await pilot.pause()
        assert [line.strip() for line in screen(conversation) if line] == ["before"]


async def test_the_finished_message_replaces_the_stream_in_its_place():
    async with running((70, 10)) as (_pilot, app):
        conversation = app.conversation
        conversation.begin_stream("s")
        conversation.feed("words")
        conversation.append(item("c", "call", title="run it", status="proposed"))
        conversation.end_stream(item("a", text="the words"))
        lines = [line.strip() for line in screen(conversation) if line]
        assert lines[0] == "the words"
        assert "run it" in lines[1]
        assert len(lines) == 2


async def test_a_long_answer_keeps_its_drawn_blocks_when_it_ends(monkeypatch: pytest.MonkeyPatch):
    text = "".join(f"Paragraph {i} with some words in it.\n\n" for i in range(400))
    async with running((70, 20)) as (pilot, app):
        conversation = app.conversation
        conversation.begin_stream("s")
        conversation.feed(text)
        await until(pilot, lambda: "Paragraph 399" in shown(conversation))
        drawn: list[str] = []
        original = conversation_markdown.draw_markdown

        def counting(markup: str, width: int, palette: object) -> object:
            drawn.append(markup)
            return original(markup, width, palette)  # pyright: ignore[reportArgumentType]

        monkeypatch.setattr(conversation_markdown, "draw_markdown", counting)
        conversation.end_stream(item("a", text=text))
        assert "Paragraph 399" in shown(conversation)
        assert len(drawn) <= 1


async def test_while_somebody_types_it_is_shown_after_a_key_and_hardly_otherwise(
    monkeypatch: pytest.MonkeyPatch,
):
    for name, seconds in (("WITHOUT_KEY_S", 3_600.0), ("LONGEST_PAUSE_S", 3_600.0)):
        monkeypatch.setattr(conversation_stream, name, seconds)
    monkeypatch.setattr(conversation, "AFTER_KEY_AT_MOST_EVERY_S", 0.0)
    monkeypatch.setattr(conversation, "TYPING_S", 3_600.0)
    async with running((60, 12)) as (pilot, app):
        shows = app.conversation
        shows.make_way()
        shows.begin_stream("s")
        shows.feed("first words")
        await pilot.pause()
        assert "first words" not in shown(shows)
        shows.make_way()
        await until(pilot, lambda: "first words" in shown(shows))
