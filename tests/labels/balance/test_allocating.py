"""The draw: totals are exact, the ratio holds in every stratum, nothing is taken that is not there."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnsmith.labels.balance.allocating import allocate, capacity, largest_total

STRATA = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=1, max_size=30)
RATIOS = st.sampled_from([0.7, 0.5, 0.3, 0.9, 1 / 3])


@given(STRATA, RATIOS, st.floats(0, 1))
def test_allocation_holds_its_promises(strata: list[tuple[int, int]], reasoning: float, part: float) -> None:
    """Sums are the total at the ratio, limits hold, and each stratum is within a row or so of its ratio."""
    had = np.array(strata)
    total = int(part * largest_total(had, reasoning))
    gave = allocate(had, had.sum(axis=1), total, reasoning)
    assert gave.sum() == total
    assert gave[:, 0].sum() == int(total * reasoning + 0.5)
    assert (gave >= 0).all()
    assert (gave <= had).all()
    sizes = gave.sum(axis=1)
    # A row more by rounding, and another where a neighbor had none to give.
    assert (abs(gave[:, 0] - sizes * reasoning) <= 2).all()


@given(STRATA, RATIOS)
def test_largest_total_is_the_largest(strata: list[tuple[int, int]], reasoning: float) -> None:
    """All of the largest total can be drawn, and it is the sum of what the strata can give."""
    had = np.array(strata)
    most = largest_total(had, reasoning)
    assert allocate(had, had.sum(axis=1), most, reasoning).sum() == most
    assert most <= capacity(had, reasoning).sum() + 1e-6 < most + 1 + 1e-6


def test_rich_strata_fill_up_for_poor_ones() -> None:
    """A stratum with little of one label gives less, and the others give more, in proportion to their size."""
    had = np.array([[700, 3], [700, 300], [1400, 600]])
    gave = allocate(had, had.sum(axis=1), 1000, 0.7)
    assert gave.tolist() == [[7, 3], [231, 99], [462, 198]]


def test_a_stratum_of_one_label_gives_nothing() -> None:
    """Where a stratum has one label only, any row of it would tell the label."""
    gave = allocate(np.array([[50, 0], [70, 30]]), np.array([50, 100]), 100, 0.7)
    assert gave.tolist() == [[0, 0], [70, 30]]


def test_many_tiny_strata_favor_no_label() -> None:
    """Over a thousand strata of two rows each the shares stay even along the strata."""
    gave = allocate(np.ones((1000, 2), int), np.full(1000, 2), 1000, 0.7)
    halves = [gave[:500, 0].sum() / gave[:500].sum(), gave[500:, 0].sum() / gave[500:].sum()]
    assert halves == pytest.approx([0.7, 0.7], abs=0.01)
