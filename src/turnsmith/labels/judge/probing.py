"""Find out what a server really does, by its answers: some ignore logprobs, seeds or `n` without a word.

A few tiny requests with known answers. What was found is kept with the cache, so that a resumed job sends the same
bytes.
"""

from typing import Any

import msgspec

from turnsmith.labels.judge.answer import GARBAGE, LABELED, Answer, parse, read_failure
from turnsmith.labels.judge.asking import Asker, HaltError
from turnsmith.labels.judge.cache import Cache
from turnsmith.labels.judge.prompts import Prompt
from turnsmith.labels.judge.request import PROBE, Request, RequestBuilder

_PROMPT = Prompt(
    "probe-1", "", "Answer with the digit that the user names, and nothing else. {first}{second}{digits}"
)
_SEED = 20_260_101
_ALL: dict[str, Any] = {
    "max_tokens": 1, "temperature": 0, "seed": _SEED, "logprobs": True, "top_logprobs": 20,
}  # fmt: skip
_MAY_GO = ("top_logprobs", "logprobs", "seed", "temperature", "max_tokens")
_LENGTHS = (1, 4, 16, 2048)
_RENAMED = "max_completion_tokens"


class Found(msgspec.Struct):
    """Hold what a server does.

    `parameters` are those that it takes. `logprobs` says whether its probabilities can be believed, `follows` whether
    it answered the known questions right, `repeatable` whether the same request got the same answer twice, `n`
    whether it gives several answers to one request. `notes` say what is odd, for a person.
    """

    parameters: dict[str, Any]
    logprobs: bool
    follows: bool
    repeatable: bool
    n: bool
    notes: list[str] = []

    @classmethod
    def hoped(cls) -> "Found":
        """Return what a server does that does all that is asked, for estimates before any server was asked."""
        return cls(dict(_ALL), logprobs=True, follows=True, repeatable=True, n=True)

    def voting(self, votes: int) -> dict[str, Any]:
        """Return the parameters for votes: several without probabilities must be free to differ."""
        parameters = dict(self.parameters)
        if votes > 1 and not self.logprobs and "temperature" in parameters:
            parameters["temperature"] = 1
            parameters.pop("seed", None)
        return parameters

    def explaining(self, most: int) -> dict[str, Any]:
        """Return the parameters for a few sentences of at most so many tokens."""
        name = _RENAMED if _RENAMED in self.parameters else "max_tokens"
        parameters: dict[str, Any] = {name: max(most, int(self.parameters.get(name, 0)))}
        return parameters | {
            key: self.parameters[key] for key in ("temperature", "seed") if key in self.parameters
        }


async def find_out(asker: Asker, cache: Cache, endpoint: str, model: str) -> Found:
    """Return what the server does, from the cache where it was asked before; HaltError where it takes nothing."""
    kept = kept_probe(cache, endpoint, model)
    if kept is not None:
        return kept
    found = await _Probe(asker, cache, model).run()
    cache.set_fact(_name(endpoint, model), msgspec.to_builtins(found))
    return found


def kept_probe(cache: Cache, endpoint: str, model: str) -> Found | None:
    """Return what an earlier run found out about a server, None where none did."""
    kept = cache.fact(_name(endpoint, model))
    return None if kept is None else msgspec.convert(kept, Found)


def _name(endpoint: str, model: str) -> str:
    return f"probe {endpoint} {model}"


