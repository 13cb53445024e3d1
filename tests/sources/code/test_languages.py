"""Files find their language, and each language its parser."""

import pytest

from turnsmith.core.errors import UsageError
from turnsmith.sources.code import languages
from turnsmith.sources.code.languages import GRAMMARS, LANGUAGES, PLAIN, language_of, parser


@pytest.mark.parametrize(
    ("path", "head", "language"),
    [
        ("src/a.py", b"", "python"),
        ("a.pyi", b"", "python"),
        ("lib/command.MJS", b"", "javascript"),
        ("a.jsx", b"", "javascript"),
        ("typings/index.d.ts", b"", "typescript"),
        ("App.tsx", b"", "tsx"),
        ("a.h", b"#include <stdio.h>\nint f(void);\n", "c"),
        ("a.h", b"#pragma once\n#include <vector>\n", "cpp"),
        ("a.h", b"class Shape {\npublic:\n", "cpp"),
        ("Rakefile", b"", "ruby"),
        ("bin/run", b"#!/usr/bin/env python3.12\n", "python"),
        ("bin/run", b"#!/usr/bin/env -S FOO=1 node --harmony\n", "javascript"),
        ("bin/run", b"#!/bin/sh -e\r\n", "bash"),
        ("bin/run", b"#!\n", None),
        ("bin/run", b"#!/usr/bin/perl\n", None),
        ("docs/README.md", b"", "markdown"),
        (".bashrc", b"", "bash"),
        ("Makefile", b"", None),
        ("a.unknown", b"#!/bin/sh\n", None),
        ("a.py/plain", b"", None),
    ],
)
def test_language_by_name_then_first_line(path: str, head: bytes, language: str | None) -> None:
    """A suffix decides, then a known name, then the program of the first line; a header by what is in it."""
    assert language_of(path, head) == language


@pytest.mark.parametrize("language", GRAMMARS)
def test_each_grammar_has_a_parser(language: str) -> None:
    """Every language with a grammar parses, and its parser is made once."""
    found = parser(language)
    assert found is not None
    assert found.parse(b"").root_node.child_count == 0
    assert parser(language) is found


def test_plain_languages_have_no_parser() -> None:
    """SQL, CSS, JSON and Markdown are read as lines."""
    assert [parser(language) for language in PLAIN] == [None] * 4
    assert set(PLAIN) | set(GRAMMARS) == set(LANGUAGES)


def test_missing_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its wheel a language gives an error with the package and the extra."""
    monkeypatch.setitem(languages.GRAMMARS, "python", ("tree_sitter_absent", "language"))
    languages._parser.cache_clear()
    with pytest.raises(
        UsageError, match=r"needs the package tree-sitter-absent: pip install 'turnsmith\[code\]'"
    ):
        parser("python")
