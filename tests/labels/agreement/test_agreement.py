"""`turnsmith agreement`: what it says of a judge whose errors are known."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.labels.making import label
from turnsmith.cli import app
from turnsmith.core.errors import EmptyResultError
from turnsmith.labels import labeled_set
from turnsmith.labels.agreement import agreement
from turnsmith.labels.records import Label
from turnsmith.labels.review import SampleOptions, Votes, read_votes, sample

COUNT = 20_000
SENSITIVITY, SPECIFICITY, TRUE_SHARE = 0.9, 0.7, 0.65


def known() -> tuple[list[Label], dict[str, int]]:
    """Return labels of a judge with known errors, and the truth by message."""
    random = np.random.default_rng(5)
    truth = (random.random(COUNT) >= TRUE_SHARE).astype(int)  # 0 reasoning
    right = random.random(COUNT) < np.where(truth == 0, SENSITIVITY, SPECIFICITY)
    judged = np.where(right, truth, 1 - truth)
    soft = np.where(judged == 1, random.uniform(0.5, 1, COUNT), random.uniform(0, 0.4999, COUNT))
    labels = [
        label(n, llm_vote=int(judged[n]), soft_label=float(soft[n]), bucket=f"b{n % 3}", judge="llm")
        for n in range(COUNT)
    ]
    return labels, {f"m{n}": int(truth[n]) for n in range(COUNT)}


def voted(path: Path, rows: list[dict[str, Any]]) -> Votes:
    """Return votes read from a file."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return read_votes([path])


def vote(each: Label, digit: int, rater: str = "a", **fields: Any) -> dict[str, Any]:
    """Return the row of a vote."""
    return {
        "conversationId": each.conversation_id, "messageId": each.message_id, "rater": rater, "vote": digit, **fields
    }  # fmt: skip


def test_known_errors_are_found_from_a_sample(tmp_path: Path) -> None:
    """A sample of 5 % finds the judge's errors, and the corrected share is nearer to the truth than the judged one."""
    labels, truth = known()
    labeled_set.write(tmp_path, "set", labels)
    sample(tmp_path, tmp_path / "r.jsonl", SampleOptions(share=0.05))
    rows = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text(encoding="utf-8").splitlines()]
    votes = voted(tmp_path / "v.jsonl", [{**row, "vote": truth[row["messageId"]]} for row in rows])
    told = agreement(tmp_path, votes).as_json()
    found = told["prevalence"]
    true_share = list(truth.values()).count(0) / COUNT
    assert found["sensitivity"] == pytest.approx(SENSITIVITY, abs=0.03)
    assert found["specificity"] == pytest.approx(SPECIFICITY, abs=0.05)
    assert found["corrected"] == pytest.approx(true_share, abs=0.03)
    assert abs(found["corrected"] - true_share) < abs(found["judged"] - true_share)
    low, high = found["corrected_interval"]
    assert low <= true_share <= high
    assert high - low < 0.1
    low, high = told["agreement"]["kappa_interval"]
    assert low < told["agreement"]["kappa"] < high
    assert told["turns"]["compared"] == len(rows)


def test_stratified_votes_are_weighed(tmp_path: Path) -> None:
    """Voting on ten times as many labels of one kind does not move the figures of the set."""
    labels, truth = known()
    labeled_set.write(tmp_path, "set", labels)
    chosen = [each for n, each in enumerate(labels) if n % (20 if each.llm_vote else 2) == 0]
    told = agreement(
        tmp_path, voted(tmp_path / "v.jsonl", [vote(each, truth[each.message_id]) for each in chosen])
    )
    assert told.prevalence["corrected"] == pytest.approx(list(truth.values()).count(0) / COUNT, abs=0.03)
    assert told.prevalence["specificity"] == pytest.approx(SPECIFICITY, abs=0.05)


