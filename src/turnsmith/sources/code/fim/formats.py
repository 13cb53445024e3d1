"""How an example is written: as a chat, or with the special tokens of a model.

Sources of the formats: Qwen2.5-Coder's README and examples (prefix, suffix, middle only; repository context); the
StarCoder2 report, section 5 (repository context with the path behind the prefix token), and its training code for
the suffix-first order; Code Llama's `infilling_prompt_tokens` (`<PRE> {pre} <SUF>{suf} <MID>`, suffix first
`<PRE> <SUF>{suf} <MID> {pre}`), where the space belongs to the token and is U+2581 in its vocabulary; DeepSeek-Coder's
README (U+FF5C and U+2581 in its tokens).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from turnsmith.core.chat import Example

MESSAGES = "messages"
SYSTEM = (
    "You fill in missing pieces of source files. You get a part of a file with a mark in place of the piece. "
    "Answer with exactly the text that stands there, without anything else."
)
"""Said first in every chat: Qwen's script drops a first message that is no system message."""
PSM, SPM = "psm", "spm"
_MARKER = "<FILL_ME>"
_TICKS = re.compile(r"`{3,}")
_FENCE_NAMES = {"c_sharp": "csharp"}


class Pieces(NamedTuple):
    """Hold what stands before a hole, in it and behind it."""

    prefix: str
    middle: str
    suffix: str


@dataclass(frozen=True, slots=True)
class Tokens:
    """Hold a model's tokens for filling in; `end` closes the middle where trainers don't do it themselves.

    `repo` and `file` are empty where the model knows no repository context.
    """

    prefix: str
    suffix: str
    middle: str
    end: str = ""
    suffix_first: bool = False
    repo: str = ""
    file: str = ""


def _deepseek(words: str) -> str:
    """Return a token of DeepSeek: full-width bars, and U+2581 for spaces."""
    return f"<\uff5c{words.replace(' ', chr(0x2581))}\uff5c>"


TOKENS = {
    "qwen": Tokens(
        prefix="<|fim_prefix|>",
        suffix="<|fim_suffix|>",
        middle="<|fim_middle|>",
        repo="<|repo_name|>",
        file="<|file_sep|>",
    ),
    "starcoder": Tokens(
        prefix="<fim_prefix>",
        suffix="<fim_suffix>",
        middle="<fim_middle>",
        repo="<repo_name>",
        file="<file_sep>",
        suffix_first=True,
    ),
    "codellama": Tokens(
        prefix="▁<PRE>",
        suffix="▁<SUF>",
        middle="▁<MID>",
        end="▁<EOT>",
        suffix_first=True,
    ),
    "deepseek": Tokens(
        prefix=_deepseek("fim begin"),
        suffix=_deepseek("fim hole"),
        middle=_deepseek("fim end"),
    ),
}
FORMATS = (MESSAGES, *TOKENS)


def chat(pieces: Pieces, path: str, language: str) -> Example:
    """Return a conversation in which the assistant says exactly what is missing."""
    shown = pieces.prefix + pieces.middle + pieces.suffix
    marker = _MARKER
    number = 1
    while marker in shown or marker in path:
        number += 1
        marker = f"<FILL_ME_{number}>"
    fence = "```"
    if fence in shown:
        fence = "`" * (1 + max(map(len, _TICKS.findall(shown))))
    end = "" if pieces.suffix.endswith("\n") else "\n"
    request = (
        f"Fill in {marker} in `{path}`:\n\n{fence}{_FENCE_NAMES.get(language, language)}\n"
        f"{pieces.prefix}{marker}{pieces.suffix}{end}{fence}"
    )
    return {
        "messages": [
            {"role": "system", "content": SYSTEM},
            {"role": "user", "content": request},
            {"role": "assistant", "content": pieces.middle},
        ]
    }


def with_tokens(tokens: Tokens, pieces: Pieces, order: str) -> str:
    """Return an example as one text with a model's tokens, prefix first (PSM) or suffix first (SPM)."""
    if order == SPM:
        body = f"{tokens.prefix}{tokens.suffix}{pieces.suffix}{tokens.middle}{pieces.prefix}{pieces.middle}"
    else:
        body = f"{tokens.prefix}{pieces.prefix}{tokens.suffix}{pieces.suffix}{tokens.middle}{pieces.middle}"
    return body + tokens.end


def with_repository(
    tokens: Tokens, pieces: Pieces, order: str, repo: str, path: str, others: Sequence[tuple[str, str]]
) -> str:
    """Return an example with other files (path, text) of its repository in front."""
    if tokens is TOKENS["starcoder"]:  # nothing between the files, and the path inside the prefix
        files = "".join(f"{tokens.file}{name}\n{text}" for name, text in others)
        inner = Pieces(f"{path}\n{pieces.prefix}", pieces.middle, pieces.suffix)
        return f"{tokens.repo}{repo}{files}{tokens.file}{with_tokens(tokens, inner, order)}"
    files = "".join(f"{tokens.file}{name}\n{text}\n" for name, text in others)
    return f"{tokens.repo}{repo}\n{files}{tokens.file}{path}\n{with_tokens(tokens, pieces, order)}"
