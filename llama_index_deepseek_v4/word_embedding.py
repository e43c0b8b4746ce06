"""``WordEmbedding``: an embedding without model, key or download, so that RAG runs with a DeepSeek key alone."""

from __future__ import annotations

import math
import re
import zlib
from collections import Counter

from llama_index.core.base.embeddings.base import BaseEmbedding

_WORDS = re.compile(r"\w+")


class WordEmbedding(BaseEmbedding):
    """Vectors of hashed words and three-letter parts of words: texts with the same words are close to each other.

    It needs no download, but does not find synonyms. For production use a trained model, for example
    ``Settings.embed_model = "local:BAAI/bge-small-en-v1.5"`` with ``llama-index-embeddings-huggingface``.

    Examples:
        >>> from llama_index.core import Settings
        >>> Settings.embed_model = WordEmbedding()
    """

    model_name: str = "word-hash"
    dimensions: int = 1024
    """Length of the vectors."""

    @classmethod
    def class_name(cls) -> str:
        """Return the name in LlamaIndex."""
        return "WordEmbedding"

    def _get_text_embedding(self, text: str) -> list[float]:
        vector = [0.0] * self.dimensions
        for feature, count in Counter(_features(text)).items():
            place = zlib.crc32(feature.encode())  # ``hash`` differs from process to process
            vector[place % self.dimensions] += (1 + math.log(count)) * (1 if place & 1 << 31 else -1)
        length = math.sqrt(sum(value * value for value in vector)) or 1.0
        return [value / length for value in vector]

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)


def _features(text: str) -> list[str]:
    """Return the words of a text, and their parts, which also match other forms of a word."""
    found = []
    for word in _WORDS.findall(text.lower()):
        found.append(word)
        found += [f"{word[start : start + 3]}*" for start in range(len(word) - 2)]
    return found
