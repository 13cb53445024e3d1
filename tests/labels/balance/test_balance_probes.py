"""The gate of `turnsmith balance`: a label that hides beside the text fails, chance in a small set does not."""

import random
from pathlib import Path

import pytest

from tests.labels.making import label
from turnsmith.core.errors import DataError
from turnsmith.labels import labeled_set
from turnsmith.labels.balance import BalanceOptions, Format, balance
from turnsmith.labels.records import Label

BUCKETS = ("short_3_to_5_turns", "medium_6_to_10_turns", "long_11_to_20_turns")


def labels_of(count: int, seed: int, *, hidden: bool) -> list[Label]:
    """Return labels of train; where `hidden`, long requests need reasoning twice as often."""
    dice = random.Random(seed)
    made = []
    for n in range(count):
        words = dice.randint(3, 60)
        odds = (0.9 if words > 30 else 0.45) if hidden else 0.7
        digit = int(dice.random() >= odds)
        text = f"{n} " + " ".join(dice.choices(("parser", "cache", "table", "token"), k=words))
        made.append(
            label(n, conversation_id=f"c{n}", turn_index=dice.randint(1, 5), bucket=dice.choice(BUCKETS),
                  request=text, llm_vote=digit, soft_label=float(digit))
        )  # fmt: skip
    return made


def balanced(folder: Path, labels: list[Label], *within: str) -> dict[str, float]:
    """Balance labels; return the AUC of each probe in train."""
    labeled_set.write(folder / "labels", "set", labels)
    options = BalanceOptions(format=Format.plain, near=None, within=within)
    report = balance(folder / "labels", "x", folder / "out", options)
    return {name: probe.auc for name, probe in report.files["train"].probes.items()}


def test_chance_fails_no_small_set(tmp_path: Path) -> None:
    """100 sets of 200 rows in which nothing tells the label all pass, though probes of some are above 0.6."""
    within = ("bucket", "position", "language", "length")
    highest = [
        max(balanced(tmp_path / str(seed), labels_of(200, seed, hidden=False), *within).values())
        for seed in range(100)
    ]
    assert max(highest) > 0.6  # or nothing would have been tested


def test_chance_fails_few_sets_that_are_not_matched(tmp_path: Path) -> None:
    """Without matching, chance alone fails about one set in a hundred, as intervals at 99 % say."""
    failed = 0
    for seed in range(100):
        try:
            balanced(tmp_path / str(seed), labels_of(200, seed, hidden=False))
        except DataError:
            failed += 1
    assert failed <= 3


@pytest.mark.parametrize("count", [200, 5000])
def test_a_hidden_label_fails_small_and_large_sets(count: int, tmp_path: Path) -> None:
    """Where length tells the label, sets of any size fail, and matching within length lets them pass."""
    labels = labels_of(count, 1, hidden=True)
    with pytest.raises(DataError, match=r"by length \(AUC 0\.[678]\d+, at least 0\.[567]\d+\)"):
        balanced(tmp_path / "a", labels)
    assert max(balanced(tmp_path / "b", labels, "length").values()) < 0.62


def test_large_sets_fail_above_the_limit(tmp_path: Path) -> None:
    """In a set of thousands an AUC over 0.6 is never chance, so the limit alone decides."""
    labels = labels_of(4000, 2, hidden=False)
    for each in labels:
        if each.llm_vote == 0 and int(each.message_id[1:]) % 5 == 0:
            each.bucket = BUCKETS[0]
        elif each.llm_vote == 1 and int(each.message_id[1:]) % 5 == 0:
            each.bucket = BUCKETS[1]
    with pytest.raises(DataError, match=r"by bucket \(AUC 0\.6[0-3]\d, at least 0\.(5[5-9]|60)\d*\)"):
        balanced(tmp_path, labels)
