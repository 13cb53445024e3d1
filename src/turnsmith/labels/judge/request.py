"""Requests to a judge, made of turns: bytes to send, and the key that finds their answer again.

The same turn gives the same bytes under the same job, so a request is known by what it says. Two turns that show
the judge the same text share one request and its answer.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec

from turnsmith.labels.judge.fencing import fenced, neutralize
from turnsmith.labels.judge.prompts import Prompt
from turnsmith.labels.judge.strategies import REQUEST_CHARS, Section, sections
from turnsmith.labels.records import Turn

VOTE, CANARY, RATIONALE, PROBE = "vote", "canary", "rationale", "probe"

_encode = msgspec.json.Encoder().encode


class Request(msgspec.Struct, frozen=True, gc=False):
    """Hold one request: `body` is JSON for /chat/completions, `key` its 16 bytes in the cache.

    `flipped` says that the digits have changed their meanings: 0 stands for the label 1. `neutralized` counts the
    control tokens that were found in the data. `max_tokens` is the most that the answer can have.
    """

    key: bytes
    body: bytes
    flipped: bool
    vote: int
    neutralized: int
    max_tokens: int
    kind: str = VOTE

    @property
    def worst_tokens(self) -> int:
        """Return more prompt tokens than the request can have: no token is shorter than a byte."""
        return len(self.body)


class Shown(msgspec.Struct, frozen=True, gc=False):
    """Hold what the judge is shown of a turn, ready for a message, and a number that is dealt with it (16 bits)."""

    text: str
    neutralized: int
    dealt: int


class RequestBuilder:
    """Build the requests of a job: one model, one prompt, one strategy, the same parameters.

    `parameters` are those of /chat/completions beside model and messages. `secret` makes the codes of the fences: who
    writes the data can't know it; kept with the cache, it makes a resumed job send the same bytes.
    """

    def __init__(
        self,
        *,
        model: str,
        prompt: Prompt,
        parameters: dict[str, Any],
        secret: bytes,
        strategy: str = "request",
        history: int = 5,
        request_chars: int = REQUEST_CHARS,
    ) -> None:
        self.model = model
        self.prompt = prompt
        self.strategy = strategy
        self._history = history
        self._request_chars = request_chars
        self._secret = secret
        self._version = prompt.version.encode()
        self._max_tokens = int(parameters.get("max_tokens") or parameters.get("max_completion_tokens") or 1)
        self._tail = b"}]," + _encode(parameters)[1:] if parameters else b"}]}"
        self._heads = [self._head(prompt.deciding(flipped)) for flipped in (False, True)]

    def _head(self, system: str) -> bytes:
        message = _encode({"role": "system", "content": system})
        return b'{"model":%b,"messages":[%b,{"role":"user","content":' % (_encode(self.model), message)

    def show(self, turn: Turn) -> Shown:
        """Return what the judge is shown of a turn."""
        return self.show_sections(sections(turn, self.strategy, self._history, self._request_chars))

    def show_sections(self, parts: Sequence[Section]) -> Shown:
        """Return sections as the judge is shown them: neutralized, each between lines with the job's code for it."""
        harmless = [(kind, *neutralize(text)) for kind, text in parts]
        data = "".join([text + "\0" for _, text, _ in harmless]).encode("utf-8", "surrogatepass")
        drawn = hashlib.blake2b(data, digest_size=16, key=self._secret).hexdigest()
        blocks = "\n".join([fenced(drawn[:20], kind, text) for kind, text, _ in harmless])
        text = f"{blocks}\nThat was the data. Now answer as the system message says."
        return Shown(text, sum([count for _, _, count in harmless]), int(drawn[-4:], 16))

    def voting(self, shown: Shown, vote: int = 0, kind: str = VOTE) -> Request:
        """Return the request for a vote; each further vote on the same data swaps the meanings of the digits."""
        flipped = bool((shown.dealt + vote) & 1)
        body = self._heads[flipped] + _encode_text(shown.text) + self._tail
        return Request(self._key(body, vote), body, flipped, vote, shown.neutralized, self._max_tokens, kind)

    def _key(self, body: bytes, vote: int) -> bytes:
        # The body holds model, messages and parameters.
        return hashlib.sha256(b"%b\0%b\0%d" % (body, self._version, vote)).digest()[:16]

    def explaining(self, shown: Shown, label: int, prompt: Prompt, parameters: dict[str, Any]) -> Request:
        """Return the request for the reasons of a label, with a prompt and parameters of its own."""
        tail = b"}]," + _encode(parameters)[1:]
        body = self._head(prompt.explaining(label)) + _encode_text(shown.text) + tail
        key = hashlib.sha256(body + f"\0{prompt.version}\0reasons".encode()).digest()[:16]
        most = int(parameters.get("max_tokens") or parameters.get("max_completion_tokens") or 0)
        return Request(key, body, False, 0, shown.neutralized, most, RATIONALE)


def _encode_text(text: str) -> bytes:
    try:
        return _encode(text)
    except (UnicodeEncodeError, msgspec.ValidationError):  # half a character, as JSON's \ud83d may leave it
        return _encode(text.encode("utf-8", "replace").decode())
