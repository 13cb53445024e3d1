"""Special tokens inside texts: a model would take them for the end of a turn, a call or a gap to fill."""

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from turnsmith.core.chat import Example
from turnsmith.curate.check.problems import Problem, Problems, Trainer, messages_in, show

FAMILIES = {
    # ChatML, Qwen, OpenAI, Llama 3, Phi and most others: <|im_start|>, <|endoftext|>, <|fim_prefix|> and so on.
    "barred": r"<\|[A-Za-z0-9_▁-]{1,40}\|>",
    "hermes": r"</?tool_(?:call|response)>",
    "deepseek": "<\uff5c[^<>\uff5c]{1,40}\uff5c>",
    "llama": r"</?s>|\[/?INST\]|<</?SYS>>",
    "mistral": r"\[/?(?:TOOL_CALLS|TOOL_RESULTS|AVAILABLE_TOOLS|SYSTEM_PROMPT|PREFIX|MIDDLE|SUFFIX)\]",
    "gemma": r"<(?:start_of_turn|end_of_turn|bos|eos|pad|unk)>",
    "starcoder": r"<(?:fim_prefix|fim_middle|fim_suffix|fim_pad|repo_name|file_sep|gh_stars|reponame|filename)>",
}
ALL = tuple(FAMILIES)
# What a fill-in-the-middle text is made of, and how often each may stand in it.
FIM_ONCE = re.compile(
    r"(?P<barred><\|fim_(?:prefix|middle|suffix)\|>)|(?P<starcoder><fim_(?:prefix|middle|suffix)>)"
    "|(?P<deepseek><\uff5cfim\u2581(?:begin|hole|end)\uff5c>)"
)
FIM_ANY = re.compile(r"<\|?(?:fim_pad|repo_name|file_sep)\|?>")
END = re.compile(r"<\|endoftext\|>\Z")


@cache
def pattern_of(families: tuple[str, ...]) -> re.Pattern[str]:
    """Return what finds the special tokens of some families."""
    return re.compile("|".join(FAMILIES[family] for family in families) or r"(?!)")


def check_tokens(example: Example, trainer: Trainer) -> Problems:
    """Find special tokens in all texts that the trainer sees."""
    anything = pattern_of(ALL)
    for place, text in texts_of(example):
        if place == "text":
            yield from _check_text(text)
        elif found := anything.search(text):
            own = pattern_of(trainer.own).search(text)
            token, code = (own, "special-token") if own else (found, "foreign-token")
            yield Problem(code, f"{place}: {show(token.group())}")


def _check_text(text: str) -> Problems:
    """Find special tokens in a text, but for its own markup; with markup its model is known, and others are foreign."""
    markup = FIM_ONCE.search(text)
    own = pattern_of((str(markup.lastgroup),) if markup else ALL)
    seen: set[str] = set()
    foreign = ""
    for match in pattern_of(ALL).finditer(text):
        token = match.group()
        is_markup = FIM_ANY.fullmatch(token) or END.match(text, match.start())
        if is_markup or (FIM_ONCE.fullmatch(token) and token not in seen):
            seen.add(token)
        elif own.fullmatch(token):
            yield Problem("special-token", f"text: {show(token)}")
            return
        else:
            foreign = foreign or token
    if foreign:
        yield Problem("foreign-token", f"text: {show(foreign)}")


def texts_of(example: Example) -> Iterator[tuple[str, str]]:
    """Yield (place, text) of the texts that a trainer sees in an example."""
    for index, message in enumerate(messages_in(example), 1):
        yield from _strings(message, f"message {index}")
    for key in ("text", "prompt", "completion"):
        if isinstance(value := example.get(key), str):
            yield key, value
    yield from _strings(example.get("tools"), "tools")


def _strings(value: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item, place)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _strings(item, place)


def escape_tokens(example: Example, trainer: Trainer) -> Example:
    """Return an example with a space after the first character of each special token of the trainer's models.

    So no tokenizer takes it for one, and a person still reads what stood there. Texts with fill-in-the-middle
    tokens stay as they are.
    """
    pattern = pattern_of(trainer.own)

    def spaced(match: re.Match[str]) -> str:
        return f"{match.group()[0]} {match.group()[1:]}"

    def escaped(text: str) -> str:
        return pattern.sub(spaced, text)

    kept = {"text", "meta"}
    return {key: value if key in kept else _mapped(value, escaped) for key, value in example.items()}


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_mapped(item, change) for item in value]
    if isinstance(value, dict):
        return {key: _mapped(item, change) for key, item in value.items()}
    return value
