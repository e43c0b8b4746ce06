"""JSON Schemas for requests: references, the strict subset, the compact form. Does not validate values."""

from typing import TYPE_CHECKING

from deepseek_v4._lazy import attributes

if TYPE_CHECKING:
    from deepseek_v4.protocols.schema.nulls import allows_nulls, remove_added_nulls
    from deepseek_v4.protocols.schema.references import compact
    from deepseek_v4.protocols.schema.strict import strict_subset

__all__ = ["allows_nulls", "compact", "remove_added_nulls", "strict_subset"]

_HOME = {
    "allows_nulls": "nulls",
    "compact": "references",
    "strict_subset": "strict",
    "remove_added_nulls": "nulls",
}

__getattr__ = attributes(globals(), _HOME)
