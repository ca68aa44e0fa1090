"""What happens in a story, all of it following from the seed, so that a run which was killed can be held against one
which was not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import Any, Literal

from afk.memory.records import DecisionText
from tests.crash.outgrowing import PADDING, summary_over_http, unfolded
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
# say more than a model is shown
AT_LENGTH = ("stamp", "mark", "send", "check")
MAX_RESULT_CHARS = 1_000
# agents; each one's instructions are its name
ROOT, MIDDLE, HAND = "bot", "middle", "hand"
Nested = Literal["no", "all", "beside", "deep"]
# what the root calls itself, beside its subagent
BESIDE = (("act", "b0"), ("look", "b1"))
ONCE = tuple(name for name, (effect, _) in TOOLS.items() if effect == "once")


@dataclass(frozen=True)
class Plot:
    """Calls as (tool, what), step by step; the deed about each; what is said of an unknown outcome. `over_http`: the
    model is a server on loopback. `older_file`: the database is one that the first version left. `nested`: who makes
    the calls: the root, a subagent ("all"), one beside which the root has calls of its own, or one below another.
    `outgrows`: what the agents say is too long for the model's context, so that older steps are summarised."""

    steps: tuple[tuple[tuple[str, str], ...], ...]
    deeds: dict[str, Deed]
    settle: DecisionText
    compacts: Literal["never", "waiting", "beside"]
    at_once: bool
    over_http: bool
    older_file: bool
    nested: Nested
    outgrows: bool

    @property
    def calls(self) -> list[tuple[str, str]]:
        beside = list(BESIDE) if self.nested == "beside" else []
        return [*beside, *(call for step in self.steps for call in step)]

    def script(self, agent: str) -> list[tuple[str, list[tuple[str, dict[str, str]]]]]:
        """What an agent's model says, answer by answer: a text and calls; then, without calls, it is done."""
        own = [
            (f"Step {n}.{PADDING if self.outgrows else ''}", [(name, {"what": what}) for name, what in step])
            for n, step in enumerate(self.steps)
        ]
        done = [("All done.", list[tuple[str, dict[str, str]]]())]
        if self.nested == "no" or agent == HAND:
            return own + done
        below = HAND if agent == MIDDLE or self.nested != "deep" else MIDDLE
        wanted: list[tuple[str, dict[str, str]]] = [(below, {"task": "Do it."})]
        if self.nested == "beside":
            wanted += [(name, {"what": what}) for name, what in BESIDE]
        return [("Delegating.", wanted), *done]

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
            f"nested in a subagent: {self.nested}",
            "summarised on the way" if self.outgrows else "short enough for the model",
        }


def plot_of(seed: int) -> Plot:
    random = Random(seed)
    steps = tuple(
        tuple((random.choice(list(TOOLS)), f"s{n}c{m}") for m in range(random.choice((1, 3))))
        for n in range(random.choice((1, 2, 3)))
    )
    deeds: list[Deed] = ["allow", "allow", "allow", "deny", "edit", "respond"]
    plot = Plot(
        steps,
        {what: random.choice(deeds) for step in steps for _, what in step},
        random.choice(("run_again", "happened", "skip")),
        random.choice(("never", "never", "waiting", "beside")),
        random.random() < 0.5,
        random.random() < 0.15,
        random.random() < 0.2,
        random.choice(("no", "no", "no", "all", "beside", "deep")),
        len(steps) == 3 and random.random() < 0.5,
    )
    beside = {what: random.choice(deeds) for _, what in BESIDE}
    return replace(plot, deeds={**plot.deeds, **beside}) if plot.nested == "beside" else plot


def model_name(seed: int) -> str:
    """By which a server knows the story."""
    return f"seed-{seed}"


def answer_over_http(request: dict[str, Any]) -> Reply:
    """What the model says to a request: the same as in process, and it depends on nothing but the request."""
    plot = plot_of(int(request["model"].removeprefix("seed-")))
    agent = next((m["content"] for m in request["messages"] if m["role"] == "system"), ROOT)
    if (summary := summary_over_http(request)) is not None:
        return summary
    at = sum(1 for message in unfolded(request["messages"]) if message["role"] == "assistant")
    script = plot.script(agent)
    if at >= len(script):
        return text("Done.")
    said, wanted = script[at]
    if not wanted:
        return text(said)
    return calls(*(Call(name, args, f"call_{n}_of_{at}") for n, (name, args) in enumerate(wanted)), text=said)
