"""Where data names its people: home folders, addresses, authors of commits, git's and telemetry's users."""

import re
from dataclasses import dataclass, field
from typing import Any

from turnsmith.core.chat import text_of
from turnsmith.curate.scrub.emails import find_emails
from turnsmith.curate.scrub.homes import home_names
from turnsmith.curate.scrub.leaves import walk
from turnsmith.curate.scrub.page import Page, occurrences, page_of
from turnsmith.curate.scrub.stopwords import is_role

LONGEST_NAME = 60

_WORD = r"[^\W\d_][\w.'\u2019-]{0,30}"
_AUTHOR = re.compile(
    r"(?:author|commit|committer|tagger|[a-z]+(?:ed)?-(?:off-)?by)\s?:?[ \t]+"
    rf"(?P<name>{_WORD}(?:[ \t]{_WORD}){{0,4}})[ \t]+<\Z",
    re.IGNORECASE,
)
_TITLED = re.compile(r"(?P<name>(?:[^\W\d_a-z][\w.'\u2019-]{0,30}[ \t]){2,4})<\Z")
_USER_NAME = re.compile(r"user\.name[ \t=:]{1,4}(?:\\?[\"'])?(?P<name>[^\W\d_][\w.'\u2019 -]{1,50})")
_ASKS_NAME = re.compile(r"\s*(?:git config(?: --(?:global|local|get))* user\.name|whoami|id -un)\s*")
_NAME_KEYS = frozenset({"userName", "user_name", "username", "common.userName", "login"})
_NO_PERSON = re.compile(
    r"\b(?:claude|copilot|github|gitlab|openai|anthropic|cursor|codex|gemini|gpt|chatgpt|bot|ci|team|inc|gmbh|llc|ltd"
    r"|actions|contributors|authors|developers|project|foundation|maintainers|npm|test|user|example)\b|\[bot\]",
    re.IGNORECASE,
)  # fmt: skip
_HANDLE = re.compile(r"[^\W\d_][\w.-]{1,38}\w")


@dataclass(slots=True)
class Gathered:
    """Hold handles and names of people as they were written."""

    handles: set[str] = field(default_factory=set)
    people: set[str] = field(default_factory=set)


def gather(example: dict[str, Any], gathered: Gathered) -> None:
    """Add the people that an example names."""
    texts: list[str] = []
    last_name = ""

    def visit(text: str, name: str) -> str:
        nonlocal last_name
        texts.append(text)
        if name in _NAME_KEYS:
            _add_handle(text, gathered)
        elif name == "name":
            last_name = text
        elif name == "email" and last_name and "@" in text:
            _add_person(last_name, gathered)
            last_name = ""
        return text

    walk(example, visit)
    page = page_of("\n\0\n".join(texts))
    for start, end in home_names(page):
        _add_handle(page.text[start:end], gathered)
    _from_addresses(page, gathered)
    for at in occurrences(page.narrow, "user.name"):
        if (match := _USER_NAME.match(page.text, at)) is not None:
            _add_person(match["name"].strip(), gathered)
    _from_answers(example.get("messages"), gathered)


def _from_addresses(page: Page, gathered: Gathered) -> None:
    for start, end, _ in find_emails(page):
        local = page.text[start:end].partition("@")[0]
        number, plus, rest = local.partition("+")
        _add_handle(rest if plus and number.isdigit() else number, gathered)
        before = page.text[max(0, start - 120) : start]
        match = (_AUTHOR.search(before) or _TITLED.search(before)) if before.endswith("<") else None
        if match is not None:
            _add_person(match["name"].strip(), gathered)


def _from_answers(messages: Any, gathered: Gathered) -> None:
    """Add what a tool answered to `git config user.name` or `whoami`."""
    asked: set[Any] = set()
    for message in messages if isinstance(messages, list) else ():
        if not isinstance(message, dict):
            continue
        for call in message.get("tool_calls") or []:
            if _asks_name(call):
                asked.add(call.get("id"))
        answer = text_of(message.get("content")).strip()
        if message.get("role") == "tool" and message.get("tool_call_id") in asked and "\n" not in answer:
            _add_person(answer, gathered)


def _asks_name(call: Any) -> bool:
    found = False

    def visit(text: str, _name: str) -> str:
        nonlocal found
        found = found or _ASKS_NAME.fullmatch(text) is not None
        return text

    walk(call, visit)
    return found and isinstance(call, dict)


def _add_person(name: str, gathered: Gathered) -> None:
    if not 2 < len(name) <= LONGEST_NAME or _NO_PERSON.search(name):
        return
    if " " in name:
        gathered.people.add(name)
    else:
        _add_handle(name, gathered)


def _add_handle(handle: str, gathered: Gathered) -> None:
    if _HANDLE.fullmatch(handle) and not is_role(handle) and not _NO_PERSON.fullmatch(handle):
        gathered.handles.add(handle)
