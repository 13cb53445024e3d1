"""The correction brings probabilities of a router trained on a skewed set back to the true rate."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.labels.making import label
from turnsmith.labels import labeled_set
from turnsmith.labels.agreement.measures import calibration
from turnsmith.labels.balance import BalanceOptions, Format, balance, correct

RATES = st.floats(0.01, 0.99)


@given(st.floats(0.001, 0.999), RATES, RATES)
def test_correction_there_and_back(probability: float, one: float, other: float) -> None:
    """Correcting to another rate and back gives the same probability; to the same rate changes nothing."""
    there = correct(probability, one, other)
    assert correct(there, other, one) == pytest.approx(probability, rel=1e-6)
    assert correct(probability, one, one) == pytest.approx(probability)


def test_correction_is_the_formula() -> None:
    """Of 0.5 at 30 % ones, in a world of 70 %, the odds grow by (0.7/0.3)/(0.3/0.7)."""
    assert correct(0.5, 0.7, 0.3) == pytest.approx(0.49 / (0.49 + 0.09))
    assert correct(np.array([0.0, 1.0]), 0.7, 0.3).tolist() == [0.0, 1.0]


def fit(features: Any, labels: Any) -> Any:
    """Return the weights of a logistic regression by Newton's method."""
    matrix = np.column_stack([np.ones(len(features)), features])
    weights = np.zeros(2)
    for _ in range(30):
        chance = 1 / (1 + np.exp(-matrix @ weights))
        slope = matrix.T @ (labels - chance)
        weights += np.linalg.solve((matrix * (chance * (1 - chance))[:, None]).T @ matrix, slope)
    return weights


def test_skewed_training_breaks_calibration_and_the_manifest_repairs_it(tmp_path: Path) -> None:
    """A router trained at 70:30 on a world with 28 % reasoning has ECE above 0.3; corrected it is below 0.03."""
    random = np.random.default_rng(7)
    features = random.normal(size=12_000)
    truth = random.random(12_000) < 1 / (1 + np.exp(-(1.0 + 0.6 * features)))
    labels = [
        label(n, llm_vote=int(truth[n]), soft_label=float(truth[n]), turn_index=1, conversation_id=f"c{n}",
              request=f"{features[n]:+.6f}", split="train" if n < 8000 else "test")
        for n in range(12_000)
    ]  # fmt: skip
    labeled_set.write(tmp_path, "set", labels)
    options = BalanceOptions(format=Format.plain, within=(), near=None, total=3000)
    report = balance(tmp_path, "x", tmp_path / "out", options)
    rows = {
        split: [json.loads(line) for line in (tmp_path / "out" / file.name).read_bytes().splitlines()]
        for split, file in report.files.items()
    }
    weights = fit(*(np.array([float(row[key]) for row in rows["train"]]) for key in ("text", "label")))
    seen = np.array([float(row["text"]) for row in rows["test"]])
    true = np.array([row["label"] for row in rows["test"]])
    skewed = 1 / (1 + np.exp(-(weights[0] + weights[1] * seen)))
    rates = report.manifest["correction"]
    repaired = correct(skewed, rates["pi"], rates["tau"])
    assert rates["tau"] == 0.3
    assert rates["pi"] == pytest.approx(truth[:8000].mean(), abs=1e-6)
    assert calibration(skewed, true).ece > 0.3
    assert calibration(repaired, true).ece < 0.03
    for row in rates["worked"]:
        assert row["corrected"] == pytest.approx(
            float(correct(row["p"], rates["pi"], rates["tau"])), abs=1e-6
        )
