"""Tokenizers by name: a file of ranks, a `tokenizer.json`, a model in the local cache, or the embedded one.

Nothing is ever downloaded.
"""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from turnsmith.core.errors import InputError, UsageError
from turnsmith.curate.lengths.embedded import EmbeddedTokenizer

EMBEDDED = EmbeddedTokenizer.name
FILES = (".json", ".tiktoken")
MODEL_ID = re.compile(r"[\w.-]+/[\w.-]+")


class Tokenizer(Protocol):
    """Count tokens.

    `description` names the vocabulary for a person. `special` are the tokens that count as one wherever `count`
    meets them. `chat_template` is the file that came with the tokenizer and holds its template.
    """

    name: str
    special: frozenset[str]
    chat_template: Path | None

    @property
    def description(self) -> str:
        """Return the vocabulary in words."""
        ...

    def count(self, text: str) -> int:
        """Return the number of tokens of a text; a special token inside it is one."""
        ...

    def count_content(self, text: str) -> int:
        """Return the number of tokens of a message's text, where special tokens may be ordinary characters."""
        ...


class JsonTokenizer:
    """Count with a `tokenizer.json` of Hugging Face."""

    def __init__(self, path: Path, name: str | None = None) -> None:
        import tokenizers

        try:
            self._tokenizer: Any = tokenizers.Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises nothing narrower
            raise InputError(f"{path}: is no tokenizer.json: {error}") from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self.name = name or path.name
        added = self._tokenizer.get_added_tokens_decoder().values()
        self.special = frozenset(token.content for token in added)
        self.chat_template = _template_beside(path)

    @property
    def description(self) -> str:
        """Return the vocabulary in words."""
        return f"{self.name} ({self._tokenizer.get_vocab_size():,} tokens)"

    def count(self, text: str) -> int:
        """Return the number of tokens of a text; an added token inside it is one."""
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def count_content(self, text: str) -> int:
        """Return the number of tokens of a message's text: trainers see added tokens in it, too."""
        return self.count(text)


def load_tokenizer(name: str | None = None, pattern: str | None = None) -> Tokenizer:
    """Return the tokenizer that a name stands for; None is the embedded one.

    A name is `o200k`, a file of ranks (`*.tiktoken`), a `tokenizer.json`, a folder that holds one, or the id of a
    model in the local Hugging Face cache. Raises UsageError for a name that is none of them and for a missing
    extra, InputError for a broken file.
    """
    try:
        return _load(name, pattern)
    except ModuleNotFoundError as error:
        raise UsageError(
            f"counting tokens needs the package {error.name}: pip install 'turnsmith[tokens]'"
        ) from error


def _load(name: str | None, pattern: str | None) -> Tokenizer:
    path = Path(name or EMBEDDED)
    is_ranks = path.suffix == ".tiktoken"
    if pattern is not None and not is_ranks:
        raise UsageError("--pattern is for a file of ranks: name one with --tokenizer FILE.tiktoken")
    if name is None or name == EMBEDDED:
        return EmbeddedTokenizer()
    if path.is_dir() and (path / "tokenizer.json").is_file():
        return JsonTokenizer(path / "tokenizer.json", path.resolve().name)
    if path.is_file():
        if is_ranks:
            from turnsmith.curate.lengths.ranks import load_ranks

            return load_ranks(path, pattern)
        return JsonTokenizer(path)
    if path.suffix not in FILES and MODEL_ID.fullmatch(name):
        return JsonTokenizer(_cached(name), name)
    raise UsageError(
        f"--tokenizer {name}: no such file; name a file of ranks (*.tiktoken), a tokenizer.json, a model's folder, a "
        f"model id such as Qwen/Qwen2.5-Coder-7B, or {EMBEDDED}"
    )


def _cached(model: str) -> Path:
    """Return the tokenizer.json of a model in the local Hugging Face cache."""
    searched = cache_folders()
    for folder in searched:
        home = folder / f"models--{model.replace('/', '--')}"
        main = home / "refs" / "main"
        revisions: Sequence[Path] = sorted((home / "snapshots").glob("*"))
        if main.is_file():
            revisions = [home / "snapshots" / main.read_text(encoding="utf-8").strip(), *revisions]
        for revision in revisions:
            if (revision / "tokenizer.json").is_file():
                return revision / "tokenizer.json"
    places = ", ".join(map(str, searched))
    raise UsageError(
        f"--tokenizer {model}: not in the local cache (searched {places}). Nothing is downloaded here; fetch it once "
        f"with: hf download {model} tokenizer.json tokenizer_config.json"
    )


def cache_folders() -> list[Path]:
    """Return where Hugging Face's libraries keep models, by their environment variables."""
    if hub := os.environ.get("HF_HUB_CACHE"):
        return [Path(hub)]
    if home := os.environ.get("HF_HOME"):
        return [Path(home) / "hub"]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return [cache / "huggingface" / "hub"]


def _template_beside(path: Path) -> Path | None:
    """Return the file beside a tokenizer.json that holds the chat template, if there is one."""
    jinja, config = path.parent / "chat_template.jinja", path.parent / "tokenizer_config.json"
    if jinja.is_file():
        return jinja
    if config.is_file() and b'"chat_template"' in config.read_bytes():
        return config
    return None
