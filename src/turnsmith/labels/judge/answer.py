"""What a judge's reply says: a digit with its probabilities, or the reason why it is none."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

# What can become of a request. The first five are final: asked again, a judge would say the same. FAILED holds
# whatever may go better another time.
LABELED, CONTENT_FILTER, REFUSAL, TOO_LONG, GARBAGE = (
    "labeled", "content_filter", "refusal", "too_long", "garbage",
)  # fmt: skip
EXPLAINED = "explained"
FAILED = "error"
FINAL = (LABELED, CONTENT_FILTER, REFUSAL, TOO_LONG, GARBAGE, EXPLAINED)
REFUSING = (400, 413, 422)  # statuses with a reason that may be final, such as too long
STATES = (LABELED, CONTENT_FILTER, REFUSAL, TOO_LONG, GARBAGE, FAILED)

_DIGIT = re.compile(r"[\s\"'`*(\[]*([01])[\s\"'`*)\].:]*")
_THOUGHTS = re.compile(r"<think>.*?</think>", re.DOTALL)
_REFUSING = re.compile(
    r"\s*(?:I'm sorry|I am sorry|Sorry,|I can(?:no|')t|I won't|I'm (?:unable|not able))", re.IGNORECASE
)
_TOO_LONG = (
    "context_length", "context length", "context window", "too long", "maximum context", "exceed context",
    "exceeds the available",
)  # fmt: skip
_MARKS = " \t\n\r▁Ġ\"'`*"


class _TopToken(msgspec.Struct):
    token: str
    logprob: float


class _Token(msgspec.Struct):
    token: str
    logprob: float = 0.0
    top_logprobs: list[_TopToken] | None = None


class _Logprobs(msgspec.Struct):
    content: list[_Token] | None = None


class _Message(msgspec.Struct):
    content: str | None = None
    refusal: str | None = None


class _Choice(msgspec.Struct):
    message: _Message
    finish_reason: str | None = None
    logprobs: _Logprobs | None = None


class _PromptDetails(msgspec.Struct):
    cached_tokens: int | None = None


class Usage(msgspec.Struct):
    """Hold the tokens of a reply, as the server counts them."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _PromptDetails | None = None

    @property
    def cached(self) -> int:
        """Return the prompt tokens that the server had at hand."""
        details = self.prompt_tokens_details
        return (details.cached_tokens or 0) if details else 0


class _Reply(msgspec.Struct):
    choices: list[_Choice]
    model: str | None = None
    usage: Usage | None = None


class _ErrorBody(msgspec.Struct):
    message: str | None = None
    code: str | int | None = None
    type: str | None = None
    param: str | None = None


class _Failure(msgspec.Struct):
    error: _ErrorBody | str | None = None


class Answer(msgspec.Struct, frozen=True, gc=False):
    """Hold what a reply says of a request.

    `digit` is the digit answered. `zero` and `one` are the probabilities of the digits, `outside` is the rest of the
    mass at that token; None where the server gives none. `text` is what the model wrote. `model` is the one that the
    server says it used, `choices` the number of answers in the reply.
    """

    state: str
    digit: int | None = None
    zero: float | None = None
    one: float | None = None
    outside: float | None = None
    text: str = ""
    usage: Usage | None = None
    model: str | None = None
    choices: int = 0

    def soft_label(self, flipped: bool) -> float:
        """Return P(1) of the label: from the probabilities, or 0 or 1 where there are none."""
        if self.zero is None or self.one is None:
            return float(self.digit != flipped)
        return (self.zero if flipped else self.one) / (self.zero + self.one)


_decode_reply = msgspec.json.Decoder(_Reply).decode
_decode_failure = msgspec.json.Decoder(_Failure).decode


def parse(body: bytes, kind: str = "vote") -> Answer:
    """Return the answer in the body of a 200 response; what can't be read as one is GARBAGE, never an exception."""
    try:
        reply = _decode_reply(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Answer(GARBAGE)
    if not reply.choices:
        return Answer(GARBAGE, usage=reply.usage, model=reply.model)
    state, digit, masses = _judged(reply.choices[0], kind)
    zero, one, outside = masses or (None, None, None)
    text = reply.choices[0].message.content or ""
    return Answer(state, digit, zero, one, outside, text, reply.usage, reply.model, len(reply.choices))


def _judged(choice: _Choice, kind: str) -> tuple[str, int | None, tuple[float, float, float] | None]:
    text = _THOUGHTS.sub("", choice.message.content or "").strip()
    if choice.finish_reason == "content_filter":
        return CONTENT_FILTER, None, None
    if choice.message.refusal:
        return REFUSAL, None, None
    if kind == "rationale":
        return (EXPLAINED if text else GARBAGE), None, None
    found = _DIGIT.fullmatch(text.partition("\n")[0])
    if found is None:
        return (REFUSAL if _REFUSING.match(text) else GARBAGE), None, None
    return LABELED, int(found[1]), _masses(choice.logprobs, found[1])


def _masses(logprobs: _Logprobs | None, digit: str) -> tuple[float, float, float] | None:
    """Return P("0"), P("1") and the rest at the first token that is the digit answered; None where untold.

    A digit has many spellings, with a space before it or a quote; their masses are summed.
    """
    for token in (logprobs.content or ()) if logprobs else ():
        if token.token.strip(_MARKS) == digit:
            zero, one = _mass(token.top_logprobs or (), "0"), _mass(token.top_logprobs or (), "1")
            if zero + one <= 0 or zero + one > 1.02 or not math.isfinite(zero + one):
                return None
            return zero, one, max(0.0, 1.0 - zero - one)
    return None


def _mass(tokens: Iterable[_TopToken], digit: str) -> float:
    return sum(math.exp(min(top.logprob, 1.0)) for top in tokens if top.token.strip(_MARKS) == digit)


@dataclass(frozen=True, slots=True)
class Failure:
    """Hold what an error response says: `code` and `param` as the server names them, and its message."""

    code: str
    param: str
    message: str

    @property
    def state(self) -> str:
        """Return the state of a request that was refused with status 400 or 413."""
        said = f"{self.code} {self.message}".lower()
        if "content_filter" in said or "content management policy" in said or "responsibleai" in said:
            return CONTENT_FILTER
        if any(phrase in said for phrase in _TOO_LONG):
            return TOO_LONG
        return FAILED

    @property
    def out_of_money(self) -> bool:
        """Return whether the account has no quota left, so that waiting is of no use."""
        return "insufficient_quota" in self.code or "billing_hard_limit" in self.code


def read_failure(body: bytes) -> Failure:
    """Return what an error response says, in the formats of OpenAI and of servers like it."""
    try:
        error = _decode_failure(body).error
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Failure("", "", body[:200].decode("utf-8", "replace"))
    if isinstance(error, _ErrorBody):
        code = f"{error.code or ''} {error.type or ''}".strip()
        return Failure(code, error.param or "", error.message or "")
    return Failure("", "", error or body[:200].decode("utf-8", "replace"))
