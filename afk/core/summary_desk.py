"""What people do about a long conversation: look how full it is, summarise it, edit or drop that, pin messages."""

from __future__ import annotations

from dataclasses import dataclass

from afk.agents.agent import Agent
from afk.agents.errors import AgentConfigurationError, SummaryError
from afk.core.config import RunnerConfig
from afk.core.context import Conversation
from afk.core.fitting import RECENT_SHARE, new_summary
from afk.core.inputs import model_of, require_id
from afk.core.summarising import Summariser, SummaryFailedError
from afk.core.window import Window
from afk.llms.protocol import LLM, ToolSpec
from afk.llms.tokens import TokenCounter, counter_soon
from afk.memory.store import MemoryStore
from afk.memory.summaries import PinRecord, StoredConversation, SummaryRecord

# what stays of a conversation that a person has summarised, long before it is too long
KEPT_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class ContextUse:
    """How full the model's context is: `tokens` that a request would be now, `window_tokens` (None: unknown) that it
    may be. `is_estimate`: the tokens err high. `summary` is the one in effect, for `summarised_messages` of all
    `messages`; `pinned` of them are pinned."""

    tokens: int
    window_tokens: int | None
    is_estimate: bool
    messages: int
    summarised_messages: int
    pinned: int
    summary: SummaryRecord | None
    model: str

    @property
    def share(self) -> float | None:
        """How much of the window is taken, from 0 on; None where the window is unknown."""
        return None if self.window_tokens is None else self.tokens / self.window_tokens


