"""Which groups go to evaluation."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

HASHES = 1 << 60


@dataclass(slots=True)
class Chosen:
    """Hold the hashes of the groups in evaluation, how many examples they hold, and what to tell the reader."""

    groups: set[int] = field(default_factory=set)
    examples: int = 0
    warnings: list[str] = field(default_factory=list)

    def take(self, group: int, size: int) -> None:
        """Put a group into evaluation."""
        self.groups.add(group)
        self.examples += size


def choose_by_share(sizes: Mapping[int, int], share: float, fewest: int) -> Chosen:
    """Take the groups whose hash lies in the first `share` of all hashes; `sizes` maps hash to examples.

    So a group's side depends on nothing but its name. Only where fewer than `fewest` examples come together do
    further groups follow: in hash order those that do not overshoot by far, or where all of those are not enough, the
    smallest of the others. A group that would make evaluation the larger half is left out.
    """
    chosen = Chosen()
    total = sum(sizes.values())
    if share == 0:
        return chosen
    limit = int(share * HASHES)
    too_large = 0
    for group in sorted(group for group in sizes if group < limit):
        if (chosen.examples + sizes[group]) * 2 > total:
            too_large += 1
        else:
            chosen.take(group, sizes[group])
    for group in _further(sizes, limit, fewest - chosen.examples):
        if chosen.examples < fewest and (chosen.examples + sizes[group]) * 2 <= total:
            chosen.take(group, sizes[group])
    natural = sum(size for group, size in sizes.items() if group < limit)
    if natural < fewest and chosen.examples > natural:
        chosen.warnings.append(
            f"a share of {share:g} gives {natural} examples for evaluation; raised to {chosen.examples}"
        )
    if chosen.examples < fewest:
        chosen.warnings.append(
            f"evaluation has {chosen.examples} examples, fewer than {fewest}: too little data"
        )
    if chosen.examples > max(2 * share * total, 2 * fewest):
        chosen.warnings.append(
            f"evaluation has {chosen.examples / total:.0%} of the examples instead of {share:.0%}: groups stay whole"
        )
    if too_large:
        chosen.warnings.append(
            f"{too_large} groups stay in training: they would make evaluation more than half of the set"
        )
    return chosen


def _further(sizes: Mapping[int, int], limit: int, missing: int) -> list[int]:
    """Return the groups beyond the share in the order in which they may fill what is missing."""
    rest = sorted(group for group in sizes if group >= limit)
    near = [group for group in rest if sizes[group] <= 2 * missing]
    far = sorted(
        (group for group in rest if sizes[group] > 2 * missing), key=lambda group: (sizes[group], group)
    )
    return [*near, *far] if sum(sizes[group] for group in near) >= missing else [*far, *near]


def choose_with_repositories(
    sizes: Mapping[int, int], repositories: Collection[int], share: float, fewest: int
) -> Chosen:
    """Choose among repositories of code and among all other groups apart, so that neither side lacks the one kind.

    Of the code about `share` goes to evaluation, by whole repositories in hash order, the smallest one where all are
    too large for that; the rest is chosen by `choose_by_share`.
    """
    code = {group: size for group, size in sizes.items() if group in repositories}
    others = {group: size for group, size in sizes.items() if group not in repositories}
    if not code or not others:
        return choose_by_share(sizes, share, fewest)
    total = sum(code.values())
    chosen = choose_by_size(code, round(share * total))
    smallest = min(code, key=lambda group: (code[group], group))
    if share and not chosen.groups and code[smallest] * 2 <= total:
        chosen.take(smallest, code[smallest])
    second = choose_by_share(others, share, max(fewest - chosen.examples, 0))
    told = f"code: evaluation has {chosen.examples:,} of {total:,} examples: repositories stay whole"
    warnings = [told, *(f"all but code: {warning}" for warning in second.warnings)]
    return Chosen(chosen.groups | second.groups, chosen.examples + second.examples, warnings)


def choose_by_size(sizes: Mapping[int, int], size: int) -> Chosen:
    """Take whole groups in hash order until about `size` examples; never more than half of all.

    A group is passed over where taking it would miss the size by more than leaving it.
    """
    chosen = Chosen()
    total = sum(sizes.values())
    for group in sorted(sizes):
        missing = size - chosen.examples
        if missing <= 0:
            break
        if sizes[group] <= 2 * missing and (chosen.examples + sizes[group]) * 2 <= total:
            chosen.take(group, sizes[group])
    if chosen.examples < size:
        chosen.warnings.append(
            f"evaluation has {chosen.examples} examples, not {size}: whole groups, and at most half of the set"
        )
    return chosen
