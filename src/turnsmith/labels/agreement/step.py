"""A labeled set held against people's votes.

Figures of agreement describe the turns that were voted on. Figures of the set (sensitivity, prevalence,
calibration) weigh each vote by how many labels of its stratum, bin of P(1) and label, it stands for.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from turnsmith.core.errors import EmptyResultError
from turnsmith.labels import labeled_set
from turnsmith.labels.agreement.measures import (
    calibration,
    cohen_kappa,
    krippendorff_alpha,
    raw_agreement,
    rogan_gladen,
)
from turnsmith.labels.records import REASONING, Label
from turnsmith.labels.review import Votes, consensus, stratum_of

RESAMPLES = 2000
CONTESTED = 20
PERCENTILES = (2.5, 97.5)
OF_THE_SET = "the set"


@dataclass(slots=True)
class AgreementReport:
    """Hold all figures; shares from 0 to 1, None where a figure is not defined."""

    labels: int
    judge: dict[str, Any]
    turns: dict[str, int]
    votes: dict[str, Any]
    agreement: dict[str, Any]
    people: dict[str, Any]
    confusion: dict[str, dict[str, int]]
    prevalence: dict[str, Any]
    calibration: dict[str, Any]
    contested: list[dict[str, Any]]
    warnings: list[str]

    def as_json(self) -> dict[str, Any]:
        """Return the report; the same for the same set, votes and seed."""
        told: dict[str, Any] = _rounded(asdict(self))
        return told


@dataclass(slots=True)
class _Matched:
    """Hold the labels that were voted on with the votes of each, and how many labels each stratum has."""

    labels: list[Label] = field(default_factory=list)
    votes: list[dict[str, int]] = field(default_factory=list)
    population: Counter[tuple[int, int]] = field(default_factory=Counter)


def agreement(folder: Path, votes: Votes, *, seed: int = 0) -> AgreementReport:
    """Return how the labels of a set agree with votes; without any, with those that the set itself holds.

    Raises EmptyResultError where no vote is about a turn of the set, or all of them are tied.
    """
    matched = _matched(folder, votes)
    if not matched.labels:
        raise EmptyResultError(
            f"{folder}: no vote is about a turn of this set; give the votes of its own sample"
        )
    people = [consensus(each) for each in matched.votes]
    decided = [each for each, vote in enumerate(people) if vote is not None]
    if not decided:
        raise EmptyResultError(f"{folder}: all {len(people)} turns are tied; let a third rater vote on them")
    labels = [matched.labels[each] for each in decided]
    judged = np.array([label.llm_vote for label in labels])
    true = np.array([people[each] for each in decided])
    random = np.random.default_rng(seed)
    told = labeled_set.report(folder)
    report = AgreementReport(
        labels=matched.population.total(),
        judge={key: told[key] for key in ("judge", *labeled_set.TOLD) if key in told},
        turns={
            "voted_on": len(votes.by_turn) or len(people),
            "in_the_set": len(people),
            "tied": len(people) - len(decided),
            "compared": len(decided),
        },
        votes=votes.account.as_json(),
        agreement=_agreement(judged, true, random),
        people=_people(matched),
        confusion=_confusion(labels, true),
        prevalence={},
        calibration={},
        contested=_contested(matched),
        warnings=[],
    )
    strata = [_stratum(label) for label in labels]
    weights = _weights(strata, matched.population)
    report.prevalence = _prevalence(judged, true, strata, weights, matched.population, random)
    report.calibration = asdict(calibration([label.soft_label for label in labels], true, weights))
    report.warnings = _warnings(report)
    return report


def _matched(folder: Path, votes: Votes) -> _Matched:
    matched = _Matched()
    for label in labeled_set.read(folder):
        matched.population[_stratum(label)] += 1
        given = votes.by_turn.get((label.conversation_id, label.message_id))
        if given is None and not votes.by_turn and label.vote is not None:
            given = {OF_THE_SET: label.vote}
        if given:
            matched.labels.append(label)
            matched.votes.append(given)
    return matched


def _stratum(label: Label) -> tuple[int, int]:
    return stratum_of(label)[:2]


def _agreement(judged: Any, true: Any, random: Any) -> dict[str, Any]:
    """Return raw agreement, prevalence and kappa with intervals from resampled turns."""
    table = np.array([[np.sum((judged == j) & (true == t)) for t in (0, 1)] for j in (0, 1)])
    total = table.sum()
    again = random.multinomial(total, (table / total).ravel(), RESAMPLES).reshape(-1, 2, 2)
    return {
        "raw": float(raw_agreement(table)),
        "raw_interval": _interval(raw_agreement(again)),
        "reasoning_share_judge": float(np.mean(judged == REASONING)),
        "reasoning_share_people": float(np.mean(true == REASONING)),
        "kappa": _number(cohen_kappa(table)),
        "kappa_interval": _interval(cohen_kappa(again)),
    }


def _people(matched: _Matched) -> dict[str, Any]:
    """Return how people agree among themselves, and each pair of them."""
    raters = sorted({rater for votes in matched.votes for rater in votes})
    pairs = []
    for one, other in combinations(raters, 2):
        both = [(votes[one], votes[other]) for votes in matched.votes if one in votes and other in votes]
        if both:
            counts = Counter(both)
            table = [[counts[first, second] for second in (0, 1)] for first in (0, 1)]
            pairs.append(
                {
                    "raters": [one, other],
                    "turns": len(both),
                    "raw": float(raw_agreement(table)),
                    "kappa": _number(cohen_kappa(table)),
                }
            )
    given = [list(votes.values()) for votes in matched.votes]
    with_judge = [[*votes, label.llm_vote] for votes, label in zip(given, matched.labels, strict=True)]
    return {
        "raters": {rater: sum(rater in votes for votes in matched.votes) for rater in raters},
        "turns_with_two": sum(len(votes) > 1 for votes in given),
        "alpha": krippendorff_alpha(given),
        "alpha_with_judge": krippendorff_alpha(with_judge),
        "pairs": pairs,
    }


def _confusion(labels: list[Label], true: Any) -> dict[str, dict[str, int]]:
    """Return counts by bucket: `judge_0_people_1` is judged 0 and voted 1."""
    buckets: dict[str, Counter[tuple[int, int]]] = {}
    for label, vote in zip(labels, true.tolist(), strict=True):
        for name in (label.bucket, "all"):
            buckets.setdefault(name, Counter())[label.llm_vote, vote] += 1
    names = [*sorted(set(buckets) - {"all"}), "all"]
    return {
        name: {f"judge_{j}_people_{p}": buckets[name][j, p] for j in (0, 1) for p in (0, 1)} for name in names
    }


def _weights(strata: list[tuple[int, int]], population: Counter[tuple[int, int]]) -> Any:
    """Return how many labels of the set each vote stands for."""
    counts = Counter(strata)
    return np.array([population[stratum] / counts[stratum] for stratum in strata])


def _prevalence(
    judged: Any,
    true: Any,
    strata: list[tuple[int, int]],
    weights: Any,
    population: Counter[tuple[int, int]],
    random: Any,
) -> dict[str, Any]:
    """Return the share of reasoning as judged, the judge's errors, and the share corrected for them."""
    labels = population.total()
    apparent = sum(count for (_, label), count in population.items() if label == REASONING) / labels
    covered = sum(population[stratum] for stratum in set(strata))
    sensitivity, specificity = _errors(judged, true, weights)
    corrected = rogan_gladen(apparent, sensitivity, specificity)
    again = [_errors(judged[each], true[each], weights[each]) for each in _picks(strata, random)]
    resampled = rogan_gladen(apparent, *np.array(again).T)
    return {
        "judged": apparent,
        "sensitivity": _number(sensitivity),
        "specificity": _number(specificity),
        "corrected": _number(corrected),
        "corrected_interval": _interval(resampled),
        "labels_in_strata_without_votes": labels - covered,
    }


