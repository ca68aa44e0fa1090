"""The crash matrix: stories told with kills in them, held against the same stories told without.

Each seed is a story and a way to disturb it: killed at points and at random moments, once, twice or five times in a
row; stopped (SIGSTOP), taken over by another process and woken, or killed then; told by two processes at once, one of
them killed; or killed, and closed by the next message.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from random import Random
from typing import Literal, get_args

from tests.crash.checks import check_closed, check_end, check_file
from tests.crash.children import Nursery
from tests.crash.plot import ONCE, answer_over_http
from tests.crash.points import BOUNDARIES
from tests.crash.report import Report, point_name
from tests.crash.sabotage import Sabotage
from tests.crash.telling import Kill, Telling, ended_as
from tests.support.model_server import ModelServer

Disturbance = Literal["kills", "takeover", "rivals", "supersedes"]
IN_A_ROW = (1, 2, 5)
# what dies is a process, and the system keeps what it wrote: a disk would tell the same, in twice the time
MEMORY_DISK = Path("/dev/shm")
# points that an undisturbed story does not come by
ONLY_AFTER_A_KILL = ("take_run", "ask_about", "verify")
# a kill there can leave a call whose outcome nobody knows, so that these come next
LEAVES_UNKNOWN = {
    ("begin_effect", "after"),
    *(("effect", when) for when in ("before", "inside", "after")),
    *(("record_result", when) for when in ("before", "amid", "inside")),
}
ABOUT_UNKNOWN = (
    *(("ask_about", when) for when in ("before", "amid", "inside", "after")),
    *(("verify", when) for when in ("before", "after")),
)


class Stage:
    """What stories need to be told: two nurseries, since some have two processes at once, and a model server."""

    def __init__(self) -> None:
        self.one, self.other = Nursery(), Nursery()
        self.server = ModelServer(answer_over_http).start()

    def close(self) -> None:
        """End them."""
        self.one.close()
        self.other.close()
        self.server.close()


class Matrix:
    """Tells stories on a stage, one at a time. `only` and `point` (a name, or a name and a moment) narrow down how and
    where they are disturbed, `in_a_row` says how often a story may be killed. Stories have their files in `folder`;
    those of failed ones go to `keep`.
    """

    def __init__(
        self,
        stage: Stage,
        *,
        without: Sabotage | None = None,
        only: Disturbance | None = None,
        point: str | tuple[str, str] | None = None,
        in_a_row: Sequence[int] = IN_A_ROW,
        folder: Path | None = None,
        keep: Path | None = None,
    ) -> None:
        self.report = Report()
        self._without: Sabotage | None = without
        self._only: Disturbance | None = only
        self._point = (point,) if isinstance(point, str) else point
        self._in_a_row = in_a_row
        self._folder = folder or (MEMORY_DISK if os.access(MEMORY_DISK, os.W_OK) else None)
        self._keep = keep
        self._one, self._other, self._server = stage.one, stage.other, stage.server

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
            with tempfile.TemporaryDirectory(dir=self._folder) as folder:
                self._tell_one(seed, Path(folder))
                if self._keep and seed in self.report.failed_seeds:
                    shutil.copytree(folder, self._keep / f"seed-{seed}", dirs_exist_ok=True)
            self.report.stories += 1
            if until and until(self.report):
                break
        return self.report

    def telling(self, seed: int, folder: Path) -> Telling:
        """A story that begins in a new folder."""
        return Telling(
            seed, folder, self._one, self.report, base_url=self._server.base_url, without=self._without
        )

    def _tell_one(self, seed: int, folder: Path) -> None:
        random = Random(f"disturb {seed}")
        self._server.exchanges.clear()
        self._server.refused.clear()
        calm = self.telling(seed, folder / "calm")
        if not calm.finish():
            return
        check_end(calm, None)
        telling = self.telling(seed, folder / "disturbed")
        way = random.choice(("kills", "kills", "kills", "takeover", "rivals", "supersedes"))
        match self._only or way:
            case "kills":
                told = self._with_kills(telling, calm, random)
            case "takeover":
                told = self._with_a_takeover(telling, calm, random)
            case "rivals":
                told = self._with_rivals(telling, calm, random)
            case "supersedes":
                told = self._with_a_new_message(telling, calm, random)
            case other:
                raise AssertionError(f"{other} is none of {get_args(Disturbance)}")
        for complaint in self._server.refused:
            telling.blame(f"a model server would refuse: {complaint}")
        if telling.history:
            self.report.disturbed += 1
            self.report.dimensions.update(telling.plot.dimensions())
        if told:
            check_end(telling, calm)

    def _killed(self, telling: Telling, point: str, when: str) -> None:
        telling.kills += 1
        telling.history.append(point_name(point, when))
        self.report.kills[point_name(point, when)] += 1
        check_file(telling)

    def _with_kills(self, telling: Telling, calm: Telling, random: Random) -> bool:
        """Once, twice, or five times in a row; less where the story ends before."""
        times = random.choice(self._in_a_row)
        at, point, when = 0, "", ""
        for n in range(times):
            kill: Kill | None = None
            after_s: float | None = None
            if self._point is not None:
                kill = self._choose(calm, random)
            elif n == 0 and times > 1 and random.random() < 0.4:
                kill = self._choose(calm, random, LEAVES_UNKNOWN.__contains__)
            elif (point, when) in LEAVES_UNKNOWN and random.random() < 0.6:
                kill = (*random.choice(ABOUT_UNKNOWN), 1)
            elif random.random() < 0.25:
                after_s = random.uniform(0, calm.took_s * 1.3)
            else:
                kill, at = self._choose_next(calm, at, random)
            point, when = kill[:2] if kill else ("moment", "")
            ended = telling.play(kill=kill, kill_after_s=after_s)
            if ended == 0:
                break
            if ended != -signal.SIGKILL:
                return telling.blame(f"a process {ended_as(ended)}")
            self._killed(telling, point, when)
        if telling.kills:
            self.report.rows[telling.kills] += 1
        return telling.finish()

    def _choose_next(self, calm: Telling, at: int, random: Random) -> tuple[Kill, int]:
        """A kill not far behind the place `at` which the story has come to, and the place of that kill."""
        if random.random() < 0.35:
            return self._choose(calm, random), at
        ahead = calm.met[at:]
        kinds = sorted(set(ahead[: max(40, len(ahead) // 3)]))
        if not kinds:
            return self._choose(calm, random), at
        wanted = random.choice(kinds)
        place = random.choice([n for n, met in enumerate(ahead) if met == wanted][:3])
        return (*wanted, 1 + ahead[:place].count(wanted)), at + place

    def _choose(
        self, calm: Telling, random: Random, among: Callable[[tuple[str, str]], bool] | None = None
    ) -> Kill:
        """A point that the story comes by, each kind of point as likely as any other."""
        also = [
            (point, when) for point in ONLY_AFTER_A_KILL for when in ("before", "amid", "inside", "after")
        ]
        points = sorted(point for point in {*calm.met, *also} if among is None or among(point))
        wanted = [point for point in points if self._point and point[: len(self._point)] == self._point]
        point = random.choice(wanted or points)
        times = calm.met.count(point)
        return (*point, random.randint(1, max(1, times if point[1] == "amid" else min(3, times))))

    def _with_a_takeover(self, telling: Telling, calm: Telling, random: Random) -> bool:
        """One stops where it holds no lock; another takes its run over and ends it, as far as it can beside a call
        that the first one still holds; the first is woken, or killed."""
        kill = self._choose(calm, random, _can_stop_there)
        telling.taken_over = True
        pid, output = telling.start(self._one, kill=kill, stops=True)
        if (ended := self._one.wait()) is not None:
            return ended == 0 or telling.blame(f"a process that was to stop {ended_as(ended)}")
        telling.kills += 1
        telling.history.append(f"stopped: {point_name(*kill[:2])}")
        at_work = {
            (name, json.loads(arguments)["what"])
            for name, arguments in telling.rows(
                "SELECT tool_name, arguments FROM effect WHERE phase = 'executing' AND effect != 'subagent'"
            )
        }
        stood = len(telling.ledger)
        outcome = telling.tell_on(self._other, takes_over=True)
        told = outcome == "completed"
        if not told and outcome != "still running":
            telling.blame(f"who took the run over ended it as {outcome}")
        before, acted = telling.rows("SELECT * FROM message ORDER BY seq"), len(telling.ledger)
        beside = [line for line in telling.ledger[stood:] if line[:2] in at_work and line[0] in ONCE]
        if beside:
            telling.blame(f"calls were begun beside an attempt that still ran: {beside}")
        if random.random() < 0.25:
            self.report.others[f"stopped, taken over and killed; the run was {outcome}"] += 1
            telling.history.append("killed")
            os.kill(pid, signal.SIGKILL)
            self._one.wait()
        else:
            self.report.others[f"stopped, taken over and woken; the run was {outcome}"] += 1
            telling.history.append("woken")
            os.kill(pid, signal.SIGCONT)
            if (ended := self._one.wait()) != 0:
                return telling.blame(f"a process that was woken {ended_as(ended)}")
            woken = json.loads(output.read_text())["outcome"]
            if woken not in ("completed", "RunFencedError", "AgentRunSupersededError"):
                return telling.blame(f"a process that was woken ended as {woken}")
        # a call that it was making goes on with it, and what only reads needs no leave; but nothing else may begin
        begun = [line for line in telling.ledger[acted:] if line[:2] not in at_work and line[0] != "look"]
        if begun and kill[0] != "begin_run":
            return telling.blame(f"a process that was woken began calls: {begun}")
        if kill[0] != "begin_run" and telling.rows("SELECT * FROM message ORDER BY seq") != before:
            return telling.blame("a process that was woken changed the conversation")
        return telling.finish()

    def _with_rivals(self, telling: Telling, calm: Telling, random: Random) -> bool:
        """Two work on one run from its beginning; of most pairs one is killed."""
        if telling.play(kill=("begin_run", "after", 1)) != -signal.SIGKILL:
            return telling.blame("a process was not killed where it should have been")
        self._killed(telling, "begin_run", "after")
        after = random.uniform(0, calm.took_s * 1.3) if random.random() < 0.6 else None
        _, one = telling.start(self._one, nursery_kill_after_s=after, rival=True)
        _, other = telling.start(self._other, rival=True)
        telling.history.append("two at once" if after is None else "two at once, one killed")
        self.report.others[telling.history[-1]] += 1
        ends = [(self._one.wait(), one), (self._other.wait(), other)]
        telling.kills += sum(ended == -signal.SIGKILL for ended, _ in ends)
        for ended, output in ends:
            if ended == -signal.SIGKILL:
                continue
            if ended != 0:
                return telling.blame(f"one of two {ended_as(ended)}")
            if (outcome := json.loads(output.read_text())["outcome"]) != "completed":
                return telling.blame(
                    f"one of two, which never took a run from a living one, ended as {outcome}"
                )
        return telling.finish()

    def _with_a_new_message(self, telling: Telling, calm: Telling, random: Random) -> bool:
        """Killed, and not gone on with: the next message closes what was left open. Not to be compared."""
        kill = self._choose(calm, random)
        ended = telling.play(kill=kill)
        if ended == 0:
            return False  # it did not come by that point
        if ended != -signal.SIGKILL:
            return telling.blame(f"a process {ended_as(ended)}")
        self._killed(telling, *kill[:2])
        self.report.others["closed by a new message"] += 1
        telling.history.append("a new message")
        if telling.finish(supersedes=True):
            check_closed(telling)
        return False


def _can_stop_there(point: tuple[str, str]) -> bool:
    """Where a process holds no lock that would hold up everybody, and there is a run to take over."""
    name, when = point
    if point == ("begin_run", "before") or when not in ("before", "after"):
        return False
    return name in (*BOUNDARIES, "effect", "verify", "model")
