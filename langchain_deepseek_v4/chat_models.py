"""``ChatDeepSeekV4``: DeepSeek V4 as a LangChain chat model. Conversion is in ``convert``, requests are in the core."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput, ModelProfile
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatResult
from langchain_core.runnables import Runnable
from pydantic import PrivateAttr

from deepseek_v4 import catalog
from deepseek_v4.client import Client
from deepseek_v4.request.prepared_request import PreparedRequest
from deepseek_v4.request.preview import Preview
from deepseek_v4.request.preview import preview as preview_of
from langchain_deepseek_v4.convert.chunks import generation_chunk
from langchain_deepseek_v4.convert.messages import to_conversation
from langchain_deepseek_v4.convert.replies import MessageBuilder, chat_result
from langchain_deepseek_v4.convert.schemas import Method
from langchain_deepseek_v4.convert.tools import ToolLike, as_response_format, as_tool, as_tool_choice
from langchain_deepseek_v4.errors import model_errors
from langchain_deepseek_v4.model_base import LangChainModelBase
from langchain_deepseek_v4.profile import profile_of
from langchain_deepseek_v4.serialization import register_serializable

if TYPE_CHECKING:
    from typing_extensions import TypeForm, Unpack

    from langchain_deepseek_v4.option_types import ChatModelOptions, RawAnswer, TypedAnswerOptions

T = TypeVar("T")

_INTERNAL_OPTIONS = frozenset({"stream", "ls_structured_output_format", "structured_output_format"})
"""Keyword arguments that LangChain passes internally; they are not model options."""


@register_serializable
class ChatDeepSeekV4(LangChainModelBase, BaseChatModel):  # type: ignore[misc]  # _stream names its argument
    """DeepSeek V4 chat model.

    Reasoning is in ``additional_kwargs["reasoning_content"]`` and in ``content_blocks``. It is sent back automatically
    in every later request, so that agents with tools work while thinking.

    ??? info "Setup"

        Install `deepseek-v4[langchain]` and set `DEEPSEEK_API_KEY`, or pass `api_key=`.

    ??? info "Invoke"

        ```python
        from langchain_deepseek_v4 import ChatDeepSeekV4

        model = ChatDeepSeekV4(model="deepseek-flash", reasoning_effort="high")
        answer = model.invoke("What is 17 * 23?")
        print(answer.additional_kwargs["reasoning_content"])
        print(answer.text, answer.usage_metadata, answer.response_metadata["cost"])
        ```

    ??? info "Stream"

        ```python
        for chunk in model.stream("Why is the sky blue?"):
            for block in chunk.content_blocks:
                print(block.get("reasoning") or block.get("text") or "", end="")
        ```

    ??? info "Tools"

        ```python
        def get_weather(city: str) -> str:
            "The weather in a city."
            return "It rains."


        model.bind_tools([get_weather]).invoke("How is the weather in Paris and in Rome?").tool_calls
        ```

    ??? info "Structured output"

        ```python
        from pydantic import BaseModel


        class Person(BaseModel):
            name: str
            age: int


        model.with_structured_output(Person).invoke("Ada is 36.")
        ```

    Every option can also be passed per call: ``model.invoke(..., thinking=False)``, ``model.bind(temperature=0)``.

    Raises:
        pydantic.ValidationError: if an option is unknown or has a wrong type. A call raises the errors of
            ``langchain_deepseek_v4.errors``.
    """

    _kind = "chat"
    _client: Client | None = PrivateAttr(default=None)

    streaming: bool | None = None
    """True: ``invoke`` streams, too. False: ``stream`` yields the complete answer as one chunk."""

    if TYPE_CHECKING:

        def __init__(self, **options: Unpack[ChatModelOptions]) -> None: ...

    # -- calls ---------------------------------------------------------------------------------------------------

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        with model_errors:
            prepared = self._prepare(messages, stop, kwargs, stream=False)
            reply = self._core().send(prepared)
        return chat_result(self._builder(prepared).message(reply))

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        with model_errors:
            prepared = self._prepare(messages, stop, kwargs, stream=False)
            reply = await self._core().asend(prepared)
        return chat_result(self._builder(prepared).message(reply))

    def preview(self, messages: LanguageModelInput, **options: Any) -> Preview:
        """Return the exact request that ``invoke`` would send, with notes, tokens and cost. Nothing is sent.

        LangChain does not pass bound options on to this method: ``bound = model.bind_tools(…)`` is previewed by
        ``model.preview(messages, **bound.kwargs)``.

        Args:
            messages: The input, as for ``invoke``.
            **options: Options of the call: ``tools``, ``tool_choice``, ``response_format``, and every model field.
        """
        converted = self._convert_input(messages).to_messages()
        stop = options.pop("stop", None)
        with model_errors:
            return preview_of(self._prepare(converted, stop, options, stream=False))

    # -- steps of a call -----------------------------------------------------------------------------------------

    def _prepare(
        self, messages: Sequence[BaseMessage], stop: Any, options: Mapping[str, Any], *, stream: bool
    ) -> PreparedRequest:
        given = {name: value for name, value in options.items() if name not in _INTERNAL_OPTIONS}
        if stop:
            given["stop"] = self._stop_words(stop)
        if given.get("tools"):
            given["tools"] = [as_tool(tool) for tool in given["tools"]]
        if given.get("response_format") is not None:
            given["response_format"] = as_response_format(given["response_format"])
        return self._core().prepare(to_conversation(messages), given, stream=stream)

    def _builder(self, prepared: PreparedRequest) -> MessageBuilder:
        return MessageBuilder(prepared.provider.name, prepared.request.model, blocks=self.output_version == "v1")

    def _converter(self, prepared: PreparedRequest) -> Callable[[Any], Iterable[Any]]:
        builder = self._builder(prepared)
        return lambda delta: map(generation_chunk, builder.chunks(delta))

    # -- other models made from this one -------------------------------------------------------------------------

    def bind_tools(
        self,
        tools: Sequence[ToolLike],
        *,
        tool_choice: Mapping[str, Any] | str | bool | None = None,
        strict: bool | None = None,
        parallel_tool_calls: bool | None = None,
        response_format: Any = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Return a model that may call tools.

        Args:
            tools: Pydantic classes, TypedDicts, functions, ``BaseTool``s, schemas, or tools that the provider runs
                (``{"type": "deepseek_web_search"}``).
            tool_choice: ``"auto"``, ``"none"``, ``"any"`` (or ``"required"``, or True), or a tool's name. DeepSeek
                rejects a forced call while thinking; ``on_forced_tool`` sets what to do then.
            strict: True if the provider must enforce the schemas of the arguments.
            parallel_tool_calls: False keeps the first call only, also if the provider has no option for it.
            response_format: A schema or format object for the text answer.
            **kwargs: Further options of the call.

        Raises:
            ValueError: if an object is not a tool, if the choice is not among the tools, or if a call is required
                without tools.
        """
        converted = [as_tool(tool) for tool in tools]
        options: dict[str, Any] = {
            "tools": converted or None,
            "tool_choice": as_tool_choice(tool_choice, converted),
            "strict_tools": strict,
            "parallel_tool_calls": parallel_tool_calls,
            "response_format": as_response_format(response_format),
            **kwargs,
        }
        return self.bind(**{name: value for name, value in options.items() if value is not None})

    @overload
    def with_structured_output(
        self,
        schema: TypeForm[T],
        *,
        include_raw: Literal[False] = False,
        **options: Unpack[TypedAnswerOptions],
    ) -> Runnable[LanguageModelInput, T]: ...

    @overload
    def with_structured_output(
        self,
        schema: TypeForm[T],
        *,
        include_raw: Literal[True],
        **options: Unpack[TypedAnswerOptions],
    ) -> Runnable[LanguageModelInput, RawAnswer[T]]: ...

    @overload
    def with_structured_output(
        self,
        schema: Mapping[str, Any],
        *,
        include_raw: Literal[False] = False,
        **options: Unpack[TypedAnswerOptions],
    ) -> Runnable[LanguageModelInput, dict[str, Any]]: ...

    @overload
    def with_structured_output(
        self,
        schema: Mapping[str, Any],
        *,
        include_raw: Literal[True],
        **options: Unpack[TypedAnswerOptions],
    ) -> Runnable[LanguageModelInput, RawAnswer[dict[str, Any]]]: ...

    @overload
    def with_structured_output(
        self,
        schema: Any = None,
        *,
        method: Method = "auto",
        include_raw: bool = False,
        strict: bool | None = None,
        tools: Sequence[ToolLike] | None = None,
        retries: int | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, Any]: ...

    def with_structured_output(
        self,
        schema: Any = None,
        *,
        method: Method = "auto",
        include_raw: bool = False,
        strict: bool | None = None,
        tools: Sequence[ToolLike] | None = None,
        retries: int | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, Any]:
        """Return a runnable that answers with instances of a schema.

        Args:
            schema: A pydantic class, a dataclass, a TypedDict, a JSON Schema, a function in OpenAI format, or any type
                that pydantic supports: ``list[Person]``, ``Person | None``, an enum, ``Literal``, ``int``. Such an
                answer is requested as ``{"answer": …}`` and returned without the object.
            method: ``"auto"`` and ``"json_schema"`` use the provider's native JSON Schema if it has it, else JSON
                mode with the schema in the prompt; thinking stays on. ``"function_calling"`` forces a tool call, for
                which DeepSeek's thinking is switched off. ``"json_mode"`` requests any JSON object; describe it in
                the prompt.
            include_raw: True to return ``{"raw": message, "parsed": answer, "parsing_error": error}``.
            strict: True if the provider must enforce the schema, if it supports that.
            tools: Tools that the model may also call; not with ``"function_calling"``.
            retries: How many times to retry an answer that is empty, is not JSON or does not match the schema; each
                retry shows the error to the model. By default ``answer_retries`` of the model. The raw message has the
                usage of all attempts. In a stream, the corrected answer is the last chunk; with ``include_raw``, a
                stream is not retried.
            **kwargs: Further options of the call, such as ``thinking=False``.

        Returns:
            A runnable that returns an instance of the type; for a TypedDict or a JSON Schema, its value.

        Raises:
            ValueError: for an unknown method or a type that pydantic does not support, if the schema is missing, or if
                there are tools with ``"function_calling"``.
            AnswerError: by a call, if the answer is truncated or does not match (an ``OutputParserException``).
        """
        from langchain_deepseek_v4.typed.runnable import structured  # its imports take as long as everything else

        return structured(
            self,
            schema,
            method=method,
            include_raw=include_raw,
            strict=strict,
            tools=tools,
            retries=self.answer_retries if retries is None else retries,
            options=kwargs,
        )

    # -- counting ------------------------------------------------------------------------------------------------

    def get_num_tokens_from_messages(self, messages: list[BaseMessage], tools: Sequence[Any] | None = None) -> int:
        """Return the tokens of a prompt with reasoning, tools and images: exact with the extra ``tokens``."""
        if self.custom_get_token_ids is not None:
            return super().get_num_tokens_from_messages(messages, tools)
        with model_errors:
            declared = [as_tool(tool) for tool in tools or ()]
            return self._core().count_tokens(to_conversation(messages), tools=declared).tokens

    # -- what LangChain reads ------------------------------------------------------------------------------------

    @property
    def model_name(self) -> str:
        """The model id, under the name that agents read first."""
        return self.model

    @property
    def _llm_type(self) -> str:
        return "deepseek-v4"

    def _resolve_model_profile(self) -> ModelProfile | None:
        dialect = self.resolved_provider().dialect(self.protocol)
        facts = catalog.find(self.provider_name, self.model)
        return profile_of(facts, supports_tools=dialect.tools, supports_documents=dialect.documents)
