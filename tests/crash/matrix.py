"""The crash matrix: stories told with kills in them, held against the same stories told without.

Each seed is a story and a way to disturb it: killed at points and at random moments, again and again; stopped
(SIGSTOP), taken over by another process and woken; or told by two processes at once, one of them killed.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Literal

from afk.core.calls import HAPPENED_BY_VERIFY
from afk.memory.decided import HAPPENED_BY_PERSON, SKIPPED_BY_PERSON
from tests.core.kit import transcript
from tests.crash.children import Nursery
from tests.crash.sabotage import Sabotage
from tests.crash.story import CAN_TELL, ONCE, TOOLS, Chapter, plot_of

Disturbance = Literal["kills", "takeover", "rivals", "supersedes"]
LABELS = {
    "begin_run": "S a run begins",
    "record_answer": "A the model answered",
    "decide": "D someone decided",
    "begin_effect": "I about to act",
    "effect": "the effect",
    "record_result": "B the tool returned",
    "stop_run": "E the run stops",
    "take_run": "taking ownership",
    "ask_about": "asking about an unknown outcome",
    "verify": "finding out whether it happened",
    "batch": "a compaction batch",
    "vacuum": "giving space back",
    "compact": "after a compaction",
    "migration": "making the tables",
    "moment": "any moment",
}


@dataclass
class Report:
    """What was tried and what was found."""

    stories: int = 0
    kills: Counter[str] = field(default_factory=Counter[str])
    violations: list[str] = field(default_factory=list[str])

    def lines(self) -> Iterable[str]:
        """For a person to read."""
        yield f"{self.stories} stories, {self.kills.total()} disturbances"
        for name, n in sorted(self.kills.items()):
            yield f"  {n:5}  {name}"
        yield f"violations: {len(self.violations)}"
        yield from (f"  {violation}" for violation in self.violations)


class Matrix:
    """Tells stories, by two nurseries: some stories have two processes at once. `only` and `point` narrow down how
    and where they are disturbed."""

    def __init__(
        self,
        *,
        without: Sabotage | None = None,
        only: Disturbance | None = None,
        point: str | None = None,
    ) -> None:
        self.report = Report()
        self.without: Sabotage | None = without
        self._only: Disturbance | None = only
        self._point = point
        self.one, self._other = Nursery(), Nursery()

    def close(self) -> None:
        """End the nurseries."""
        self.one.close()
        self._other.close()

    def tell(
        self,
        seeds: Iterable[int],
        *,
        seconds: float | None = None,
        until: Callable[[Report], bool] | None = None,
    ) -> Report:
        """Stories of these seeds, until the seconds are over or `until` has seen enough."""
        deadline = None if seconds is None else time.monotonic() + seconds
        for seed in seeds:
            if deadline is not None and time.monotonic() > deadline:
                break
            with tempfile.TemporaryDirectory() as folder:
                self._tell_one(seed, Path(folder))
            self.report.stories += 1
            if until and until(self.report):
                break
        return self.report

    def _tell_one(self, seed: int, folder: Path) -> None:
        random = Random(f"disturb {seed}")
        calm = _Telling(seed, folder / "calm", self)
        if not calm.finish():
            return
        calm.check(None)
        telling = _Telling(seed, folder / "disturbed", self)
        ways: list[Disturbance] = ["kills", "kills", "takeover", "rivals", "supersedes"]
        way = self._only or random.choice(ways)
        match way:
            case "kills":
                told = self._with_kills(telling, calm, random)
            case "takeover":
                told = self._with_a_takeover(telling, calm, random)
            case "rivals":
                told = self._with_rivals(telling, calm, random)
            case "supersedes":
                told = self._with_a_new_message(telling, calm, random)
        if told and way != "supersedes":
            telling.check(calm)

    def _with_kills(self, telling: _Telling, calm: _Telling, random: Random) -> bool:
        for _ in range(random.randint(1, 4)):
            if self._point is None and random.random() < 0.3:
                ended = telling.play(kill_after_s=random.uniform(0, calm.took_s * 1.3))
                point = "moment"
            else:
                kill = _choose(calm, random, self._point)
                ended = telling.play(kill=kill)
                point = kill[0]
            if ended == -signal.SIGKILL:
                telling.kills += 1
                self.report.kills[LABELS[point]] += 1
                telling.check_file()
            elif ended != 0:
                return telling.blame(f"a process ended with {ended}")
            else:
                break
        return telling.finish()

    def _with_a_takeover(self, telling: _Telling, calm: _Telling, random: Random) -> bool:
        """One stops where it holds no lock; another takes its run over and ends it; the first is woken."""
        kill = _choose(calm, random, self._point, holding_no_lock=True)
        pid, output = telling.start(self.one, kill=kill, stops=True)
        if (ended := self.one.wait()) is not None:
            return ended == 0 or telling.blame(f"a process that was to stop ended with {ended}")
        self.report.kills["stopped, taken over and woken"] += 1
        telling.kills += 1
        told = telling.finish(nursery=self._other, takes_over=True)
        before = telling.rows("SELECT * FROM message ORDER BY seq") if told else []
        os.kill(pid, signal.SIGCONT)
        ended = self.one.wait()
        if ended != 0:
            return telling.blame(f"a process that was woken ended with {ended}")
        outcome = json.loads(output.read_text())["outcome"]
        if outcome not in ("completed", "RunFencedError", "AgentRunSupersededError"):
            return telling.blame(f"a process that was woken ended as {outcome}")
        if told and kill[0] != "begin_run" and telling.rows("SELECT * FROM message ORDER BY seq") != before:
            return telling.blame("a process that was woken changed the conversation")
        return told

    def _with_rivals(self, telling: _Telling, calm: _Telling, random: Random) -> bool:
        """Two work on one run from its beginning; of most pairs one is killed."""
        if telling.play(kill=("begin_run", "after", 1)) != -signal.SIGKILL:
            return telling.blame("a process was not killed where it should have been")
        after = random.uniform(0, calm.took_s * 1.3) if random.random() < 0.6 else None
        _, one = telling.start(self.one, nursery_kill_after_s=after, rival=True)
        _, other = telling.start(self._other, rival=True)
        telling.kills += 0 if after is None else 1
        self.report.kills["two at once" if after is None else "two at once, one killed"] += 1
        for ended, output in ((self.one.wait(), one), (self._other.wait(), other)):
            if ended == -signal.SIGKILL:
                continue
            if ended != 0:
                return telling.blame(f"one of two ended with {ended}")
            if (outcome := json.loads(output.read_text())["outcome"]) != "completed":
                return telling.blame(
                    f"one of two, which never took a run from a living one, ended as {outcome}"
                )
        return telling.finish()

    def _with_a_new_message(self, telling: _Telling, calm: _Telling, random: Random) -> bool:
        """Killed, and not gone on with: the next message closes what was left open."""
        ended = telling.play(kill=_choose(calm, random, self._point))
        if ended == 0:
            return True  # it did not come by that point
        if ended != -signal.SIGKILL:
            return telling.blame(f"a process ended with {ended}")
        self.report.kills["closed by a new message"] += 1
        if not telling.finish(supersedes=True):
            return False
        telling.check_closed()
        return True


class _Telling:
    """One story in one folder."""

    def __init__(self, seed: int, folder: Path, matrix: Matrix) -> None:
        folder.mkdir()
        self.seed = seed
        self.folder = folder
        self.plot = plot_of(seed)
        self.kills = 0
        self.met: list[tuple[str, str]] = []
        self.took_s = 0.0
        self._matrix = matrix
        self._started = 0

    def start(
        self, nursery: Nursery, *, nursery_kill_after_s: float | None = None, **fields: Any
    ) -> tuple[int, Path]:
        """A process that tells on, its id, and where it says what came of it."""
        self._started += 1
        output = self.folder / f"output-{self._started}.json"
        chapter = Chapter(self.seed, str(self.folder), without=self._matrix.without, **fields)
        return nursery.start(chapter, output, kill_after_s=nursery_kill_after_s), output

    def play(self, *, kill_after_s: float | None = None, **fields: Any) -> int | None:
        """Such a process to its end."""
        nursery = self._matrix.one
        self.start(nursery, nursery_kill_after_s=kill_after_s, **fields)
        return nursery.wait()

    def finish(self, nursery: Nursery | None = None, **fields: Any) -> bool:
        """Tell the story to its end, with nothing in the way."""
        nursery = nursery or self._matrix.one
        _, output = self.start(nursery, **fields)
        if (ended := nursery.wait()) != 0:
            return self.blame(f"the last process ended with {ended}")
        said = json.loads(output.read_text())
        self.met = [(point, when) for point, when in said["met"]]
        self.took_s = said["took_s"]
        return said["outcome"] == "completed" or self.blame(f"it ended as {said['outcome']}")

    def blame(self, what: str) -> bool:
        """A violation; False."""
        self._matrix.report.violations.append(f"seed {self.seed}: {what}")
        return False

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.folder / "afk.db")) as db:
            return db.execute(sql).fetchall()

    def lines(self, name: str) -> list[str]:
        path = self.folder / name
        return path.read_text().splitlines() if path.exists() else []

    def check_file(self) -> None:
        """What must hold of the file at every moment."""
        if (self.folder / "afk.db").exists() and (found := self.rows("PRAGMA integrity_check")) != [("ok",)]:
            self.blame(f"the database is damaged: {found}")

    def check(self, calm: _Telling | None) -> None:
        """What must hold at the end; beside the same story told without disturbance."""
        self.check_file()
        for line in self.lines("violations"):
            self.blame(line)
        if (found := self.rows("SELECT state, owner FROM run")) != [("completed", None)]:
            self.blame(f"the run ended as {found}")
        self._check_results()
        self._check_effects()
        self._check_approvals()
        if calm is not None:
            self._compare(calm)

    def check_closed(self) -> None:
        """What must hold when a new message closed the run: nothing is open, and nothing ran without a yes."""
        self.check_file()
        for line in self.lines("violations"):
            self.blame(line)
        self._check_results()
        self._check_effects()
        *closed, last = self.rows("SELECT state, owner, superseded_by FROM run ORDER BY rowid")
        if last != ("completed", None, None) or any(
            row[0] != "completed" and (row[0] != "cancelled" or row[1] or not row[2]) for row in closed
        ):
            self.blame(f"the runs ended as {closed}, {last}")
        if self.rows("SELECT 1 FROM approval WHERE status = 'pending'"):
            self.blame("a request is still waiting")

    def _check_results(self) -> None:
        answers = self.rows("SELECT tool_calls FROM message WHERE tool_calls IS NOT NULL ORDER BY seq")
        calls = [call["id"] for (text,) in answers for call in json.loads(text)]
        results = [
            row[0] for row in self.rows("SELECT call_id FROM message WHERE role = 'tool' ORDER BY seq")
        ]
        if results != calls:
            self.blame(f"calls {calls} have the results {results}")
        if self.rows("SELECT 1 FROM effect WHERE finished_at_ms IS NULL"):
            self.blame("a call is still open")

    def _check_effects(self) -> None:
        ran = Counter((name, what.removesuffix("-edited")) for name, what, _ in self._ledger())
        keys = {(name, what, key) for name, what, key in self._ledger()}
        if len({key for _, _, key in keys}) != len(keys):
            self.blame(f"a key was used for two calls, or one call ran in two ways: {keys}")
        again = Counter(
            (tool, json.loads(arguments)["what"].removesuffix("-edited"))
            for tool, arguments in self.rows(
                "SELECT tool_name, arguments FROM approval WHERE status = 'run_again'"
            )
        )
        for name, what in self.plot.calls:
            times, deed = ran[name, what], self.plot.deeds[what] if TOOLS[name][1] else "allow"
            if name in ONCE and times > 1 + again[name, what]:
                self.blame(f"{name} {what} ran {times} times, with {again[name, what]} wishes to repeat it")
            if deed in ("deny", "respond") and times:
                self.blame(f"{name} {what} ran although the decision was {deed}")
            done_as = f"{what}-edited" if deed == "edit" else what
            if any(n == name and w.startswith(what) and w != done_as for n, w, _ in keys):
                self.blame(f"{name} {what} ran with other arguments than those allowed")

    def _check_approvals(self) -> None:
        kept = dict(self.rows("SELECT id, status FROM approval"))
        for approval_id in self.lines("asked"):
            if approval_id not in kept:
                self.blame(f"request {approval_id} is lost")
        said = [line.split() for line in self.lines("decided")]
        for approval_id, n in Counter(approval_id for approval_id, _ in said).items():
            if n > 1:
                self.blame(f"request {approval_id} was decided {n} times")
        for approval_id, status in said:
            if kept.get(approval_id) != status:
                self.blame(f"the decision {status} about {approval_id} reads {kept.get(approval_id)}")
        if "pending" in kept.values():
            self.blame("a request is still waiting")
        wanted = Counter(f"{name} {what}" for name, what in self.plot.calls if TOOLS[name][1])
        asked = Counter(
            f"{tool} {json.loads(arguments)['what'].removesuffix('-edited')}"
            for tool, arguments in self.rows(
                "SELECT a.tool_name, a.arguments FROM approval a WHERE a.kind = 'call'"
            )
        )
        if asked != wanted:
            self.blame(f"asked about {dict(asked)}, to be asked were {dict(wanted)}")
        unknown = self.rows("SELECT effect_id FROM approval WHERE kind = 'uncertain'")
        if unknown and max(Counter(unknown).values()) > self.kills:
            self.blame(f"{self.kills} kills, and more questions about one call: {unknown}")

    def _compare(self, calm: _Telling) -> None:
        settled: dict[str, str] = dict(
            self.rows(
                "SELECT e.call_id, a.status FROM effect e JOIN approval a ON a.id = e.approval_id"
                " WHERE a.kind = 'uncertain'"
            )
        )
        tools = dict(self.rows("SELECT call_id, tool_name FROM effect"))
        texts = {"happened": HAPPENED_BY_PERSON, "skipped": SKIPPED_BY_PERSON}
        expected = transcript(calm.folder / "afk.db", "th")
        found = transcript(self.folder / "afk.db", "th")
        if len(found) != len(expected):
            self.blame(f"the conversation has {len(found)} messages, not {len(expected)}")
            return
        for mine, calms in zip(found, expected, strict=True):
            if mine == calms:
                continue
            call_id = mine[4]
            by_person = texts.get(settled.get(call_id, ""))
            by_tool = HAPPENED_BY_VERIFY if tools.get(call_id) in CAN_TELL else None
            if mine[2] not in (by_person, by_tool) or (mine[:2], mine[3:]) != (calms[:2], calms[3:]):
                self.blame(f"the conversation has {mine}, not {calms}")

    def _ledger(self) -> list[tuple[str, str, str]]:
        return [(n, w, k) for n, w, k in (line.split() for line in self.lines("ledger"))]


def _choose(
    calm: _Telling, random: Random, only: str | None, *, holding_no_lock: bool = False
) -> tuple[str, str, int]:
    """A point that the story comes by, each kind of point as likely as any other."""
    whens = ("before", "after") if holding_no_lock else ("before", "inside", "after")
    met = [point for point in calm.met if point[1] in whens]
    if holding_no_lock:  # nor before there is a run to take over
        met = [p for p in met if p[0] not in ("batch", "migration") and p != ("begin_run", "before")]
    also = [(point, when) for point in ("take_run", "ask_about", "verify") for when in whens]
    points = sorted({*met, *also})
    point = random.choice([p for p in points if p[0] == only] or points)
    return (*point, random.randint(1, max(1, min(3, met.count(point)))))
