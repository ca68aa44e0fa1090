"""Keeping a run's requests within its model's context: it says when to summarise, and learns from refusals."""

from __future__ import annotations

from collections.abc import Callable

from afk.agents.errors import SummaryError
from afk.core.asking import Asker
from afk.core.config import RunnerConfig
from afk.core.context import Conversation, Cut
from afk.core.events import AnswerRestarted, RunEvent, RunWarning, SummaryRecorded, SummaryStarted
from afk.core.summarising import Made, Summariser, SummaryFailedError, allowance_tokens
from afk.core.window import Window
from afk.llms.protocol import LLM, Answer, ModelError, Retrying, Usage
from afk.llms.tokens import TokenCounter, counter_soon
from afk.memory.records import Progress, RunKey
from afk.memory.store import MemoryStore
from afk.memory.summaries import NewSummary, SummaryMaker, SummaryRecord

# of the length at which it is time for a summary: what is recent may take this much, and all of it, afterwards, this
RECENT_SHARE = 0.5
AFTER_SHARE = 0.875
MOST_REFUSALS = 6
# after a summary that failed, it is tried again when the request has grown by this share of the window
AGAIN_AFTER_GROWTH = 0.05

WHAT_TO_DO = (
    "Resume to try again, pin or send less, use a model with a longer context, or begin a new thread; "
    "/summarise makes a summary by hand."
)


