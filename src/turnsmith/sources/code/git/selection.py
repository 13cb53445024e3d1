"""Which files of a commit an example is made of."""

import functools
import re

from turnsmith.sources.code.git.commit import Change
from turnsmith.sources.code.languages import GRAMMARS, language_of
from turnsmith.sources.code.paths import why_skipped
from turnsmith.sources.code.repository import SUBMODULE, SYMLINK, odd_path

CODE, TEST, TEXT, DOCUMENTATION = "code", "test", "text", "documentation"
USED = frozenset({CODE, TEST, TEXT})

_TEST = re.compile(
    r"(?:^|/)(?:tests?|__tests__|specs?|testing|e2e)/|(?:^|/)(?:test_[^/]*|conftest)\.\w+$"
    r"|[._-](?:test|tests|spec|e2e)\.\w+$|(?:^|/)[^/]*Tests?\.(?:java|kt|cs|scala|swift|php)$|(?:^|/)test\.\w+$",
)
_DOCUMENTATION = re.compile(
    r"(?:^|/)(?:examples?|demos?|samples?)/"
    r"|(?:^|/)(?:docs?|documentation|site|website)/(?!.*\.(?:go|py|js|ts|rs|java|c|cc|cpp|h|rb|php)$)"
    r"|\.(?:md|markdown|rst|txt|adoc|asciidoc|tex|html?|svg)$"
    r"|(?:^|/)(?:changelog|changes|history|news|authors|contributors|contributing|copying|license|licence|notice|readme"
    r"|todo|codeowners|maintainers|\.mailmap)(?:[.-][^/]*)?$",
    re.IGNORECASE,
)


def kind_of(change: Change) -> str:
    """Return what a changed file is by its path and modes: code, test, text, documentation, or why it is left out."""
    if SUBMODULE in (change.old_mode, change.new_mode):
        return "submodule"
    if SYMLINK in (change.old_mode, change.new_mode):
        return "symbolic link"
    return kind_of_paths(change.old_path, change.path)


@functools.lru_cache(maxsize=1 << 16)
def kind_of_paths(old_path: str, path: str) -> str:
    """Return what a file is by its paths; a renamed one is left out where one of both would be."""
    if _odd(path) or _odd(old_path):
        return "odd path"
    if reason := why_skipped(path, b"") or why_skipped(old_path, b""):
        return reason
    if path == ".gitmodules":
        return "submodule"
    if _DOCUMENTATION.search(path):
        return DOCUMENTATION
    if _TEST.search(path):
        return TEST
    return CODE if language_of(path, b"") in GRAMMARS else TEXT


def _odd(path: str) -> bool:
    """Return whether a diff could not name the path without quotes."""
    return odd_path(path) or '"' in path or "\\" in path