def test_small_case_by_hand(tmp_path: Path) -> None:
    """Confusion, ties, pairs of people and contested turns of a case that is small enough to count."""
    labels = [
        label(n, llm_vote=int(n < 4), soft_label=0.9 if n < 4 else 0.2, bucket=f"b{n % 2}") for n in range(8)
    ]
    labeled_set.write(tmp_path, "set", labels)
    rows = [vote(labels[n], 1, "a") for n in range(4)] + [vote(labels[n], 0, "a") for n in range(4, 7)]
    rows += [
        vote(labels[0], 0, "b"),
        vote(labels[1], 1, "b"),
        vote(labels[7], 1, "b"),
        vote(labels[4], 0, "b"),
    ]
    told = agreement(tmp_path, voted(tmp_path / "v.jsonl", rows)).as_json()
    assert told["turns"] == {"voted_on": 8, "in_the_set": 8, "tied": 1, "compared": 7}
    assert told["confusion"]["all"] == {
        "judge_0_people_0": 3, "judge_0_people_1": 1, "judge_1_people_0": 0, "judge_1_people_1": 3,
    }  # fmt: skip
    assert told["agreement"]["raw"] == pytest.approx(6 / 7, abs=1e-4)
    assert told["people"]["raters"] == {"a": 7, "b": 4}
    assert told["people"]["pairs"] == [{"raters": ["a", "b"], "turns": 3, "raw": 0.6667, "kappa": 0.4}]
    assert [each["messageId"] for each in told["contested"]] == ["m0", "m7"]
    assert any("weak labels" in each for each in told["warnings"])


def test_contested_rows_hold_no_text(tmp_path: Path) -> None:
    """The report names turns by id and never by text."""
    labels = [label(n, request="my secret", llm_vote=n % 2, soft_label=n % 2) for n in range(10)]
    labeled_set.write(tmp_path, "set", labels)
    report = agreement(tmp_path, voted(tmp_path / "v.jsonl", [vote(each, 0) for each in labels]))
    assert "secret" not in json.dumps(report.as_json())
    assert len(report.contested) == 5


def test_votes_in_the_set_count_without_files(tmp_path: Path) -> None:
    """Without vote files the votes that the set holds are compared."""
    labeled_set.write(
        tmp_path, "set", [label(n, llm_vote=n % 2, vote=n % 2 if n < 6 else None) for n in range(10)]
    )
    report = agreement(tmp_path, Votes())
    assert (report.turns["compared"], report.agreement["kappa"]) == (6, 1.0)


def test_thumbs_are_no_votes(tmp_path: Path) -> None:
    """Thumbs alone compare nothing: an error, and they stand in the account."""
    labels = [label(n) for n in range(10)]
    labeled_set.write(tmp_path, "set", labels)
    votes = voted(tmp_path / "v.jsonl", [vote(each, 1, source="thumbs") for each in labels])
    assert votes.account.dropped == {"thumbs, which tell satisfaction": 10}
    with pytest.raises(EmptyResultError, match="no vote is about a turn of this set"):
        agreement(tmp_path, votes)


def test_same_seed_same_figures(tmp_path: Path) -> None:
    """The intervals come from the seed, and from nothing else."""
    labels, truth = known()
    labeled_set.write(tmp_path, "set", labels[:2000])
    votes = voted(tmp_path / "v.jsonl", [vote(each, truth[each.message_id]) for each in labels[:300]])
    one, same, other = (agreement(tmp_path, votes, seed=seed).as_json() for seed in (0, 0, 1))
    assert one == same
    assert one["agreement"]["kappa"] == other["agreement"]["kappa"]
    assert one["agreement"]["kappa_interval"] != other["agreement"]["kappa_interval"]


def test_command_prints_and_gates(tmp_path: Path) -> None:
    """The command prints all tables; below --min-kappa, or without a matching vote, the exit code is 1."""
    labels, truth = known()
    labeled_set.write(tmp_path, "set", labels[:2000])
    path = tmp_path / "v.jsonl"
    voted(
        path, [vote(each, truth[each.message_id], rater=f"r{n % 2}") for n, each in enumerate(labels[:400])]
    )
    arguments = ["agreement", str(tmp_path), "--votes", str(path)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    for part in ("Cohen's kappa", "Krippendorff's alpha", "corrected for errors", "Most contested", "P(1)"):
        assert part in result.output
    assert CliRunner().invoke(app, [*arguments, "--min-kappa", "0.95"]).exit_code == 1
    assert CliRunner().invoke(app, [*arguments, "--min-kappa", "0.3", "--json"]).exit_code == 0
    voted(path, [vote(label(5, conversation_id="x"), 1)])
    assert CliRunner().invoke(app, arguments).exit_code == 1
