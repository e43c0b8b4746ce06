"""``DeepSeekV4``: the LLM class. Conversion, streaming and structured output are in the neighbouring modules."""

from __future__ import annotations

import copy
import pickle
import weakref
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from inspect import unwrap
from typing import TYPE_CHECKING, Any, ClassVar, cast

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseAsyncGen,
    ChatResponseGen,
    CompletionResponse,
    CompletionResponseAsyncGen,
    CompletionResponseGen,
    LLMMetadata,
    MessageRole,
)
from llama_index.core.constants import DEFAULT_CONTEXT_WINDOW
from llama_index.core.llms.callbacks import llm_chat_callback, llm_completion_callback
from llama_index.core.llms.llm import ToolSelection
from llama_index.core.tools.types import BaseTool
from pydantic import ConfigDict, Field, PrivateAttr, model_validator

from deepseek_v4 import catalog
from deepseek_v4.client import Client
from deepseek_v4.integration.model_methods import ModelMethods
from deepseek_v4.limits.paced_send import RetryGate
from deepseek_v4.request.option_names import OF_PROCESS
from deepseek_v4.request.prepared_request import PreparedRequest
from deepseek_v4.request.preview import Preview
from deepseek_v4.request.settings import ModelSettings
from llama_index_deepseek_v4.convert.messages import to_conversation
from llama_index_deepseek_v4.convert.options import call_options, expanded
from llama_index_deepseek_v4.convert.responses import ResponseBuilder, as_completion, to_chat_response
from llama_index_deepseek_v4.convert.tools import known_tools, tool_options, tool_selections
from llama_index_deepseek_v4.streams import Convert, astream, stream
from llama_index_deepseek_v4.typed.structured_predict import StructuredPredict

if TYPE_CHECKING:
    from llama_index.core.chat_engine.types import AgentChatResponse
    from typing_extensions import Unpack

    from llama_index_deepseek_v4.option_types import LLMOptions

Prepare = Callable[..., PreparedRequest]
Converter = Callable[[], Convert]

_OPTIONAL_IN_PICKLE = frozenset(
    {
        "callback_manager",
        "messages_to_prompt",
        "completion_to_prompt",
        "output_parser",
        "query_wrapper_prompt",
    }
)
"""LlamaIndex's own fields: left out of a pickle if they cannot be pickled, as in LlamaIndex.

Not ``rate_limiter``: a copy without it would send more than the account allows, so pickling it raises an error.
"""


