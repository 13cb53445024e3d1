"""Measure `turnsmith decontaminate` beside the plain way: the set of all n-grams of the benchmark as tuples of words.

    python benchmarks/decontaminate.py [--examples 100000] [--items 2000] [--runs 3] [--write-docs]

Examples and items are made from a seed; one example in a hundred has a passage of an item in it. Both ways take
the same words, and must drop the same examples, or the benchmark fails.
"""

import argparse
import json
import random
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from measuring import machine, markdown, side_by_side, write_between

from turnsmith.curate.decontaminate.words import texts_of, words_of

HERE = Path(__file__).parent
DOCS = HERE.parent / "docs" / "decontamination.md"
NGRAM = 13
SHARED = 20  # words of a passage
PLANTED = 100  # one example in so many


def main() -> None:
    """Make the files, run both ways in turns, compare what they keep, print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--examples", type=int, default=100_000)
    parser.add_argument("--items", type=int, default=2_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument(
        "--write-docs", action="store_true", help="put the table into docs/decontamination.md"
    )
    parser.add_argument("--plain", nargs=3, metavar=("IN", "AGAINST", "OUT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.plain:
        plain(*map(Path, options.plain))
        return
    with tempfile.TemporaryDirectory() as folder:
        table = compare(Path(folder), options.examples, options.items, options.runs)
    print(table)
    if options.write_docs:
        write_between(DOCS, "decontaminate", table)


def compare(folder: Path, examples: int, items: int, runs: int) -> str:
    """Return the table of both ways."""
    source, against = folder / "in.jsonl", folder / "benchmark.jsonl"
    make(source, against, examples, items)
    outs = {"turnsmith decontaminate": folder / "ours.jsonl", "set of tuples": folder / "plain.jsonl"}
    ours, other = outs.values()
    commands = {
        "turnsmith decontaminate": [
            sys.executable, "-m", "turnsmith", "decontaminate", str(source), "--against", str(against),
            "--out", str(ours),
        ],
        "set of tuples": [sys.executable, __file__, "--plain", str(source), str(against), str(other)],
    }  # fmt: skip
    measured = side_by_side({name: partial(list, words) for name, words in commands.items()}, runs)
    if ours.read_bytes() != other.read_bytes():
        raise SystemExit("the two ways kept different examples")
    megabytes = source.stat().st_size / 1e6
    base = measured["set of tuples"].median
    rows = [
        [name, f"{each.median:.1f} s", f"{megabytes / each.median:.0f} MB/s", f"{each.peak / 1e6:,.0f} MB",
         f"{each.median / base:.2f}"]
        for name, each in measured.items()
    ]  # fmt: skip
    kept = sum(1 for _ in ours.open("rb"))
    caption = (
        f"{examples:,} examples ({megabytes:.0f} MB) against {items:,} items; both drop the same "
        f"{examples - kept:,}. Median of {runs} runs on {machine()}."
    )
    return caption + "\n\n" + markdown(["", "time", "throughput", "peak memory", "time, relative"], rows)


def make(source: Path, against: Path, examples: int, items: int) -> None:
    """Write examples and benchmark items of seeded words, the common ones most often."""
    dice = random.Random(0)  # noqa: S311
    vocabulary = [f"word{number}" for number in range(30_000)]
    weights = [1 / (number + 10) for number in range(len(vocabulary))]

    def words(count: int) -> list[str]:
        return dice.choices(vocabulary, weights, k=count)

    asked = [words(60) for _ in range(items)]
    with against.open("w", encoding="utf-8") as file:
        for number, item in enumerate(asked):
            file.write(json.dumps({"task_id": f"T/{number}", "prompt": " ".join(item)}) + "\n")
    with source.open("w", encoding="utf-8") as file:
        for number in range(examples):
            question, answer = words(dice.randint(10, 120)), words(dice.randint(20, 200))
            if number % PLANTED == 0:
                item = dice.choice(asked)
                begin = dice.randint(0, len(item) - SHARED)
                question[5:5] = item[begin : begin + SHARED]
            messages = [
                {"role": "user", "content": " ".join(question)},
                {"role": "assistant", "content": " ".join(answer)},
            ]
            file.write(json.dumps({"messages": messages}) + "\n")


def plain(source: Path, against: Path, out: Path) -> None:
    """Decontaminate with a set of tuples."""
    with against.open(encoding="utf-8") as file:
        known = {gram for line in file for _, text in texts_of(json.loads(line)) for gram in grams(text)}
    with source.open(encoding="utf-8") as read, out.open("w", encoding="utf-8") as write:
        for line in read:
            found = (gram in known for _, text in texts_of(json.loads(line)) for gram in grams(text))
            if not any(found):
                write.write(line)


def grams(text: str) -> Iterator[tuple[str, ...]]:
    """Yield all runs of words."""
    words = words_of(text)
    return zip(*(words[offset:] for offset in range(NGRAM)), strict=False)


if __name__ == "__main__":
    main()
