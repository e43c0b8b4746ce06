"""The suffix of arguments that must not be executed: appended for LangChain, removed before they are sent again.

langchain-core repairs a streamed call's arguments when it parses them, so that truncated ones look valid. The suffix
makes them invalid in any case: a closing bracket that closes nothing (``partial_json.invalidating_tail``), and a space
for each of its characters, which encodes its length. Complete answers have the same suffix, so that ``invoke`` and a
stream return equal messages.
"""

from __future__ import annotations

from deepseek_v4.integration.partial_json import invalidating_tail


def invalidating_suffix(arguments: str) -> str:
    """Return the suffix for arguments that are not a JSON object."""
    tail = invalidating_tail(arguments)
    if not tail and arguments.endswith(" "):
        tail = "]"  # invalid already, but its spaces could be taken for a suffix
    return tail + " " * len(tail)


def strip_suffix(arguments: str) -> str:
    """Return the arguments as the model wrote them."""
    stripped = arguments.rstrip(" ")
    length = len(arguments) - len(stripped)
    written = stripped[: len(stripped) - length]
    return written if length and written + invalidating_suffix(written) == arguments else arguments
