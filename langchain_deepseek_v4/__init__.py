"""DeepSeek V4 for LangChain: ``ChatDeepSeekV4``, and ``DeepSeekV4Completion`` for fill-in-the-middle."""

from deepseek_v4 import __version__
from langchain_deepseek_v4.chat_models import ChatDeepSeekV4
from langchain_deepseek_v4.llms import DeepSeekV4Completion
from langchain_deepseek_v4.registration import register

__all__ = ["ChatDeepSeekV4", "DeepSeekV4Completion", "__version__"]

register()
