"""What is read and what is told of arrive in any order, and are shown in that of the thread."""

from __future__ import annotations

import pytest

from afk_tui.gateway.items import seq_of
from afk_tui.gateway.sources import ConversationSource


def shown(driven) -> list[int]:
    entries = driven.main.conversation.pages.entries
    return [seq for entry in entries if (seq := seq_of(entry.key)) is not None]


async def test_a_message_read_after_its_answer_was_told_of_stands_before_it(
    start, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with start() as driven:
        await driven.say("list")
        await driven.until_state("done")
        await driven.until(lambda: len(shown(driven)) > 2, "the whole turn")
        in_order, main = shown(driven), driven.main
        # the answer is there already, and what was asked comes only now
        asked = await main._source.at(in_order[0])
        main.conversation.remove_item(asked.key)

        async def changed(self: ConversationSource):
            return [asked], False

        monkeypatch.setattr(ConversationSource, "changed", changed)
        await main.catch_up()
        assert shown(driven) == in_order
