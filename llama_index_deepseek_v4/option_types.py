"""The constructor options of ``DeepSeekV4``, as type checkers and editors see them."""

from __future__ import annotations

from typing import Any

from llama_index.core.callbacks import CallbackManager
from llama_index.core.llms.llm import CompletionToPromptType, MessagesToPromptType
from llama_index.core.prompts import BasePromptTemplate
from llama_index.core.types import BaseOutputParser, PydanticProgramMode

from deepseek_v4.request.option_types import ConstructorOptions


class LLMOptions(ConstructorOptions, total=False):
    """The constructor options, except ``model``: of this package and of LlamaIndex."""

    context_window: int | None
    is_function_calling_model: bool
    additional_kwargs: dict[str, Any] | None
    callback_manager: CallbackManager
    rate_limiter: Any | None
    system_prompt: str | None
    messages_to_prompt: MessagesToPromptType | None
    completion_to_prompt: CompletionToPromptType | None
    output_parser: BaseOutputParser | None
    pydantic_program_mode: PydanticProgramMode
    query_wrapper_prompt: BasePromptTemplate | None
