"""Pairs of texts that mean the same, by a real model on the disk."""

import json
import os
import socket
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnsmith.core.errors import DataError, InputError, UsageError
from turnsmith.curate.near_duplicates import keep_first
from turnsmith.curate.semantic import find_semantic_pairs, load_model, pairs

from ..clean.chats import chat, read, run, write
from .tiny_model import make_model

pytest.importorskip("model2vec")
WORDS = {
    "car": (1.0, 0.0, 0.1), "automobile": (1.0, 0.05, 0.1), "fast": (0.0, 1.0, 0.0), "quick": (0.0, 1.0, 0.05),
    "slow": (0.0, -1.0, 0.0), "banana": (0.0, 0.1, 1.0),
}  # fmt: skip


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a tiny model."""
    return make_model(tmp_path_factory.mktemp("model"), WORDS)


def listed(texts: list[str], model: Path, threshold: float = 0.95) -> list[tuple[int, int]]:
    """Return the pairs of texts."""
    found = find_semantic_pairs(texts, load_model(model), threshold)
    return list(zip(found.left.tolist(), found.right.tolist(), strict=True))


def test_other_words_of_the_same_meaning_are_near(model: Path) -> None:
    """Texts without a common word are near where the model says so, and opposites are not."""
    texts = ["fast car", "Quick automobile", "slow car", "banana", "quick car"]
    assert listed(texts, model) == [(0, 1), (0, 4), (1, 4)]


def test_equal_texts_stand_with_their_first_copy(model: Path) -> None:
    """Copies are listed once, with a similarity of 1; other pairs stay below it, and name first copies only."""
    texts = ["fast car", "fast car", "quick car", "fast car", "Fast car"]
    found = find_semantic_pairs(texts, load_model(model))
    assert list(zip(found.left.tolist(), found.right.tolist(), strict=True)) == [
        (0, 1),
        (0, 2),
        (0, 3),
        (0, 4),
        (2, 4),
    ]
    assert (found.similarity == 1).tolist() == [True, False, True, False, False]
    kept = keep_first(len(texts), found)
    assert kept.kept.tolist() == [True, False, False, False, False]


def test_texts_without_a_known_word_are_near_none(model: Path) -> None:
    """Empty texts and texts of unknown words are duplicates of equal texts only."""
    assert listed(["", "xyzzy", " ", "", "plugh"], model) == [(0, 3)]


def test_long_texts_count_whole(model: Path) -> None:
    """A text is not cut: what comes after many words decides, too."""
    start = "car " * 600
    assert listed([start + "banana " * 600, start + "slow " * 600], model) == []


def test_nothing_is_near_nothing(model: Path) -> None:
    """No texts make no pairs."""
    assert listed([], model) == []


@settings(max_examples=100, deadline=None)
@given(
    rows=st.lists(st.tuples(*[st.integers(-3, 3)] * 3), max_size=12),
    threshold=st.sampled_from([0.5, 0.9, 1.0]),
    block=st.sampled_from([1, 5, 2048]),
)
def test_pairs_are_those_of_brute_force(
    rows: list[tuple[int, int, int]], threshold: float, block: int
) -> None:
    """All pairs at or above the threshold come, each once, whatever the size of a block."""
    vectors = {str(number): np.array(row, np.float32) for number, row in enumerate(rows)}

    def embed(texts: list[str]) -> Any:
        return np.array([vectors[text] for text in texts])

    original, pairs.BLOCK = pairs.BLOCK, block
    try:
        found = find_semantic_pairs(list(vectors), embed, threshold)
    finally:
        pairs.BLOCK = original
    expected = []
    for left, first in enumerate(rows):
        for right, second in enumerate(rows[left + 1 :], left + 1):
            dot, lengths = np.dot(first, second), np.linalg.norm(first) * np.linalg.norm(second)
            if lengths and dot / lengths >= threshold - 1e-6:
                expected.append((left, right))
    assert list(zip(found.left.tolist(), found.right.tolist(), strict=True)) == expected
    assert (found.similarity < 1).all()


def test_only_a_folder_is_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model's name is refused, a folder without a model is an error, and the network is not asked."""

    def refuse(*arguments: object, **_: object) -> None:
        raise AssertionError(f"asked the network: {arguments}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    with pytest.raises(UsageError, match="Nothing is downloaded"):
        load_model(Path("minishlab/potion-base-8M"))
    (tmp_path / "minishlab" / "potion").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="holds no model2vec model"):
        load_model(Path("minishlab/potion"))
    assert os.environ["HF_HUB_OFFLINE"] == "1"


def test_bounds(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A threshold out of range is refused, and so many pairs that they would fill the memory."""
    for threshold in (0.0, 1.1, float("nan")):
        with pytest.raises(UsageError, match="--threshold"):
            find_semantic_pairs(["car"], load_model(model), threshold)
    monkeypatch.setattr(pairs, "MOST_PAIRS", 3)
    with pytest.raises(DataError, match="more than 3 pairs"):
        find_semantic_pairs([f"car x{number}" for number in range(9)], load_model(model))


def test_the_command_drops_by_meaning(model: Path, tmp_path: Path) -> None:
    """`near-duplicates --semantic` drops what means the same in other words, and names the neighbor."""
    texts = ["fast car", "banana", "Quick automobile", "slow car"]
    source = write(tmp_path / "in.jsonl", [chat(user=text, assistant="banana") for text in texts])
    keep, dropped = tmp_path / "keep.jsonl", tmp_path / "dropped.jsonl"
    arguments = ["near-duplicates", source, "--field", "user", "--keep", keep, "--dropped", dropped, "--json"]
    result = run(*arguments, "--semantic", model)
    assert result.exit_code == 0, result.output
    assert [each["messages"][0]["content"] for each in read(keep)] == ["fast car", "banana", "slow car"]
    told = json.loads(result.stdout)
    assert (told["threshold"], told["semantic"], told["pairs"]) == (0.95, str(model), 1)
    (gone,) = read(dropped)
    assert str(source) + ":1" in json.dumps(gone)
    assert run(*arguments, "--semantic", tmp_path / "no").exit_code == 2
    assert len(read(keep)) == 3
