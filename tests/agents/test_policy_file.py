"""Rules in a file are the rules that hold, in their order; what can't be understood is told, with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from afk.agents import Policy, PolicyRule
from afk.agents.errors import AgentConfigurationError
from afk.agents.policy_file import load_policy

RULES = """
# nothing is removed
[[rule]]
tool = "run_command"
action = "deny"
arguments = { command = "rm *" }
reason = "Never remove anything."

[[rule]]
tool = "run_*"
action = "allow"

[[rule]]
tool = "write_file"
action = "ask"
[rule.arguments]
path = "*.md"
"""


def loaded(tmp_path: Path, text: str) -> Policy:
    path = tmp_path / "policy.toml"
    path.write_text(text)
    return load_policy(path)


def test_the_rules_of_a_file_stand_in_their_order(tmp_path: Path) -> None:
    policy = loaded(tmp_path, RULES)
    assert list(policy.rules) == [
        PolicyRule("run_command", "deny", {"command": "rm *"}, "Never remove anything."),
        PolicyRule("run_*", "allow"),
        PolicyRule("write_file", "ask", {"path": "*.md"}),
    ]
    assert policy.rule_for("run_command", {"command": "rm -rf x"}) is policy.rules[0]
    assert policy.rule_for("run_command", {"command": "ls"}) is policy.rules[1]
    assert policy.rule_for("write_file", {"path": "a.txt"}) is None


def test_an_empty_file_has_no_rules(tmp_path: Path) -> None:
    assert loaded(tmp_path, "# none yet\n").rules == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[[rule]]\ntool = "a"\naction = "allow"\n\n[[rule]]\ntool = "b"\n', r"rule 2 \(line 5\): action is missing"),
        ('[[rule]]\naction = "allow"\n', r"rule 1 \(line 1\): tool is missing"),
        ('[[rule]]\ntool = "a"\naction = "alow"\n', "action is allow, ask or deny; got 'alow'"),
        ('[[rule]]\ntool = "a"\naction = "deny"\nargument = { x = "y" }\n', "unknown key 'argument'. The keys are"),
        ('[[rule]]\ntool = "a"\naction = "deny"\narguments = { x = 3 }\n', "arguments.x is a glob, .*; got 3"),
        ('[[rule]]\ntool = "a"\naction = "deny"\narguments = "x"\n', "arguments is a table of globs"),
        ('[[rule]]\ntool = ""\naction = "deny"\n', "tool is empty"),
        ('[[rule]]\ntool = "a"\naction = "deny"\nreason = 3\n', "reason is text in quotes; got 3"),
        ('[rule]\ntool = "a"\naction = "deny"\n', r"begins with \[\[rule\]\]"),
        ('rule = ["a"]\n', "rule 1: a rule is a table"),
        ('[[rules]]\ntool = "a"\n', "holds 'rules', which means nothing"),
        ("[[rule]\n", r"is not valid TOML: .*line 1"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_file_is_told_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(AgentConfigurationError, match=told) as caught:
        loaded(tmp_path, text)
    assert str(tmp_path / "policy.toml") in str(caught.value)


def test_a_file_that_is_not_there_or_no_text_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(AgentConfigurationError, match="can't be read: No such file"):
        load_policy(tmp_path / "none.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(AgentConfigurationError, match="not UTF-8 text: byte 0"):
        load_policy(tmp_path / "bytes.toml")
