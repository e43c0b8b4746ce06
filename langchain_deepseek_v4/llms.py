"""``DeepSeekV4Completion``: text that continues a prompt, or fills the gap before a suffix. Not a chat model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseLLM
from langchain_core.outputs import Generation, GenerationChunk, LLMResult
from pydantic import PrivateAttr

from deepseek_v4.client import Client
from deepseek_v4.request.prepared_request import PreparedRequest
from deepseek_v4.values.reply import Delta, Reply, StreamEnd, TextDelta
from langchain_deepseek_v4.convert.replies import MessageBuilder
from langchain_deepseek_v4.errors import model_errors
from langchain_deepseek_v4.model_base import LangChainModelBase
from langchain_deepseek_v4.serialization import register_serializable

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from langchain_deepseek_v4.option_types import LanguageModelOptions


@register_serializable
class DeepSeekV4Completion(LangChainModelBase, BaseLLM):  # type: ignore[misc]  # _stream names its argument
    """DeepSeek V4 as a text completion model: fill-in-the-middle (beta).

    **It never thinks**: the endpoint has no reasoning, no messages and no tools. For chat use ``ChatDeepSeekV4``.

    Args:
        model: Any V4-family id.
        **options: The options of completions: ``max_tokens`` (DeepSeek: up to 4096), ``temperature``, ``top_p``,
            ``stop``, ``top_logprobs``, and connection options (``api_key``, ``base_url``, ``timeout`` …).

    Raises:
        pydantic.ValidationError: if an option is unknown or has a wrong type. A call raises the errors of
            ``langchain_deepseek_v4.errors``.

    ??? info "Fill a gap"

        ```python
        from langchain_deepseek_v4 import DeepSeekV4Completion

        code = DeepSeekV4Completion(model="deepseek-v4-pro", max_tokens=64)
        print(code.invoke("def fib(n):", suffix="    return fib(n - 1) + fib(n - 2)"))
        ```

    ``suffix`` and ``echo`` (repeat the prompt before the text) are options of a call: pass them to ``invoke``,
    ``stream``, ``batch`` and their asynchronous variants, or ``bind`` them.
    """

    _kind = "llm"
    _client: Client | None = PrivateAttr(default=None)

    if TYPE_CHECKING:

        def __init__(self, **options: Unpack[LanguageModelOptions]) -> None: ...

    # -- calls ---------------------------------------------------------------------------------------------------

    def _generate(
        self,
        prompts: list[str],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> LLMResult:
        with model_errors:
            requests = [self._prepare(prompt, stop, kwargs, stream=False) for prompt in prompts]
            return _result([(prepared, self._core().send(prepared)) for prepared in requests])

    async def _agenerate(
        self,
        prompts: list[str],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> LLMResult:
        with model_errors:
            requests = [self._prepare(prompt, stop, kwargs, stream=False) for prompt in prompts]
            return _result([(prepared, await self._core().asend(prepared)) for prepared in requests])

    def _prepare(
        self, prompt: str, stop: list[str] | None, options: Mapping[str, Any], *, stream: bool
    ) -> PreparedRequest:
        given = {name: value for name, value in options.items() if name != "stream"}
        if stop:
            given["stop"] = self._stop_words(stop)
        return self._core().prepare_completion(prompt, given, stream=stream)

    def _converter(self, prepared: PreparedRequest) -> Callable[[Any], Iterable[Any]]:
        return partial(_chunks, prepared)

    # -- what LangChain reads ------------------------------------------------------------------------------------

    @property
    def _llm_type(self) -> str:
        return "deepseek-v4-completion"


def _result(answers: list[tuple[PreparedRequest, Reply]]) -> LLMResult:
    """Return one generation for each prompt, and the sum of their tokens."""
    usages = [reply.usage for _, reply in answers if reply.usage is not None]
    counts = {
        "prompt_tokens": sum(usage.input_tokens for usage in usages),
        "completion_tokens": sum(usage.output_tokens for usage in usages),
        "total_tokens": sum(usage.total_tokens for usage in usages),
    }
    return LLMResult(
        generations=[
            [Generation(text=reply.content, generation_info=_metadata(prepared, reply))] for prepared, reply in answers
        ],
        llm_output={"token_usage": counts, "model_name": answers[0][0].request.model} if answers else None,
    )


def _chunks(prepared: PreparedRequest, delta: Delta) -> Iterator[GenerationChunk]:
    if isinstance(delta, TextDelta):
        yield GenerationChunk(text=delta.text)
    elif isinstance(delta, StreamEnd):
        yield GenerationChunk(text="", generation_info=_metadata(prepared, delta.reply))


def _metadata(prepared: PreparedRequest, reply: Reply) -> dict[str, Any]:
    """Return the metadata of an answer: finish reason, model, tokens, cost, log probabilities."""
    message = MessageBuilder(prepared.provider.name, prepared.request.model, blocks=False).message(reply)
    usage = message.usage_metadata
    return {**message.response_metadata, **({} if usage is None else {"usage_metadata": usage})}
