"""Text out of what the editor keeps as structures: rendered tool results, and the parts of a response."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from turnsmith.curate.account import Account
from turnsmith.sources.logs.values import Record, items, string, table

# Kinds that say how something looked or went, and hold nothing that the model wrote.
SILENT = frozenset(
    {
        "codeblockUri", "command", "confirmation", "elicitation", "elicitationSerialized", "mcpServersStarting",
        "notebookEditGroup", "prepareToolInvocation", "progressMessage", "progressTask", "progressTaskSerialized",
        "references", "treeData", "undoStop", "warning",
    }
)  # fmt: skip
TOOL = "toolInvocationSerialized"
CLIENT_SUFFIX = re.compile(r"__vscode-\d+$")
FAILED_TOOL = "ERROR while calling tool:"
FENCE = re.compile(r"^\s*```", re.MULTILINE)
BREAK = "\n\n"


def call_id(value: Any) -> str:
    """Return a call's id as the model knows it, without what the editor put behind it."""
    return CLIENT_SUFFIX.sub("", string(value))


def result_text(result: Any) -> str:
    """Return the text of a tool result: its parts are texts, or trees of what the prompt showed."""
    texts = []
    for part in items(table(result).get("content")):
        value = table(part).get("value")
        if isinstance(value, str):
            texts.append(value)
        elif isinstance(value, dict):
            texts.append(_tree_text(value.get("node", value)))
    return "\n".join(texts)


def _tree_text(root: Any) -> str:
    """Return the leaves' texts in order, with the line breaks that the renderer of prompts puts between them.

    A text begins a line where it says so, or where it is the first child of an element that does not follow on a
    text: the rules of prompt-tsx, which made the tree.
    """
    pieces: list[str] = []
    waiting = [(root, True, False)]  # node, whether it is a first child, whether a text is before it
    while waiting:
        node, first, after_text = waiting.pop()
        text = string(table(node).get("text"))
        if text:
            begins = node.get("lineBreakBefore") or (first and not after_text)
            if begins and pieces and not pieces[-1].endswith("\n"):
                pieces.append("\n")
            pieces.append(text)
        children = items(table(node).get("children"))
        for index in range(len(children) - 1, -1, -1):
            text_before = "text" in table(children[index - 1]) if index else after_text
            waiting.append((children[index], index == 0, text_before))
    return "".join(pieces)


def spoken(parts: Iterable[Any], account: Account) -> str:
    """Return what the model said in the parts of a response, as Markdown.

    Edits stand in the place of the code block that they were made of. Kinds that are not known are noted.
    """
    pieces: list[str] = []
    fences = 0
    for part in parts:
        if table(part).get("kind") == TOOL:
            text = BREAK if pieces and pieces[-1] != BREAK else ""
        else:
            text = part if isinstance(part, str) else _piece(table(part), fences, account)
        if text:
            fences += len(FENCE.findall(text))
            pieces.append(text)
    return "".join(pieces).strip()


def thoughts(parts: Iterable[Any]) -> str:
    """Return what the model thought in the parts of a response."""
    return "".join(joined(part.get("value")) for part in parts if table(part).get("kind") == "thinking")


def joined(value: Any) -> str:
    """Return a text that may also stand as a list of pieces."""
    return value if isinstance(value, str) else "".join(map(string, items(value)))


def after_tools(parts: list[Any]) -> list[Any]:
    """Return the parts behind the last tool invocation."""
    tools = [index for index, part in enumerate(parts) if table(part).get("kind") == TOOL]
    return parts[tools[-1] + 1 :] if tools else parts


def _piece(part: Record, fences: int, account: Account) -> str:
    kind = string(part.get("kind"))
    if kind in ("", "markdownContent", "markdownVuln"):
        content = part.get("content") if kind else part.get("value")
        return string(content) or string(table(content).get("value"))
    if kind == "inlineReference":
        name = _name(part)
        return f"`{name}`" if name else ""
    if kind == "textEditGroup":
        # With no code block open, a tool made the edit, and its arguments have the text.
        return "".join(_edited(part)) if fences % 2 else ""
    if kind != "thinking" and kind not in SILENT:
        account.note("response parts of an unknown kind")
    return ""


def _name(part: Record) -> str:
    """Return what a reference shows: its name, a symbol's name, or a file's."""
    reference = table(part.get("inlineReference"))
    place = table(reference.get("uri")) or reference
    path = string(place.get("path")) or string(place.get("fsPath"))
    return string(part.get("name")) or string(reference.get("name")) or re.split(r"[/\\]", path)[-1]


def _edited(part: Record) -> Iterator[str]:
    for group in items(part.get("edits")):
        for edit in items(group) or [group]:
            yield string(table(edit).get("text"))
