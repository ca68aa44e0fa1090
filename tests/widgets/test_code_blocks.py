"""What counts as a code block, and what of it is copied."""

from __future__ import annotations

from afk_tui.widgets.code_blocks import CodeBlock, code_blocks


def test_blocks_come_as_they_were_written_wherever_they_stand() -> None:
    text = (
        "Do\n\n```python title\ndef f():\n\treturn 1\n```\n\n1. then\n\n   ~~~~sh\n   ls `pwd`\n   ```\n   ~~~~\n\n"
        "> ```\n> quoted\n> ```\n\nand\n\n    indented\n      more\n\n```\n```\n\n```never closed\nto the end"
    )
    assert code_blocks(text) == [
        CodeBlock("python", "def f():\n\treturn 1"),
        CodeBlock("sh", "ls `pwd`\n```"),
        CodeBlock("", "quoted"),
        CodeBlock("", "indented\n  more"),
        CodeBlock("never", "to the end"),
    ]


def test_code_inside_a_line_is_no_block() -> None:
    assert code_blocks("Use `ls` and ``pwd``.") == []
