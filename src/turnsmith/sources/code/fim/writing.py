"""From a hole to an example within the budget."""

from collections.abc import Sequence
from dataclasses import dataclass

from turnsmith.core.chat import Example
from turnsmith.curate.lengths import ExampleCounter, example_counter
from turnsmith.sources.code.fim.formats import (
    MESSAGES,
    TOKENS,
    Pieces,
    chat,
    with_repository,
    with_tokens,
)
from turnsmith.sources.code.fim.holes import Hole
from turnsmith.sources.code.fim.neighbors import characters
from turnsmith.sources.code.fim.options import ESCAPE, MIDDLE_SHARE, FimOptions
from turnsmith.sources.code.fim.source_text import SourceText
from turnsmith.sources.code.fim.special import Special
from turnsmith.sources.code.fim.window import window

Others = Sequence[tuple[str, str]]
NO_ROOM = "its lines don't fit"
SPECIAL = "a special token in it"
_ROUNDS = 6
_SHRINK = 0.97


@dataclass(frozen=True, slots=True)
class Origin:
    """Hold where a file comes from, as it stands in an example; `commit` is "" for a folder without git."""

    repo: str
    commit: str
    path: str
    language: str
    license: str


class Writer:
    """Write examples in one format, none of them longer than allowed."""

    def __init__(self, options: FimOptions) -> None:
        self._options = options
        self._count: ExampleCounter | None = None
        if options.unit == "tokens":
            self._count = example_counter(options.tokenizer, "chatml")

    def budget(self, text: str, origin: Origin) -> int:
        """Return about how many characters of a file an example may show."""
        limit = self._options.max_len
        if self._count is None:
            return limit
        overhead = self._count(self._render(Pieces("", "", ""), origin, "psm", []))
        tokens = self._count.tokenizer.count(text)
        return int(max(limit - overhead, 0) * len(text) / max(tokens, 1))

    def example(
        self,
        source: SourceText,
        hole: Hole,
        origin: Origin,
        budget: int,
        order: str,
        others: Others = (),
        special: Special | None = None,
    ) -> tuple[Example, str]:
        """Return an example, or an empty one and the reason why there is none.

        `budget` is in characters, without the other files; `special` is to be looked for.
        """
        room = budget
        for _ in range(_ROUNDS):
            shown = window(source.text, hole, source.begin, room)
            if shown is None:
                return {}, NO_ROOM
            pieces = Pieces(
                source.text[shown[0] : hole.start],
                source.text[hole.start : hole.end],
                source.text[hole.end : shown[1]],
            )
            if special is not None:
                if self._options.special == ESCAPE:
                    pieces = Pieces(*map(special.escaped, pieces))
                if special.within(
                    "".join(pieces)
                ):  # also one that the hole splits: the pieces may meet again
                    return {}, SPECIAL
            example = self._render(pieces, origin, order, others)
            over = self._over(example, pieces, others)
            if over <= 1:
                return example, ""
            room = int(room / over * _SHRINK)
        return {}, NO_ROOM

    def _over(self, example: Example, pieces: Pieces, others: Others) -> float:
        """Return how many times the limit an example has, at most 1 where it fits."""
        limit = self._options.max_len
        if self._count is None:
            return (sum(map(len, pieces)) + characters(others)) / limit
        middle = self._count.tokenizer.count(pieces.middle)
        if middle > MIDDLE_SHARE * limit:
            return float(limit)  # no context can be cut to mend this
        return self._count(example) / limit

    def _render(self, pieces: Pieces, origin: Origin, order: str, others: Others) -> Example:
        if self._options.format == MESSAGES:
            return chat(pieces, origin.path, origin.language)
        tokens = TOKENS[self._options.format]
        if self._options.repo_context:
            return {"text": with_repository(tokens, pieces, order, origin.repo, origin.path, others)}
        return {"text": with_tokens(tokens, pieces, order)}
