"""Whatever stands in a conversation, a command's output and an exported file command no terminal."""

from __future__ import annotations

import json

from tests.cli.kit import Cli

CORPUS = {
    "a window title": "\x1b]0;OWNED\x07",
    "a clipboard": "\x1b]52;c;T1dORUQ=\x07",
    "a link": "\x1b]8;;http://evil\x1b\\click\x1b]8;;\x1b\\",
    "colours and a cleared screen": "\x1b[31m\x1b[2J\x1b[H",
    "C1 controls": "\x9b31m\x9d0;OWNED\x9c",
    "a line that is overwritten": "safe\rrm -rf /\b\b\b\x7f",
    "another direction": "\u202egpj.exe\u2066\u2069",
    "what cannot be seen": "a\u200b\u200d\u2060\ufeff\u00ad\U000e0041b",
    "a device's answer": "\x1b[6n\x1bZ\x05\x1bP+q544e\x1b\\",
    "markup": "[@click=app.quit]QUIT[/nope][/]",
}
# what a terminal obeys or hides; the line end is the only control that a listing needs
FORBIDDEN = [chr(code) for code in (*range(10), *range(11, 32), *range(0x7F, 0xA0))] + [
    *"\u200b\u2060\ufeff\u202e\u2066\u2069\u00ad\U000e0041"
]


def raw(text: str) -> list[str]:
    """The forbidden characters in a text."""
    return [character for character in FORBIDDEN if character in text]


def test_no_listing_and_no_export_passes_it_on(cli: Cli) -> None:
    hostile = " ".join(CORPUS.values())
    asked = cli("run", f"run: echo '{hostile}'", "--json").expect(3).json
    thread_id = asked["thread_id"]
    [request] = asked["pending_approvals"]
    assert hostile in request["arguments"]["command"], "scripts are given what it really is"
    said = [
        cli("threads").expect(0).out,
        cli("runs").expect(0).out,
        cli("approvals").expect(0).out,
        cli("checkpoints", thread_id).expect(0).out,
        cli("approve", request["approval_id"], "--always", "thread").expect(0).out,
        cli("grants").expect(0).out,
        cli("resume", asked["run_id"]).out,
        cli("export", thread_id, "--format", "md").expect(0).out,
        cli("export", thread_id, "--format", "json").expect(0).out,
        cli("approvals", "--json").expect(0).out,
        cli("grants", "--json").expect(0).out,
        cli("approve", request["approval_id"]).expect(1).err,
    ]
    assert [raw(text) for text in said] == [[]] * len(said)
    assert sum("echo" in text for text in said) >= 6, "it is shown, and not left out"
    assert hostile in "".join(m["text"] for m in json.loads(said[8])["messages"] if m["role"] == "user")
