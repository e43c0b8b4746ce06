"""DeepSeek V4 for LangChain: ``ChatDeepSeekV4``, and ``DeepSeekV4Completion`` for fill-in-the-middle."""

from typing import TYPE_CHECKING, Any

from deepseek_v4 import __version__
from langchain_deepseek_v4.chat_models import ChatDeepSeekV4
from langchain_deepseek_v4.registration import register

if TYPE_CHECKING:
    from langchain_deepseek_v4.llms import DeepSeekV4Completion

__all__ = ["ChatDeepSeekV4", "DeepSeekV4Completion", "__version__", "register"]


def __getattr__(name: str) -> Any:
    if name == "DeepSeekV4Completion":  # importing its base class takes as long as everything else together
        from langchain_deepseek_v4.llms import DeepSeekV4Completion

        return DeepSeekV4Completion
    raise AttributeError(f"module 'langchain_deepseek_v4' has no attribute {name!r}")
