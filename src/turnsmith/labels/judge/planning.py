"""From lines of turns to the requests that each of them needs: its votes, and for one in ten a second judgment."""

from collections.abc import Callable, Iterable, Iterator

import msgspec

from turnsmith.core.errors import InputError
from turnsmith.curate.account import Account
from turnsmith.labels.judge.answer import Answer
from turnsmith.labels.judge.canaries import Canary, canaries
from turnsmith.labels.judge.request import CANARY, Request, RequestBuilder, Shown
from turnsmith.labels.records import Turn

ONE_IN = 10  # turns that are judged twice
BATCH = 128

_decode = msgspec.json.Decoder(Turn).decode


class Item(msgspec.Struct, gc=False):
    """Hold a turn on its way to a label: its line's number and bytes, its requests, and the answers so far.

    The first `votes` of the requests decide the label; one more is the second judgment that checks the first.
    """

    turn: Turn
    number: int
    size: int
    shown: Shown
    requests: list[Request]
    votes: int
    answers: dict[bytes, Answer] = {}

    @property
    def missing(self) -> list[Request]:
        """Return the requests without an answer."""
        return [request for request in self.requests if request.key not in self.answers]


class TurnReader:
    """Read turns from numbered lines; what is none is counted with its place. A file has turns of one data set."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.account = Account()
        self.dataset: str | None = None

    def read(self, lines: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, int, Turn]]:
        """Yield (line number, its bytes, turn). Raises InputError where a second data set begins."""
        for number, line in lines:
            self.account.read += 1
            try:
                turn = _decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                reason = "no turn" if isinstance(error, msgspec.ValidationError) else "no valid JSON"
                self.account.spoil(f"{self.name}:{number}", reason)
                continue
            if not turn.request.strip():  # `turns` leaves these out; no answer to one could be right
                self.account.spoil(f"{self.name}:{number}", "empty request")
                continue
            if turn.dataset != self.dataset:
                self._enter(turn.dataset, number)
            yield number, len(line) + 1, turn

    def _enter(self, dataset: str, number: int) -> None:
        if self.dataset is not None:
            raise InputError(
                f"{self.name}:{number}: a turn of another data set ({dataset!r} after {self.dataset!r}); "
                "a labeled set belongs to one: judge each from a file of its own"
            )
        self.dataset = dataset


def plan(builder: RequestBuilder, votes: int, number: int, size: int, turn: Turn) -> Item:
    """Return a turn with the requests that it needs."""
    shown = builder.show(turn)
    requests = [builder.voting(shown, vote) for vote in range(votes)]
    if shown.dealt // 2 % ONE_IN == 0:
        # An odd number, so that the digits mean the opposite of what they meant in the first vote.
        requests.append(builder.voting(shown, votes | 1))
    return Item(turn, number, size, shown, requests, votes)


def planned_canaries(builder: RequestBuilder) -> list[tuple[Canary, list[Request]]]:
    """Return each canary with its two requests, one for each meaning of the digits."""
    pairs = []
    for canary in canaries():
        shown = builder.show(canary.turn)
        pairs.append((canary, [builder.voting(shown, vote, CANARY) for vote in (0, 1)]))
    return pairs


def all_requests(
    builder: RequestBuilder, votes: int, turns: Iterable[tuple[int, int, Turn]]
) -> Iterator[Request]:
    """Yield every request of a job, the canaries' first."""
    for _, requests in planned_canaries(builder):
        yield from requests
    for number, size, turn in turns:
        yield from plan(builder, votes, number, size, turn).requests


def with_answers(
    items: Iterable[Item], answers: Callable[[list[bytes]], dict[bytes, Answer]]
) -> Iterator[list[Item]]:
    """Yield items in small batches, with those answers that are there already."""
    batch: list[Item] = []
    for item in items:
        batch.append(item)
        if len(batch) == BATCH:
            yield _looked_up(batch, answers)
            batch = []
    if batch:
        yield _looked_up(batch, answers)


def _looked_up(batch: list[Item], answers: Callable[[list[bytes]], dict[bytes, Answer]]) -> list[Item]:
    found = answers([request.key for item in batch for request in item.requests])
    for item in batch:
        item.answers = {request.key: found[request.key] for request in item.requests if request.key in found}
    return batch
