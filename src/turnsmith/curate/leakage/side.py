"""A split that is held in memory, and what was found of it in another one."""

import heapq
from array import array
from collections.abc import Iterable, Iterator

import numpy as np

from turnsmith.curate.leakage.compact import Digests, Names
from turnsmith.curate.leakage.held import Held
from turnsmith.curate.leakage.report import Shares, SplitPair, Twin
from turnsmith.curate.leakage.requests import Asked, Request, Unit, requests_of, user_number
from turnsmith.curate.near_duplicates import Near
from turnsmith.curate.near_duplicates.store import Store
from turnsmith.curate.near_duplicates.words import I64

WORST = 10
REMEMBERED = 1000


class Side:
    """Hold a split: its conversations, and each distinct request once, as hashes.

    Conversation i has the user `_users[i]` (0: unknown) and the requests `_ends[i]` to `_ends[i + 1]`. A request has
    its number in the conversation and that of its text.
    """

    def __init__(self, conversations: Iterable[Asked], unit: Unit, near: Near) -> None:
        self._digests = Digests()
        self._ids = Names()
        self._users, self._ends = array("Q"), array("q", [0])
        self._numbers, self._texts = array("i"), array("i")
        self._short = 0
        self._held = Held(self._distinct(conversations, unit, near.ngram), near)
        self.reset()

    def _distinct(self, conversations: Iterable[Asked], unit: Unit, ngram: int) -> Iterator[str]:
        """Yield each distinct request, and remember the conversations."""
        for asked in conversations:
            for request in requests_of(asked, unit, ngram):
                if request is None:
                    self._short += 1
                    continue
                known = len(self._digests)
                text = self._digests.add(request.mark)
                self._numbers.append(request.number)
                self._texts.append(text)
                if text == known:
                    yield request.text
            self._ids.append(asked.id)
            self._users.append(user_number(asked.user))
            self._ends.append(len(self._texts))

    def reset(self) -> None:
        """Forget what was found in another split."""
        self._held.reset()
        self._exact = np.zeros(len(self._digests), bool)
        self._worst = _Worst()
        self._others: set[int] = set()

    def see_user(self, user: int) -> None:
        """Remember a user of the other split; 0 is unknown."""
        if user:
            self._others.add(user)

    def compare(self, requests: list[Request], sets: Store) -> None:
        """Find twins among requests of the other split; `sets` has their shingles."""
        sizes = self._held.sizes
        for request in requests:
            text = self._digests.find(request.mark)
            if text is not None and not self._exact[text]:
                self._exact[text] = True
                self._held.settle(text)
                self._worst.offer(text, request, 1.0, int(sizes[text]), exact=True)
        for text, row, similarity in self._held.compare(sets):
            self._worst.offer(text, requests[row], similarity, int(sizes[text]), exact=False)

    def outcome(self, of: str, other: str) -> SplitPair:
        """Return the counts of this split against the other one, and the worst pairs."""
        texts, users = np.asarray(self._texts, np.int64), np.asarray(self._users, np.uint64)
        ends: I64 = np.asarray(self._ends, np.int64)
        lengths = ends[1:] - ends[:-1]
        owners = np.repeat(np.arange(len(lengths)), lengths)
        exact, near = self._exact[texts], self._held.has_twin[texts]
        pair = SplitPair(of, other, self._short)
        pair.requests = Shares(len(texts), int(exact.sum()), int(near.sum()))
        pair.conversations = Shares(len(lengths), len(np.unique(owners[exact])), len(np.unique(owners[near])))
        if self._others and users.any():
            same = np.isin(users, np.fromiter(self._others, np.uint64, len(self._others)))
            pair.requests.same_user = int(lengths[same].sum())
            pair.conversations.same_user = int(same.sum())
        pair.worst = [self._twin(*each) for each in self._worst.best()]
        return pair

    def _twin(self, text: int, other: str, other_number: int, similarity: float, exact: bool) -> Twin:
        """Return a pair by name; of equal requests here the first one."""
        place = self._texts.index(text)
        conversation = int(np.searchsorted(np.asarray(self._ends), place, "right")) - 1
        return Twin(
            self._ids[conversation], self._numbers[place], other, other_number, similarity, exact=exact
        )


class _Worst:
    """Hold the most similar pairs, long requests first: some more than are asked for."""

    def __init__(self) -> None:
        self._found: dict[int, tuple[tuple[float, bool, int, int], Request]] = {}

    def offer(self, text: int, request: Request, similarity: float, size: int, *, exact: bool) -> None:
        """Take a twin of a held text; it is in place of one that was found before."""
        key = (-similarity, not exact, -size, text)
        self._found[text] = key, Request(request.id, request.number, "", b"")
        if len(self._found) > REMEMBERED:
            # What is found later can only push a pair further down, so none that is left out is missed.
            worst = heapq.nsmallest(WORST, self._found.items(), key=lambda item: item[1][0])
            self._found = dict(worst)

    def best(self) -> Iterator[tuple[int, str, int, float, bool]]:
        """Yield (text, id and number of its twin, similarity, whether it is exact), the worst first."""
        for key, request in sorted(self._found.values(), key=lambda pair: pair[0])[:WORST]:
            yield key[3], request.id, request.number, -key[0], not key[1]
