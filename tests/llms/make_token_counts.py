"""`python -m tests.llms.make_token_counts`: count the tokens of our texts by tiktoken's o200k_base, and write both down
in token_counts.json, so that the estimate can be compared with that where there is no vocabulary. This needs one, in
the folder that TIKTOKEN_CACHE_DIR names."""

from __future__ import annotations

import json
from pathlib import Path

from tests.llms.token_texts import texts

COUNTS = Path(__file__).with_name("token_counts.json")


def main() -> None:
    import tiktoken

    encoding = tiktoken.get_encoding("o200k_base")
    counted = {
        name: {"kind": kind, "tokens": len(encoding.encode(text, disallowed_special=())), "text": text}
        for name, (kind, text) in texts().items()
    }
    COUNTS.write_text(json.dumps(counted, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
