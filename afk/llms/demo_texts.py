"""The demo model's own words: what it can do, and long answers to look at. The same bytes every time."""

from __future__ import annotations

import re

HELP = """\
I am the **demo model**: I work offline, cost nothing and understand only a few commands, but I drive the \
real tools in this folder. Anything that changes something waits for your yes.

| say | and I |
| --- | --- |
| `list [PATH]` | list a folder |
| `read PATH` | read a file |
| `search PATTERN` | search the files |
| `write PATH: TEXT` | write a file |
| `edit PATH: OLD => NEW` | replace a text that stands there once |
| `run: COMMAND` | run a shell command |
| `tell a long story` | stream a long answer |

Join commands with `and then` to do them one after another, or with `together with` to do them at once:

```
write notes.txt: buy milk and then read notes.txt
```

For a real model set `OPENAI_API_KEY`, or `OPENAI_BASE_URL` for a server of your own, and start again.
"""

STORY = """\
# The lighthouse that kept its log

The keeper of the northern light wrote down **everything** before she did it. *"Intent first,"* she used \
to say, *"then the deed, then the outcome."* The other keepers laughed, until the winter of the long storm.

## What she wrote down

1. what she was about to do,
2. who had agreed to it,
3. and what came of it:
   - when it went well,
   - when it failed,
   - and when she could not know.

> A log that never says *unknown* is a log that sometimes lies.

## How the log worked

```python
def act(log: Log, deed: Deed) -> Outcome:
    entry = log.intend(deed)        # on paper before anything moves
    if not entry.agreed:
        return log.close(entry, "denied")
    outcome = deed.do(key=entry.key)
    return log.close(entry, outcome)
```

When lightning struck in the middle of a line, she did not repeat the deed. She looked at the lamp, and \
where the lamp could not tell her she *asked*.

## One night in numbers

| hour | deed | agreed by | outcome |
| ---: | :--- | :--- | :--- |
| 21 | light the lamp | the keeper | done |
| 23 | sound the horn | the harbour | done |
| 02 | wind the clockwork | nobody | waiting |
| 04 | send the boat | the harbour | **unknown** |

At dawn the harbour master came up the stairs, read four lines, and knew all there was to know. He \
answered the one that waited, he settled the one that was unknown, and the light went on from exactly there.

## And since then

The other keepers keep logs, too. They are dull to read:

- nothing is in them twice,
- nothing is missing,
- and nobody has to stay awake for them.

That is the whole story. Its moral fits in one line of shell:

```sh
tail -n 1 log.txt   # "04:00 send the boat: it happened (settled by the harbour master)"
```
"""

_SECTION = (
    "## Part {n}",
    "",
    "This is part {n} of a long answer. It has **bold**, *italic* and `code` in it,",
    "and a second line so that paragraphs wrap.",
    "",
    "- first of part {n}",
    "- second of part {n}",
    "",
    "```python",
    "def part_{n}(value: int) -> int:",
    "    return value + {n}",
    "```",
    "",
    "| part | double |",
    "| ---: | ---: |",
    "| {n} | {twice} |",
    "",
)
_FENCED = range(_SECTION.index("```python"), _SECTION.index("```") + 1)


def long_answer(lines: int) -> str:
    """Exactly `lines` lines of Markdown, whose code fences are closed."""
    whole = [_section_line(at) for at in range(lines)]
    if whole and (lines - 1) % len(_SECTION) in _FENCED:
        last_opened = (lines - 1) % len(_SECTION) == _FENCED.start
        whole[-1] = "" if last_opened else "```"
    return "\n".join(whole) + "\n" if whole else ""


def _section_line(at: int) -> str:
    number, line = divmod(at, len(_SECTION))
    return _SECTION[line].format(n=number + 1, twice=2 * (number + 1))


_ASKED = re.compile(r"^\[\d+\] The person: (.*)$", re.MULTILINE)
_DIGEST_LINES, _DIGEST_CHARS = 12, 60


def digest(previous: str | None, record: str) -> str:
    """What the demo model remembers of older messages: what was asked, the newest last, shortened."""
    asked = [
        f"- {line[:_DIGEST_CHARS]}{'…' * (len(line) > _DIGEST_CHARS)}" for line in _ASKED.findall(record)
    ]
    before = [line for line in (previous or "").splitlines() if line.startswith("- ")]
    lines = [*before, *asked]
    left_out = len(lines) - _DIGEST_LINES
    head = "Asked so far:" if left_out <= 0 else f"Asked so far, the last {_DIGEST_LINES}:"
    return "\n".join([head, *lines[-_DIGEST_LINES:]])
