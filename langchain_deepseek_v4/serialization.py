"""Adds our classes to langchain-core's list of those that ``load(..., allowed_objects="all")`` may create.

The list names LangChain's own partner packages, and langchain-core has no function to add others. The caller of
``load`` still has to name the namespace: ``valid_namespaces=["langchain_deepseek_v4"]``. Without this module, only
``allowed_objects=[ChatDeepSeekV4]`` would load a saved model.
"""

from __future__ import annotations

from typing import TypeVar

from langchain_core.load.load import ALL_SERIALIZABLE_MAPPINGS
from langchain_core.load.serializable import Serializable

Class = TypeVar("Class", bound=type[Serializable])


def register_serializable(cls: Class) -> Class:
    """Add a class to the list."""
    path = tuple(cls.lc_id())
    ALL_SERIALIZABLE_MAPPINGS[path] = path
    return cls
