"""What a model is sent of a conversation: instructions, what must stay, a summary of what is old, what is recent.

    system      the agent's instructions
    user        the first message of the conversation
    ...         pinned messages, each with its whole step
    user        the summary, marked as one, with how many messages it stands for
    user        the newest message of a person, where it is older than what is recent
    ...         recent messages

A step, which is an answer with calls and the results of these, is sent whole or not at all.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from afk.chat import ChatMessage, Transcript
from afk.llms.summary_request import summary_message
from afk.llms.tokens import TokenCounter
from afk.memory.summaries import SummaryRecord


class Placed(NamedTuple):
    """A message and its place in the conversation."""

    seq: int
    message: ChatMessage


@dataclass(frozen=True, slots=True)
class Cut:
    """Where a conversation is cut. A summary of `material`, continuing `previous`, would stand for the messages from
    `first_seq` to `through_seq` but those at `verbatim`: `message_count` of them; `replaced_tokens` are sent less."""

    material: tuple[Placed, ...]
    previous: SummaryRecord | None
    first_seq: int
    through_seq: int
    message_count: int
    verbatim: tuple[int, ...]
    replaced_tokens: int


class Conversation:
    """All messages of a conversation so far, the summary in effect, and what is pinned."""

    def __init__(
        self,
        instructions: str,
        transcript: Transcript,
        summary: SummaryRecord | None,
        pins: Iterable[int],
        counter: TokenCounter | None = None,
    ) -> None:
        self._system = [ChatMessage("system", instructions)] if instructions else []
        # What a step asks of them costs what is new: a run of thousands of steps would slow down otherwise.
        self._seqs, self._messages = list(transcript.places), list(transcript.messages)
        newest_first = range(len(self._messages) - 1, -1, -1)
        self._newest_asked = next((n for n in newest_first if self._messages[n].role == "user"), None)
        self._summary = summary
        self._pins = frozenset(pins)
        self._counter = counter or TokenCounter()
        self._counts: dict[int, int] = {}
        # of the messages from the first place to before the second one: how many tokens they are
        self._counted = (0, 0, 0)
        self._arrange()

    @property
    def summary(self) -> SummaryRecord | None:
        """The one that is in effect."""
        return self._summary

    @property
    def last_seq(self) -> int:
        """The place of the last message, 0 where there is none."""
        return self._seqs[-1] if self._seqs else 0

    def count_with(self, counter: TokenCounter) -> None:
        """Count anew, by other rules."""
        self._counter = counter
        self._counts.clear()
        self._counted = (0, 0, 0)

    def append(self, seq: int, message: ChatMessage) -> None:
        """Add the newest message."""
        if message.role == "user":
            self._newest_asked = len(self._messages)
        self._seqs.append(seq)
        self._messages.append(message)

    def use(self, summary: SummaryRecord | None, pins: Iterable[int] | None = None) -> None:
        """Send this summary from now on."""
        self._summary = summary
        if pins is not None:
            self._pins = frozenset(pins)
        self._arrange()

    def request(self) -> list[ChatMessage]:
        """What is sent."""
        chat = [*self._system, *(self._messages[n] for n in self._kept)]
        if self._summary:
            chat.append(self._shown(self._summary))
        if (asked := self._asked_before()) is not None:
            chat.append(self._messages[asked])
        return [*chat, *self._messages[self._recent :]]

    def tokens(self) -> int:
        """How many tokens `request` is; one that has not been made yet is counted on the way."""
        older = list(self._kept)
        if (asked := self._asked_before()) is not None:
            older.append(asked)
        total = self._tokens_of(older) + self._recent_tokens()
        fixed = [*self._system, *([self._shown(self._summary)] if self._summary else [])]
        return total + self._counter.messages(fixed)

    def _recent_tokens(self) -> int:
        begin, end, total = self._counted
        if begin != self._recent:
            begin, end, total = self._recent, self._recent, 0
        total += self._tokens_of(range(end, len(self._messages)))
        self._counted = (begin, len(self._messages), total)
        return total

    def plan(self, recent_tokens: int, *, keep_recent: int | None = None, anew: bool = False) -> Cut | None:
        """Where to cut so that what is recent is at most so many tokens, or at least `keep_recent` messages; None where
        nothing more can be summarised. The last step, or a message that nothing follows, is never cut off. `anew`: as
        if there were no summary yet, but for the same messages as the one in effect, if there is one."""
        covered = 0 if anew else self._recent
        at = self._cut_at(covered, recent_tokens, keep_recent)
        if anew and self._recent and keep_recent is None:
            at = self._recent
        if not at or at <= covered:
            return None
        kept = self._verbatim_before(at)
        going = [n for n in range(covered, at) if n not in kept]
        if not going:
            return None
        previous = None if anew else self._summary
        replaced = self._tokens_of(going)
        if previous:
            replaced += self._counter.message(self._shown(previous))
        return Cut(
            material=tuple(map(Placed, self._seqs[covered:at], self._messages[covered:at])),
            previous=previous,
            first_seq=self._seqs[0],
            through_seq=self._seqs[at - 1],
            message_count=at - len(kept),
            verbatim=tuple(self._seqs[n] for n in sorted(kept)),
            replaced_tokens=replaced,
        )

    def lasting_tokens(self) -> int:
        """Tokens of what is sent whatever is summarised: instructions, the first message and the newest of a person,
        what is pinned."""
        lasting = self._verbatim_before(len(self._messages))
        if (newest := self._newest_asked) is not None:
            lasting.add(newest)
        system = sum(self._counter.message(message) for message in self._system)
        return system + self._tokens_of(lasting)

    def _cut_at(self, covered: int, recent_tokens: int, keep_recent: int | None) -> int | None:
        """The earliest boundary behind which there is no more than that, or the last one where there is none; with
        `keep_recent`, the last boundary behind which there are so many messages."""
        best: int | None = None
        total = 0
        for n in range(len(self._messages) - 1, covered, -1):
            total += self._count(n)
            if self._messages[n].role == "tool":
                continue
            if keep_recent is not None:
                if len(self._messages) - n >= keep_recent:
                    return n
            elif best is None or total <= recent_tokens:
                best = n
            else:
                break
        return best

    def _arrange(self) -> None:
        through = self._summary.through_seq if self._summary else -1
        self._recent = bisect_right(self._seqs, through)
        self._kept_at = self._verbatim_before(self._recent)
        self._kept = sorted(self._kept_at)

    def _verbatim_before(self, end: int) -> set[int]:
        """Which messages before that one stay: the first of a person, and the steps of those pinned."""
        kept: set[int] = set()
        first = next((n for n in range(end) if self._messages[n].role == "user"), None)
        if first is not None:
            kept.add(first)
        for seq in self._pins:
            n = bisect_right(self._seqs, seq) - 1
            if 0 <= n < end and self._seqs[n] == seq:
                kept.update(self._step_around(n))
        return kept

    def _step_around(self, n: int) -> Iterable[int]:
        begin = n
        while begin > 0 and self._messages[begin].role == "tool":
            begin -= 1
        end = begin + 1
        while end < len(self._messages) and self._messages[end].role == "tool":
            end += 1
        return range(begin, end)

    def _asked_before(self) -> int | None:
        """The newest message of a person, where it would not be sent otherwise: it says what is being worked on."""
        newest = self._newest_asked
        return None if newest is None or newest >= self._recent or newest in self._kept_at else newest

    def _shown(self, summary: SummaryRecord) -> ChatMessage:
        return summary_message(summary.text, summary.message_count)

    def _tokens_of(self, messages: Iterable[int]) -> int:
        return sum(self._count(n) for n in messages)

    def _count(self, n: int) -> int:
        count = self._counts.get(n)
        if count is None:
            count = self._counts[n] = self._counter.message(self._messages[n])
        return count
