"""The options of the models, and the types of typed answers, as type checkers and editors see them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, Literal, TypeVar

from langchain_core.caches import BaseCache
from langchain_core.callbacks import BaseCallbackHandler, BaseCallbackManager
from langchain_core.language_models import ModelProfile
from langchain_core.messages import AIMessage
from langchain_core.rate_limiters import BaseRateLimiter
from typing_extensions import TypedDict

from deepseek_v4.request.option_types import CommonOptions, ModelOptions
from langchain_deepseek_v4.convert.schemas import Method
from langchain_deepseek_v4.convert.tools import ToolLike

T = TypeVar("T")


class LanguageModelOptions(ModelOptions, total=False):
    """The constructor options of ``DeepSeekV4Completion``: of this package and of LangChain."""

    name: str | None
    cache: BaseCache | bool | None
    verbose: bool
    callbacks: list[BaseCallbackHandler] | BaseCallbackManager | None
    tags: list[str] | None
    metadata: dict[str, Any] | None
    custom_get_token_ids: Callable[[str], list[int]] | None


class ChatModelOptions(LanguageModelOptions, total=False):
    """The constructor options of ``ChatDeepSeekV4``."""

    rate_limiter: BaseRateLimiter | None
    disable_streaming: bool | Literal["tool_calling"]
    output_version: str | None
    profile: ModelProfile | None
    streaming: bool | None


class TypedAnswerOptions(CommonOptions, total=False):
    """The options of ``with_structured_output``, except ``include_raw``."""

    model: str
    method: Method
    strict: bool | None
    tools: Sequence[ToolLike] | None
    retries: int | None


class RawAnswer(TypedDict, Generic[T]):
    """A typed answer with ``include_raw=True``: the message, and either its value or the error."""

    raw: AIMessage
    parsed: T | None
    parsing_error: BaseException | None