def _errors(judged: Any, true: Any, weights: Any) -> tuple[float, float]:
    """Return how much of people's 0 the judge found, and of their 1; nan where people gave none."""
    found = []
    for digit in (0, 1):
        of_digit = weights[true == digit]
        right = weights[(true == digit) & (judged == digit)]
        found.append(float(right.sum() / of_digit.sum()) if len(of_digit) else float("nan"))
    return found[0], found[1]


def _picks(strata: list[tuple[int, int]], random: Any) -> Iterator[Any]:
    """Yield indices of votes drawn again within their strata."""
    codes = np.unique(np.array(strata), axis=0, return_inverse=True)[1].ravel()
    order = np.argsort(codes, kind="stable")
    _, starts, counts = np.unique(codes[order], return_index=True, return_counts=True)
    first, size = np.repeat(starts, counts), np.repeat(counts, counts)
    for _ in range(RESAMPLES):
        yield order[first + (random.random(len(codes)) * size).astype(int)]


def _contested(matched: _Matched) -> list[dict[str, Any]]:
    """Return ids of the turns on which people split, then of those where they contradict a sure judge."""
    found = []
    for label, votes in zip(matched.labels, matched.votes, strict=True):
        split = len(set(votes.values())) > 1
        vote = consensus(votes)
        if not split and vote == label.llm_vote:
            continue
        surest = abs(label.soft_label - (0.5 if vote is None else vote))
        told = {
            "conversationId": label.conversation_id,
            "messageId": label.message_id,
            "bucket": label.bucket,
            "llm_vote": label.llm_vote,
            "soft_label": label.soft_label,
            "votes": {"0": list(votes.values()).count(0), "1": list(votes.values()).count(1)},
        }
        found.append((not split, -surest, label.conversation_id, label.message_id, told))
    return [each[-1] for each in sorted(found, key=lambda each: each[:-1])[:CONTESTED]]


def _warnings(report: AgreementReport) -> list[str]:
    warnings = []
    compared = report.turns["compared"]
    if compared < 100:
        warnings.append(f"only {compared} turns were compared; the intervals are wide")
    alpha = report.people["alpha"]
    if alpha is not None and alpha < 0.667:
        warnings.append(
            f"people agree at alpha {alpha:.2f} only, below 0.667: make the question clearer first"
        )
    if report.prevalence["corrected"] is None:
        warnings.append("the judge is no better than chance here, so its share can't be corrected")
    if report.prevalence["labels_in_strata_without_votes"]:
        count = report.prevalence["labels_in_strata_without_votes"]
        warnings.append(f"{count} labels are in strata without a vote; vote on a sample of this very set")
    if report.judge.get("judge") == "weak":
        warnings.append("these are weak labels, made by rules")
    return warnings


def _number(value: Any) -> float | None:
    return None if np.isnan(value) else float(value)


def _interval(values: Any) -> list[float] | None:
    """Return the 95 % interval of resampled values; None where most of them are not defined."""
    defined = values[~np.isnan(values)]
    return (
        None
        if len(defined) * 2 < len(values)
        else [float(each) for each in np.percentile(defined, PERCENTILES)]
    )


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, list) else value
