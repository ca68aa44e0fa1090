"""The version, for those who want nothing else of the engine."""

from afk import __version__ as VERSION

__all__ = ["VERSION"]
