"""Checks of labels: probes see what tells the label, warnings come where they should and not by chance."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.labels.making import label
from turnsmith.labels.checks import Checks, auc, group_auc, language_of, position_of, probes
from turnsmith.labels.checks.probes import length_bins

ENGLISH = "Why does the parser not know what to do with the last line of the file, and how can I fix that?"
GERMAN = "Warum kann der Parser die letzte Zeile der Datei nicht lesen, und wie kann ich das mit einem Test zeigen?"


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 1)), min_size=2, max_size=60))
def test_auc_is_the_share_of_pairs_in_order(rows: list[tuple[int, int]]) -> None:
    """AUC is what counting all pairs of a 1 and a 0 gives, ties half; 0.5 with one label only."""
    ones = [value for value, digit in rows if digit]
    zeros = [value for value, digit in rows if not digit]
    pairs = [(one > zero) + 0.5 * (one == zero) for one in ones for zero in zeros]
    wanted = sum(pairs) / len(pairs) if pairs else 0.5
    assert auc([value for value, _ in rows], [digit for _, digit in rows]) == pytest.approx(wanted)


def test_groups_of_one_row_do_not_predict_themselves() -> None:
    """A property with a value of its own for each row says nothing, however random the labels."""
    labels = np.random.default_rng(0).integers(0, 2, 2000)
    assert group_auc(np.arange(2000), labels) == pytest.approx(0.5, abs=0.01)


def test_a_telling_property_is_found() -> None:
    """A property that agrees with the label nine times in ten has an AUC near 0.9."""
    random = np.random.default_rng(1)
    labels = random.integers(0, 2, 4000)
    codes = np.where(random.random(4000) < 0.9, labels, 1 - labels)
    assert group_auc(codes, labels) == pytest.approx(0.9, abs=0.02)


def test_length_counts_in_both_directions_and_in_the_middle() -> None:
    """Longer, shorter, or neither long nor short: a label that hides in length is found."""
    random = np.random.default_rng(2)
    lengths = random.integers(1, 1000, 5000)
    for labels in (lengths > 500, lengths < 500, abs(lengths - 500) < 250):
        assert probes(labels.astype(int), lengths, {})["length"] > 0.9
    assert probes(random.integers(0, 2, 5000), lengths, {})["length"] < 0.55


def test_equal_lengths_share_a_bin() -> None:
    """Bins hold about a tenth each, and never part equal lengths."""
    bins = length_bins(np.arange(1000))
    assert np.bincount(bins).tolist() == pytest.approx([100] * 10, abs=1)
    assert len(set(length_bins(np.array([7] * 50)).tolist())) == 1
    assert length_bins(np.array([], int)).tolist() == []


def test_positions_and_languages_have_names() -> None:
    """Late turns fall together; a language that can't be told is unsure."""
    assert [position_of(n) for n in (1, 2, 3, 4, 5, 6, 10, 11, 20)] == [
        "1", "2", "3", "4 to 5", "4 to 5", "6 to 10", "6 to 10", "11 and later", "11 and later",
    ]  # fmt: skip
    assert [language_of(text) for text in (ENGLISH, GERMAN, "ok")] == ["en", "de", "unsure"]


def finished(shares: dict[str, float], count: int = 400) -> list[str]:
    """Return the warnings for labels whose buckets have these shares of reasoning."""
    checks = Checks()
    for bucket, share in shares.items():
        for n in range(count):
            digit = int(n * 37 % 100 >= 100 * share)
            checks.add(label(n, bucket=bucket, llm_vote=digit, request=ENGLISH, turn_index=1))
    return checks.finish().warnings


def test_a_plausible_run_has_no_warnings() -> None:
    """65 % reasoning in every bucket is what agent mode should give."""
    assert finished({"a": 0.65, "b": 0.65}) == []


def test_implausible_shares_are_named() -> None:
    """30 % or 95 % reasoning, or one label only, are warned of; a share that chance explains is not."""
    assert "30.0% are labeled reasoning" in finished({"a": 0.3})[0]
    assert "95.0% are labeled reasoning" in finished({"a": 0.95})[0]
    assert "all 400 labels are 0" in finished({"a": 1.0})[0]
    assert finished({"a": 0.5}, count=60) == []


def test_drift_is_named() -> None:
    """A bucket far from the others is warned of by name, and as a probe."""
    warnings = finished({"a": 0.9, "b": 0.4})
    assert any(each.startswith("bucket a: 90.0% reasoning") for each in warnings)
    assert any(each.startswith("bucket alone predicts the label") for each in warnings)


def test_no_labels() -> None:
    """Nothing in, nothing to warn of."""
    found = Checks().finish()
    assert (found.labels, found.probes, found.warnings) == (0, {}, [])
