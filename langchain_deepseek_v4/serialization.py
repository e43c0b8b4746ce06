"""Our classes on langchain-core's list of those that ``load(..., allowed_objects="all")`` may make.

The list names the partner packages of langchain-core's own house, and there is no call by which others join it. The
caller of ``load`` still has to name the namespace: ``valid_namespaces=["langchain_deepseek_v4"]``. Without
this, only ``allowed_objects=[ChatDeepSeekV4]`` would load a saved model.
"""

from __future__ import annotations

from typing import TypeVar

from langchain_core.load.load import ALL_SERIALIZABLE_MAPPINGS
from langchain_core.load.serializable import Serializable

__all__ = ["register_serializable"]

Class = TypeVar("Class", bound=type[Serializable])


def register_serializable(cls: Class) -> Class:
    """Put a class on the list."""
    path = tuple(cls.lc_id())
    ALL_SERIALIZABLE_MAPPINGS[path] = path
    return cls
