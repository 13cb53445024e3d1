"""A real model2vec model, small enough to be made by a test: words with vectors of one's choice."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np


def make_model(folder: Path, vectors: Mapping[str, Sequence[float]]) -> Path:
    """Save a model that knows the given lower-case words; return its folder."""
    from model2vec import StaticModel
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.normalizers import Lowercase
    from tokenizers.pre_tokenizers import Whitespace

    words = ["[UNK]", "[PAD]", *vectors]
    tokenizer = Tokenizer(WordLevel({word: number for number, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.normalizer = Lowercase()
    tokenizer.pre_tokenizer = Whitespace()
    size = len(next(iter(vectors.values())))
    table = np.array([[0.0] * size, [0.0] * size, *vectors.values()], np.float32)
    StaticModel(table, tokenizer, config={"normalize": False}).save_pretrained(folder)
    return folder
