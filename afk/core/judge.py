"""Which call may run, which must be asked for, and which is refused: before anything is executed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import chain, count
from pathlib import Path
from typing import Any

from afk.agents.agent import Agent
from afk.agents.policy import Policy
from afk.core.config import RunnerConfig
from afk.core.granted import grants_for, still_covered
from afk.core.rules import rule_for
from afk.llms.protocol import ToolCall
from afk.memory.bounding import as_shown
from afk.memory.records import CallResult, EffectRecord, ProposedCall, Request
from afk.memory.store import MemoryStore
from afk.outputs import READ_OUTPUT
from afk.tools import Tool, ToolArgumentsError
from afk.tools.read_output import read_output


def call_sha(tool_name: str, arguments: dict[str, Any], workspace: str) -> str:
    """What a decision is bound to: the tool, its arguments and the folder it acts in."""
    text = json.dumps(
        [tool_name, arguments, workspace], sort_keys=True, ensure_ascii=False, separators=(",", ":")
    )
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges the calls of one run. `path` is its agent with those above it, as requests show it.

    In this order: the tool must exist, its arguments must fit, then the first policy rule that matches, then what
    the tool says of itself; a grant answers for a person only where a person would be asked, and never against a
    rule that denies.
    """

    agent: Agent
    policy: Policy
    config: RunnerConfig
    store: MemoryStore
    thread_id: str
    workspace: str
    path: str = ""

    def tool(self, name: str) -> Tool | None:
        """The tool of that name: the agent's own, or the one that every agent reads long results with."""
        return read_output if name == READ_OUTPUT else self.agent.tool(name)

    async def judge(
        self, calls: Sequence[ToolCall], taken: Collection[str], delegated: int = 0
    ) -> list[ProposedCall]:
        """The calls of one answer, in their order, each under an id that is none of those `taken` in its conversation;
        the run has made `delegated` calls to subagents before."""
        judged = [self._judge_one(call) for call in _with_ids_of_their_own(calls, taken)]
        judged = self._within_fan_out(judged, delegated)
        asking = [c for c in judged if c.request and not self._always_asks(c)]
        grants = await grants_for(self.store, self.agent, asking, self.thread_id, self.workspace)
        return [
            replace(c, request=None, allowed_by=f"grant:{grants[c.call_id]}") if c.call_id in grants else c
            for c in judged
        ]

    async def still_covers(self, effect: EffectRecord, arguments: dict[str, Any]) -> bool:
        """Whether the grant by a pattern that a call rests on, if it does, covers it at this moment."""
        return await still_covered(self.store, self.agent, effect, arguments, self.workspace)

    def refusal(self, tool_name: str, arguments: dict[str, Any]) -> CallResult | None:
        """What a rule that denies makes of a call, whoever allowed it; None where none does."""
        rule = rule_for(self.policy, tool_name, arguments, self.workspace)
        return _denied_by_rule(rule.reason) if rule and rule.action == "deny" else None

    def request(self, tool: Tool, reason: str, kind: str = "call") -> Request:
        """A request about a call of this tool."""
        expires = self.config.approval_expires_after_s
        return Request(
            kind="uncertain" if kind == "uncertain" else "call",
            reason=reason,
            schema=tool.parameters,
            agent_path=self.path or self.agent.name,
            expires_at_ms=None if expires is None else self.store.clock() + int(expires * 1000),
        )

    def explain_mismatch(self, effect: EffectRecord) -> str | None:
        """Why this agent can't go on with an open call of the run, or None."""
        tool = self.tool(effect.tool_name)
        if tool is None:
            return f"a call to {effect.tool_name!r} is open, and agent {self.agent.name!r} has no such tool any more"
        if (effect.effect == "subagent") != (tool.effect == "subagent"):
            was, is_now = ("subagent", "tool") if effect.effect == "subagent" else ("tool", "subagent")
            return (
                f"a call to the {was} {effect.tool_name!r} is open, and agent {self.agent.name!r} has a {is_now} "
                "of that name now"
            )
        try:
            tool.validate(effect.arguments)
        except ToolArgumentsError as error:
            return f"a call to {effect.tool_name!r} is open whose arguments its schema no longer accepts: {error}"
        return None

    def _within_fan_out(self, judged: list[ProposedCall], delegated: int) -> list[ProposedCall]:
        """No run makes more calls to subagents than the limit: those beyond it are refused before they are asked."""
        limit = self.config.max_subagents
        within: list[ProposedCall] = []
        for call in judged:
            if call.effect == "subagent" and call.result is None:
                delegated += 1
                if delegated > limit:
                    text = (
                        f"This run may give {limit} tasks to subagents, and has. Go on without another one."
                    )
                    call = replace(call, request=None, allowed_by=None, result=CallResult("failed", text))
            within.append(call)
        return within

    def _judge_one(self, call: ToolCall) -> ProposedCall:
        tool = self.tool(call.name)
        if tool is None:
            names = ", ".join(t.name for t in self.agent.toolbox) or "none"
            return self._refused(call, {}, f"There is no tool named {call.name!r}. The tools are: {names}.")
        try:
            parsed = json.loads(call.arguments or "{}")
        except (ValueError, RecursionError) as error:  # numbers of 5,000 digits and brackets 5,000 deep, too
            text = (
                f"The arguments of {call.name} are not valid JSON ({error}). Call it again with valid JSON."
            )
            return self._refused(call, {}, text)
        if not isinstance(parsed, dict):
            text = f"The arguments of {call.name} must be a JSON object; got {type(parsed).__name__}."
            return self._refused(call, {}, text)
        try:
            arguments = tool.validate(parsed)
        except ToolArgumentsError as error:
            return self._refused(call, parsed, str(error))
        return self._weigh(call.id, tool, arguments)

    def _weigh(self, call_id: str, tool: Tool, arguments: dict[str, Any]) -> ProposedCall:
        sha = call_sha(tool.name, arguments, self.workspace)
        if refusal := self.refusal(tool.name, arguments):
            return ProposedCall(call_id, tool.name, tool.effect, arguments, sha, None, None, refusal)
        rule = rule_for(self.policy, tool.name, arguments, self.workspace)
        reason = self._reason_to_ask(
            tool, arguments, rule.action if rule else None, rule.reason if rule else ""
        )
        if reason is None:
            allowed_by = "policy" if rule and rule.action == "allow" else "tool"
            return ProposedCall(call_id, tool.name, tool.effect, arguments, sha, allowed_by)
        return ProposedCall(call_id, tool.name, tool.effect, arguments, sha, None, self.request(tool, reason))

    def _reason_to_ask(
        self, tool: Tool, arguments: dict[str, Any], action: str | None, rule_reason: str
    ) -> str | None:
        if tool.approval == "always":
            return "This tool always asks."
        if action == "allow":
            return None
        if action == "ask":
            return rule_reason or "A rule of the policy asks for a decision."
        if tool.ask_when is not None and (reason := tool.ask_when(Path(self.workspace), arguments)):
            return reason
        if tool.approval == "never":
            return None
        return "It changes something, and no rule allows it."

    def _always_asks(self, call: ProposedCall) -> bool:
        tool = self.tool(call.tool_name)
        rule = rule_for(self.policy, call.tool_name, call.arguments, self.workspace)
        return (tool is not None and tool.approval == "always") or (rule is not None and rule.action == "ask")

    def _refused(self, call: ToolCall, arguments: dict[str, Any], text: str) -> ProposedCall:
        sha = call_sha(call.name, arguments, self.workspace)
        return ProposedCall(
            call.id,
            call.name,
            "read",
            arguments,
            sha,
            None,
            None,
            as_shown(CallResult("failed", text), self.config.result_limits),
        )


def _denied_by_rule(reason: str) -> CallResult:
    because = f" Reason: {reason}" if reason else ""
    return CallResult("skipped", f"This call was not executed: a rule of the policy denies it.{because}")


def _with_ids_of_their_own(calls: Sequence[ToolCall], taken: Collection[str]) -> list[ToolCall]:
    """Some servers give the same id to every call; a result, and a subagent's run, must name exactly one."""
    seen: set[str] = set()
    unique: list[ToolCall] = []
    for number, call in enumerate(calls):
        name = call.id
        numbers = chain((number,), count(len(taken) + number))
        while not name or name in seen or name in taken:
            name = f"{call.id or 'call'}_{next(numbers)}"
        seen.add(name)
        unique.append(ToolCall(name, call.name, call.arguments))
    return unique