class SummaryDesk:
    """The part of a Runner that is about summaries and pins. None of it needs a run; what changes a summary is refused
    (AgentRunBusyError) while a run of the thread is live, here or in another process."""

    _config: RunnerConfig

    async def _store(self) -> MemoryStore:
        raise NotImplementedError

    def _llm(self) -> LLM:
        raise NotImplementedError

    async def summarise(
        self,
        thread_id: str,
        *,
        agent: Agent | None = None,
        model: str | None = None,
        keep_recent: int | None = None,
        anew: bool = False,
    ) -> SummaryRecord:
        """Have the older messages of a thread summarised now; on return the summary is on disk and in effect.

        `keep_recent`: how many of the newest messages stay as they are, at least (None: about a quarter of the
        conversation; the last step always stays). `anew`: from the messages alone, as if there were no summary yet; it
        stands for the same ones as that did, unless `keep_recent` is given. The model is `model`, the agent's, or that
        of the thread's last run. If cancelled, or on any error, the conversation is as it was. Raises
        ThreadNotFoundError, AgentRunBusyError, SummaryError (nothing to summarise, the model failed, somebody else
        changed the summary meanwhile).
        """
        require_id("thread_id", thread_id)
        if keep_recent is not None and keep_recent < 0:
            raise AgentConfigurationError(f"keep_recent must not be below zero; got {keep_recent!r}.")
        store, llm = await self._store(), self._llm()
        model = await self._model_for(store, thread_id, agent, model)
        stored = await store.read_conversation(thread_id)
        await store.require_idle(thread_id)
        window = Window(store, llm, model, self._config)
        await window.load()
        counter = await counter_soon(model)
        conversation = _conversation(stored, agent, counter)
        recent = conversation.tokens() * KEPT_SHARE
        if window.request_tokens is not None:
            full = window.request_tokens * (self._config.summarise_at or 1.0)
            recent = min(recent, full * RECENT_SHARE)
        cut = conversation.plan(int(recent), keep_recent=keep_recent, anew=anew)
        if cut is None:
            raise SummaryError(
                f"There is nothing to summarise in thread {thread_id!r}: what is not summarised yet is its first "
                "message, its last step, what is pinned, or was asked to be kept. Nothing was changed."
            )
        before = window.tokens
        summariser = Summariser(
            llm, model, self._config, counter, retrying=lambda again: None, refused=window.refused
        )
        try:
            made = await summariser.make(cut, window.tokens)
        except SummaryFailedError as failed:
            await store.add_event(thread_id, None, "summary_failed", {"reason": str(failed)})
            raise SummaryError(
                f"No summary of thread {thread_id!r} was made: {str(failed).rstrip('.')}. The conversation is as it "
                "was; try again, or with another model."
            ) from None
        finally:
            if window.tokens != before:
                await window.keep()
        return await store.add_summary(
            thread_id,
            new_summary(cut, made, thread_id, stored.summary, "person"),
            {"model": model, "requests": made.requests},
        )

    async def list_summaries(self, thread_id: str) -> list[SummaryRecord]:
        """Every summary of a thread, edits and drops among them, the newest first. The first one is in effect, unless
        it is `dropped`."""
        require_id("thread_id", thread_id)
        return await (await self._store()).list_summaries(thread_id)

    async def edit_summary(self, thread_id: str, summary_id: int, text: str) -> SummaryRecord:
        """Put a person's text in the place of the summary in effect, which must be `summary_id`; the newer row, on
        disk. Raises AgentConfigurationError (an empty text), AgentRunBusyError, SummaryError, ThreadNotFoundError."""
        require_id("thread_id", thread_id)
        if not text.strip():
            raise AgentConfigurationError("The text of a summary is empty; write one, or drop the summary.")
        store = await self._store()
        text = text.strip()
        return await store.edit_summary(thread_id, summary_id, text, TokenCounter().text(text))

    async def drop_summary(self, thread_id: str, summary_id: int) -> SummaryRecord:
        """Send all messages again in the place of the summary in effect, which must be `summary_id`; the row that says
        so, on disk. Raises AgentRunBusyError, SummaryError, ThreadNotFoundError."""
        require_id("thread_id", thread_id)
        return await (await self._store()).drop_summary(thread_id, summary_id)

    async def context_of(
        self, thread_id: str, *, agent: Agent | None = None, model: str | None = None
    ) -> ContextUse:
        """How full the context is with what the next request would be, a new message aside; of an `agent`, with its
        instructions and tools. Raises ThreadNotFoundError."""
        require_id("thread_id", thread_id)
        store = await self._store()
        model = await self._model_for(store, thread_id, agent, model)
        stored = await store.read_conversation(thread_id)
        window = Window(store, self._llm(), model, self._config)
        await window.load()
        counter = await counter_soon(model)
        tools = tuple(ToolSpec(t.name, t.description, t.parameters) for t in agent.toolbox) if agent else ()
        return ContextUse(
            tokens=_conversation(stored, agent, counter).tokens() + counter.tools(tools),
            window_tokens=window.tokens,
            is_estimate=counter.errs_high_by > 1,
            messages=stored.transcript.stored,
            summarised_messages=stored.summary.message_count if stored.summary else 0,
            pinned=len(stored.pins),
            summary=stored.summary,
            model=model,
        )

    async def pin(self, thread_id: str, seq: int) -> PinRecord:
        """Keep the message at a place in what is sent, with its whole step, whatever is summarised around it; on disk
        on return. A run that is live heeds it from its next summary on. Raises ThreadNotFoundError,
        AgentConfigurationError where no message is there."""
        require_id("thread_id", thread_id)
        return await (await self._store()).pin(thread_id, seq)

    async def unpin(self, thread_id: str, seq: int) -> bool:
        """Take a pin away; whether there was one."""
        require_id("thread_id", thread_id)
        return await (await self._store()).unpin(thread_id, seq)

    async def list_pins(self, thread_id: str) -> list[PinRecord]:
        """The pinned messages of a thread, in their order."""
        require_id("thread_id", thread_id)
        return await (await self._store()).list_pins(thread_id)

    async def _model_for(
        self, store: MemoryStore, thread_id: str, agent: Agent | None, model: str | None
    ) -> str:
        if model is not None:
            return model
        if agent is not None:
            return model_of(agent)
        runs = await store.list_runs(thread_id, limit=1)
        return runs[0].model if runs else model_of(None)


def _conversation(stored: StoredConversation, agent: Agent | None, counter: TokenCounter) -> Conversation:
    instructions = agent.instructions if agent else ""
    return Conversation(instructions, stored.transcript, stored.summary, stored.pins, counter)
