"""Near duplicates by meaning: the cosine of embeddings by a model that lies on the disk."""

from turnsmith.curate.semantic.model import Embed, load_model
from turnsmith.curate.semantic.pairs import (
    SEMANTIC_THRESHOLD,
    embed_texts,
    find_semantic_pairs,
    semantic_pairs_of,
)

__all__ = [
    "SEMANTIC_THRESHOLD",
    "Embed",
    "embed_texts",
    "find_semantic_pairs",
    "load_model",
    "semantic_pairs_of",
]
