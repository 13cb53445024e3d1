"""Measure `turnsmith leakage`: a test split held against a training split of as many requests, at N and at 2 N.

    python benchmarks/leakage.py [--requests 150000] [--write-docs]

Texts are made from a seed, and differ in what makes a search slow: nothing shared, one template just below the
threshold, one template around it, many twins beside texts that have none, all equal. Seconds should about double.
"""

import argparse
import json
import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from measuring import machine, markdown, measure, write_between

HERE = Path(__file__).parent
DOCS = HERE.parent / "docs" / "leakage.md"
WORDS = 104  # of a text, so 100 shingles of five words
TEMPLATE = [f"template{number}" for number in range(90)]
BELOW = 14  # own words after the template: 86 shingles of 100 are shared, a similarity of 0.75
AROUND = (8, 22)  # own words: similarities from 0.66 to 0.84
COMMAND = 'exec "$0" -m turnsmith leakage "$1" "$2" --json >"$3"'

Texts = Callable[[str, int], Iterator[str]]


def main() -> None:
    """Make the splits of each kind, measure them, print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=150_000, help="N, of each of both splits")
    parser.add_argument("--write-docs", action="store_true", help="put the table into docs/leakage.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="turnsmith-bench-") as folder:
        table = run(Path(folder), options.requests)
    print(table)
    if options.write_docs:
        write_between(DOCS, "leakage", f"\n{table}\n")


def run(folder: Path, count: int) -> str:
    """Return the table of all kinds of texts."""
    rows = [
        [name, f"{requests:,}", *measured(folder, texts, requests)]
        for name, texts in KINDS.items()
        for requests in (count, 2 * count)
    ]
    caption = f"As many requests in train as in test, one command each, on {machine()}."
    headings = ["texts", "requests of a split", "seconds", "microseconds a request", "peak MB", "near twins"]
    return f"{caption}\n\n{markdown(headings, rows)}"


def measured(folder: Path, texts: Texts, count: int) -> list[str]:
    """Return seconds, microseconds for each request of both splits, peak megabytes, and what was found."""
    files = [folder / "train.jsonl", folder / "test.jsonl"]
    for file in files:
        write(file, texts(file.stem, count))
    report = folder / "report.json"
    seconds, peak = measure(["sh", "-c", COMMAND, sys.executable, *map(str, files), str(report)])
    pair = json.loads(report.read_bytes())["pairs"][0]["requests"]
    if pair["total"] != count:
        raise SystemExit(f"{pair['total']} requests were compared, not {count}")
    return [
        f"{seconds:.1f}",
        f"{seconds / (2 * count) * 1e6:.0f}",
        f"{peak / 1e6:,.0f}",
        f"{pair['near']:,}",
    ]


def write(path: Path, texts: Iterator[str]) -> None:
    """Write a split of conversations with one request each."""
    with path.open("w", encoding="utf-8") as file:
        for number, text in enumerate(texts):
            record = {
                "messages": [{"role": "user", "content": text}],
                "meta": {"id": f"{path.stem}-{number:09}", "user": f"{path.stem}-{number % 1000}"},
            }
            file.write(json.dumps(record) + "\n")


def unrelated(split: str, count: int) -> Iterator[str]:
    """Yield texts of words that are drawn, each as likely as the others."""
    dice = random.Random(split)  # noqa: S311
    vocabulary = [f"word{number}" for number in range(5000)]
    for _ in range(count):
        yield " ".join(dice.choices(vocabulary, k=WORDS))


def own_words(split: str, number: int, count: int) -> list[str]:
    """Return words that no other text has."""
    return [f"{split}{number}own{place}" for place in range(count)]


def below(split: str, count: int) -> Iterator[str]:
    """Yield the template with so many words of its own behind that no two texts are near."""
    for number in range(count):
        yield " ".join([*TEMPLATE, *own_words(split, number, BELOW)])


def around(split: str, count: int) -> Iterator[str]:
    """Yield the template with few or many words behind: some texts are near each other, most are not quite."""
    dice = random.Random(split)  # noqa: S311
    for number in range(count):
        yield " ".join([*TEMPLATE, *own_words(split, number, dice.randint(*AROUND))])


def mixed(split: str, count: int) -> Iterator[str]:
    """Yield texts of which a third are near twins of each other, and the others unrelated."""
    others = unrelated(split, count)
    for number, text in enumerate(others):
        yield text if number % 3 else " ".join([*TEMPLATE, *own_words(split, number, 4)])


def equal(_: str, count: int) -> Iterator[str]:
    """Yield one text again and again."""
    text = " ".join(TEMPLATE)
    for _each in range(count):
        yield text


KINDS: dict[str, Texts] = {
    "unrelated": unrelated,
    "one template, just below the threshold": below,
    "one template, around the threshold": around,
    "a third near twins, the others unrelated": mixed,
    "all equal": equal,
}


if __name__ == "__main__":
    main()
