"""Where a file's functions, classes and tests begin and end, by tree-sitter."""

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from turnsmith.sources.code.git.trees import Trees
from turnsmith.sources.code.languages import parser

if TYPE_CHECKING:
    from tree_sitter import Node, Query

# Names of nodes over all grammars; a grammar that lacks one ignores it.
FUNCTIONS = frozenset((
    "function_definition", "function_declaration", "generator_function_declaration", "method_definition",
    "method_declaration", "constructor_declaration", "compact_constructor_declaration", "function_item", "method",
    "singleton_method", "local_function_statement", "init_declaration", "protocol_function_declaration",
    "function_signature_item", "macro_definition", "secondary_constructor", "method_signature", "function_signature",
    "abstract_method_signature", "operator_declaration", "property_declaration", "destructor_declaration",
))  # fmt: skip
CONTAINERS = frozenset((
    "class_definition", "class_declaration", "abstract_class_declaration", "interface_declaration",
    "type_alias_declaration", "enum_declaration", "type_declaration", "impl_item", "struct_item", "enum_item",
    "trait_item", "mod_item", "record_declaration", "struct_specifier", "class_specifier", "enum_specifier",
    "namespace_definition", "struct_declaration", "class", "module", "trait_declaration", "object_declaration",
    "protocol_declaration", "object_definition", "trait_definition", "companion_object", "union_item",
    "annotation_type_declaration",
))  # fmt: skip
# A function that has its name from what it is assigned to, and the blocks of JavaScript's test runners.
_FUNCTION_VALUES = "[(arrow_function) (function_expression)]"
_JAVASCRIPT = f"""
(lexical_declaration (variable_declarator value: {_FUNCTION_VALUES})) @named
(variable_declaration (variable_declarator value: {_FUNCTION_VALUES})) @named
(expression_statement (assignment_expression right: {_FUNCTION_VALUES})) @named
(expression_statement (call_expression arguments: (arguments {_FUNCTION_VALUES}))) @block
"""
_PATTERNS = {"javascript": _JAVASCRIPT, "typescript": _JAVASCRIPT, "tsx": _JAVASCRIPT}
# How lines begin that belong to the definition below them: comments, decorators, attributes, templates.
_ABOVE = (b"//", b"*", b"/*", b"@", b"#[", b"[", b"template")
_ABOVE_WITH_HASH = (*_ABOVE, b"#")
_NO_HASH = frozenset(("c", "cpp", "c_sharp", "swift"))  # there it begins a directive
LEAST_BLOCK = 3


@dataclass(frozen=True, slots=True)
class Definition:
    """Hold a definition: its kind (function, container or block), and its lines from 1.

    `first` counts the comments and decorators above it, too; `head` is the line where it begins itself.
    """

    kind: str
    first: int
    head: int
    last: int

    @property
    def lines(self) -> int:
        """Return the number of lines."""
        return self.last - self.first + 1


class Definitions:
    """Find definitions in versions of files."""

    def __init__(self) -> None:
        self._trees = Trees()

    def around(
        self, path: str, content: bytes, lines: Sequence[bytes], first: int, last: int
    ) -> list[Definition]:
        """Return the definitions that hold or touch lines `first` to `last`, by their first lines, outer ones first.

        `lines` are those of `content`. A comment above a definition counts as part of it. Files without a grammar have
        none. Raises UsageError where the extra `code` is missing.
        """
        parsed = self._trees.parse(path, content)
        if parsed is None:
            return []
        language, tree = parsed
        above = _ABOVE if language in _NO_HASH else _ABOVE_WITH_HASH
        below = last
        while below < len(lines) and (
            lines[below - 1].lstrip().startswith(above) or not lines[below - 1].strip()
        ):
            below += 1
        found = _found(language, tree.root_node, lines, above, max(first - 1, 0), below)
        return sorted(found, key=lambda each: (each.first, -each.last, each.head))


def _found(
    language: str,
    root: "Node",
    lines: Sequence[bytes],
    above: tuple[bytes, ...],
    first_row: int,
    end_row: int,
) -> Iterator[Definition]:
    from tree_sitter import QueryCursor

    cursor = QueryCursor(_query(language))
    cursor.set_point_range((first_row, 0), (end_row, 0))
    for _, captured in cursor.matches(root):
        for capture, (node,) in captured.items():
            kind = "block" if capture == "block" else "container" if node.type in CONTAINERS else "function"
            end = node.end_point
            head, last = node.start_point.row + 1, end.row + (end.column > 0)
            if kind == "block" and last - head < LEAST_BLOCK:
                continue
            yield Definition(kind, _with_comments(lines, head, above), head, last)


def _with_comments(lines: Sequence[bytes], head: int, above: tuple[bytes, ...]) -> int:
    """Return the first line of what stands right above a definition and belongs to it, else its own."""
    first = head
    if first > 2 and not lines[first - 2].strip() and lines[first - 3].rstrip().endswith(b"*/"):
        first -= 1  # some leave a blank line below the comment
    while first > 1 and lines[first - 2].lstrip().startswith(above):
        first -= 1
    return first


@functools.cache
def _query(language: str) -> "Query":
    from tree_sitter import Query

    reader = parser(language)
    assert reader is not None
    grammar = reader.language
    assert grammar is not None
    known = (
        FUNCTIONS | CONTAINERS - {"module"} if language == "python" else FUNCTIONS | CONTAINERS
    )  # there, the file
    kinds = [kind for kind in sorted(known) if grammar.id_for_node_kind(kind, True) is not None]
    listed = "\n".join(f"({kind}) @definition" for kind in kinds)
    return Query(grammar, listed + _PATTERNS.get(language, ""))
