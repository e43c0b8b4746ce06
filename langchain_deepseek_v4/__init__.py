"""DeepSeek V4 for LangChain: ``ChatDeepSeekV4``."""

from deepseek_v4 import __version__
from langchain_deepseek_v4.chat_models import ChatDeepSeekV4

__all__ = ["ChatDeepSeekV4", "__version__"]
