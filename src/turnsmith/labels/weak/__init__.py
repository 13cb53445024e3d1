"""The weak judge: a probability from written rules, for runs without a model; its labels are marked `weak`."""

from turnsmith.labels.weak.judging import STRATEGIES, VERSION, judge, rules_hash

__all__ = ["STRATEGIES", "VERSION", "judge", "rules_hash"]
