"""Facts about models: limits, features and dated prices. Sends nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepseek_v4._lazy import attributes
from deepseek_v4.catalog.cost import cost_of
from deepseek_v4.catalog.lookup import ModelFacts, find, is_v4, models, reset

if TYPE_CHECKING:
    from deepseek_v4.catalog.update import Change, update_from

__all__ = ["Change", "ModelFacts", "cost_of", "find", "is_v4", "models", "reset", "update_from"]

__getattr__ = attributes(globals(), {"Change": "update", "update_from": "update"})
