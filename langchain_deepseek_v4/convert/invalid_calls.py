"""The mark on arguments that must not be run: put on for LangChain, taken off again before they go to the provider.

langchain-core parses a streamed call's arguments with a repair, so that cut ones look sound. The mark makes them
certainly invalid: a closing bracket that closes nothing (``partial_json.invalidating_tail``), and a space for each
of its characters, which tells its length. Whole answers carry the same mark, so that ``invoke`` and a stream give equal
messages.
"""

from __future__ import annotations

from deepseek_v4.integration.partial_json import invalidating_tail

__all__ = ["invalidating_suffix", "strip_suffix"]


def invalidating_suffix(arguments: str) -> str:
    """What to append to arguments that are no JSON object."""
    tail = invalidating_tail(arguments)
    if not tail and arguments.endswith(" "):
        tail = "]"  # wrong already, but its spaces could be taken for a mark
    return tail + " " * len(tail)


def strip_suffix(arguments: str) -> str:
    """The arguments as the model wrote them."""
    marked = arguments.rstrip(" ")
    length = len(arguments) - len(marked)
    written = marked[: len(marked) - length]
    return written if length and written + invalidating_suffix(written) == arguments else arguments
