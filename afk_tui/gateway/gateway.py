"""The app's façade of the engine: what it may ask, in its own words, with clean text."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from textual.message import Message

from afk.agents.errors import AgentError, RunFencedError
from afk.core.handle import AgentRunHandle
from afk_tui.gateway import messages
from afk_tui.gateway.background import Background
from afk_tui.gateway.checkpoint_details import CheckpointDetails, read_details
from afk_tui.gateway.clean import clean, clean_line
from afk_tui.gateway.compaction import Compactions
from afk_tui.gateway.converted import told_of_conversion
from afk_tui.gateway.deciding import Deciding
from afk_tui.gateway.deleting import Deletions
from afk_tui.gateway.errors import GatewayError, told
from afk_tui.gateway.finding import Hits, find_in
from afk_tui.gateway.indexing import keep_index
from afk_tui.gateway.items import call_title
from afk_tui.gateway.outputs import LongResults
from afk_tui.gateway.pump import Pump
from afk_tui.gateway.queue import Queue
from afk_tui.gateway.remembered import Remembered
from afk_tui.gateway.resending import Resending
from afk_tui.gateway.settings import Engine
from afk_tui.gateway.sources import CheckpointSource, ConversationSource, ThreadSource, thread_row
from afk_tui.gateway.standing import has_unused_decision, standing_of
from afk_tui.gateway.summaries import Summaries
from afk_tui.gateway.texts import Texts
from afk_tui.gateway.threads import ThreadFilter, ThreadKeeping
from afk_tui.gateway.timeline import TimelineSource
from afk_tui.gateway.upkeep import CompactionHints, Upkeep
from afk_tui.gateway.views import CheckpointRow, RunView, ThreadRow
from afk_tui.gateway.watch import LOOK_EVERY_S, Watch
from afk_tui.gateway.writing import Writing


class Gateway(Deciding):
    """One engine for one app. `post` gets the messages of `gateway.messages`. Everything raises GatewayError."""

    def __init__(self, engine: Engine, post: Callable[[Message], object] | None = None) -> None:
        self._engine = engine
        self._runner = engine.runner
        self._store = engine.store
        self._agent = engine.agent
        self._listener = post
        self._background = Background(self._post)
        self._watch = Watch(engine.store, self._post, self._see_decided)
        self._remembered = Remembered(engine.store)
        self._edits = {}
        self._starting: set[str] = set()
        self.deletions = Deletions(engine.runner, engine.store)
        self.summaries = Summaries(engine.runner, engine.store, engine.agent)
        self.compactions = Compactions(engine.runner, engine.store)
        self.hints = CompactionHints(engine.store)
        self._upkeep = Upkeep(engine.store, self._post)
        self.long_results = LongResults(engine.store)
        self.keeping = ThreadKeeping(engine.store, engine.workspace)
        self.texts = Texts(engine.store, engine.workspace)
        self.writing = Writing(engine.store, engine.workspace)
        self.queue = Queue(engine.store, self.send)
        self.resending = Resending(engine.runner, engine.store)

    def listen(self, post: Callable[[Message], object]) -> None:
        """Tell `post` what happens from now on."""
        self._listener = post

    def _post(self, message: Message) -> None:
        if self._listener is not None:
            self._listener(message)

    # what is shown all the time

    @property
    def model(self) -> str:
        """The model's name."""
        return clean_line(self._engine.model)

    @property
    def host(self) -> str:
        """Where the model is: a host, or "demo model (offline)"."""
        return clean_line(self._engine.llm.label)

    @property
    def lacks_key(self) -> bool:
        """Whether it answers only because there is neither a key nor a URL."""
        return self._engine.lacks_key

    @property
    def is_demo(self) -> bool:
        """Whether the offline demo model answers."""
        from afk.llms.demo import DemoModel

        return isinstance(self._engine.llm, DemoModel)

    @property
    def workspace(self) -> str:
        """The folder that new threads work in."""
        return clean_line(str(self._engine.workspace))

    @property
    def database(self) -> str:
        """The file that everything is kept in."""
        return clean_line(str(self._engine.database))

    def now_ms(self) -> int:
        """The time, as the store counts it."""
        return self._store.clock()

    # opening and closing

    async def open(self) -> None:
        """Open the store and begin to watch it for what other processes record."""
        with told():
            await self._runner.__aenter__()
        self._background.begin(self._watch.run())
        self._background.begin(self._background.warn(self.deletions.tidy))
        self._background.begin(self._upkeep.run())
        self._background.begin(keep_index(self._store))

    @property
    def conversion(self) -> str | None:
        """What there is to say of a database that `open` gave the format of this version; None otherwise."""
        return told_of_conversion(self._store)

    async def warm_up(self) -> None:
        """Import what the first message will need, in a thread, so that no key waits for it."""

        def imports() -> None:
            for tool in self._agent.toolbox:
                tool.parameters  # noqa: B018 - pydantic is imported, and the schema made, on first use

        await asyncio.to_thread(imports)
        warm = getattr(self._engine.llm, "warm_up", None)
        if warm is not None:
            await warm()

    async def close(self) -> None:
        """Interrupt what runs here (it is kept, to be resumed), remove what was deleted, and close the store."""
        try:
            await self._upkeep.finish()
            with contextlib.suppress(GatewayError):  # it is marked: the next start removes it
                await self.deletions.finish()
            with told():
                await self._runner.close()
        finally:
            await self._background.end()

    # looking

    def threads(self, *, everywhere: bool, show: ThreadFilter = "current") -> ThreadSource:
        """The threads of this workspace, or of all."""
        return ThreadSource(self._store, None if everywhere else str(self._engine.workspace), show)

    async def thread(self, thread_id: str) -> ThreadRow | None:
        """One thread, or None."""
        with told():
            found = await self._store.get_thread(thread_id)
        return None if found is None else thread_row(found)

    def conversation(self, thread_id: str) -> ConversationSource:
        """What was said and called in a thread."""
        return ConversationSource(self._store, thread_id, self._is_live)

    def checkpoints(self, thread_id: str) -> CheckpointSource:
        """The checkpoints of a thread."""
        return CheckpointSource(self._store, thread_id)

    def timeline(self, thread_id: str) -> TimelineSource:
        """What happened in a thread, by its checkpoints."""
        return TimelineSource(self._store, thread_id)

    async def checkpoint_details(self, row: CheckpointRow) -> CheckpointDetails | None:
        """What one checkpoint holds and added; None where it is gone."""
        with told():
            return await read_details(self._store, row)

    async def find(
        self, text: str, *, everywhere: bool, limit: int = 200, so_far: Callable[[Hits], object] | None = None
    ) -> Hits:
        """Titles and messages that hold this text, in this workspace or in all; `so_far` is told what there is yet."""
        workspace = None if everywhere else str(self._engine.workspace)
        with told():
            return await find_in(self._store, text, workspace, limit, so_far)

    async def run_view(self, thread_id: str) -> RunView | None:
        """How the thread's last run stands; None while there is none."""
        with told():
            thread = await self._store.get_thread(thread_id)
            run = await self._store.get_run(thread.last_run_id) if thread else None
            if thread is None or run is None:
                return None
            decided = await has_unused_decision(self._store, run)
            inside = await self._store.list_descendants(run.run_id)
        return RunView(
            run_id=run.run_id,
            state=run.state,
            standing=standing_of(run, is_live=self._is_live(run.run_id), is_decided=decided),
            reason=clean((run.interruption or {}).get("detail", "")),
            cause=(run.interruption or {}).get("cause", ""),
            context_share=await self.summaries.share(thread_id),
            pending=thread.pending_approvals,
            input_tokens=sum(one.usage.get("input_tokens", 0) for one in (run, *inside)),
            output_tokens=sum(one.usage.get("output_tokens", 0) for one in (run, *inside)),
        )

    async def waiting_runs(self) -> list[ThreadRow]:
        """Threads of this workspace whose last run was left open, the one touched last first."""
        with told():
            runs = await self._store.list_open_runs(workspace=str(self._engine.workspace))
            found = [await self._store.get_thread(run.thread_id) for run in runs]
        last = [t for t, run in zip(found, runs, strict=True) if t and t.last_run_id == run.run_id]
        return [thread_row(t) for t in sorted(last, key=lambda t: t.updated_at_ms, reverse=True)]

    # running

    async def send(self, thread_id: str | None, text: str) -> str:
        """Begin a run on a message, in a new thread (None) or a known one; its thread. The message is on disk.
        A run of the thread that was left open is closed."""
        with told():
            handle = await self._runner.run_handle(self._agent, user_message=text, thread_id=thread_id)
        self._follow(handle)
        return handle.thread_id

    async def resume(self, thread_id: str, *, take_over: bool = False) -> None:
        """Go on with the thread's last run."""
        with told():
            thread = await self._store.get_thread(thread_id)
            if thread is None or self._is_live(thread.last_run_id) or thread.last_run_id in self._starting:
                return
            self._starting.add(thread.last_run_id)
            try:
                handle = await self._runner.resume_handle(
                    self._agent, run_id=thread.last_run_id, thread_id=thread_id, take_over=take_over
                )
            finally:
                self._starting.discard(thread.last_run_id)
        self._follow(handle)

    async def fork(self, checkpoint: CheckpointRow, message: str | None = None) -> str:
        """Begin a new thread at a checkpoint, with another message where there is one; its id. Nothing runs yet."""
        with told():
            return await self._runner.fork(checkpoint.run_id, checkpoint.checkpoint_id, message=message)

    async def delete_thread(self, thread_id: str) -> None:
        """Take a thread out of every list; see `deletions`."""
        await self.deletions.delete(thread_id)
        if await self.recall("last-thread", self.workspace) == thread_id:
            await self.remember("last-thread", self.workspace, None)

    async def try_now(self, thread_id: str) -> None:
        """Where the thread's run waits before it asks the model again, ask at once."""
        handle = await self._handle(thread_id)
        if handle:
            handle.try_now()

    async def stop(self, thread_id: str) -> None:
        """Interrupt the thread's run, to be resumed later; on return it is on disk."""
        handle = await self._handle(thread_id)
        if handle:
            with told():
                await handle.interrupt()

    async def unrepeatable_calls(self, thread_id: str | None = None) -> list[str]:
        """Calls that run in this app now and must not happen twice; of one thread, or of all."""
        titles: list[str] = []
        with told():
            for run_id in list(self._store.live_runs):
                run = await self._store.get_run(run_id)
                if run is None or (thread_id is not None and run.thread_id != thread_id):
                    continue
                for effect, _ in await self._store.open_calls(run_id):
                    if effect.phase == "executing" and effect.effect == "once":
                        titles.append(call_title(effect.tool_name, effect.arguments))
        return titles

    async def until_calls_end(self, thread_id: str | None = None) -> None:
        """Return when no such call runs any more."""
        while await self.unrepeatable_calls(thread_id):  # noqa: ASYNC110 - the journal is what tells
            await asyncio.sleep(LOOK_EVERY_S / 3)

    def is_working(self, thread_id: str | None = None) -> bool:
        """Whether a run (of this thread, or any) goes on in this app."""
        handles = [self._runner.live_handle(run_id) for run_id in list(self._store.live_runs)]
        return any(h is not None and (thread_id is None or h.thread_id == thread_id) for h in handles)

    # what the app remembers

    async def recall(self, what: str, of: str = "") -> str | None:
        """Something remembered: a draft, a place, a folder's trust."""
        return await self._remembered.recall(what, of)

    async def remember(self, what: str, of: str, value: str | None) -> None:
        """Remember it over restarts; None forgets it."""
        await self._remembered.remember(what, of, value)

    # inside

    def _is_live(self, run_id: str) -> bool:
        return self._runner.live_handle(run_id) is not None

    async def _handle(self, thread_id: str) -> AgentRunHandle | None:
        with told():
            thread = await self._store.get_thread(thread_id)
        return self._runner.live_handle(thread.last_run_id) if thread else None

    def _follow(self, handle: AgentRunHandle) -> None:
        pump = Pump(handle, self.conversation(handle.thread_id), self._post)
        self._background.begin(self._carry(pump, handle))

    async def _carry(self, pump: Pump, handle: AgentRunHandle) -> None:
        await self._background.warn(pump.run)
        try:
            await handle.await_result()
        except RunFencedError:
            self._post(messages.RunTaken(handle.thread_id, handle.run_id))
            return
        except AgentError as error:
            self._post(messages.Warned(handle.thread_id, clean(str(error))))
            self._post(messages.RunEnded(handle.thread_id, handle.run_id, "interrupted", clean(str(error))))
            return
        if pump.ended_in == "awaiting_approval":
            # a decision may have come while the run was just stopping to wait for it
            await self._background.warn(lambda: self._go_on_if_decided(handle.thread_id))

    async def _see_decided(self, thread_id: str) -> None:
        self._post(messages.RequestsChanged(thread_id))
        await self._background.warn(lambda: self._go_on_if_decided(thread_id))

    async def _go_on_if_decided(self, thread_id: str) -> None:
        thread = await self._store.get_thread(thread_id)
        run = await self._store.get_run(thread.last_run_id) if thread else None
        if await has_unused_decision(self._store, run):
            await self.resume(thread_id)
