"""Measures of agreement give the figures of published examples."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnsmith.labels.agreement.measures import (
    calibration,
    cohen_kappa,
    krippendorff_alpha,
    raw_agreement,
    rogan_gladen,
)


def units(*raters: str) -> list[list[str]]:
    """Return the values of each unit; `.` is a missing one."""
    return [
        [value for value in unit if value != "."]
        for unit in zip(*(rater.split() for rater in raters), strict=True)
    ]


BINARY = units("0 1 0 0 0 0 0 0 1 0", "1 1 1 0 0 1 0 0 0 0")
FIVE_VALUES = units("a a b b d c c c e d d a", "b a b b b c c c e d d d")
FOUR_OBSERVERS = units(
    "1 2 3 3 2 1 4 1 2 . . .", "1 2 3 3 2 2 4 1 2 5 . 3", ". 3 3 3 2 3 4 2 2 5 1 .", "1 2 3 3 2 4 4 1 2 5 1 ."
)
THREE_CODERS = units(
    ". . . . . 3 4 1 2 1 1 3 3 . 3", "1 . 2 1 3 3 4 3 . . . . . . .", ". . 2 1 3 4 4 . 2 1 1 3 3 . 4"
)


@pytest.mark.parametrize(
    ("data", "alpha"),
    [(BINARY, 0.095), (FIVE_VALUES, 0.692), (FOUR_OBSERVERS, 0.743), (THREE_CODERS, 0.691)],
    ids=["2011-A", "2011-B", "2011-C", "three coders"],
)
def test_alpha_of_published_examples(data: list[list[str]], alpha: float) -> None:
    """Krippendorff 2011, examples A to C, and the example of three coders with missing values."""
    assert krippendorff_alpha(data) == pytest.approx(alpha, abs=0.0005)


def test_alpha_without_disagreement_to_expect() -> None:
    """Alpha is not defined without pairs or with one value only; full agreement on two values is 1."""
    assert krippendorff_alpha([]) is None
    assert krippendorff_alpha([[0], [1]]) is None
    assert krippendorff_alpha([[0, 0], [0, 0]]) is None
    assert krippendorff_alpha([[0, 0], [1, 1]]) == 1.0


def test_kappa_of_published_examples() -> None:
    """The worked examples that compare tables of equal agreement and different marginals."""
    tables = [[[20, 5], [10, 15]], [[45, 15], [25, 15]], [[25, 35], [5, 35]]]
    assert cohen_kappa(tables).tolist() == pytest.approx([0.4, 0.1304, 0.2593], abs=0.00005)
    assert raw_agreement(tables).tolist() == pytest.approx([0.7, 0.6, 0.6])


def test_kappa_hides_behind_prevalence() -> None:
    """High agreement with one rare label has a low kappa, which is why both stand side by side."""
    table = [[118, 5], [2, 0]]
    assert raw_agreement(table) == pytest.approx(0.944)
    assert cohen_kappa(table) == pytest.approx(-0.0234, abs=0.0001)
    assert math.isnan(cohen_kappa([[9, 0], [0, 0]]))


@given(st.floats(0, 1), st.floats(0.55, 1), st.floats(0.55, 1))
def test_rogan_gladen_undoes_errors(true: float, sensitivity: float, specificity: float) -> None:
    """The share that a judge with known errors reports leads back to the true one."""
    apparent = sensitivity * true + (1 - specificity) * (1 - true)
    assert rogan_gladen(apparent, sensitivity, specificity) == pytest.approx(true, abs=1e-9)


def test_rogan_gladen_stays_a_share() -> None:
    """A corrected share is within 0 and 1, and not defined for a judge no better than chance."""
    assert rogan_gladen(0.05, 0.9, 0.9) == 0.0
    assert rogan_gladen(0.99, 0.9, 0.9) == 1.0
    assert math.isnan(rogan_gladen(0.5, 0.5, 0.5))


def test_calibration_of_a_known_case() -> None:
    """Two bins, one right and one off by 0.3: the error is the mean by weight, Brier the mean square."""
    predicted = [0.15] * 4 + [0.95] * 4
    true = [0, 0, 0, 1, 1, 1, 1, 0]
    found = calibration(predicted, true)
    assert found.ece == pytest.approx(0.5 * 0.10 + 0.5 * 0.20)
    squares = [0.15**2] * 3 + [0.85**2] + [0.05**2] * 3 + [0.95**2]
    assert found.brier == pytest.approx(np.mean(squares))
    assert [(each.count, each.true) for each in found.bins] == [(4, 0.25), (4, 0.75)]
    weighted = calibration(predicted, true, [3.0] * 4 + [1.0] * 4)
    assert weighted.ece == pytest.approx(0.75 * 0.10 + 0.25 * 0.20)


def test_calibrated_predictions_have_no_error() -> None:
    """Predictions drawn by their own probability have an error near 0, the borders 0 and 1 included."""
    random = np.random.default_rng(3)
    predicted = random.beta(0.5, 0.5, 200_000)
    assert calibration(predicted, random.random(200_000) < predicted).ece < 0.005
    assert calibration([0.0, 1.0], [0, 1]).ece == 0.0
