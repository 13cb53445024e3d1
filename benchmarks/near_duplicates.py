"""Measure how near duplicates are dropped, beside rensa and datasketch, against pairs that are known to be near.

    python benchmarks/near_duplicates.py [--texts 100000] [--runs 3] [--scale 1000000] [--write-docs]

Every way runs in a process of its own, from the same file of texts to which of them stay. What is near is worked out
here, with words by a regular expression and Python's sets: candidates by MinHash bands so permissive that a pair at the
threshold is missed once in 10**50, the exact similarity of each, and brute force over a sample to check on that.
"""

import argparse
import json
import random
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
from measuring import Measured, machine, markdown, measure, side_by_side, write_between
from near_contestants import CONTESTANTS, NGRAM, THRESHOLD, Kept, shingler, texts_of
from near_corpus import Corpus

HERE = Path(__file__).parent
RENSA_SHARE, DATASKETCH_SHARE = 0.9, 0.35
PEAK, SCALE_PEAK = 1.2e9, 3e9
LEFT_TOGETHER = 0.001
SAMPLE = 1500
BANDS = 128  # of two rows
COPIES = 9  # edited ones of each text, for the scale
Pair = tuple[int, int]


def main() -> None:
    """Make the corpus, measure every way, print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=HERE.parent.parent / "shared" / "data")
    parser.add_argument("--texts", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--scale", type=int, default=1_000_000, help="texts of the second table; 0 for none")
    parser.add_argument(
        "--write-docs", action="store_true", help="put the tables into docs/near-duplicates.md"
    )
    options = parser.parse_args()
    if not options.data.is_dir():
        raise SystemExit(f"{options.data}: no such folder; name the shared data with --data")
    with tempfile.TemporaryDirectory(prefix="turnsmith-bench-") as folder:
        tables = run(Path(folder), options.data, options.texts, options.runs)
        if options.scale:
            tables += "\n\n" + run_scale(Path(folder), options.data, options.scale)
    print(tables)
    if options.write_docs:
        write_between(HERE.parent / "docs" / "near-duplicates.md", "near-duplicates", f"\n{tables}\n")


def command(name: str, corpus: Path, kept: Path) -> list[str]:
    """Return the command that runs one way."""
    return [sys.executable, str(HERE / "near_contestants.py"), name, str(corpus), str(kept)]


def run(folder: Path, data: Path, count: int, runs: int) -> str:
    """Return the table of ways."""
    corpus = folder / "corpus.jsonl"
    size = write_corpus(corpus, Corpus(data).texts(count))
    truth = find_truth(corpus)
    kept_files = {name: folder / f"{number}.npy" for number, name in enumerate(CONTESTANTS)}
    commands: dict[str, Callable[[], Sequence[str]]] = {
        name: partial(command, name, corpus, kept_files[name]) for name in CONTESTANTS
    }
    measured = side_by_side(commands, runs)
    rows = []
    for name, file in kept_files.items():
        kept = np.load(file)
        rows.append(row_of(name, measured, kept, truth))
    title = (
        f"{count:,} texts, {size / 1e6:.0f} MB, {truth.pairs:,} pairs at {THRESHOLD} or above by word {NGRAM}-grams; "
        f"medians of {runs} runs, on {machine()}. A sample of {truth.sampled:,} texts compared by brute force agreed."
    )
    headings = [
        "way",
        "seconds",
        "of the faster rensa",
        "of datasketch",
        "peak MB",
        "dropped",
        "pairs left together",
    ]
    table = markdown([*headings, "dropped without a kept neighbor"], rows)
    return f"{title}\n\n{table}\n\n{verdict(measured, truth, np.load(kept_files['turnsmith']))}"


def write_corpus(path: Path, texts: Iterator[str]) -> int:
    """Write texts as JSON Lines; return the bytes."""
    with path.open("w", encoding="utf-8") as file:
        for text in texts:
            file.write(json.dumps({"text": text}, ensure_ascii=False) + "\n")
    return path.stat().st_size


@dataclass
class Truth:
    """Hold what is near: the class of each text (equal shingles), classes near each other, and all pairs of texts."""

    classes: npt.NDArray[np.int64]
    near: list[Pair]
    pairs: int
    sampled: int

    def together(self, kept: Kept) -> int:
        """Return how many pairs at or above the threshold both stay."""
        counts = np.bincount(self.classes[kept], minlength=int(self.classes.max()) + 1)
        within = int((counts * (counts - 1) // 2).sum())
        return within + sum(int(counts[one] * counts[other]) for one, other in self.near)

    def alone(self, kept: Kept) -> int:
        """Return how many dropped texts have no kept one at or above the threshold."""
        has_kept = np.bincount(self.classes[kept], minlength=int(self.classes.max()) + 1) > 0
        covered = has_kept.copy()
        for one, other in self.near:
            covered[one] |= has_kept[other]
            covered[other] |= has_kept[one]
        return int((~covered[self.classes[~kept]]).sum())


def find_truth(corpus: Path) -> Truth:
    """Return what is near in a corpus."""
    shingles = shingler()
    known: dict[bytes, int] = {}
    sets: list[npt.NDArray[np.int64]] = []
    classes = []
    for text in texts_of(corpus):
        found = np.unique(np.fromiter(map(hash, shingles(text)), np.int64))
        classes.append(known.setdefault(found.tobytes(), len(sets)))
        if classes[-1] == len(sets):
            sets.append(found)
    near = [pair for pair in permissive(sets) if similarity(sets, *pair) >= THRESHOLD]
    sampled = check_sample(sets, set(near))
    truth = Truth(np.array(classes), near, 0, sampled)
    truth.pairs = truth.together(np.ones(len(classes), bool))
    return truth


def similarity(sets: list[npt.NDArray[np.int64]], one: int, other: int) -> float:
    """Return the Jaccard similarity of two sets."""
    shared = len(np.intersect1d(sets[one], sets[other], assume_unique=True))
    return shared / (len(sets[one]) + len(sets[other]) - shared)


def permissive(sets: list[npt.NDArray[np.int64]]) -> Iterator[Pair]:
    """Yield pairs that share one of very many short bands and are of like size."""
    rng = np.random.default_rng(5)
    factors = rng.integers(1 << 62, 1 << 63, 2 * BANDS).astype(np.uint64) | np.uint64(1)
    flat = np.concatenate(sets).view(np.uint64)
    sizes = np.array([len(each) for each in sets])
    starts = np.cumsum(sizes) - sizes
    seen = np.zeros(0, np.int64)
    for band in range(BANDS):
        one, other = (np.minimum.reduceat(mixed(flat * factors[2 * band + row]), starts) for row in (0, 1))
        order = np.lexsort((other, one))
        fresh = np.ones(len(order), bool)
        fresh[1:] = (one[order][1:] != one[order][:-1]) | (other[order][1:] != other[order][:-1])
        group = np.cumsum(fresh) - 1
        firsts = np.flatnonzero(fresh)[group]
        ranks = np.arange(len(order)) - firsts
        offsets = np.arange(int(ranks.sum())) - np.repeat(np.cumsum(ranks) - ranks, ranks)
        left, right = (
            order[np.repeat(firsts, ranks) + offsets],
            order[np.repeat(np.arange(len(order)), ranks)],
        )
        like = (
            np.minimum(sizes[left], sizes[right]) >= THRESHOLD * np.maximum(sizes[left], sizes[right]) - 1e-9
        )
        low, high = np.minimum(left, right)[like], np.maximum(left, right)[like]
        seen = np.union1d(seen, low << 32 | high)
    yield from zip((seen >> 32).tolist(), (seen & 0xFFFFFFFF).tolist(), strict=True)


def mixed(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Mix the bits of hashes, in place."""
    values ^= values >> np.uint64(32)
    values *= np.uint64(0xD6E8FEB86659FD93)
    values ^= values >> np.uint64(32)
    return values


