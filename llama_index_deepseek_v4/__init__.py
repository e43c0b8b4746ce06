"""DeepSeek V4 for LlamaIndex.

>>> from llama_index.core import Settings
>>> from llama_index_deepseek_v4 import DeepSeekV4
>>> Settings.llm = DeepSeekV4()
"""

from typing import TYPE_CHECKING

from deepseek_v4._lazy import attributes
from deepseek_v4._version import __version__
from llama_index_deepseek_v4.errors import UnusableAnswerError

try:
    from llama_index_deepseek_v4.llm import DeepSeekV4
except ImportError as error:
    from llama_index_deepseek_v4.core_version import explained

    raise explained(error) from error

if TYPE_CHECKING:
    from llama_index_deepseek_v4.tool_spec import DeepSeekToolSpec
    from llama_index_deepseek_v4.usage_report import UsageReport
    from llama_index_deepseek_v4.word_embedding import WordEmbedding

__all__ = ["DeepSeekToolSpec", "DeepSeekV4", "UnusableAnswerError", "UsageReport", "WordEmbedding", "__version__"]

__getattr__ = attributes(
    globals(), {"DeepSeekToolSpec": "tool_spec", "UsageReport": "usage_report", "WordEmbedding": "word_embedding"}
)
