"""The verdict of DeepSeek's own request parser (`deepseek-recipe`) on a request body.

The recipe has wheels for Linux and macOS; without it `RECIPE` is `None` and nothing here may be called.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal

try:
    import deepseek_recipe

    RECIPE: str | None = version("deepseek-recipe")
except (ImportError, PackageNotFoundError):  # no wheel for this platform
    RECIPE = None

Kind = Literal["accepted", "refused", "malformed"]
"""`malformed` is a body that does not deserialise (422), `refused` one that breaks a rule (400)."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict on a body, and the text of the error if it is not accepted."""

    kind: Kind
    text: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """A body, and the settings outside of it that affect the verdict.

    Args:
        protocol: `chat`, `responses` or `messages`.
        raw: The bytes of the body.
        passback: The server's setting: with `off`, open tool turns are accepted without reasoning.
        thinks: True if a request without a thinking switch thinks.
        models: Model names that are served as V4.1 Flash.
    """

    protocol: str
    raw: bytes
    passback: str = "strict"
    thinks: bool = True
    models: tuple[str, ...] = ()


FLASH = ("deepseek-flash", "deepseek-v4-flash", "deepseek-v4-flash-vision-exp")
PRO = "deepseek-v4-pro"


@functools.cache
def _options(case_options: tuple[bool, bool, tuple[str, ...], str]) -> Any:
    needs_reasoning, thinks, models, pro = case_options
    missing = deepseek_recipe.ReasoningContentBehavior
    flash, large = deepseek_recipe.ModelVersion.DeepseekV41Flash, deepseek_recipe.ModelVersion.DeepseekV4Pro
    return deepseek_recipe.ConversionOptions(
        default_thinking_mode=thinks,
        reasoning_content_behavior=missing.Reject if needs_reasoning else missing.FillEmpty,
        messages_web_search=deepseek_recipe.WebSearchBehavior.Drop,
    ).with_model_versions_by_name({**dict.fromkeys((*FLASH, *models), flash), PRO: large, pro: large})


def convert(case: Case) -> Any:
    """Parse a body with the recipe.

    Raises:
        deepseek_recipe.ConversionError: The body breaks a rule.
        ValueError: The body does not deserialise.
    """
    parsers = {
        "chat": deepseek_recipe.ChatCompletionRequest,
        "responses": deepseek_recipe.ResponsesRequest,
        "messages": deepseek_recipe.MessagesRequest,
    }
    request = parsers[case.protocol](case.raw)
    models, pro = case.models, PRO
    if case.protocol == "messages":  # the service has a model for every name there
        if request.model.startswith("claude-opus"):
            pro = request.model
        elif request.model != PRO:
            models = (*models, request.model)
    return request.convert(_options((case.passback != "off", case.thinks, models, pro)))


def encoding() -> Any:
    """Return the encoding of V4.1."""
    return deepseek_recipe.DeepseekV41Encoding()


@functools.lru_cache(maxsize=4096)
def recipe_verdict(case: Case) -> Verdict:
    """Return the verdict of the recipe; each distinct case is parsed once."""
    try:
        convert(case)
    except deepseek_recipe.ConversionError as error:
        kind: Kind = "malformed" if error.status_code == 422 else "refused"
        return Verdict(kind, json.loads(error.body)["error"]["message"])
    except ValueError as error:
        return Verdict("malformed", str(error))
    return Verdict("accepted")
