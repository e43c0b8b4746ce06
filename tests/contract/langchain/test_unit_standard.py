"""LangChain's standard unit tests."""

from __future__ import annotations

from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_tests.unit_tests import ChatModelUnitTests

from langchain_deepseek_v4 import ChatDeepSeekV4


class TestChatDeepSeekV4Unit(ChatModelUnitTests):
    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatDeepSeekV4

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": "deepseek-v4-flash", "api_key": "sk-unit-test"}

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        return {"DEEPSEEK_API_KEY": "sk-from-env"}, {"model": "deepseek-v4-pro"}, {"api_key": "sk-from-env"}
