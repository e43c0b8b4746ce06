"""LlamaIndex over this project's own docs: a chat engine that retrieves, thinks, answers and shows its sources."""

from __future__ import annotations

from pathlib import Path

from connection import deepseek_or_local
from llama_index.core import SimpleDirectoryReader
from llama_index.core.chat_engine import CondensePlusContextChatEngine
from llama_index.core.node_parser import MarkdownNodeParser
from llama_index.retrievers.bm25 import BM25Retriever

from llama_index_deepseek_v4 import DeepSeekV4

DOCS = Path(__file__).resolve().parents[1] / "docs"


def main() -> None:
    """One question, streamed."""
    documents = SimpleDirectoryReader(input_files=sorted(DOCS.glob("*.md"))).load_data()
    nodes = MarkdownNodeParser().get_nodes_from_documents(documents)
    with deepseek_or_local() as options:
        engine = CondensePlusContextChatEngine.from_defaults(
            retriever=BM25Retriever.from_defaults(nodes=nodes, similarity_top_k=3), llm=DeepSeekV4(**options)
        )
        response = engine.stream_chat("Which errors are retried?")
        for token in response.response_gen:
            print(token, end="", flush=True)
        print("\nsources:", sorted({node.metadata["file_name"] for node in response.source_nodes}))


if __name__ == "__main__":
    main()
