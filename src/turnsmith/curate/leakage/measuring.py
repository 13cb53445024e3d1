"""Measure leakage between splits: the later splits are held in memory, the earlier ones stream by."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from turnsmith.curate.clean.exact import normalized
from turnsmith.curate.decontaminate.words import words_of
from turnsmith.curate.leakage.held import Held
from turnsmith.curate.leakage.report import Leakage, Shares, SplitPair, Twin
from turnsmith.curate.near_duplicates import Near
from turnsmith.curate.near_duplicates.shingling import shingle
from turnsmith.curate.near_duplicates.store import Store

WORST = 10
DIGEST_BYTES = 16
NEVER_SHORT = 200  # characters
BATCH_CHARS, BATCH_TEXTS = 2 << 20, 4096


class Unit(StrEnum):
    """Name the requests that are compared: the first of each conversation, or all."""

    first = "first"
    all = "all"


@dataclass(frozen=True, slots=True)
class Asked:
    """Hold what was asked in a conversation: its id, its user (None or empty: unknown) and the requests."""

    id: str
    user: str | None
    requests: list[str]


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
    sides = {name: _Side(_watched(splits[name](), on_progress), unit, near) for name in names[1:]}
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


@dataclass(frozen=True, slots=True)
class _Request:
    """Hold a request that is compared: its conversation's id, its number there from 1, its text and what marks it."""

    id: str
    number: int
    text: str
    mark: bytes


def _requests(conversation: Asked, unit: Unit, ngram: int) -> list[_Request | None]:
    """Return the requests to compare; None for one that is too short."""
    requests = conversation.requests[:1] if unit is Unit.first else conversation.requests
    return [
        None if is_short(text, ngram) else _Request(conversation.id, number, text, _mark(text))
        for number, text in enumerate(requests, 1)
    ]


def is_short(text: str, ngram: int) -> bool:
    """Tell whether a request says too little to be recognized: fewer words than a shingle, and not long either."""
    return len(text) < NEVER_SHORT and len(words_of(text)) < ngram


def _mark(text: str) -> bytes:
    data = normalized(text).encode("utf-8", "replace")
    return hashlib.blake2b(data, digest_size=DIGEST_BYTES).digest()


def _user(name: str | None) -> bytes | None:
    """Return what stands for a user in memory; an empty name is no one's."""
    return hashlib.blake2b(name.encode("utf-8", "replace"), digest_size=8).digest() if name else None


def _stream(conversations: Iterable[Asked], sides: list["_Side"], unit: Unit, near: Near) -> None:
    """Show all conversations of an earlier split to the later ones."""
    batch: dict[bytes, _Request] = {}
    size = 0
    for asked in conversations:
        user = _user(asked.user)
        for side in sides:
            side.see_user(user)
        for request in _requests(asked, unit, near.ngram):
            if request is not None and request.mark not in batch:
                batch[request.mark] = request
                size += len(request.text)
        if size > BATCH_CHARS or len(batch) >= BATCH_TEXTS:
            _compare(list(batch.values()), sides, near)
            batch, size = {}, 0
    _compare(list(batch.values()), sides, near)


def _compare(requests: list[_Request], sides: list["_Side"], near: Near) -> None:
    if not requests:
        return
    store = Store(near.memory, None)
    store.append(shingle([request.text for request in requests], near.ngram, near.seed))
    store.seal()
    for side in sides:
        side.compare(requests, store)


@dataclass(frozen=True, slots=True)
class _Conversation:
    """Hold a conversation of a held split: its requests as (number in it, number of the text)."""

    id: str
    user: bytes | None
    short: int
    requests: tuple[tuple[int, int], ...]


class _Side:
    """Hold a split: its conversations, and each distinct request once, as hashes."""

    def __init__(self, conversations: Iterable[Asked], unit: Unit, near: Near) -> None:
        self._numbers: dict[bytes, int] = {}
        self._conversations: list[_Conversation] = []
        self._held = Held(self._distinct(conversations, unit, near.ngram), near)
        self.reset()

    def _distinct(self, conversations: Iterable[Asked], unit: Unit, ngram: int) -> Iterator[str]:
        """Yield each distinct request, and remember the conversations."""
        for asked in conversations:
            requests = _requests(asked, unit, ngram)
            places = []
            for request in requests:
                if request is None:
                    continue
                known = len(self._numbers)
                number = self._numbers.setdefault(request.mark, known)
                places.append((request.number, number))
                if number == known:
                    yield request.text
            entry = _Conversation(asked.id, _user(asked.user), requests.count(None), tuple(places))
            self._conversations.append(entry)

    def reset(self) -> None:
        """Forget what was found in another split."""
        self._held.reset()
        self._exact: dict[int, _Request] = {}
        self._near: dict[int, tuple[_Request, float]] = {}
        self._users: set[bytes] = set()

    def see_user(self, user: bytes | None) -> None:
        """Remember a user of the other split."""
        if user is not None:
            self._users.add(user)

    def compare(self, requests: list[_Request], sets: Store) -> None:
        """Find twins among requests of the other split; `sets` has their shingles."""
        for request in requests:
            number = self._numbers.get(request.mark)
            if number is not None and number not in self._exact:
                self._exact[number] = _without_text(request)
                self._held.settle(number)
        for number, row, similarity in self._held.compare(sets):
            self._near[number] = (_without_text(requests[row]), similarity)

    def outcome(self, of: str, other: str) -> SplitPair:
        """Return the counts of this split against the other one, and the worst pairs."""
        pair = SplitPair(of, other)
        requests, conversations = pair.requests, pair.conversations
        users = bool(self._users) and any(each.user is not None for each in self._conversations)
        requests.same_user = conversations.same_user = 0 if users else None
        for each in self._conversations:
            exact = sum(number in self._exact for _, number in each.requests)
            near = sum(number in self._exact or number in self._near for _, number in each.requests)
            pair.short += each.short
            _add(requests, len(each.requests), exact, near, each.user in self._users and len(each.requests))
            _add(conversations, 1, exact > 0, near > 0, each.user in self._users)
        pair.worst = self._worst()
        return pair

    def _worst(self) -> list[Twin]:
        """Return the most similar pairs, long requests first; of equal requests the first one."""
        found: dict[int, Twin] = {}
        for each in self._conversations:
            for place, number in each.requests:
                if number in found:
                    continue
                if number in self._exact:
                    twin = self._exact[number]
                    found[number] = Twin(each.id, place, twin.id, twin.number, 1.0, exact=True)
                elif number in self._near:
                    twin, similarity = self._near[number]
                    found[number] = Twin(each.id, place, twin.id, twin.number, similarity, exact=False)
        sizes = self._held.sizes
        order = sorted(found, key=lambda n: (-found[n].similarity, not found[n].exact, -sizes[n], n))
        return [found[number] for number in order[:WORST]]


def _add(shares: Shares, total: int, exact: int, near: int, same_user: int) -> None:
    shares.total += total
    shares.exact += exact
    shares.near += near
    if shares.same_user is not None:
        shares.same_user += same_user


def _without_text(request: _Request) -> _Request:
    return _Request(request.id, request.number, "", request.mark)
