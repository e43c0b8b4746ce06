"""A LlamaIndex router and a sub-question engine over two indexes, while thinking."""

from __future__ import annotations

from connection import deepseek_or_local
from llama_index.core import Document, SummaryIndex
from llama_index.core.query_engine import RouterQueryEngine, SubQuestionQueryEngine
from llama_index.core.question_gen import LLMQuestionGenerator
from llama_index.core.selectors import LLMSingleSelector
from llama_index.core.tools import QueryEngineTool

from deepseek_v4.testing import Turn
from llama_index_deepseek_v4 import DeepSeekV4

TEXTS = {
    "prices": "A chair costs 40 euros, a table 340 euros.",
    "deliveries": "Chairs arrive within three days, tables within two weeks.",
}


def main() -> None:
    """Send one question to the right index, and split another among both."""
    turns = [
        Turn('[{"choice": 1, "reason": "It asks for a price."}]', reasoning="The first one is about prices."),
        Turn("(scripted) A table costs 340 euros.", reasoning="340."),
        Turn(
            '{"items": [{"sub_question": "What does a chair cost?", "tool_name": "prices"},'
            ' {"sub_question": "When does a chair arrive?", "tool_name": "deliveries"}]}',
            reasoning="There are two questions.",
        ),
        Turn("40 euros.", reasoning="40."),
        Turn("Within three days.", reasoning="Three days."),
        Turn("(scripted) A chair costs 40 euros and arrives within three days.", reasoning="Both together."),
    ]
    with deepseek_or_local(*turns) as options, DeepSeekV4(**options) as llm:
        tools = [
            QueryEngineTool.from_defaults(
                SummaryIndex.from_documents([Document(text=text)]).as_query_engine(llm=llm),
                name=name,
                description=f"Lists the {name} of the shop.",
            )
            for name, text in TEXTS.items()
        ]
        router = RouterQueryEngine.from_defaults(tools, llm=llm, selector=LLMSingleSelector.from_defaults(llm=llm))
        print("router:       ", router.query("What does a table cost?"))
        splitter = SubQuestionQueryEngine.from_defaults(
            tools, llm=llm, question_gen=LLMQuestionGenerator.from_defaults(llm=llm), use_async=False, verbose=False
        )
        print("sub-questions:", splitter.query("What does a chair cost, and when does it arrive?"))


if __name__ == "__main__":
    main()
