"""`doctor` and the search index: its damage is named, and it is made anew."""

from __future__ import annotations

from tests.cli.conftest import Waiting
from tests.cli.kit import Cli
from tests.support.tables import writable

DAMAGE = "DELETE FROM message_index_data WHERE id > 10"


def test_a_damaged_search_index_is_named_and_made_anew(cli: Cli, waiting: Waiting) -> None:
    assert cli("doctor", "--json").json["database"]["search_index"] == "none"
    db = writable(cli.db)
    with db:
        text = "a text to be found " * 3000
        db.execute(
            "INSERT INTO message (thread_id, seq, role, chars, lines, run_id, created_at_ms, text)"
            " VALUES (?, 99, 'user', ?, 1, 'run_x', 1, ?)",
            (waiting.thread_id, len(text), text),
        )
    db.close()
    assert cli("doctor", "--reindex", "--json").expect(0).json["search_index"] == "sound"
    assert cli("doctor", "--json").json["database"]["search_index"] == "sound"

    db = writable(cli.db)
    with db:
        db.execute(DAMAGE)
    db.close()
    done = cli("doctor", "--json").expect(1)
    assert (done.json["database"]["search_index"], done.json["database"]["integrity"]) == ("damaged", "ok")
    assert any("doctor --reindex" in problem for problem in done.json["problems"])
    assert "made anew" in cli("doctor", "--reindex").expect(0).out
    assert cli("doctor", "--json").json["database"]["search_index"] == "sound"
    cli("doctor", "--reindex", "--salvage", str(cli.home / "out.db")).expect(2)
