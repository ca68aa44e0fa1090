"""What a store promises of whole results."""

from __future__ import annotations

import random
from typing import Any

import pytest

from afk.agents.errors import StoreError
from afk.memory import MemoryStore
from afk.memory.bounding import as_shown
from afk.memory.records import CallResult, Decision
from afk.outputs import DEFAULT_LIMITS, OutputMatch
from tests.memory.kit import Story, answer, ask, begin, key_of, progress, proposed
from tests.memory.promises import StorePromises

LINES = "".join(f"{n} {'ä€😀x'[n % 4] * (n % 90)}\n" for n in range(1, 6_001))
ONE_LINE = "".join(f"{n:07}" for n in range(30_000))
MIXED = f"first\n{ONE_LINE}\n\nlast but one\nlast"


async def keep(store: MemoryStore, text: str, run_id: str = "run_1") -> str:
    """A run's call has this result; the hash of it."""
    run = (await begin(store, run_id)).run
    _, (effect,) = await answer(store, run, proposed("a"))
    result = as_shown(CallResult("done", text), DEFAULT_LIMITS)
    await store.record_result(key_of(run), effect, result, ("proposed",), progress(), 1)
    store.live_runs.discard(run_id)
    assert result.whole is not None
    return result.whole.sha256


class OutputContract(StorePromises):
    """Parts of `StoreContract`."""

    @pytest.mark.parametrize("text", [LINES, ONE_LINE, MIXED], ids=["lines", "one line", "mixed"])
    async def test_any_piece_of_a_whole_result_can_be_read_and_says_where_it_stands(
        self, store: MemoryStore, text: str
    ) -> None:
        sha = await keep(store, text)
        known = await store.get_output(sha)
        assert known is not None
        assert (known.chars, known.size_bytes, known.lines) == (
            len(text),
            len(text.encode()),
            len(text.splitlines()),
        )
        assert (await store.read_output(sha, 0, len(text))).text == text
        some = random.Random(1)
        for _ in range(40):
            offset, chars = some.randrange(len(text)), some.choice((1, 100, 70_000))
            piece = await store.read_output(sha, offset, chars)
            before = text[:offset]
            assert piece.text == text[offset : offset + chars]
            assert (piece.line, piece.column) == (before.count("\n") + 1, offset - before.rfind("\n"))
        beyond = await store.read_output(sha, len(text) + 5, 10)
        assert (beyond.text, beyond.offset) == ("", len(text))

    @pytest.mark.parametrize("text", [LINES, MIXED], ids=["lines", "mixed"])
    async def test_every_line_of_a_whole_result_is_found_by_its_number(
        self, store: MemoryStore, text: str
    ) -> None:
        sha = await keep(store, text)
        starts = [0, *(at + 1 for at, letter in enumerate(text) if letter == "\n")]
        numbers = [1, 2, 3, 4, 5, len(text.splitlines()), *range(500, len(starts), 611)]
        for number in numbers:
            if number <= len(starts):
                assert await store.output_line(sha, number) == starts[number - 1]
        assert await store.output_line(sha, 10**9) == len(text)

    async def test_a_text_is_found_in_both_directions_also_where_two_parts_meet(
        self, store: MemoryStore
    ) -> None:
        text = ("x" * 65_530 + "Needle") * 4 + "\nneedle"
        sha = await keep(store, text)
        expected = [OutputMatch(65_530 + n * 65_536, 1) for n in range(4)] + [OutputMatch(4 * 65_536 + 1, 2)]
        found: list[OutputMatch] = []
        at = 0
        while (match := await store.find_in_output(sha, "nEEdle", at)) is not None:
            found.append(match)
            at = match.offset + 1
        assert found == expected
        at, back = len(text), list[OutputMatch]()
        while (match := await store.find_in_output(sha, "needle", at, backwards=True)) is not None:
            back.append(match)
            at = match.offset
        assert back == expected[::-1]
        assert await store.find_in_output(sha, "no such", 0) is None
        assert await store.find_in_output(sha, ".*", 0) is None

    async def test_a_conversation_has_its_own_results_only(self, store: MemoryStore) -> None:
        mine = await keep(store, LINES)
        assert [o.sha256 for o in await store.outputs_of("th")] == [mine]
        assert [o.sha256 for o in await store.outputs_of("th", mine[:12])] == [mine]
        assert await store.outputs_of("th", "f" * 12 if mine[0] != "f" else "0" * 12) == []
        assert await store.outputs_of("another") == []
        assert await store.get_output("f" * 64) is None
        with pytest.raises(StoreError, match="no whole result"):
            await store.read_output("f" * 64, 0, 1)

    async def test_what_a_person_says_at_length_is_kept_whole_when_a_new_message_closes_the_run(
        self, store: MemoryStore
    ) -> None:
        story: Story = await ask(store)
        await store.decide(story.approval_id, Decision("respond", "sha_a", "ada", output=LINES))
        store.live_runs.clear()
        snapshot = await begin(store, "run_2")
        assert snapshot.transcript.has_outputs
        [result] = [m for m in await store.messages("th") if m.role == "tool"]
        expected = as_shown(CallResult("done", LINES), DEFAULT_LIMITS)
        assert result.text == expected.text
        assert (await store.read_output(result.output_sha or "", 0, len(LINES))).text == LINES

    async def test_a_call_that_is_settled_with_the_answer_keeps_its_whole_result_too(
        self, store: MemoryStore
    ) -> None:
        run = (await begin(store)).run
        refused: Any = proposed("a", result=as_shown(CallResult("failed", LINES), DEFAULT_LIMITS))
        await answer(store, run, refused)
        [known] = await store.outputs_of("th")
        assert known.chars == len(LINES)
