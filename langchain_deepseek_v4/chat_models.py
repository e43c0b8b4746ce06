"""``ChatDeepSeekV4``: DeepSeek V4 as a LangChain chat model. Thin: ``messages``, ``replies`` and the core do it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LangSmithParams, LanguageModelInput, ModelProfile
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from pydantic import PrivateAttr, field_serializer, model_validator
from typing_extensions import Self

from deepseek_v4 import __version__, catalog, tokens
from deepseek_v4.client import Client, Preview
from deepseek_v4.client import preview as preview_of
from deepseek_v4.reply import Reply
from deepseek_v4.request import Prepared, tools_of
from deepseek_v4.settings import CONNECTION, ModelSettings
from langchain_deepseek_v4.chunks import generation_chunk
from langchain_deepseek_v4.errors import model_errors
from langchain_deepseek_v4.messages import to_conversation
from langchain_deepseek_v4.profile import profile_of
from langchain_deepseek_v4.replies import Writer
from langchain_deepseek_v4.serialization import loadable
from langchain_deepseek_v4.structured_output import Method, structured
from langchain_deepseek_v4.tools import ToolLike, as_response_format, as_tool, as_tool_choice

__all__ = ["ChatDeepSeekV4"]

_UNTOLD = CONNECTION | {"default_headers", "timeout"}
"""Options that do not belong into a trace."""

_NOT_OURS = frozenset({"stream", "ls_structured_output_format", "structured_output_format"})
"""Words between LangChain's own layers that can arrive among a call's options."""

_PRIVATE_HEADER = re.compile(r"auth|key|token|secret|cookie", re.I)
"""Headers that can hold a key."""


@loadable
class ChatDeepSeekV4(ModelSettings, BaseChatModel):
    """DeepSeek V4 chat model.

    Reasoning stands in ``additional_kwargs["reasoning_content"]`` and in ``content_blocks``, and is passed back by
    itself in every later turn, so that agents with tools work while thinking.

    ??? info "Setup"

        Install `deepseek-v4[langchain]` and set `DEEPSEEK_API_KEY`, or give `api_key=`.

    ??? info "Invoke"

        ```python
        from langchain_deepseek_v4 import ChatDeepSeekV4

        model = ChatDeepSeekV4(model="deepseek-v4-flash", reasoning_effort="high")
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

    Every option can be given per call too: ``model.invoke(..., thinking=False)``, ``model.bind(temperature=0)``.

    Raises:
        pydantic.ValidationError: for a wrong type or an unknown option. Errors of a call are those of
            ``langchain_deepseek_v4.errors``.
    """

    streaming: bool = False
    """True streams the answers of ``invoke`` too; False, when given, makes ``stream`` give the answer in one piece."""

    _client: Client | None = PrivateAttr(default=None)

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
        return self._result(reply, prepared)

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
        return self._result(reply, prepared)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        with model_errors:
            prepared = self._prepare(messages, stop, kwargs, stream=True)
            writer = self._writer(prepared)
            with self._core().open(prepared) as deltas:
                for delta in deltas:
                    for message in writer.chunks(delta):
                        chunk = generation_chunk(message)
                        if run_manager is not None:
                            run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                        yield chunk

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        with model_errors:
            prepared = self._prepare(messages, stop, kwargs, stream=True)
            writer = self._writer(prepared)
            async with await self._core().aopen(prepared) as deltas:
                async for delta in deltas:
                    for message in writer.chunks(delta):
                        chunk = generation_chunk(message)
                        if run_manager is not None:
                            await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                        yield chunk

    def preview(self, messages: LanguageModelInput, **options: Any) -> Preview:
        """The exact request that ``invoke`` would send, with notes, tokens and cost. Nothing is sent.

        Args:
            messages: What ``invoke`` takes.
            **options: Options of the call: ``tools``, ``tool_choice``, ``response_format``, and every field.
        """
        said = self._convert_input(messages).to_messages()
        stop = options.pop("stop", None)
        with model_errors:
            return preview_of(self._prepare(said, stop, options, stream=False))

    # -- steps of a call -----------------------------------------------------------------------------------------

    def _core(self) -> Client:
        """The client under this model; a copy of the model gets one of its own."""
        if self._client is None or self._client.settings is not self:
            self._client = Client(self)
        return self._client

    def _prepare(
        self, messages: Sequence[BaseMessage], stop: Any, options: Mapping[str, Any], *, stream: bool
    ) -> Prepared:
        """The request of a call. Stop words of the call are added to those of the model."""
        said = {name: value for name, value in options.items() if name not in _NOT_OURS}
        if stop:
            more = [stop] if isinstance(stop, str) else stop
            said["stop"] = list(dict.fromkeys([*(self.stop or ()), *more]))
        if said.get("tools"):
            said["tools"] = [as_tool(tool) for tool in said["tools"]]
        if said.get("response_format") is not None:
            said["response_format"] = as_response_format(said["response_format"])
        return self._core().prepare(to_conversation(messages), said, stream=stream)

    def _writer(self, prepared: Prepared) -> Writer:
        return Writer(prepared.provider.name, prepared.request.model, blocks=self.output_version == "v1")

    def _result(self, reply: Reply, prepared: Prepared) -> ChatResult:
        message = self._writer(prepared).message(reply)
        return ChatResult(generations=[ChatGeneration(message=message)])

    # -- other models made from this one -------------------------------------------------------------------------

    def bind_tools(
        self,
        tools: Sequence[Mapping[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: Mapping[str, Any] | str | bool | None = None,
        strict: bool | None = None,
        parallel_tool_calls: bool | None = None,
        response_format: Any = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """A model that may call tools.

        Args:
            tools: Pydantic classes, TypedDicts, functions, ``BaseTool``s, schemas, or tools the provider runs itself
                (``{"type": "deepseek_web_search"}``).
            tool_choice: ``"auto"``, ``"none"``, ``"any"`` (or ``"required"``, or True), or a tool's name. DeepSeek
                refuses a forced call while thinking; ``on_forced_tool`` says what to do then.
            strict: Whether arguments must follow their schemas, enforced by the provider.
            parallel_tool_calls: False keeps the first call only, where the provider has no switch for it.
            response_format: A schema or format object for the text answer.
            **kwargs: Further options of the call.

        Raises:
            ValueError: for what is no tool, for a choice that is not among the tools, and for a demand without tools.
        """
        said = [as_tool(tool) for tool in tools]
        options: dict[str, Any] = {
            "tools": said or None,
            "tool_choice": as_tool_choice(tool_choice, said),
            "strict_tools": strict,
            "parallel_tool_calls": parallel_tool_calls,
            "response_format": as_response_format(response_format),
            **kwargs,
        }
        return self.bind(**{name: value for name, value in options.items() if value is not None})

    def with_structured_output(
        self,
        schema: Mapping[str, Any] | type | None = None,
        *,
        method: Method = "auto",
        include_raw: bool = False,
        strict: bool | None = None,
        tools: Sequence[ToolLike] | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, Any]:
        """A model that answers with instances of a schema.

        Args:
            schema: A pydantic class, a TypedDict, a JSON Schema, or an OpenAI-shaped function.
            method: ``"auto"`` and ``"json_schema"`` use the provider's native JSON Schema where it has it, else JSON
                mode with the schema in the prompt; thinking stays on. ``"function_calling"`` forces a tool call, for
                which DeepSeek's thinking is switched off. ``"json_mode"`` asks for any JSON object; describe it in
                the prompt.
            include_raw: Whether to return ``{"raw": message, "parsed": answer, "parsing_error": error}``.
            strict: Whether the provider is to enforce the schema, where it can.
            tools: Tools the model may call beside; not with ``"function_calling"``.
            **kwargs: Further options of the call, such as ``thinking=False``.

        Returns:
            A runnable that gives an instance of the class, or a dict where the schema is none.

        Raises:
            ValueError: for a missing schema, or tools beside ``"function_calling"``.
            OutputParserException: when called, for an answer that is cut or does not fit.
        """
        return structured(
            self, schema, method=method, include_raw=include_raw, strict=strict, tools=tools, options=kwargs
        )

    # -- counting ------------------------------------------------------------------------------------------------

    def get_num_tokens(self, text: str) -> int:
        """Estimated tokens of a text, without network and tokenizer."""
        if self.custom_get_token_ids is not None:
            return super().get_num_tokens(text)
        return tokens.estimate_text(text)

    def get_token_ids(self, text: str) -> list[int]:
        """As many numbers as the text has tokens, by estimate; give ``custom_get_token_ids`` for the real ids."""
        if self.custom_get_token_ids is not None:
            return super().get_token_ids(text)
        return list(range(tokens.estimate_text(text)))

    def get_num_tokens_from_messages(self, messages: list[BaseMessage], tools: Sequence[Any] | None = None) -> int:
        """Estimated tokens of a prompt, reasoning and tools included, without network and tokenizer."""
        if self.custom_get_token_ids is not None:
            return super().get_num_tokens_from_messages(messages, tools)
        with model_errors:
            return tokens.estimate(to_conversation(messages), tools_of([as_tool(tool) for tool in tools or ()]))

    # -- what LangChain asks -------------------------------------------------------------------------------------

    @property
    def model_name(self) -> str:
        """The model's id, under the name that agents look for first."""
        return self.model

    @property
    def _llm_type(self) -> str:
        return "deepseek-v4"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        """What was set, without secrets and with the address, for traces and cache keys."""
        told = {name: value for name, value in self.options().items() if name not in _UNTOLD}
        return {**told, "provider": self.provider_name, "base_url": self._root()}

    def _root(self) -> str:
        return self.base_url or self.who_answers().base_url

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        said = {name: kwargs.get(name, getattr(self, name)) for name in ("model", "temperature", "max_tokens")}
        provider = kwargs.get("provider", self.provider)
        params = LangSmithParams(
            ls_provider=provider if isinstance(provider, str) else provider.name,
            ls_model_name=said["model"],
            ls_model_type="chat",
        )
        if said["temperature"] is not None:
            params["ls_temperature"] = said["temperature"]
        if said["max_tokens"] is not None:
            params["ls_max_tokens"] = said["max_tokens"]
        if stop or self.stop:
            params["ls_stop"] = stop or self.stop or []
        return params

    def _resolve_model_profile(self) -> ModelProfile | None:
        return profile_of(catalog.find(self.provider_name, self.model), self.who_answers().dialect(self.protocol))

    @model_validator(mode="after")
    def _set_deepseek_v4_version(self) -> Self:
        self._add_version("langchain-deepseek-v4", __version__)
        return self

    # -- saving and copying --------------------------------------------------------------------------------------

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """True: ``dumps`` writes the options, and the key's variable instead of the key."""
        return True

    @property
    def lc_secrets(self) -> dict[str, str]:
        """The key, by the environment variable it is read from."""
        variable = self.who_answers().key_variable
        return {"api_key": variable} if variable else {}

    @property
    def lc_attributes(self) -> dict[str, Any]:
        """A host of one's own is written as name and address, a ``httpx.Timeout`` by phases, headers without keys."""
        written = {} if isinstance(self.provider, str) else {"provider": self.provider_name, "base_url": self._root()}
        return {**written, **self.model_dump(include={"timeout", "default_headers"}, exclude_none=True)}

    @field_serializer("default_headers")
    def _dump_headers(self, headers: dict[str, str] | None) -> dict[str, str] | None:
        return None if headers is None else {k: v for k, v in headers.items() if not _PRIVATE_HEADER.search(k)}

    def __getstate__(self) -> dict[Any, Any]:
        """What is pickled: everything but keys and sockets. The key is read from the environment where it is loaded."""
        state = super().__getstate__()
        values = {**state["__dict__"], "default_headers": self._dump_headers(self.default_headers)}
        private = {**(state["__pydantic_private__"] or {}), "_client": None}
        return {**state, "__dict__": values, "__pydantic_private__": private}

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        """A copy with the same key; sockets, rate limiter, cache and callbacks are shared."""
        memo = {} if memo is None else memo
        memo.update({id(value): value for value in (self._client, self.rate_limiter, self.cache, self.callbacks)})
        return super().__deepcopy__(memo)

    # -- life ----------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Release the sockets of synchronous calls. The model can be used again afterwards."""
        self._core().close()

    async def aclose(self) -> None:
        """Release all sockets: of synchronous calls, and of asynchronous ones on this event loop."""
        await self._core().aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