class Fitter:
    """Asks for a run's answers, and before that, where the conversation has grown too long, for a summary of its older
    part. A summary is on disk before it is used."""

    def __init__(
        self,
        store: MemoryStore,
        key: RunKey,
        llm: LLM,
        asker: Asker,
        model: str,
        config: RunnerConfig,
        conversation: Conversation,
        emit: Callable[[RunEvent], None],
        count: Callable[[Usage, int], None],
        progress: Callable[[], Progress],
    ) -> None:
        self._store = store
        self._key = key
        self._llm = llm
        self._asker = asker
        self._model = model
        self._config = config
        self._conversation = conversation
        self._emit = emit
        self._count = count
        self._progress = progress
        self._window = Window(store, llm, model, config)
        self._counter: TokenCounter | None = None
        self._tools_counted = (0, 0)  # how many were offered, and their tokens
        self._failed_at: int | None = None
        self._why_failed = ""

    async def answer(self, begin: Callable[[], None]) -> Answer:
        """The model's next answer; `begin` is called when it is about to be asked. Raises ModelError, also where the
        conversation does not fit and could not be summarised."""
        await self._make_ready()
        if self._is_too_full() and not await self._make_room():
            self._require_fit()
        begin()
        refusals = 0
        while True:
            try:
                answer = await self._asker.ask(self._conversation.request())
            except ModelError as error:
                if error.kind != "context_length" or self._config.summarise_at is None:
                    raise
                refusals += 1
                self._window.refused(error, self._tokens())
                await self._window.keep()
                self._emit(AnswerRestarted(self._key.run_id, refusals + 1, 0.0, str(error)))
                self._failed_at = None
                if refusals > MOST_REFUSALS or not await self._make_room():
                    raise ModelError(
                        "context_length", f"{error} {self._why_not()}", status=error.status
                    ) from None
            else:
                assert self._counter is not None
                if self._window.is_learned and self._window.accepted(
                    self._tokens(), self._counter.errs_high_by
                ):
                    await self._window.keep()
                return answer

    def measures(self, usage: Usage) -> dict[str, int]:
        """How long the last request was and might have been, as far as the server's own count does not say it."""
        found: dict[str, int] = {}
        if self._window.tokens is not None:
            found["window_tokens"] = self._window.tokens
        if not usage.input_tokens:
            found["estimated_tokens"] = self._tokens()
        return found

    async def _make_ready(self) -> None:
        if self._counter is None:
            await self._window.load()
            self._counter = await counter_soon(self._model)
            self._conversation.count_with(self._counter)

    def _tokens(self) -> int:
        """Only for who needs it: nobody does of a model whose context is not known."""
        return self._conversation.tokens() + self._tools_tokens()

    def _tools_tokens(self) -> int:
        assert self._counter is not None
        offered = self._asker.tools
        if len(offered) != self._tools_counted[0]:
            self._tools_counted = (len(offered), self._counter.tools(offered))
        return self._tools_counted[1]

    def _is_too_full(self) -> bool:
        limit, share = self._window.request_tokens, self._config.summarise_at
        if limit is None or share is None:
            return False
        tokens = self._tokens()
        if self._failed_at is not None and tokens < self._failed_at + limit * AGAIN_AFTER_GROWTH:
            return tokens > limit
        return tokens > limit * share

    async def _make_room(self) -> bool:
        """Whether a summary was made, and is on disk and in use."""
        limit, window = self._window.request_tokens, self._window.tokens
        assert limit is not None
        assert self._counter is not None
        lasting = self._conversation.lasting_tokens() + self._tools_tokens() + allowance_tokens(window)
        pins = [pin.seq for pin in await self._store.list_pins(self._key.transcript_id)]
        self._conversation.use(self._conversation.summary, pins)
        full = limit * (self._config.summarise_at or 1.0)
        cut = self._conversation.plan(int(min(full * RECENT_SHARE, full * AFTER_SHARE - lasting)))
        if cut is None:
            self._why_failed = "Nothing of it can be summarised any more: what is left must be sent whole."
            return False
        run_id = self._key.run_id
        self._emit(SummaryStarted(run_id, len(cut.material), cut.replaced_tokens))
        summariser = Summariser(
            self._llm,
            self._model,
            self._config,
            self._counter,
            retrying=self._tell_retry,
            refused=self._window.refused,
            wait=self._asker.wait,
        )
        expected = self._conversation.summary
        try:
            made = await summariser.make(cut, window)
            self._count(made.usage, made.requests)
            record = await self._store.record_summary(
                self._key,
                new_summary(cut, made, self._key.transcript_id, expected),
                self._progress(),
                {"model": self._model, "requests": made.requests},
            )
        except (SummaryFailedError, SummaryError) as failed:
            if isinstance(failed, SummaryFailedError):
                self._count(failed.usage, failed.requests)
            await self._tell_failed(str(failed))
            return False
        finally:
            if self._window.tokens != window:
                await self._window.keep()
        self._failed_at = None
        self._conversation.use(record)
        self._emit(
            SummaryRecorded(
                run_id,
                record.summary_id,
                record.message_count,
                record.through_seq,
                record.text,
                record.tokens,
                record.replaced_tokens,
            )
        )
        return True

    async def _tell_failed(self, reason: str) -> None:
        self._failed_at = self._tokens()
        self._why_failed = f"A summary of its older messages could not be made: {_sentence(reason)}"
        await self._store.add_event(
            self._key.thread_id,
            self._key.run_id,
            "summary_failed",
            {"reason": reason, "tokens": self._failed_at, "window": self._window.tokens},
        )
        self._emit(
            RunWarning(
                self._key.run_id,
                f"The conversation is getting long for {self._model}. {self._why_failed} It is as it was.",
            )
        )

    def _tell_retry(self, again: Retrying) -> None:
        self._emit(AnswerRestarted(self._key.run_id, again.attempt, again.delay_s, again.reason))

    def _require_fit(self) -> None:
        """Raises ModelError for a request that can only be refused. What was learned of a server is no reason: that it
        refused once, or has a longer context by now, is known only by asking."""
        tokens, window = self._tokens(), self._window.tokens
        assert window is not None
        assert self._counter is not None
        if not self._window.is_learned and tokens > window * self._counter.errs_high_by:
            raise ModelError(
                "context_length",
                f"The conversation is about {tokens} tokens, and {self._model} takes {window}. {self._why_not()}",
            )

    def _why_not(self) -> str:
        return f"{self._why_failed} {WHAT_TO_DO}".strip()


def new_summary(
    cut: Cut,
    made: Made,
    transcript_id: str,
    expected: SummaryRecord | None,
    made_by: SummaryMaker = "auto",
) -> NewSummary:
    """What is recorded of a summary."""
    return NewSummary(
        transcript_id=transcript_id,
        text=made.text,
        first_seq=cut.first_seq,
        through_seq=cut.through_seq,
        message_count=cut.message_count,
        verbatim=cut.verbatim,
        previous=cut.previous.summary_id if cut.previous else None,
        expected=expected.summary_id if expected else None,
        model=made.model,
        input_tokens=made.usage.input_tokens,
        output_tokens=made.usage.output_tokens,
        tokens=made.tokens,
        replaced_tokens=cut.replaced_tokens,
        made_by=made_by,
    )


def _sentence(reason: str) -> str:
    return reason if reason.endswith((".", "!", "?")) else f"{reason}."
