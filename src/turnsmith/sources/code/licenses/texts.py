"""License files: which license a text is."""

import importlib
import re
import tempfile
import warnings
from collections.abc import Callable
from difflib import SequenceMatcher
from functools import cache
from pathlib import Path
from typing import Any

from turnsmith.core.errors import UsageError
from turnsmith.sources.code.licenses.verdict import UNKNOWN, Verdict

NAME = re.compile(
    r"(?:li[cs]en[cs]e|unli[cs]en[cs]e|copying)(?:[-_.].*)?|.*[-_.]li[cs]en[cs]e(?:\.(?:txt|md|rst))?",
    re.IGNORECASE,
)
NOT_TEXTS = re.compile(
    r".*\.(?:go|py|js|ts|rs|java|json|yml|yaml|html|css|png|svg|sh|c|h|cpp)", re.IGNORECASE
)
LONGEST = 200_000
END_OF_TERMS = "END OF TERMS AND CONDITIONS"
"""What comes behind it tells how to apply the license; many repositories leave that out."""
LIKE_ENOUGH = 0.95
SENTENCE = 8  # words
_SPACES = re.compile(r"\s+")
_COPYRIGHT = re.compile(r"^\s*(?:Copyright|\(C\)) .*$", re.IGNORECASE | re.MULTILINE)


def is_license_file(name: str) -> bool:
    """Return whether a file's name (without folders) is one that license texts have."""
    return NAME.fullmatch(name) is not None and NOT_TEXTS.fullmatch(name) is None


def license_of_text(data: bytes, file: str) -> Verdict:
    """Return the license that a file holds; unknown where its text is no published one, or is several.

    The library `identify` knows the usual ones; where it says nothing and the extra `scancode` is there, that is
    asked. Raises UsageError where neither is installed.
    """
    if len(data) > LONGEST:
        return Verdict(file=file)
    text = data.decode("utf-8", "replace").removeprefix("\ufeff")
    found = _by_identify(text)
    expression, confidence = found if found[0] else _by_scancode(text)
    return Verdict(expression, file, confidence, "text") if expression else Verdict(file=file)


def _by_identify(text: str) -> tuple[str, float]:
    try:
        from identify import identify
        from identify.vendor.licenses import LICENSES
        from ukkonen import distance
    except ModuleNotFoundError as error:
        raise UsageError(f"licenses need the package {error.name}: pip install 'turnsmith[code]'") from error
    with tempfile.TemporaryDirectory(prefix="turnsmith-") as folder:
        path = Path(folder) / "LICENSE"
        path.write_text(text, encoding="utf-8")
        identifier = identify.license_id(str(path))
    if identifier is not None:
        published = _plain(dict(LICENSES)[identifier])
        if _adds_terms(_plain(text), published):
            return "", 0.0
        return identifier, _likeness(_plain(text), published, distance)
    terms = _plain(text.partition(END_OF_TERMS)[0])
    for candidate, published in LICENSES:
        own, marker, _ = published.partition(END_OF_TERMS)
        if marker and not _plain(text.partition(END_OF_TERMS)[2]):
            likeness = _likeness(terms, _plain(own), distance)
            if likeness >= LIKE_ENOUGH:
                return candidate, likeness
    return "", 0.0


def _adds_terms(text: str, published: str) -> bool:
    """Return whether a text has a sentence that the published license lacks: a short one may change it all.

    "The Software shall be used for Good, not Evil." is within the library's five per cent of the MIT license.
    """
    ours, theirs = text.lower().split(), published.lower().split()
    added = SequenceMatcher(None, theirs, ours, autojunk=False).get_opcodes()
    return any(
        end - start >= SENTENCE and end - start > before_end - before_start
        for tag, before_start, before_end, start, end in added
        if tag in ("insert", "replace")
    )


def _likeness(text: str, published: str, distance: Callable[[str, str, int], int]) -> float:
    """Return how alike two texts are by edit distance, 0 where not even their lengths are."""
    longest = max(len(text), len(published), 1)
    most = round(longest * (1 - LIKE_ENOUGH)) + 1
    return 1 - distance(text, published, most) / longest if abs(len(text) - len(published)) < most else 0.0


def _plain(text: str) -> str:
    return _SPACES.sub(" ", _COPYRIGHT.sub("", text)).strip()


@cache
def _scancode() -> Any:
    """Return scancode's index of license texts, or None where it is not installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of where it found its library of file types
        try:
            return importlib.import_module("licensedcode.cache").get_index()
        except ModuleNotFoundError:
            return None


def _by_scancode(text: str) -> tuple[str, float]:
    index = _scancode()
    if index is None:
        return "", 0.0
    detect = importlib.import_module("licensedcode.detection").detect_licenses
    found = [each for each in detect(query_string=text, index=index) if each.license_expression_spdx]
    matches = [match for each in found for match in each.matches]
    told = {line for match in matches for line in range(match.start_line, match.end_line + 1)}
    rest = "\n".join(line for number, line in enumerate(text.splitlines(), 1) if number not in told)
    if not found or len(_plain(rest).split()) >= SENTENCE:  # something else stands there, too
        return "", 0.0
    expressions = sorted({str(each.license_expression_spdx) for each in found})
    score = min(match.score() for match in matches) / 100
    expression = " AND ".join(f"({each})" if " OR " in each else each for each in expressions)
    return (expression, score) if UNKNOWN not in expression and "LicenseRef-" not in expression else ("", 0.0)
