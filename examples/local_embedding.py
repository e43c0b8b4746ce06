"""An embedding that needs no download: latent semantic analysis, computed from the indexed texts.

It uses only which words occur together in these texts, and takes a second for some hundred passages. For your own texts
use a trained model, such as those of ``llama-index-embeddings-huggingface``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
from llama_index.core.base.embeddings.base import BaseEmbedding
from pydantic import PrivateAttr


class LearntEmbedding(BaseEmbedding):
    """Weighted word counts, projected on the axes along which the texts differ most."""

    _weights: dict[str, float] = PrivateAttr()
    _axes: dict[str, Any] = PrivateAttr()

    @classmethod
    def of(cls, texts: Iterable[str], dimensions: int = 96) -> LearntEmbedding:
        """Create an embedding from texts.

        Args:
            texts: The passages that will be searched.
            dimensions: Length of the vectors; less if there are fewer texts.
        """
        counts = [Counter(words_of(text)) for text in texts]
        document_counts = Counter(word for count in counts for word in count)
        words = sorted(document_counts)
        embedding = cls(model_name="latent semantic analysis")
        embedding._weights = {word: float(np.log(1 + len(counts) / document_counts[word])) for word in words}
        table = np.array([[np.log1p(count[word]) * embedding._weights[word] for word in words] for count in counts])
        _, _, axes = np.linalg.svd(table, full_matrices=False)
        embedding._axes = dict(zip(words, axes[:dimensions].T, strict=True))
        return embedding

    def _get_text_embedding(self, text: str) -> list[float]:
        counts = Counter(word for word in words_of(text) if word in self._axes)
        dimensions = len(next(iter(self._axes.values())))
        vector = np.zeros(dimensions)
        for word, count in counts.items():
            vector += np.log1p(count) * self._weights[word] * self._axes[word]
        return vector.tolist()

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)


def words_of(text: str) -> list[str]:
    """Return the words of a text, in lower case and without the most common English endings."""
    return [re.sub(r"(ies|ing|ed|es|s)$", "", word) for word in re.findall(r"[a-z]{3,}", text.lower())]
