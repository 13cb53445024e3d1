"""The ways to drop near duplicates that are measured, each run in a process of its own.

    python benchmarks/near_contestants.py NAME CORPUS.jsonl KEPT.npy

Reads texts, a JSON object with `text` on each line, and writes which of them stay. All take the same words: those of
docs/near-duplicates.md.
"""

import sys
import unicodedata
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

THRESHOLD, NGRAM = 0.8, 5
PERMUTATIONS = 128
BANDS, ROWS = 16, 4  # of the verified MinHash
BATCH = 1000
UNSPACED = (
    r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u312f\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    r"\uf900-\ufaff\uff66-\uff9d\U00020000-\U0003ffff"
)
Kept = npt.NDArray[np.bool_]


def texts_of(path: Path) -> Iterator[str]:
    """Yield the texts of a corpus."""
    decoder = msgspec.json.Decoder(dict[str, str])
    with path.open("rb") as file:
        for line in file:
            yield decoder.decode(line)["text"]


def word_finder() -> Callable[[str], list[str]]:
    """Return a function that gives the words of a text, by a regular expression."""
    import regex

    pattern: Any = regex.compile(
        rf"[[\p{{L}}\p{{N}}\p{{M}}_]--[{UNSPACED}]]+|[[\p{{L}}\p{{N}}\p{{M}}]&&[{UNSPACED}]]", regex.V1
    )
    return lambda text: list(pattern.findall(unicodedata.normalize("NFC", text.casefold())))


def shingler() -> Callable[[str], list[str]]:
    """Return a function that gives the shingles of a text as strings, as users of the libraries make them."""
    words_of = word_finder()

    def shingles(text: str) -> list[str]:
        words = words_of(text)
        if len(words) < 2:
            return [f"\0{text.casefold().strip()}"]
        return [" ".join(words[at : at + NGRAM]) for at in range(max(len(words) - NGRAM + 1, 1))]

    return shingles


def turnsmith(path: Path) -> Kept:
    """Keep the first of each, by Turnsmith."""
    from turnsmith.curate.near_duplicates import Near, find_pairs, keep_first

    count = 0

    def counted() -> Iterator[str]:
        nonlocal count
        for text in texts_of(path):
            count += 1
            yield text

    pairs = find_pairs(counted(), Near(THRESHOLD, NGRAM), path.parent, which="kept")
    return keep_first(count, pairs).kept


def minhash(path: Path) -> Kept:
    """Keep the first of each by Turnsmith's shingles with MinHash bands in place of the prefix filter."""
    from turnsmith.curate.near_duplicates import Near, keep_first
    from turnsmith.curate.near_duplicates.finding import read_sets
    from turnsmith.curate.near_duplicates.pairs import sorted_pairs
    from turnsmith.curate.near_duplicates.similarity import jaccard

    store, firsts = read_sets(texts_of(path), Near(THRESHOLD, NGRAM), path.parent, None)
    rows = np.flatnonzero(firsts == np.arange(len(firsts)))
    left, right = band_candidates(signatures(store, rows), rows)
    likeness = jaccard(store, left, right)
    near = likeness >= THRESHOLD
    copies = np.flatnonzero(firsts != np.arange(len(firsts)))
    similarity = np.concatenate([np.minimum(likeness[near], 1 - 1e-7), np.ones(len(copies))]).astype(
        np.float32
    )
    pairs = sorted_pairs(
        np.concatenate([left[near], firsts[copies]]), np.concatenate([right[near], copies]), similarity
    )
    return keep_first(len(firsts), pairs).kept


def signatures(store: Any, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
    """Return the least of each permuted hash for every row."""
    factors = np.random.default_rng(0).integers(1 << 62, 1 << 63, BANDS * ROWS).astype(np.uint64) | np.uint64(
        1
    )
    found = np.empty((len(rows), len(factors)), np.uint64)
    for begin in range(0, len(rows), BATCH):
        some = rows[begin : begin + BATCH]
        hashes = np.concatenate([store.one(row) for row in some.tolist()])
        starts = np.cumsum(store.sizes[some]) - store.sizes[some]
        for column, factor in enumerate(factors):
            found[begin : begin + BATCH, column] = np.minimum.reduceat(hashes * factor, starts)
    return found


def band_candidates(
    found: npt.NDArray[np.uint64], rows: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return each pair of rows that share a band, once."""
    pairs = [np.zeros(0, np.int64)]
    for band in range(0, found.shape[1], ROWS):
        key = found[:, band].copy()
        for column in range(band + 1, band + ROWS):
            key = key * np.uint64(0x9E3779B97F4A7C15) + found[:, column]
        order = np.argsort(key, kind="stable")
        _, firsts, sizes = np.unique(key[order], return_index=True, return_counts=True)
        ranks = np.arange(len(order)) - np.repeat(firsts, sizes)
        offsets = np.arange(int(ranks.sum())) - np.repeat(np.cumsum(ranks) - ranks, ranks)
        left = rows[order[np.repeat(np.repeat(firsts, sizes), ranks) + offsets]]
        pairs.append(left << 32 | rows[np.repeat(order, ranks)])
    distinct = np.unique(np.concatenate(pairs))
    return distinct >> 32, distinct & 0xFFFFFFFF


def rensa(path: Path, bands: int | None = None) -> Kept:
    """Keep what rensa's deduplicator keeps."""
    import rensa as library  # type: ignore[import-untyped]

    shingles = shingler()
    named = {} if bands is None else {"num_bands": bands}
    dedup = library.RMinHashDeduplicator(THRESHOLD, PERMUTATIONS, True, **named)
    texts = enumerate(texts_of(path))
    kept: list[bool] = []
    while batch := [(str(number), shingles(text)) for number, text in islice(texts, BATCH)]:
        kept += dedup.add_pairs(batch)
    return np.array(kept, bool)


def datasketch(path: Path) -> Kept:
    """Keep a text when no kept one shares a band with it, by datasketch with xxh32."""
    import datasketch as library  # type: ignore[import-untyped]
    import xxhash

    shingles = shingler()
    index = library.MinHashLSH(THRESHOLD, PERMUTATIONS)
    kept = []
    for number, text in enumerate(texts_of(path)):
        sketch = library.MinHash(PERMUTATIONS, hashfunc=xxhash.xxh32_intdigest)
        sketch.update_batch([shingle.encode("utf-8", "replace") for shingle in shingles(text)])
        kept.append(not index.query(sketch))
        if kept[-1]:
            index.insert(number, sketch)
    return np.array(kept, bool)


CONTESTANTS: dict[str, Callable[[Path], Kept]] = {
    "turnsmith": turnsmith,
    "MinHash bands, verified": minhash,
    "rensa": rensa,
    "rensa, 16 bands": lambda path: rensa(path, 16),
    "datasketch": datasketch,
}

if __name__ == "__main__":
    np.save(sys.argv[3], CONTESTANTS[sys.argv[1]](Path(sys.argv[2])))
