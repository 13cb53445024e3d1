"""The first pass of a merge: what every example is, without keeping its text."""

from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from turnsmith.core.chat import Example, examples_in
from turnsmith.core.hashing import portable_hash
from turnsmith.curate.account import Account
from turnsmith.curate.clean.exact import fingerprint
from turnsmith.curate.clean.rules.presence import malformed
from turnsmith.curate.clean.spooling import Lines
from turnsmith.curate.merge.groups import Repositories, group_of
from turnsmith.curate.merge.shapes import Shape, settled, shape_of

MALFORMED = "malformed"
REPEATED = "duplicate"
REPEATED_ELSEWHERE = "duplicate of an earlier input"


@dataclass(frozen=True, slots=True)
class Source:
    """Hold an input: its name in the report, what to call it in places, and how to read it anew."""

    name: str
    place: str
    lines: Callable[[], Lines]


@dataclass(slots=True)
class Index:
    """Hold a few numbers for each example that is kept, in the order of reading.

    `orders` and `groups` are 60-bit hashes, `shapes` numbers into `shape_list`, `sources` numbers of sources.
    `fates` has a byte for every example read: 1 where it is kept. `notes` are for the reader.
    `repositories` are the groups that are repositories of code.
    """

    accounts: list[Account]
    orders: "array[int]" = field(default_factory=lambda: array("Q"))
    groups: "array[int]" = field(default_factory=lambda: array("Q"))
    shapes: "array[int]" = field(default_factory=lambda: array("L"))
    sources: "array[int]" = field(default_factory=lambda: array("L"))
    fates: bytearray = field(default_factory=bytearray)
    shape_list: list[Shape] = field(default_factory=list)
    bytes_read: int = 0
    notes: list[str] = field(default_factory=list)
    repositories: frozenset[int] = frozenset()

    def group_sizes(self, kept: Callable[[int], bool]) -> Counter[int]:
        """Return how many examples each group has, of those that `kept` says stay."""
        return Counter(group for index, group in enumerate(self.groups) if kept(index))


def prepared(example: Example, *, strip_meta: bool) -> Example:
    """Return an example as it is written, but for clashes of types."""
    example = settled(example)
    if strip_meta:
        example.pop("meta", None)
    return example


def build(sources: list[Source], seed: int, *, strip_meta: bool, by_repository: bool) -> Index:
    """Read all sources once; the first of examples that say the same is kept.

    With `by_repository`, a repository that examples of code come from is one group.
    """
    repositories = Repositories()
    index = Index([Account() for _ in sources])
    seen: dict[bytes, int] = {}
    numbers: dict[Shape, int] = {}
    for number, source in enumerate(sources):
        account = index.accounts[number]
        for line, example in examples_in(source.place, _measured(source.lines(), index), account.spoil):
            account.read += 1
            reason = MALFORMED if malformed(example) else None
            mark = fingerprint(example) if reason is None else b""
            if reason is None and mark in seen:
                reason = REPEATED if seen[mark] == number else REPEATED_ELSEWHERE
            index.fates.append(reason is None)
            if reason:
                account.drop(reason, f"{source.place}:{line}")
                continue
            account.kept += 1
            seen[mark] = number
            shape = shape_of(prepared(example, strip_meta=strip_meta))
            index.orders.append(portable_hash(f"{seed}:{mark.hex()}"))
            index.groups.append(portable_hash(group_of(example, mark)))
            index.shapes.append(numbers.setdefault(shape, len(numbers)))
            index.sources.append(number)
            repositories.add(example)
    if by_repository:
        index.notes = repositories.regroup(index.groups)
        index.repositories = frozenset(repositories.mined)
    index.shape_list = list(numbers)
    return index


def _measured(lines: Lines, index: Index) -> Iterator[tuple[int, bytes]]:
    for number, line in lines:
        index.bytes_read += len(line) + 1
        yield number, line
