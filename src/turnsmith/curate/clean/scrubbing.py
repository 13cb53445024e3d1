"""The link to `curate/scrub`: what to call on every example."""

import importlib
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from turnsmith.core.chat import Example

Scrub = Callable[[Example], tuple[Example, Counter[str]]]


def scrub_nothing(example: Example) -> tuple[Example, Counter[str]]:
    """Return an example as it is."""
    return example, Counter()


def scrubber(examples: Iterable[Example], key_file: Path | None) -> Scrub:
    """Return what replaces secrets and personal data; `examples` are gone through first, for people's names.

    Raises UsageError for a key file that can't be used.
    """
    scrub = importlib.import_module("turnsmith.curate.scrub")  # loaded late: it compiles many patterns
    pseudonyms = importlib.import_module("turnsmith.curate.scrub.pseudonyms")
    key = pseudonyms.read_key(key_file) if key_file else None
    function: Scrub = scrub.Scrubber(scrub.Names.collect(examples), key).scrub
    return function
