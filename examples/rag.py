"""LlamaIndex over this project's own docs, in a Qdrant vector store: retrieve, answer while thinking, print sources.

The store runs inside this process (``QdrantClient(":memory:")``; pass a path or a URL to store it), and the
embedding is learnt from the docs, so nothing is downloaded.
"""

from __future__ import annotations

from pathlib import Path

from connection import deepseek_or_local
from llama_index.core import SimpleDirectoryReader, StorageContext, VectorStoreIndex
from llama_index.core.chat_engine import CondensePlusContextChatEngine
from llama_index.core.node_parser import MarkdownNodeParser
from llama_index.vector_stores.qdrant import QdrantVectorStore
from local_embedding import LearntEmbedding
from qdrant_client import QdrantClient

from deepseek_v4.testing import Turn
from llama_index_deepseek_v4 import DeepSeekV4

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGES = ("errors.md", "options.md", "protocols.md", "providers.md", "reasoning.md", "structured-output.md")
QUESTION = "How long does a retry wait?"


def main() -> None:
    """Send one question and stream the answer."""
    documents = SimpleDirectoryReader(input_files=[DOCS / page for page in PAGES]).load_data()
    nodes = MarkdownNodeParser().get_nodes_from_documents(documents)
    store = QdrantVectorStore(collection_name="docs", client=QdrantClient(":memory:"), index_doc_id=False)
    index = VectorStoreIndex(
        nodes,
        storage_context=StorageContext.from_defaults(vector_store=store),
        embed_model=LearntEmbedding.of(node.get_content() for node in nodes),
    )
    turn = Turn("(scripted) The nearest passages below describe it.", reasoning="The passages have the answer.")
    with deepseek_or_local(turn) as options:
        engine = CondensePlusContextChatEngine.from_defaults(
            retriever=index.as_retriever(similarity_top_k=3), llm=DeepSeekV4(**options)
        )
        response = engine.stream_chat(QUESTION)
        for token in response.response_gen:
            print(token, end="", flush=True)
        print(f"\n{len(nodes)} passages in the store; nearest to {QUESTION!r}:")
        for node in response.source_nodes:
            print(f"  {node.metadata['file_name']} ({node.score:.2f}): {' '.join(node.text.split())[:70]}…")


if __name__ == "__main__":
    main()
