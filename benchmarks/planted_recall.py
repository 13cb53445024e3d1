"""Recall of scrubbing on the planted values, and how many decoys it touches.

    python benchmarks/planted_recall.py [--seed 0]

A value counts as caught when it stands nowhere in the scrubbed example. `left in part` counts caught values of
which at least half still stands in one piece. Exits with 1 when a bar is missed. Values are never printed: look
at `planted(seed)[index]`.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from measuring import markdown
from planted import Category, Planted, planted
from planted_decoys import decoys

from turnsmith.curate.scrub import Scrubber

BARS: dict[Category, float] = {"secret": 0.95, "personal": 0.90}


def main() -> None:
    """Scrub every case and every decoy, print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=0)
    seed = parser.parse_args().seed
    cases = planted(seed)
    results = ["\n".join(strings(scrub(case.text))) for case in cases]
    missed = [at for at, case in enumerate(cases) if case.value in results[at]]
    partly = [at for at, case in enumerate(cases) if at not in missed and half_left(case.value, results[at])]
    print(table(cases, missed, partly))
    print(f"\nmissed: {missed}\nleft in part: {partly}")
    texts = decoys(seed)
    touched = [at for at, text in enumerate(texts) if scrub(text)["messages"][0]["content"] != text]
    print(f"decoys touched: {len(touched)} of {len(texts)}: {touched}")
    sys.exit(int(any(recall(cases, missed, category) < bar for category, bar in BARS.items())))


def scrub(text: str) -> dict[str, Any]:
    """Return the scrubbed example of one user message, as a reader of its JSON would get it."""
    example = {"messages": [{"role": "user", "content": text}, {"role": "assistant", "content": "ok"}]}
    result, _ = Scrubber().scrub(example)
    decoded: dict[str, Any] = json.loads(json.dumps(result))
    return decoded


def strings(value: Any) -> Iterator[str]:
    """Yield every string in decoded JSON except the names of keys, in order."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for each in value.values() if isinstance(value, dict) else value:
            yield from strings(each)


def half_left(value: str, text: str) -> bool:
    """Say whether half of a value still stands in a text in one piece."""
    size = (len(value) + 1) // 2
    return any(value[at : at + size] in text for at in range(len(value) - size + 1))


def recall(cases: Sequence[Planted], missed: Sequence[int], category: Category) -> float:
    """Return the share of a category's values that were caught."""
    total = sum(case.category == category for case in cases)
    return 1 - sum(cases[at].category == category for at in missed) / total


def table(cases: Sequence[Planted], missed: Sequence[int], partly: Sequence[int]) -> str:
    """Return a row for each type, and below the totals of both categories beside their bars."""
    rows = [
        _row(kind, [at for at, case in enumerate(cases) if case.type == kind], missed, partly)
        for kind in dict.fromkeys(case.type for case in cases)
    ]
    for category, bar in BARS.items():
        chosen = [at for at, case in enumerate(cases) if case.category == category]
        rows.append(_row(f"all {category} (bar {bar:.0%})", chosen, missed, partly))
    return markdown(["type", "planted", "caught", "recall", "left in part"], rows)


def _row(label: str, chosen: Sequence[int], missed: Sequence[int], partly: Sequence[int]) -> list[str]:
    caught = len(set(chosen) - set(missed))
    left = len(set(chosen) & set(partly))
    return [label, str(len(chosen)), str(caught), f"{caught / len(chosen):.1%}", str(left)]


if __name__ == "__main__":
    main()
