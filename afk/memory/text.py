"""Text as a database can hold it."""

from __future__ import annotations


def storable(text: str) -> str:
    """The same text, without what UTF-8 can't say: halves of a character that came apart are joined, and a half
    alone (of an undecodable file name, of a broken stream) becomes U+FFFD."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
