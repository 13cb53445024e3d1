"""Between the passes of a merge: how often each example is written, and to which side."""

from array import array
from collections.abc import Callable
from dataclasses import dataclass, field

from turnsmith.curate.merge.choosing import Chosen, choose_by_size, choose_with_repositories
from turnsmith.curate.merge.index import Index
from turnsmith.curate.merge.options import MergeOptions
from turnsmith.curate.merge.shapes import Shape, clashes, cover

EVAL = 255
_MIXED = (
    "chats and plain texts stand in one file: most trainers take one kind; merge each kind on its own, or mine fim "
    "with the format messages"
)


@dataclass(slots=True)
class Plan:
    """Hold a byte for each indexed example: EVAL, or how often it comes in training (0: left out by weight).

    `heads` are the orders of the examples that go first in their file, `texts` the paths written as text.
    """

    copies: "array[int]"
    heads: set[int] = field(default_factory=set)
    texts: dict[str, list[str]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def plan(index: Index, options: MergeOptions, weights: list[float]) -> Plan:
    """Decide for every example: thin out sources below weight 1, choose evaluation, repeat what has more."""
    whole = [min(int(weight), 1) for weight in weights]
    parts = [weight if weight < 1 else 0.0 for weight in weights]
    copies = _copies(index, whole, parts, lambda _: True)
    sizes = index.group_sizes(lambda each: copies[each] > 0)
    if options.eval_size is None:
        chosen = choose_with_repositories(sizes, index.repositories, options.eval_frac, options.min_eval)
    else:
        chosen = choose_by_size(sizes, options.eval_size)
    _keep_shapes_in_training(index, copies, chosen)

    def trains(each: int) -> bool:
        return copies[each] > 0 and index.groups[each] not in chosen.groups

    repeats = _copies(index, [int(weight) for weight in weights], [weight % 1 for weight in weights], trains)
    for each, group in enumerate(index.groups):
        if copies[each] and group in chosen.groups:
            copies[each] = EVAL
        elif copies[each] and weights[index.sources[each]] > 1:
            copies[each] = repeats[each]
    return _with_heads(index, Plan(copies, warnings=chosen.warnings))


def _copies(
    index: Index, whole: list[int], parts: list[float], counts: Callable[[int], bool]
) -> "array[int]":
    """Return the whole number of each source, and one more for its part of the examples, first in hash order."""
    copies = array("B", bytes(len(index.orders)))
    for source, number in enumerate(whole):
        examples = [each for each, at in enumerate(index.sources) if at == source and counts(each)]
        more = sorted(examples, key=lambda each: index.orders[each])[: round(parts[source] * len(examples))]
        for each in examples:
            copies[each] = number
        for each in more:
            copies[each] += 1
    return copies


def _keep_shapes_in_training(index: Index, copies: "array[int]", chosen: Chosen) -> None:
    """Move groups back to training that alone show a field or kind of value: loaders take the types from there."""
    sizes = index.group_sizes(lambda each: copies[each] > 0)
    shown: set[tuple[str, str]] = set()
    only: dict[int, int] = {}
    for each, shape in enumerate(index.shapes):
        if copies[each] and index.groups[each] not in chosen.groups:
            shown |= index.shape_list[shape]
        elif copies[each] and (shape not in only or index.orders[each] < index.orders[only[shape]]):
            only[shape] = each
    moved = 0
    for shape in cover({n: index.shape_list[n] for n in only}, {n: index.orders[e] for n, e in only.items()}):
        group = index.groups[only[shape]]
        if not index.shape_list[shape] <= shown and group in chosen.groups:
            shown |= index.shape_list[shape]
            chosen.groups.remove(group)
            chosen.examples -= sizes[group]
            moved += 1
    if moved:
        chosen.warnings.append(
            f"{moved} groups moved to training: fields in them occur in no other example there"
        )


def _with_heads(index: Index, plan: Plan) -> Plan:
    first: tuple[dict[int, int], dict[int, int]] = ({}, {})
    for each, shape in enumerate(index.shapes):
        if plan.copies[each]:
            side = first[plan.copies[each] == EVAL]
            side[shape] = min(side.get(shape, index.orders[each]), index.orders[each])
    shapes: list[Shape] = [index.shape_list[shape] for shape in {**first[0], **first[1]}]
    found = clashes(shapes)
    plan.texts = {path: kinds for path, kinds in found.items() if not path.startswith("messages")}
    for path, kinds in found.items():
        if path not in plan.texts:
            plan.warnings.append(f"{path} holds {' and '.join(kinds)}: some loaders will refuse the files")
    fields = {path for shape in shapes for path, _ in shape}
    if "text" in fields and any(path.startswith("messages") for path in fields):
        plan.warnings.append(_MIXED)
    for side in first:
        plan.heads.update(side[n] for n in cover({n: index.shape_list[n] for n in side}, side))
    return plan