class DeepSeekV4(ModelMethods, ModelSettings, StructuredPredict):
    """DeepSeek V4 for LlamaIndex: RAG, chat engines, agents, typed answers, with thinking on.

    Args:
        model: Any V4-family id, such as ``deepseek-flash`` or ``deepseek-v4-pro``.
        **options: Every field of ``deepseek_v4.ModelSettings`` (``thinking``, ``reasoning_effort``, ``max_tokens``,
            ``temperature``, ``api_key``, ``base_url``, ``timeout`` in seconds …), LlamaIndex's own
            (``callback_manager``, ``system_prompt``, ``pydantic_program_mode``, ``rate_limiter`` …), and
            ``additional_kwargs``: more options; those that are not fields go into the request body.

    Raises:
        pydantic.ValidationError: if an option is unknown or has a wrong type.

    Examples:
        >>> from llama_index_deepseek_v4 import DeepSeekV4
        >>> llm = DeepSeekV4("deepseek-flash")
        >>> print(llm.complete("What is 17 * 23?"))  # doctest: +SKIP
        391

    Thinking is a ``ThinkingBlock`` before the other blocks of the message and, while streaming,
    ``response.additional_kwargs["thinking_delta"]``; it is never in the text. It is sent back with the history, as tool
    calls require: keep complete messages, not only their text.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(hide_input_in_errors=True, protected_namespaces=())

    context_window: int | None = Field(default=None, ge=1)
    """Tokens of prompt and answer together, for models that are not in the catalog. None: the value of the catalog.

    A model of another family, for which there is none, has LlamaIndex's default.
    """
    is_function_calling_model: bool = True
    """False makes LlamaIndex use its text-only methods: ReAct for agents, parsed text for programs."""

    _client: Client = PrivateAttr()

    def __init__(self, model: str | None = None, **options: Unpack[LLMOptions]) -> None:
        given: dict[str, Any] = {**options} if model is None else {**options, "model": model}
        super().__init__(**given)

    @model_validator(mode="before")
    @classmethod
    def _expand_additional_kwargs(cls, values: Any) -> Any:
        if not isinstance(values, Mapping):
            return values
        values = dict(values)
        values.pop("class_name", None)  # in every dump of LlamaIndex
        more = values.pop("additional_kwargs", None) or {}
        return {**values, **expanded(more, values.get("extra_body"), values.get("default_headers"))}

    def model_post_init(self, context: Any, /) -> None:
        """Create the client; it opens no connection before the first call."""
        super().model_post_init(context)
        # no strong reference to the model: one that is dropped closes its connections at once, not at a later garbage
        # collection
        self._client = Client(cast("ModelSettings", weakref.proxy(self)))

    def _core(self) -> Client:
        return self._client

    @classmethod
    def class_name(cls) -> str:
        """Return the name in dumps and traces."""
        return "DeepSeekV4"

    @property
    def metadata(self) -> LLMMetadata:
        """The limits that LlamaIndex reads; ``num_output`` is ``max_tokens``, or -1 (thinking has no fixed length)."""
        known = catalog.find(self.provider_name, self.model)
        return LLMMetadata(
            context_window=self.context_window or known.context_window or DEFAULT_CONTEXT_WINDOW,
            num_output=self.max_tokens or -1,
            is_chat_model=True,
            is_function_calling_model=self.is_function_calling_model,
            model_name=self.model,
        )

    def to_payload(self) -> dict[str, Any]:
        """Return the description of the model for traces and callbacks, without secrets."""
        return {
            "class_name": self.class_name(),
            **self.metadata.__dict__,
            "model": self.model,
            "temperature": self.temperature,
            "thinking": self.thinking,
            "reasoning_effort": self.reasoning_effort,
            "provider": self.provider_name,
            "api_base": self.host,
        }

    # -- chat and completion ---------------------------------------------------------------------------------------

    @llm_chat_callback()
    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Return one complete answer.

        Args:
            messages: The conversation. Never changed.
            **kwargs: Every constructor option for this call only, and ``tools``, ``tool_choice``,
                ``response_format``, ``parallel_tool_calls``, ``prefix``; and ``extra_headers``, which are sent with
                ``default_headers``.

        Raises:
            deepseek_v4.DeepSeekError: if the request fails; see ``deepseek_v4.errors``.
        """
        return self._answer(self._prepared(messages, kwargs, stream=False))

    @llm_completion_callback()
    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """Return the answer to one user message; ``text`` is its visible text.

        Args:
            prompt: The message; or, with ``suffix``, the text before a gap.
            formatted: True if ``completion_to_prompt`` has been applied already.
            **kwargs: As for ``chat``. With ``suffix``, the answer is the text between ``prompt`` and it
                (fill-in-the-middle), without thinking.
        """
        return as_completion(self._answer(self._prepared_prompt(prompt, formatted, kwargs, stream=False)))

    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        """Stream one answer. When this returns, the server has accepted the request; request errors are raised here.

        Each response contains everything received so far; the last one is complete, with usage and tool calls. Leaving
        the loop, closing the generator or dropping it frees the connection.

        Raises:
            deepseek_v4.DeepSeekError: here if the request fails; while iterating, ``StreamInterruptedError`` with
                what was received in ``partial``.
        """
        opened = partial(self._open, self._prepared, _responses)
        return stream(llm_chat_callback(), opened, self, messages, **kwargs)

    def stream_complete(
        self, prompt: str | None = None, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponseGen:
        """Like ``complete``, as a stream."""
        opened = partial(self._open, self._prepared_prompt, _completions)
        return stream(llm_completion_callback(), opened, self, _required(prompt), formatted, **kwargs)

    @llm_chat_callback()
    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Like ``chat``, asynchronously."""
        return await self._aanswer(self._prepared(messages, kwargs, stream=False))

    @llm_completion_callback()
    async def acomplete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """Like ``complete``, asynchronously."""
        return as_completion(await self._aanswer(self._prepared_prompt(prompt, formatted, kwargs, stream=False)))

    async def astream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseAsyncGen:
        """Like ``stream_chat``, asynchronously: ``async for response in await llm.astream_chat(...)``."""
        opened = partial(self._aopen, self._prepared, _responses)
        return await astream(llm_chat_callback(), opened, self, messages, **kwargs)

    async def astream_complete(
        self, prompt: str | None = None, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponseAsyncGen:
        """Like ``stream_complete``, asynchronously."""
        opened = partial(self._aopen, self._prepared_prompt, _completions)
        return await astream(llm_completion_callback(), opened, self, _required(prompt), formatted, **kwargs)

    def preview(self, messages: str | Sequence[ChatMessage], *, stream: bool = False, **kwargs: Any) -> Preview:
        """Return the exact request of ``chat`` or ``stream_chat``, with notes and estimates. Nothing is sent."""
        if isinstance(messages, str):
            messages = self._prompt_messages(messages, False)
        options = call_options(kwargs, self.default_headers)
        return self._client.preview(to_conversation(messages), stream=stream, **options)

    # -- tools -----------------------------------------------------------------------------------------------------

    def _prepare_chat_with_tools(
        self,
        tools: Sequence[BaseTool],
        user_msg: str | ChatMessage | None = None,
        chat_history: list[ChatMessage] | None = None,
        verbose: bool = False,
        allow_parallel_tool_calls: bool = False,
        tool_required: bool = False,
        tool_choice: str | dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        messages = list(chat_history or ())
        if isinstance(user_msg, str):
            user_msg = ChatMessage(role=MessageRole.USER, content=user_msg)
        if user_msg is not None:
            messages.append(user_msg)
        options = tool_options(
            tools,
            allow_parallel_tool_calls=allow_parallel_tool_calls,
            tool_required=tool_required,
            tool_choice=tool_choice,
        )
        return {"messages": messages, **options, **kwargs}

    def get_tool_calls_from_response(
        self, response: ChatResponse, error_on_no_tool_call: bool = True, **kwargs: Any
    ) -> list[ToolSelection]:
        """Return the tool calls of a response, ready to run; in a stream, only the last response has them.

        Raises:
            UnusableAnswerError: if arguments are truncated or invalid, and by default if the response has no call.
        """
        return tool_selections(response, error_on_no_tool_call=error_on_no_tool_call)

    if not TYPE_CHECKING:  # the parameters are LlamaIndex's

        def predict_and_call(self, tools: Sequence[BaseTool], *args: Any, **options: Any) -> AgentChatResponse:
            """Send a request with tools, and run the tools that the model calls; see LlamaIndex's own method.

            Raises:
                UnusableAnswerError: if the model calls a tool that is not among ``tools``, in addition to the errors
                    of ``get_tool_calls_from_response``.
            """
            with known_tools(tools):  # unwrapped: without a second span
                return unwrap(super().predict_and_call)(tools, *args, **options)

        async def apredict_and_call(self, tools: Sequence[BaseTool], *args: Any, **options: Any) -> AgentChatResponse:
            """Like ``predict_and_call``, asynchronously."""
            with known_tools(tools):
                return await unwrap(super().apredict_and_call)(tools, *args, **options)

    def retry_gate(self) -> RetryGate | None:
        """Return LlamaIndex's rate limiter: LlamaIndex itself calls it before the first request of a call only."""
        limiter = self.rate_limiter
        return None if limiter is None else RetryGate(limiter.acquire, limiter.async_acquire)

    # -- copies -----------------------------------------------------------------------------------------------------

    def __copy__(self) -> DeepSeekV4:
        return type(self)(**self.__dict__)

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> DeepSeekV4:
        copied = {name: copy.deepcopy(v) for name, v in self.__dict__.items() if isinstance(v, (dict, list))}
        return type(self)(**{**self.__dict__, **copied})

    def __reduce__(self) -> tuple[Any, ...]:
        values = {name: value for name, value in self._pickled_values().items() if name not in OF_PROCESS}
        return partial(type(self), **{name: value for name, value in values.items() if _is_pickled(name, value)}), ()

    # -- steps -----------------------------------------------------------------------------------------------------

    def _answer(self, prepared: PreparedRequest) -> ChatResponse:
        return to_chat_response(self._client.send(prepared))

    async def _aanswer(self, prepared: PreparedRequest) -> ChatResponse:
        return to_chat_response(await self._client.asend(prepared))

    def _open(self, prepare: Prepare, converter: Converter, *args: Any, **options: Any) -> tuple[Any, Convert]:
        return self._client.open(prepare(*args, options, stream=True)), converter()

    async def _aopen(self, prepare: Prepare, converter: Converter, *args: Any, **options: Any) -> tuple[Any, Convert]:
        return await self._client.aopen(prepare(*args, options, stream=True)), converter()

    def _prepared(
        self, messages: Sequence[ChatMessage], options: Mapping[str, Any], *, stream: bool
    ) -> PreparedRequest:
        own = call_options(options, self.default_headers)
        return self._client.prepare(to_conversation(messages), own, stream=stream)

    def _prepared_prompt(
        self, prompt: str, formatted: bool, options: Mapping[str, Any], *, stream: bool
    ) -> PreparedRequest:
        if options.get("suffix") is not None:
            own = call_options(options, self.default_headers)
            return self._client.prepare_completion(prompt, own, stream=stream)
        return self._prepared(self._prompt_messages(prompt, formatted), options, stream=stream)

    def _prompt_messages(self, prompt: str, formatted: bool) -> list[ChatMessage]:
        to_prompt = None if formatted else self.completion_to_prompt
        text = prompt if to_prompt is None else to_prompt(prompt)
        return [ChatMessage(role=MessageRole.USER, content=text)]


def _responses() -> Convert:
    return ResponseBuilder().add


def _completions() -> Convert:
    responses = _responses()
    return lambda delta: map(as_completion, responses(delta))


def _required(prompt: str | None) -> str:
    if prompt is None:
        raise ValueError("The prompt is missing. Pass it as the first argument, or as prompt=….")
    return prompt


def _is_pickled(name: str, value: Any) -> bool:
    if name not in _OPTIONAL_IN_PICKLE:
        return True
    try:
        pickle.dumps(value)
    except Exception:
        return False
    return True
