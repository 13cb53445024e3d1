"""Make a large mixed corpus of chats from the real messages at hand, the same for the same seed.

No large corpus can be downloaded here, so texts are composed: prose and code by a chain of words learned from the real
messages, real passages pasted as they are, questions in templates, short everyday lines, and edited copies of earlier
texts from one changed word to many. What matters for near duplicates is how common runs of words are and how far copies
differ, and those are in it.
"""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

SOURCES = ("oasst_sample", "fastchat_sharegpt_format", "telemetry", "claude_code/sessions")
TEXT_KEYS = frozenset({"text", "value", "content", "messageText"})
COPIES = 0.15
EDITS = (0.0, 0.001, 0.003, 0.01, 0.02, 0.04, 0.08)
I64 = npt.NDArray[np.int64]


def messages(data: Path) -> list[str]:
    """Return the real texts in the folders of shared data, each once."""
    found: dict[str, None] = {}
    for source in SOURCES:
        for path in sorted((data / source).rglob("*.json*")):
            opened = gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")  # noqa: SIM115
            with opened as file:
                for line in file:
                    try:
                        found.update((text, None) for text in _texts(json.loads(line), ""))
                    except ValueError:
                        continue  # a cut line, or one of a file that is no JSON Lines
    return list(found)


def _texts(value: Any, key: str) -> Iterator[str]:
    if isinstance(value, str):
        if key in TEXT_KEYS and len(value.split()) > 2:
            yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _texts(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, key)


class Corpus:
    """Hold what the texts are made of."""

    def __init__(self, data: Path, seed: int = 0) -> None:
        real = messages(data)
        self.random = np.random.default_rng(seed)
        self.passages = [text.split(" ") for text in real]
        words = [word for passage in self.passages for word in passage]
        self.words, ids = np.unique(np.array(words, object), return_inverse=True)
        self.after = ids[np.argsort(ids[:-1], kind="stable") + 1]
        self.begins = np.searchsorted(np.sort(ids[:-1]), np.arange(len(self.words) + 1))
        self.templates = [self._passage(int(size)) for size in self.random.integers(10, 150, 300)]

    def texts(self, count: int) -> Iterator[str]:
        """Yield texts; about one in seven is an edited copy of one of the last 20,000."""
        made: list[str] = []
        while count > 0:
            block = self._originals(min(count, 5000))
            for text in block:
                if made and self.random.random() < COPIES:
                    text = self.edited(made[int(self.random.integers(len(made)))])
                made.append(text)
                yield text
            del made[:-20_000]
            count -= len(block)

    def edited(self, text: str) -> str:
        """Return a text with some words replaced, left out or put in."""
        words = text.split(" ")
        rate = EDITS[int(self.random.integers(len(EDITS)))]
        if not rate:
            return text
        for place in self.random.integers(
            0, len(words), 1 + int(self.random.poisson(rate * len(words)))
        ).tolist():
            new = str(self.words[int(self.random.integers(len(self.words)))])
            words[place] = (new, "", f"{words[place]} {new}")[int(self.random.integers(3))]
        return " ".join(words)

    def _originals(self, count: int) -> list[str]:
        sizes = np.clip(self.random.lognormal(5.0, 1.0, count), 3, 8000).astype(np.int64)
        chained = self._chains(sizes)
        kinds = self.random.random(count)
        texts = []
        for kind, size, words in zip(kinds, sizes.tolist(), chained, strict=True):
            if kind < 0.5:  # prose and code of its own
                texts.append(" ".join(words))
            elif kind < 0.7:  # something pasted, and a question about it
                texts.append(" ".join([*words[:40], "\n```\n", *self._passage(size), "\n```"]))
            elif kind < 0.9:  # a template that is filled in
                template = self.templates[int(self.random.integers(len(self.templates)))]
                texts.append(" ".join([*template, "\n", *words[: 5 + size // 4]]))
            else:  # a short line, often one that others wrote too
                texts.append(" ".join(self._passage(int(self.random.integers(1, 12)))))
        return texts

    def _passage(self, size: int) -> list[str]:
        passage = self.passages[int(self.random.integers(len(self.passages)))]
        begin = int(self.random.integers(max(len(passage) - size, 0) + 1))
        return passage[begin : begin + size]

    def _chains(self, sizes: I64) -> list[list[str]]:
        """Return a list of words for each size, each word one that followed the one before in a real text."""
        order = np.argsort(-sizes)
        ordered = sizes[order]
        chains = np.zeros((len(sizes), int(sizes.max())), np.int32)
        word = self.random.integers(0, len(self.words), len(sizes))
        for step in range(chains.shape[1]):
            running = int(np.searchsorted(-ordered, -step))
            word = word[:running]
            chains[:running, step] = word
            fan = self.begins[word + 1] - self.begins[word]
            place = self.begins[word] + (self.random.random(running) * np.maximum(fan, 1)).astype(np.int64)
            word = self.after[np.minimum(place, len(self.after) - 1)]
        words: list[list[str]] = [[]] * len(sizes)
        for row, index in enumerate(order.tolist()):
            words[index] = self.words[chains[row, : ordered[row]]].tolist()
        return words
