"""The rule for users whose home folder a path names, on macOS, Linux and Windows, plain and encoded."""

import re
from collections.abc import Iterator

from turnsmith.curate.scrub.page import Hit, Page, occurrences
from turnsmith.curate.scrub.stopwords import is_role

_SEPARATOR = r"(?:/|\\{1,8}|%2[Ff]|%5[Cc])"
# A name may have spaces inside only where the path goes on behind it.
_PLAIN = r"[^\W_][\w.-]{0,62}[\w-]|[^\W_]"
_NAME = re.compile(rf"(?P<name>(?:[^\W\d_][\w.'-]{{0,30}}(?: [^\W\d_][\w.'-]{{0,30}}){{1,2}})(?={_SEPARATOR})|{_PLAIN})")
_DASHED = re.compile(r"(?P<name>[^\W_]+)(?=-|[\s\"'`/\\,;:)\]}]|\Z)")

# What may stand before `/Users/` and `/home/`; after a host they are parts of a page's address, not of a disk.
_BEFORE_UNIX = re.compile(r"(?:^|[^A-Za-z0-9_.~}>)\]/-]|[A-Za-z]:|/[a-z]|/(?:var|usr|export|private|data|nfs|net|mnt)|file://|file:/{3}"
                          r"|/(?:host|rootfs|chroot)|/mnt/[a-z0-9_-]{1,20}|/Volumes/[^/\n]{1,40}|/Data|[a-z]\$?|\[nrt])\Z")  # fmt: skip
_WEB = re.compile(r"(?:https?|wss?):(?://|\\/\\/)[^\s\"'<>]{0,120}\Z")
_BEFORE_WINDOWS = re.compile(r"(?:[A-Za-z](?::|%3[Aa]|\$)|[/\\][A-Za-z]|\\\\[\w.-]{1,60})\Z")
_BEFORE_DASHED = re.compile(r"(?:^|[^A-Za-z0-9-]|(?<![A-Za-z0-9])[A-Z]-|\\n)\Z")

_PATTERNS = (
    ("users", re.compile(rf"{_SEPARATOR}(?:Users|users|USERS){_SEPARATOR}")),
    ("home", re.compile(r"(?:/|%2[Ff]|\\{1,2}/)home(?:/|%2[Ff]|\\{1,2}/)|\\{1,8}home\\{1,8}")),
)
_DOCUMENTS = re.compile(r"[\\/]Documents and Settings[\\/]{1,4}", re.IGNORECASE)
_OWNER = re.compile(r"(?m)^[^\S\n]*[bcdlps-](?:[r-][w-][xsStT-]){3}[@+.]?\s+[0-9]+\s+(?P<owner>[\w.-]+)\s+(?P<group>[\w.-]+)\s+[0-9]")


def find_home_users(page: Page) -> Iterator[Hit]:
    """Yield names of home folders in paths; roles such as `/home/runner` are no persons."""
    for start, end in home_names(page):
        yield start, end, "home-folder"


def home_names(page: Page) -> Iterator[tuple[int, int]]:
    """Yield the places of names of home folders."""
    for word, pattern in _PATTERNS:
        for at in occurrences(page.lower, word):
            begin = at - 1
            while begin > 0 and page.narrow[begin] == "\\" == page.narrow[begin - 1]:
                begin -= 1
            if page.narrow[max(0, at - 3) : at].startswith("%"):
                begin = at - 3
            place = _after(page, pattern.match(page.narrow, max(0, begin)), word) or _dashed(page, at, word)
            if place is not None and not is_role(page.text[slice(*place)]):
                yield place
    for folder in _DOCUMENTS.finditer(page.narrow) if "documents and settings" in page.lower else ():
        name = _NAME.match(page.text, folder.end())
        if name is not None and not is_role(name["name"]):
            yield name.span("name")


def _after(page: Page, folder: "re.Match[str] | None", word: str) -> tuple[int, int] | None:
    if folder is None:
        return None
    start, text = folder.start(), page.text
    windows = _BEFORE_WINDOWS.search(text, max(0, start - 64), start) is not None
    encoded = folder[0][0] == "%"
    if word == "users" and "Users" not in folder[0] and not windows:
        return None
    if not windows and not encoded and folder[0][0] != "\\":
        if _BEFORE_UNIX.search(text, max(0, start - 64), start) is None or _WEB.search(text, max(0, start - 130), start):
            return None
    name = _NAME.match(text, folder.end())
    return name.span("name") if name else None


def _dashed(page: Page, at: int, word: str) -> tuple[int, int] | None:
    """Return the name in `-Users-ann-code`, as Claude Code calls the folder of `/Users/ann/code`."""
    text, end = page.narrow, at + len(word)
    if text[at - 1 : at] != "-" or text[end : end + 1] != "-" or text[at:end] not in ("Users", "home"):
        return None
    if _BEFORE_DASHED.search(text, max(0, at - 5), at - 1) is None:
        return None
    name = _DASHED.match(page.text, end + 1)
    return name.span("name") if name else None


def find_owners(page: Page) -> Iterator[Hit]:
    """Yield owners and groups in the long listings of `ls -l`."""
    if "rw" not in page.narrow:
        return
    for line in _OWNER.finditer(page.narrow):
        for part in ("owner", "group"):
            if not is_role(line[part]) and not line[part].isdigit():
                yield *line.span(part), "listing-owner"
