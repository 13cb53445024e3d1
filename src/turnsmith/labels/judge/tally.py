"""Count what a run shows about its judge: shares, position bias, turns judged twice, canaries."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from turnsmith.labels.judge.answer import LABELED
from turnsmith.labels.judge.canaries import PASS_RATE, Canary
from turnsmith.labels.judge.deciding import hard_label
from turnsmith.labels.judge.planning import Item
from turnsmith.labels.records import Label

MOST_POSITION_BIAS = 0.1
LEAST_SAME = 0.85
MOST_OUTSIDE = 0.2
ENOUGH = 50  # below it, a share says little


@dataclass(slots=True)
class Tally:
    """Count turns by state, labels, and what checks the judge."""

    states: Counter[str] = field(default_factory=Counter)
    labels: Counter[int] = field(default_factory=Counter)
    by_group: dict[tuple[str, str], Counter[int]] = field(default_factory=dict)
    bins: list[int] = field(default_factory=lambda: [0] * 10)
    neutralized_turns: int = 0
    neutralized_tokens: int = 0
    outside: float = 0.0
    with_outside: int = 0
    agreement: float = 0.0
    digit_one: dict[bool, list[float]] = field(default_factory=lambda: {False: [0, 0.0], True: [0, 0.0]})
    twice: int = 0
    twice_same: int = 0
    twice_moved: float = 0.0
    canaries: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, item: Item, state: str, label: Label | None) -> None:
        """Count a turn that is done."""
        self.states[state] += 1
        if item.shown.neutralized:
            self.neutralized_turns += 1
            self.neutralized_tokens += item.shown.neutralized
        if label is not None:
            self.count(label)
            self._add_first_vote(item)

    def count(self, label: Label) -> None:
        """Count a label."""
        self.labels[label.llm_vote] += 1
        group = (label.split, label.bucket)
        counts = self.by_group.get(group)
        if counts is None:
            counts = self.by_group[group] = Counter()
        counts[label.llm_vote] += 1
        self.bins[min(9, int(label.soft_label * 10))] += 1
        self.agreement += label.agreement or 0.0
        if label.outside is not None:
            self.outside += label.outside
            self.with_outside += 1

    def _add_first_vote(self, item: Item) -> None:
        first = item.answers[item.requests[0].key]
        if first.state != LABELED:
            return
        flipped = item.requests[0].flipped
        seen = self.digit_one[flipped]
        seen[0] += 1
        seen[1] += first.soft_label(False)
        if len(item.requests) == item.votes:
            return
        second = item.answers.get(item.requests[-1].key)
        if second is not None and second.state == LABELED:
            before, after = first.soft_label(flipped), second.soft_label(item.requests[-1].flipped)
            self.twice += 1
            self.twice_same += hard_label(before) == hard_label(after)
            self.twice_moved += abs(before - after)

    def add_canary(self, canary: Canary, labels: list[int | None]) -> None:
        """Count a canary's answers, None for no label; it passes where all are right."""
        passed = all(label == canary.label for label in labels)
        self.canaries[canary.name] = {
            "expected": canary.label, "answered": labels, "order": canary.order, "passed": passed,
        }  # fmt: skip

    @property
    def position_bias(self) -> float | None:
        """Return how much the digit 1 is preferred whatever it means, from -0.5 to 0.5; None where too few say so.

        Meanings are dealt by chance, so a judge without bias answers 1 for half of the turns in the mean.
        """
        counts = self.digit_one.values()
        if any(count < ENOUGH for count, _ in counts):
            return None
        return round(sum(total / count for count, total in counts) / 2 - 0.5, 4)

    def canary_rate(self, *, order: bool) -> float | None:
        """Return the share of canaries that passed, those with an order or those without; None where none ran."""
        chosen = [canary["passed"] for canary in self.canaries.values() if canary["order"] == order]
        return round(sum(chosen) / len(chosen), 4) if chosen else None

    @property
    def without_probabilities(self) -> int:
        """Return how many labels come from bare digits."""
        return self.labels.total() - self.with_outside

    def as_json(self) -> dict[str, Any]:
        """Return the counts for a report."""
        total = self.labels.total()
        return {
            "states": dict(sorted(self.states.items())),
            "labels": _shares(self.labels),
            "by_bucket": {
                "/".join(group): _shares(counts) for group, counts in sorted(self.by_group.items())
            },
            "soft_label_bins": self.bins,
            "without_probabilities": self.without_probabilities,
            "mean_outside": round(self.outside / self.with_outside, 6) if self.with_outside else None,
            "mean_agreement": round(self.agreement / total, 4) if self.agreement else None,
            "neutralized": {"turns": self.neutralized_turns, "tokens": self.neutralized_tokens},
            "position_bias": self.position_bias,
            "judged_twice": {
                "turns": self.twice,
                "same_label": round(self.twice_same / self.twice, 4) if self.twice else None,
                "mean_change": round(self.twice_moved / self.twice, 4) if self.twice else None,
            },
            "canaries": {
                "known": self.canary_rate(order=False),
                "with_order": self.canary_rate(order=True),
                "each": self.canaries,
            },
        }

    def warnings(self) -> list[str]:
        """Return what makes the labels doubtful, in sentences."""
        found = []
        known, ordered = self.canary_rate(order=False), self.canary_rate(order=True)
        if known is not None and known < PASS_RATE:
            found.append(
                f"only {known:.0%} of the canaries with a known answer were right; do not use these labels"
            )
        if ordered is not None and ordered < PASS_RATE:
            found.append(
                f"only {ordered:.0%} of the canaries with an order to the judge were right; it obeys its data"
            )
        if self.position_bias is not None and abs(self.position_bias) > MOST_POSITION_BIAS:
            digit = 1 if self.position_bias > 0 else 0
            found.append(
                f"the judge prefers the digit {digit} whatever it means (bias {self.position_bias:+.2f})"
            )
        if self.twice >= ENOUGH and self.twice_same / self.twice < LEAST_SAME:
            found.append(
                f"judged twice, only {self.twice_same / self.twice:.0%} of the turns kept their label"
            )
        if self.with_outside and self.outside / self.with_outside > MOST_OUTSIDE:
            found.append(
                f"{self.outside / self.with_outside:.0%} of the probability is on neither digit; see the prompt"
            )
        return found


def _shares(counts: Counter[int]) -> dict[str, Any]:
    total = counts.total()
    return {
        "0": counts[0], "1": counts[1], "reasoning_share": round(counts[0] / total, 4) if total else None,
    }  # fmt: skip
