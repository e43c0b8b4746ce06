"""Events for listeners, one for each HTTP request of an answer: what was sent, received and paid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepseek_v4._lazy import attributes

if TYPE_CHECKING:
    from deepseek_v4.observe.cache_report import CacheMiss, CacheReport, Conversation
    from deepseek_v4.observe.events import RequestEvent, Section
    from deepseek_v4.observe.listeners import Listener, listen
    from deepseek_v4.observe.prompt_changes import Change
    from deepseek_v4.observe.spans import instrument, uninstrument
    from deepseek_v4.observe.usage import UsageListener

__all__ = [
    "CacheMiss",
    "CacheReport",
    "Change",
    "Conversation",
    "Listener",
    "RequestEvent",
    "Section",
    "UsageListener",
    "instrument",
    "listen",
    "uninstrument",
]

_NAMES_OF = {
    "cache_report": ("CacheMiss", "CacheReport", "Conversation"),
    "events": ("RequestEvent", "Section"),
    "listeners": ("Listener", "listen"),
    "prompt_changes": ("Change",),
    "spans": ("instrument", "uninstrument"),
    "usage": ("UsageListener",),
}

__getattr__ = attributes(globals(), {name: module for module, names in _NAMES_OF.items() for name in names})
