"""Measure leakage between splits: the later splits are held in memory, the earlier ones stream by."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from turnsmith.curate.leakage.report import Leakage
from turnsmith.curate.leakage.requests import Asked, Request, Unit, requests_of, user_number
from turnsmith.curate.leakage.side import Side
from turnsmith.curate.near_duplicates import Near
from turnsmith.curate.near_duplicates.shingling import shingle
from turnsmith.curate.near_duplicates.store import Store

BATCH_CHARS, BATCH_TEXTS = 2 << 20, 4096

Split = Callable[[], Iterable[Asked]]
"""Yields the conversations of a split anew at each call."""
OnProgress = Callable[[int], object]
"""Takes the number of conversations that were read since the last call."""


def measure_leakage(
    splits: Mapping[str, Split],
    unit: Unit = Unit.first,
    near: Near | None = None,
    on_progress: OnProgress | None = None,
) -> Leakage:
    """Return for each split and each one before it the shares of requests and conversations found again there.

    `splits` go from the one that is trained on to the last. Each but the last is read once for the others, each
    but the first once to be held: as hashes, 8 bytes for a word or so of its requests, of the first split nothing.
    A request of fewer words than a shingle ("continue") is not compared.
    """
    near = near or Near()
    names = list(splits)
    sides = {name: Side(_watched(splits[name](), on_progress), unit, near) for name in names[1:]}
    leakage = Leakage(unit.value, near.threshold, near.ngram)
    for place, name in enumerate(names[:-1]):
        later = [sides[other] for other in names[place + 1 :]]
        _stream(_watched(splits[name](), on_progress), later, unit, near)
        for other, side in zip(names[place + 1 :], later, strict=True):
            leakage.pairs.append(side.outcome(other, name))
            side.reset()
    leakage.pairs.sort(key=lambda pair: (names.index(pair.of), names.index(pair.in_)))
    return leakage


def _watched(conversations: Iterable[Asked], on_progress: OnProgress | None) -> Iterator[Asked]:
    for conversation in conversations:
        yield conversation
        if on_progress:
            on_progress(1)


def _stream(conversations: Iterable[Asked], sides: list[Side], unit: Unit, near: Near) -> None:
    """Show all conversations of an earlier split to the later ones."""
    batch: dict[bytes, Request] = {}
    size = 0
    for asked in conversations:
        user = user_number(asked.user)
        for side in sides:
            side.see_user(user)
        for request in requests_of(asked, unit, near.ngram):
            if request is not None and request.mark not in batch:
                batch[request.mark] = request
                size += len(request.text)
        if size > BATCH_CHARS or len(batch) >= BATCH_TEXTS:
            _compare(list(batch.values()), sides, near)
            batch, size = {}, 0
    _compare(list(batch.values()), sides, near)


def _compare(requests: list[Request], sides: list[Side], near: Near) -> None:
    if not requests:
        return
    store = Store(near.memory, None)
    store.append(shingle([request.text for request in requests], near.ngram, near.seed))
    store.seal()
    for side in sides:
        side.compare(requests, store)
