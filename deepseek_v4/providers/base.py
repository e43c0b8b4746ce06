"""The provider class: base URL, key variable, and a dialect for each protocol."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Any, ClassVar, get_args
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, ValidationError

from deepseek_v4 import errors
from deepseek_v4.protocols.dialect import Dialect, ProtocolName
from deepseek_v4.values.notes import Note
from deepseek_v4.values.value import dataclass


@dataclass(frozen=True)
class Provider:
    """A provider: base URL, API key variable, and one dialect per supported protocol.

    Attributes:
        name: The name for ``provider=``.
        base_url: The base URL; dialects append their own paths. ``""`` if each user has a different one.
        key_variable: Environment variable of its API key; providers do not share it.
        dialects: Protocol name -> dialect.
        headers: Headers sent with every request.
        key_needed: True if a call without a key raises an error (local servers often need no key).
        root_path: The path added to a given ``base_url`` that has none (``/v1``).
        address_form: An example of a ``base_url``, for providers without a default.
        options_type: The pydantic model of ``provider_options``, or None if the provider has no such options.
        has_variants: True if ``provider="name:variant"`` selects a variant of every model.
        variant: The selected variant, appended to the model id.
        default_model: The model id that is used if none is given.
        checks_model_ids: True if the catalog lists the provider's models, so that other ids cause a warning.
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
    default_model: str = "deepseek-v4-flash"
    checks_model_ids: bool = False

    @functools.cached_property
    def base_url_variables(self) -> tuple[str, str]:
        """The environment variables of the base URL, in order: ``DEEPSEEK_API_BASE``, ``DEEPSEEK_BASE_URL``."""
        stem = self.name.partition(":")[0].upper().replace("-", "_")
        return f"{stem}_API_BASE", f"{stem}_BASE_URL"

    def dialect(self, protocol: str) -> Dialect:
        """Return the dialect for a protocol.

        Raises:
            UnsupportedError: If the provider does not support the protocol; the message lists the supported ones.
        """
        dialect = self.dialects.get(protocol)
        if dialect is None:
            served = [name for name in get_args(ProtocolName) if name in self.dialects]
            problem = f"protocol={protocol!r}. Supported: {', '.join(served)}."
            if protocol == "completions":  # an endpoint, not a value of the option
                problem = "text completion. Use provider='deepseek'."
            raise errors.UnsupportedError(f"{self.name} does not support {problem}", provider=self.name)
        return dialect

    def dialect_for(self, protocol: str, model: str) -> Dialect:
        """Return the dialect for a protocol and a model, because features can differ between models.

        Args:
            protocol: The protocol of the endpoint.
            model: The model id that ``model_id`` returned.

        Raises:
            UnsupportedError: If the provider does not support the protocol.
        """
        return self.dialect(protocol)

    def model_id(self, model: str) -> str:
        """Return the model id that is sent to this provider.

        Raises:
            InvalidRequestError: If the model id and the provider specify different variants.
        """
        if not self.variant or model.endswith(f":{self.variant}"):
            return model
        if ":" in model:
            raise errors.InvalidRequestError(
                f"model={model!r} and provider='{self.name}:{self.variant}' specify different variants. "
                "Specify only one."
            )
        return f"{model}:{self.variant}"

    def names_model(self, model: str) -> bool:
        """Return False if the id is not the name of a model, such as that of a set of options."""
        return True

    def resolve_base_url(self, base_url: str | None, path: str) -> str:
        """Return the base URL of an endpoint: the given one, or the provider's default.

        Args:
            base_url: The base URL that was given, if one was.
            path: Path of the endpoint, for providers whose endpoints are not all under one root.

        Raises:
            InvalidRequestError: If there is neither.
        """
        if not base_url:
            if not self.base_url:
                raise errors.InvalidRequestError(
                    f"{self.name} has no default base URL. Set base_url={self.address_form!r}."
                )
            return self.base_url
        if self.root_path and not urlsplit(base_url).path.strip("/"):
            return base_url.rstrip("/") + self.root_path
        return base_url

    def read_options(self, given: Any, notes: list[Note]) -> Any:
        """Check ``provider_options``: an object of ``options_type``, or a dict of its fields.

        Options of another provider are dropped with a note, so that only ``provider`` has to change in a switch.

        Raises:
            InvalidRequestError: If a field is unknown or a value is invalid; the message names the field.
        """
        kind = self.options_type
        if given is None or (kind is not None and isinstance(given, kind)):
            return given
        if isinstance(given, BaseModel):
            own = f"{self.name} uses {kind.__name__}" if kind else f"{self.name} has no provider-specific options"
            reason = f"{type(given).__name__} belongs to another provider; {own}"
            notes.append(Note("dropped", "provider_options", reason))
            return None
        if kind is None:
            raise errors.InvalidRequestError(
                f"{self.name} has no provider-specific options. Put extra request fields in extra_body."
            )
        if not isinstance(given, Mapping):
            raise errors.InvalidRequestError(
                f"Invalid type of provider_options: {type(given).__name__}. "
                f"Pass {kind.__name__}(...) or a dict of its fields."
            )
        try:
            return kind.model_validate(dict(given))
        except ValidationError as error:
            raise errors.InvalidRequestError(f"provider_options: {explain(error, kind)}") from None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a question, after a blank, that suggests the known word that is most similar; "" if none is."""
    import difflib  # for an error only

    near = difflib.get_close_matches(word, list(known), n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


def problem_of(error: ValidationError) -> str:
    """Return the message of the first error of a failed validation, as a sentence; for a union, of all branches."""
    first, *more = error.errors()
    branches = [one for one in more if one["loc"][:-1] == first["loc"][:-1] and one["input"] is first["input"]]
    message = "; or ".join(dict.fromkeys(one["msg"].removeprefix("Value error, ") for one in (first, *branches)))
    return message if message.endswith((".", "?")) else f"{message}."


def explain(error: ValidationError, kind: type[BaseModel]) -> str:
    """Describe the first error of a failed validation in one sentence."""
    problem = error.errors()[0]
    where = ".".join(str(step) for step in problem["loc"])
    if problem["type"] == "extra_forbidden":
        if len(problem["loc"]) > 1:
            return f"unknown field {where!r}."
        return f"unknown field {where!r}. Known fields: {', '.join(kind.model_fields)}."
    return f"{where}: {problem_of(error)}" if where else problem_of(error)


class ProviderOptions(BaseModel):
    """Base class of the options that only one provider has. Options that are not set are not sent."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", frozen=True, defer_build=True, protected_namespaces=()
    )

    def set_fields(self) -> dict[str, Any]:
        """Return the options that were set, as JSON values."""
        return self.model_dump(exclude_none=True, exclude_unset=True, mode="json")
