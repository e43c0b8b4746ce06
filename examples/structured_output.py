"""Typed answers in both frameworks, while thinking."""

from __future__ import annotations

from connection import deepseek_or_local
from llama_index.core import PromptTemplate
from pydantic import BaseModel, Field

from deepseek_v4.testing import Turn
from langchain_deepseek_v4 import ChatDeepSeekV4
from llama_index_deepseek_v4 import DeepSeekV4


class Invoice(BaseModel):
    """The data of an invoice."""

    number: str
    total: float = Field(description="In euros")
    items: list[str]


TEXT = "Invoice A-17: two chairs and a table, 420 euros in all."


def main() -> None:
    """Read the same document with both frameworks."""
    answer = '{"number": "A-17", "total": 420, "items": ["two chairs", "a table"]}'
    turns = [Turn(answer, reasoning="The number is A-17."), Turn(answer, reasoning="The total is 420.")]
    with deepseek_or_local(*turns) as options:
        print("LangChain: ", ChatDeepSeekV4(**options).with_structured_output(Invoice).invoke(TEXT))
        prompt = PromptTemplate("Read this: {text}")
        print("LlamaIndex:", DeepSeekV4(**options).structured_predict(Invoice, prompt, text=TEXT))


if __name__ == "__main__":
    main()
