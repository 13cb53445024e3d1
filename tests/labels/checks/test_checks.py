"""Checks of labels: probes see what tells the label, warnings come where they should and not by chance."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.labels.making import label
from turnsmith.labels.checks import Checks, auc, group_auc, language_of, position_of, probes
from turnsmith.labels.checks.probes import auc_error, length_bins

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
        assert probes(labels.astype(int), lengths, {})["length"].auc > 0.9
    assert probes(random.integers(0, 2, 5000), lengths, {})["length"].auc < 0.55


def test_errors_are_those_of_many_draws() -> None:
    """The standard error of an AUC is how far AUCs of fresh samples scatter, with ties too; more is for large AUCs."""
    random = np.random.default_rng(5)
    for ties, effect, most in ((False, 0.0, 1.1), (True, 0.0, 1.1), (False, 1.0, 1.4), (True, 1.0, 1.4)):
        found, errors = [], []
        for _ in range(400):
            labels = (random.random(300) < 0.3).astype(int)
            values = random.normal(size=300) + effect * labels
            values = np.round(values) if ties else values
            found.append(auc(values, labels))
            errors.append(auc_error(values, labels))
        assert 0.9 * np.std(found) < np.mean(errors) < most * np.std(found)


def test_a_perfect_order_of_few_rows_may_be_chance() -> None:
    """Of four rows in perfect order nothing is known; of forty, much."""
    few, more = (probes([0] * n + [1] * n, list(range(2 * n)), {})["length"] for n in (2, 20))
    assert (few.auc, few.tells) == (1.0, False)
    assert (more.auc, more.tells) == (1.0, True)


def test_probes_find_nothing_by_chance() -> None:
    """Of 100 sets of 200 rows without a hidden label, intervals at 99 % for all probes together clear at least 97."""
    random = np.random.default_rng(6)
    clear = 0
    for _ in range(100):
        codes = {name: random.integers(0, 6, 200) for name in ("bucket", "position", "language")}
        labels = (random.random(200) < 0.3).astype(int)
        found = probes(labels, random.lognormal(4, 1, 200), codes)
        clear += not any(each.tells for each in found.values())
    assert clear >= 97


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
