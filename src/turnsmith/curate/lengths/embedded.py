"""The vocabulary that is always at hand: OpenAI's o200k_base, which is part of the package bpe-openai."""

import re
from collections.abc import Callable
from importlib.machinery import ExtensionFileLoader
from importlib.util import find_spec, module_from_spec, spec_from_loader
from pathlib import Path

from turnsmith.curate.lengths.vocabularies import O200K

PACKAGE, EXTENSION = "bpe_openai", "_bindings"


class EmbeddedTokenizer:
    """Count with o200k_base, without any file."""

    name = "o200k"
    description = f"o200k_base, embedded ({O200K.ranks:,} ranks)"
    special = frozenset(O200K.special)
    chat_template: Path | None = None

    def __init__(self) -> None:
        self._count = _load_count()
        self._special = re.compile("|".join(map(re.escape, O200K.special)))

    def count(self, text: str) -> int:
        """Return the number of tokens of a text; a special token inside it is one."""
        pieces = self._special.split(text)
        return len(pieces) - 1 + sum(map(self._count, pieces))

    def count_content(self, text: str) -> int:
        """Return the number of tokens of a message's text: OpenAI takes special tokens in it for ordinary text."""
        return self._count(text)


def package_folder() -> Path:
    """Return where the package lies. Raises ModuleNotFoundError where it is not installed."""
    found = find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError(f"No module named {PACKAGE!r}", name=PACKAGE)
    return Path(found.submodule_search_locations[0])


def _load_count() -> Callable[[str], int]:
    # The extension alone: to import the package reads three vocabularies into Python first, and its class takes
    # no text of a million characters.
    loader = ExtensionFileLoader(EXTENSION, str(_extension_file()))
    spec = spec_from_loader(EXTENSION, loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    count: Callable[[str], int] = module.tokenizer_for_encoding("o200k_base").count
    return count


def _extension_file() -> Path:
    files = [*package_folder().glob(f"{EXTENSION}*.so"), *package_folder().glob(f"{EXTENSION}*.pyd")]
    if not files:
        raise ModuleNotFoundError(f"{PACKAGE} has no {EXTENSION}", name=PACKAGE)
    return files[0]
