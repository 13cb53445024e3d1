"""An embedding model of `model2vec`, from a folder; nothing is ever downloaded."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from turnsmith.core.errors import InputError, UsageError

Vectors = npt.NDArray[np.float32]
Embed = Callable[[list[str]], Vectors]
"""Returns one row for each text, of any length."""


def load_model(folder: Path) -> Embed:
    """Return a function from texts to embeddings, by the model in a folder.

    Raises UsageError for a name that is no folder and for a missing extra, InputError for a folder without a model.
    """
    if not folder.is_dir():
        raise UsageError(
            f"--semantic {folder}: no such folder. Nothing is downloaded here; fetch a model2vec model once and give "
            "the folder that holds its model.safetensors"
        )
    os.environ["HF_HUB_OFFLINE"] = "1"  # before the import, which reads it
    try:
        from model2vec import StaticModel
    except ModuleNotFoundError as error:
        raise UsageError(
            f"--semantic needs the package {error.name}: pip install 'turnsmith[semantic]'"
        ) from error
    try:
        model = StaticModel.from_pretrained(folder, force_download=False)
    except Exception as error:  # what the libraries below raise has no common base
        raise InputError(f"{folder}: holds no model2vec model: {str(error).partition(chr(10))[0]}") from error

    def embed(texts: list[str]) -> Vectors:
        # Whole texts: two long ones with the same beginning are not the same.
        vectors = model.encode(texts, max_length=None, use_multiprocessing=False)
        return np.asarray(vectors, np.float32).reshape(len(texts), -1)

    return embed
