"""What happens in a story, all of it following from the seed, so that a run which was killed can be held against one
which was not."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any, Literal

from afk.memory.records import DecisionText
from tests.support.model_replies import Call, Reply, calls, text

Deed = Literal["allow", "deny", "edit", "respond"]

# name: effect, and whether it asks
TOOLS: dict[str, tuple[Literal["read", "idempotent", "once"], bool]] = {
    "look": ("read", False),
    "peek": ("read", True),
    "stamp": ("idempotent", False),
    "mark": ("idempotent", True),
    "act": ("once", True),
    "send": ("once", False),
    "check": ("once", True),  # can tell whether it happened
    "ship": ("once", False),  # can tell, too
}
CAN_TELL = ("check", "ship")
ONCE = tuple(name for name, (effect, _) in TOOLS.items() if effect == "once")


@dataclass(frozen=True)
class Plot:
    """Calls as (tool, what), step by step; the deed about each; what is said of an unknown outcome. `over_http`: the
    model is a server on loopback. `older_file`: the database is one that the first version left."""

    steps: tuple[tuple[tuple[str, str], ...], ...]
    deeds: dict[str, Deed]
    settle: DecisionText
    compacts: Literal["never", "waiting", "beside"]
    at_once: bool
    over_http: bool
    older_file: bool

    @property
    def calls(self) -> list[tuple[str, str]]:
        return [call for step in self.steps for call in step]

    def deed(self, name: str, what: str) -> Deed:
        """What a person says of this call; what nobody is asked about is allowed."""
        return self.deeds.get(what, "allow") if TOOLS[name][1] else "allow"

    def dimensions(self) -> set[str]:
        """What this story is made of, for a report."""
        kinds = {f"{TOOLS[name][0]}{' with verify' * (name in CAN_TELL)}" for name, _ in self.calls}
        deeds = {self.deed(name, what) for name, what in self.calls if TOOLS[name][1]}
        return {
            *(f"a tool that is {kind}" for kind in kinds),
            *(f"a decision to {deed}" for deed in deeds),
            *(f"{len(step)} calls in a step" for step in self.steps),
            f"compaction: {self.compacts}",
            "a model over HTTP" if self.over_http else "a model in process",
            "a file of the first version" if self.older_file else "a new file",
        }


def plot_of(seed: int) -> Plot:
    random = Random(seed)
    steps = tuple(
        tuple((random.choice(list(TOOLS)), f"s{n}c{m}") for m in range(random.choice((1, 3))))
        for n in range(random.choice((1, 2, 3)))
    )
    deeds: list[Deed] = ["allow", "allow", "allow", "deny", "edit", "respond"]
    return Plot(
        steps,
        {what: random.choice(deeds) for step in steps for _, what in step},
        random.choice(("run_again", "happened", "skip")),
        random.choice(("never", "never", "waiting", "beside")),
        random.random() < 0.5,
        random.random() < 0.15,
        random.random() < 0.2,
    )


def model_name(seed: int) -> str:
    """By which a server knows the story."""
    return f"seed-{seed}"


def answer_over_http(request: dict[str, Any]) -> Reply:
    """What the model says to a request: the same as in process, and it depends on nothing but the request."""
    plot = plot_of(int(request["model"].removeprefix("seed-")))
    at = sum(1 for message in request["messages"] if message["role"] == "assistant")
    if at < len(plot.steps):
        wanted = [
            Call(name, {"what": what}, f"call_{n}_of_{at}") for n, (name, what) in enumerate(plot.steps[at])
        ]
        return calls(*wanted, text=f"Step {at}.")
    return text("All done." if at == len(plot.steps) else "Done.")
