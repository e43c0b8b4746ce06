"""The switches of LangChain's standard integration tests, shared by the runs on the local server and on cassettes.

Every switch is on except audio, which DeepSeek V4 does not support.
"""

from __future__ import annotations

from typing import Any, Literal

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage
from langchain_tests.integration_tests import ChatModelIntegrationTests

from langchain_deepseek_v4 import ChatDeepSeekV4


class Standard(ChatModelIntegrationTests):
    __test__ = False
    connection: dict[str, Any]
    """The options of the connection to a service."""
    thinking = True

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatDeepSeekV4

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {
            "model": "deepseek-v4-flash",
            "thinking": self.thinking,
            **self.connection,
        }

    @property
    def supports_json_mode(self) -> bool:
        return True

    @property
    def supports_image_inputs(self) -> bool:
        return True

    @property
    def supports_image_urls(self) -> bool:
        return True

    @property
    def supports_image_tool_message(self) -> bool:
        return True

    @property
    def supports_pdf_inputs(self) -> bool:
        return True

    @property
    def supports_pdf_tool_message(self) -> bool:
        return True

    @property
    def supports_anthropic_inputs(self) -> bool:
        return True

    @property
    def returns_usage_metadata(self) -> bool:
        return True

    @property
    def supports_model_override(self) -> bool:
        return True

    @property
    def model_override_value(self) -> str:
        return "deepseek-v4-pro"

    @property
    def supported_usage_metadata_details(
        self,
    ) -> dict[
        Literal["invoke", "stream"],
        list[Literal["audio_input", "audio_output", "reasoning_output", "cache_read_input", "cache_creation_input"]],
    ]:
        details: list[Any] = ["cache_read_input", *(["reasoning_output"] if self.thinking else [])]
        return {"invoke": details, "stream": details}

    def invoke_with_cache_read_input(self, *, stream: bool = False) -> AIMessage:
        model = self.chat_model_class(**self.chat_model_params)
        history = [HumanMessage("Tell me about the prefix cache. " * 100)]
        model.invoke(history)
        return _answer(model, history, stream)

    def invoke_with_reasoning_output(self, *, stream: bool = False) -> AIMessage:
        model = self.chat_model_class(**self.chat_model_params)
        return _answer(model, [HumanMessage("Think about 17 * 23.")], stream)


def _answer(model: BaseChatModel, history: list[Any], stream: bool) -> AIMessage:
    if not stream:
        return model.invoke(history)
    total: AIMessageChunk | None = None
    for chunk in model.stream(history):
        assert isinstance(chunk, AIMessageChunk)
        total = chunk if total is None else total + chunk
    assert total is not None
    return total
