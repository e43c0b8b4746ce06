"""DeepSeek V4 for LangChain: ``ChatDeepSeekV4``, and ``DeepSeekV4Completion`` for fill-in-the-middle."""

from typing import TYPE_CHECKING, Any

from deepseek_v4 import __version__

try:
    from langchain_deepseek_v4.chat_models import ChatDeepSeekV4
except ModuleNotFoundError as error:
    if error.name != "langchain_core":
        raise
    raise ImportError(
        "langchain_deepseek_v4 needs langchain-core, which is not installed. Run: pip install 'deepseek-v4[langchain]'",
        name=error.name,
    ) from error
from langchain_deepseek_v4.registration import register

if TYPE_CHECKING:
    from langchain_deepseek_v4.llms import DeepSeekV4Completion
    from langchain_deepseek_v4.usage_report import UsageReport

__all__ = ["ChatDeepSeekV4", "DeepSeekV4Completion", "UsageReport", "__version__", "register"]


def __getattr__(name: str) -> Any:
    if name == "DeepSeekV4Completion":  # importing its base class takes as long as everything else together
        from langchain_deepseek_v4.llms import DeepSeekV4Completion

        return DeepSeekV4Completion
    if name == "UsageReport":
        from langchain_deepseek_v4.usage_report import UsageReport

        return UsageReport
    raise AttributeError(f"module 'langchain_deepseek_v4' has no attribute {name!r}")
