"""DeepSeek V4 for LangChain: ``ChatDeepSeekV4``, ``DeepSeekV4Completion`` for fill-in-the-middle, web search tools."""

from typing import TYPE_CHECKING

from deepseek_v4._lazy import attributes
from deepseek_v4._version import __version__

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
    from langchain_deepseek_v4.tools import DeepSeekFetch, DeepSeekSearch
    from langchain_deepseek_v4.usage_report import UsageReport

__all__ = [
    "ChatDeepSeekV4",
    "DeepSeekFetch",
    "DeepSeekSearch",
    "DeepSeekV4Completion",
    "UsageReport",
    "__version__",
    "register",
]

_HOME = {
    "DeepSeekFetch": "tools",
    "DeepSeekSearch": "tools",
    "DeepSeekV4Completion": "llms",  # importing its base class takes as long as everything else together
    "UsageReport": "usage_report",
}

__getattr__ = attributes(globals(), _HOME)
