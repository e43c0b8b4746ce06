"""Who answers: an address, a key, and a dialect for each protocol. The providers themselves are in ``providers/``."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, ValidationError

from deepseek_v4 import errors
from deepseek_v4.protocols.dialect import Dialect
from deepseek_v4.values.notes import Note

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Provider", "explain"]


@dataclass(frozen=True)
class Provider:
    """Who answers: an address, a key of its own, and one dialect for each protocol it serves.

    Attributes:
        name: The word for it in ``provider=``.
        base_url: The root; dialects append their own paths. ``""`` where each user has an address of their own.
        key_variable: Environment variable of its key, and of no other provider's.
        dialects: Protocol name -> dialect.
        headers: Sent with every request.
        key_needed: Whether a call without a key is refused here (local servers often need none).
        root_path: What a given ``base_url`` without any path is completed with (``/v1``).
        address_form: What a ``base_url`` looks like, for providers without one of their own.
        options_type: The pydantic model of ``provider_options``, or None where there are none.
        has_variants: Whether ``provider="name:variant"`` asks for a variant of every model.
        variant: The variant asked for, put behind the model's id.
    """

    name: str
    base_url: str
    key_variable: str | None
    dialects: Mapping[str, Dialect]
    headers: Mapping[str, str] = field(default_factory=dict)
    key_needed: bool = True
    root_path: str = ""
    address_form: str = ""
    options_type: type[BaseModel] | None = None
    has_variants: bool = False
    variant: str = ""

    def dialect(self, protocol: str) -> Dialect:
        """The dialect for a protocol.

        Raises:
            UnsupportedError: when the provider does not serve it; names those it does.
        """
        try:
            return self.dialects[protocol]
        except KeyError:
            served = ", ".join(sorted(self.dialects))
            raise errors.UnsupportedError(
                f"{self.name} does not serve protocol={protocol!r}; it serves: {served}.", provider=self.name
            ) from None

    def dialect_for(self, protocol: str, model: str) -> Dialect:
        """The dialect for a protocol and a model, where features differ between models.

        Args:
            protocol: Which endpoint is spoken.
            model: The id as ``model_id`` gave it.

        Raises:
            UnsupportedError: when the provider does not serve the protocol.
        """
        return self.dialect(protocol)

    def model_id(self, model: str) -> str:
        """The model id as it is said here.

        Raises:
            InvalidRequestError: when the model's id names one variant and the provider another.
        """
        if not self.variant or model.endswith(f":{self.variant}"):
            return model
        if ":" in model:
            raise errors.InvalidRequestError(
                f"model={model!r} names a variant, and provider='{self.name}:{self.variant}' another: give one of them."
            )
        return f"{model}:{self.variant}"

    def with_variant(self, variant: str) -> Self:
        """This provider, asked for a variant of every model: ``provider="name:variant"``.

        Raises:
            ValueError: when it has no variants.
        """
        if not self.has_variants or not variant:
            raise ValueError(f"{self.name} has no variants: give provider={self.name!r}")
        return dataclasses.replace(self, variant=variant)

    def root(self, base_url: str | None) -> str:
        """The root of all addresses: the given one, or the provider's own.

        Raises:
            InvalidRequestError: when there is neither.
        """
        if not base_url:
            if not self.base_url:
                raise errors.InvalidRequestError(
                    f"{self.name} has no address of its own: give base_url={self.address_form!r}."
                )
            return self.base_url
        if self.root_path and not urlsplit(base_url).path.strip("/"):
            return base_url.rstrip("/") + self.root_path
        return base_url

    def read_options(self, given: Any, notes: list[Note]) -> Any:
        """The provider's own options, checked: an object of ``options_type``, or a dict of its fields.

        Another provider's options are left out with a note, so that switching takes one word.

        Raises:
            InvalidRequestError: for a field or a value that the options do not have; names it.
        """
        kind = self.options_type
        if given is None or (kind is not None and isinstance(given, kind)):
            return given
        if isinstance(given, BaseModel):
            own = f"it takes {kind.__name__}" if kind is not None else "it has no options of its own"
            notes.append(Note("dropped", "provider_options", f"{type(given).__name__} is not for {self.name}: {own}"))
            return None
        if kind is None:
            raise errors.InvalidRequestError(
                f"{self.name} has no options of its own: put fields of the wire into extra_body."
            )
        if not isinstance(given, Mapping):
            raise errors.InvalidRequestError(
                f"provider_options must be {kind.__name__}(...) or a dict of its fields, not {type(given).__name__}."
            )
        try:
            return kind.model_validate(dict(given))
        except ValidationError as error:
            raise errors.InvalidRequestError(f"provider_options: {explain(error, kind)}") from None

    def __reduce__(self) -> tuple[Any, ...]:
        values = {each.name: getattr(self, each.name) for each in dataclasses.fields(self)}
        values["dialects"] = dict(self.dialects)
        values["headers"] = dict(self.headers)
        return _rebuild_provider, (type(self), values)


def _rebuild_provider(cls: type[Provider], values: dict[str, Any]) -> Provider:
    return cls(**values)


def explain(error: ValidationError, kind: type[BaseModel]) -> str:
    """The first problem of a failed validation in one sentence."""
    problem = error.errors()[0]
    where = ".".join(str(step) for step in problem["loc"])
    if problem["type"] == "extra_forbidden":
        if len(problem["loc"]) > 1:
            return f"there is no field {where!r}."
        return f"there is no field {where!r}; there are: {', '.join(kind.model_fields)}."
    return f"{where}: {problem['msg'].removeprefix('Value error, ')}." if where else f"{problem['msg']}."


class ProviderOptions(BaseModel):
    """Options only one provider has. What is left out is not sent."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True, protected_namespaces=())

    def said(self) -> dict[str, Any]:
        """The options that were given, as JSON values."""
        return self.model_dump(exclude_none=True, mode="json")