def check_sample(sets: list[npt.NDArray[np.int64]], near: set[Pair]) -> int:
    """Compare a sample, half of it from near pairs, by brute force; stop where the truth is not what it finds."""
    chosen = random.Random(1)  # noqa: S311
    members = sorted({member for pair in near for member in pair})
    half = min(SAMPLE // 2, len(members))
    rows = sorted(
        {*chosen.sample(members, half), *chosen.sample(range(len(sets)), min(SAMPLE - half, len(sets)))}
    )
    as_sets = {row: set(sets[row].tolist()) for row in rows}
    for place, other in enumerate(rows):
        for one in rows[:place]:
            shared = len(as_sets[one] & as_sets[other])
            is_near = shared / (len(as_sets[one]) + len(as_sets[other]) - shared) >= THRESHOLD
            if is_near != ((one, other) in near):
                raise SystemExit(f"the truth is wrong about {one} and {other}")
    return len(rows)


def row_of(name: str, measured: dict[str, Measured], kept: Kept, truth: Truth) -> list[str]:
    """Return the row of a way."""
    fastest = min(measured[each].median for each in ("rensa", "rensa, 16 bands"))
    seconds = measured[name].median
    return [
        name,
        f"{seconds:.1f}",
        f"{seconds / fastest:.2f}",
        f"{seconds / measured['datasketch'].median:.2f}",
        f"{measured[name].peak / 1e6:,.0f}",
        f"{int((~kept).sum()):,}",
        f"{truth.together(kept) / truth.pairs:.2%}",
        f"{truth.alone(kept):,}",
    ]


def verdict(measured: dict[str, Measured], truth: Truth, kept: Kept) -> str:
    """Return which bars are held, in a sentence each."""
    ours = measured["turnsmith"]
    fastest = min(measured[each].median for each in ("rensa", "rensa, 16 bands"))
    bars = {
        f"under {LEFT_TOGETHER:.1%} of the pairs left together": truth.together(kept)
        < LEFT_TOGETHER * truth.pairs,
        "nothing dropped without a kept neighbor": truth.alone(kept) == 0,
        f"at most {RENSA_SHARE} of the faster rensa's time": ours.median <= RENSA_SHARE * fastest,
        f"at most {DATASKETCH_SHARE} of datasketch's time": ours.median
        <= DATASKETCH_SHARE * measured["datasketch"].median,
        f"at most {PEAK / 1e9:.1f} GB": ours.peak <= PEAK,
    }
    return "Bars: " + "; ".join(f"{bar}: {'held' if held else 'MISSED'}" for bar, held in bars.items()) + "."


def run_scale(folder: Path, data: Path, count: int) -> str:
    """Return the table of larger corpora: each text with edited copies, and rows that are all near or all equal."""
    corpora = {"each text ten times, edited": repeated, "all near one text": near, "all equal": equal}
    path = folder / "scale.jsonl"
    rows = []
    for texts in (count // 10, count):
        for name, corpus in corpora.items():
            write_corpus(path, corpus(data, texts))
            seconds, peak = measure(command("turnsmith", path, folder / "scale.npy"))
            kept = int(np.load(folder / "scale.npy").sum())
            each = f"{seconds / texts * 1e6:.0f}"
            rows.append([name, f"{texts:,}", f"{seconds:.1f}", each, f"{peak / 1e6:,.0f}", f"{kept:,}"])
    return markdown(["corpus", "texts", "seconds", "microseconds a text", "peak MB", "kept"], rows)


def repeated(data: Path, count: int) -> Iterator[str]:
    """Yield texts, each followed by edited copies."""
    corpus = Corpus(data, seed=1)
    for text in corpus.texts(count // (COPIES + 1)):
        yield text
        for _ in range(COPIES):
            yield corpus.edited(text)


def near(_: Path, count: int) -> Iterator[str]:
    """Yield copies of one text, each with another word changed."""
    words = [f"word{number}" for number in range(200)]
    for number in range(count):
        yield " ".join([*words[: number % 200], f"other{number}", *words[number % 200 + 1 :]])


def equal(_: Path, count: int) -> Iterator[str]:
    """Yield one text again and again."""
    text = " ".join(f"word{number}" for number in range(200))
    for _each in range(count):
        yield text


if __name__ == "__main__":
    main()
