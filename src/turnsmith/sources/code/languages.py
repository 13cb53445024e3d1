"""Which language a file is in, and the parser for it.

Parsers come from the grammar wheels of tree-sitter, one for each language, so that nothing is downloaded at run time.
"""

import functools
import importlib
import re
from typing import TYPE_CHECKING

from turnsmith.core.errors import UsageError

if TYPE_CHECKING:
    from tree_sitter import Parser

HEAD_BYTES = 8192
"""How much of a file's beginning tells its language and what it is."""

# Language: the wheel's module and the function in it that gives the grammar.
GRAMMARS = {
    "python": ("tree_sitter_python", "language"),
    "javascript": ("tree_sitter_javascript", "language"),
    "typescript": ("tree_sitter_typescript", "language_typescript"),
    "tsx": ("tree_sitter_typescript", "language_tsx"),
    "go": ("tree_sitter_go", "language"),
    "rust": ("tree_sitter_rust", "language"),
    "java": ("tree_sitter_java", "language"),
    "c": ("tree_sitter_c", "language"),
    "cpp": ("tree_sitter_cpp", "language"),
    "c_sharp": ("tree_sitter_c_sharp", "language"),
    "ruby": ("tree_sitter_ruby", "language"),
    "php": ("tree_sitter_php", "language_php"),
    "bash": ("tree_sitter_bash", "language"),
    "kotlin": ("tree_sitter_kotlin", "language"),
    "swift": ("tree_sitter_swift", "language"),
    "scala": ("tree_sitter_scala", "language"),
}
PLAIN = ("sql", "css", "json", "markdown")
"""Languages that are read as lines, without a parser."""
LANGUAGES = (*GRAMMARS, *PLAIN)

_BY_SUFFIX = {
    suffix: language
    for language, suffixes in {
        "python": "py pyi pyw",
        "javascript": "js mjs cjs jsx",
        "typescript": "ts mts cts",
        "tsx": "tsx",
        "go": "go",
        "rust": "rs",
        "java": "java",
        "c": "c",
        "cpp": "cc cpp cxx c++ hh hpp hxx h++ ipp",
        "c_sharp": "cs csx",
        "ruby": "rb rake gemspec ru",
        "php": "php phtml",
        "bash": "sh bash",
        "kotlin": "kt kts",
        "swift": "swift",
        "scala": "scala sc sbt",
        "sql": "sql",
        "css": "css",
        "json": "json",
        "markdown": "md markdown",
    }.items()
    for suffix in suffixes.split()
}
_BY_NAME = {
    **dict.fromkeys(("Rakefile", "Gemfile", "Guardfile", "Vagrantfile", "Podfile", "Brewfile"), "ruby"),
    **dict.fromkeys((".bashrc", ".bash_profile", ".bash_aliases", ".profile"), "bash"),
    **dict.fromkeys(("SConstruct", "SConscript"), "python"),
    "Jakefile": "javascript",
}
_BY_INTERPRETER = {
    **dict.fromkeys(("python", "python2", "python3", "pypy", "pypy3"), "python"),
    **dict.fromkeys(("node", "nodejs"), "javascript"),
    **dict.fromkeys(("deno", "bun", "ts-node", "tsx"), "typescript"),
    **dict.fromkeys(("sh", "bash", "dash", "ksh", "ash"), "bash"),
    **dict.fromkeys(("ruby", "jruby"), "ruby"),
    "php": "php",
    "kotlin": "kotlin",
    "swift": "swift",
    "scala": "scala",
}
# A header is C++ when it has a line that C can't have.
_ONLY_CPP = re.compile(
    rb"^\s*(?:class\s+\w+|namespace\b|template\s*<|using\s+\w|(?:public|private|protected)\s*:)"
    rb"|\bstd::|^\s*#\s*include\s*<[a-z_]+>",
    re.MULTILINE,
)


def language_of(path: str, head: bytes) -> str | None:
    """Return the language of a file by its name, else by its first line; None where it is none of `LANGUAGES`.

    `path` has slashes; `head` is the beginning of the file, which may be empty where only the name is known.
    A header `*.h` is C++ where its head shows what C does not have.
    """
    name = path.rpartition("/")[2]
    stem, dot, suffix = name.rpartition(".")
    if dot and stem:
        suffix = suffix.lower()
        if suffix == "h":
            return "cpp" if _ONLY_CPP.search(head) else "c"
        return _BY_SUFFIX.get(suffix)
    return _BY_NAME.get(name) or _by_shebang(head)


def _by_shebang(head: bytes) -> str | None:
    if not head.startswith(b"#!"):
        return None
    words = head[2:].split(b"\n", 1)[0].decode("utf-8", "replace").split()
    programs = [word.rpartition("/")[2] for word in words if not word.startswith("-") and "=" not in word]
    if programs[:1] == ["env"]:
        programs = programs[1:]
    if not programs:
        return None
    program = programs[0]
    return _BY_INTERPRETER.get(program) or _BY_INTERPRETER.get(program.rstrip("0123456789."))


def parser(language: str) -> "Parser | None":
    """Return the parser of a language, the same one at each call; None for the languages in `PLAIN`.

    A parser serves one thread at a time. Raises UsageError where the extra `code` is not installed.
    """
    return None if language in PLAIN else _parser(language)


@functools.cache
def _parser(language: str) -> "Parser":
    module, function = GRAMMARS[language]
    try:
        from tree_sitter import Language, Parser

        grammar = getattr(importlib.import_module(module), function)()
    except ModuleNotFoundError as error:
        package = (error.name or module).replace("_", "-")
        raise UsageError(
            f"parsing {language} needs the package {package}: pip install 'turnsmith[code]'"
        ) from error
    return Parser(Language(grammar))
