"""What the typed ``provider_options`` of all providers share: unknown fields are refused, values do not change."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class OwnOptions(BaseModel):
    """Options only one provider has. What is left out is not sent."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True, protected_namespaces=())

    def said(self) -> dict[str, Any]:
        """The options that were given, as JSON values."""
        return self.model_dump(exclude_none=True, mode="json")