class _Probe:
    def __init__(self, asker: Asker, cache: Cache, model: str) -> None:
        self._asker = asker
        self._cache = cache
        self._model = model
        self._notes: list[str] = []
        self._parameters = dict(_ALL)

    async def run(self) -> Found:
        one = await self._accepted()
        one = await self._long_enough(one)
        zero = (await self._ask("0"))[0]
        again = (await self._ask("1", vote=2))[0]
        follows = (one.digit, zero.digit) == (1, 0)
        if not follows:
            self._notes.append(
                "does not answer the two known questions right; read some labels before you use any"
            )
        logprobs = self._believable(one, zero)
        if not logprobs:
            self._parameters.pop("logprobs", None)
            self._parameters.pop("top_logprobs", None)
        return Found(
            self._parameters, logprobs, follows, _same(one, again), await self._gives_n(), self._notes
        )

    async def _ask(self, digit: str, vote: int = 0, **more: Any) -> tuple[Answer, Request]:
        builder = RequestBuilder(
            model=self._model,
            prompt=_PROMPT,
            parameters={**self._parameters, **more},
            secret=self._cache.secret,
        )
        # The flip is no matter here: the user message names the digit.
        shown = builder.show_sections([("digit", f"The digit is {digit}.")])
        request = builder.voting(shown, vote, PROBE)
        return await self._asker.ask(request, guarded=False), request

    async def _accepted(self) -> Answer:
        """Return the first answer with parameters that the server takes; leave out what it refuses."""
        refusal = ""
        for _ in range(8):
            answer, request = await self._ask("1")
            refused = self._refusal(request)
            if refused is None:
                return answer
            refusal = refused
            left = [name for name in _MAY_GO if name in self._parameters]
            if not left:
                break
            self._leave_out(next((name for name in left if name in refusal), left[0]))
        raise HaltError(
            f"the server refuses a simple request: {refusal}; check --model and --endpoint, and look at judge.sqlite"
        )

    def _refusal(self, request: Request) -> str | None:
        """Return what the server said where it refused the last attempt of a request."""
        rows = self._cache.query(
            "SELECT status, body, packed FROM attempts WHERE key = ? ORDER BY id DESC LIMIT 1", (request.key,)
        )
        status, body = rows[0][0], self._cache.unpacked(rows[0][1], rows[0][2])
        if status == 200:
            return None
        if status is None:
            raise HaltError("the server does not answer; check --endpoint, and whether the server runs")
        if status not in (400, 403, 413, 422):
            raise HaltError(
                f"the server answers with status {status}; look at its log, then run the command again"
            )
        failure = read_failure(body)
        return f"{failure.param} {failure.message}"[:300]

    def _leave_out(self, name: str) -> None:
        if name == "top_logprobs" and self._parameters[name] > 5:
            self._parameters[name] = 5
            self._notes.append("gives at most 5 probabilities a token")
        elif name == "max_tokens":
            self._parameters = {_RENAMED: self._parameters.pop(name), **self._parameters}
        else:
            self._parameters.pop(name)
            if name == "logprobs":
                self._parameters.pop("top_logprobs", None)
            self._notes.append(f"takes no {name}")

    async def _long_enough(self, answer: Answer) -> Answer:
        """Return an answer with a digit, after more room for it where the first token is none."""
        name = _RENAMED if _RENAMED in self._parameters else "max_tokens"
        for length in _LENGTHS[1:]:
            if answer.state == LABELED:
                break
            self._parameters[name] = length
            answer = (await self._ask("1"))[0]
        if answer.state == LABELED and self._parameters[name] > 1:
            self._notes.append(f"needs up to {self._parameters[name]} tokens for a digit")
        elif answer.state != LABELED:
            self._parameters[name] = 1
            self._notes.append("answers a known question with no digit")
        return answer

    def _believable(self, one: Answer, zero: Answer) -> bool:
        """Return whether probabilities are there, and are those of the answers and not of a stencil."""
        if one.one is None or one.zero is None or zero.one is None or zero.zero is None:
            self._notes.append("gives no usable logprobs: labels come from votes, see --votes")
            return False
        if (one.zero, one.one) == (zero.zero, zero.one):
            self._notes.append("gives the same logprobs for different questions: they are not used")
            return False
        return True

    async def _gives_n(self) -> bool:
        answer, request = await self._ask("1", n=2)
        if answer.state == GARBAGE or self._refusal(request) is not None:
            return False
        body = self._cache.body(request.key)
        return body is not None and parse(body).choices == 2


def _same(one: Answer, again: Answer) -> bool:
    return (one.text, one.zero, one.one) == (again.text, again.zero, again.one)
