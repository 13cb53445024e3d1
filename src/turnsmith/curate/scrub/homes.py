"""The rule for users whose home folder a path names, on macOS, Linux and Windows, plain and encoded."""

import re
from collections.abc import Iterator

from turnsmith.curate.scrub.page import Hit, Page, occurrences
from turnsmith.curate.scrub.stopwords import is_role

_SEPARATOR = r"(?:/|\\{1,8}/?|%2[Ff]|%5[Cc])"
# A name may have spaces inside only where the path goes on behind it.
_PLAIN = r"[^\W_][\w.-]{0,62}[\w-]|[^\W_]"
_NAME = re.compile(
    rf"(?P<name>(?:[^\W\d_][\w.'-]{{0,30}}(?: [^\W\d_][\w.'-]{{0,30}}){{1,2}})(?={_SEPARATOR})|{_PLAIN})"
)
_DASHED = re.compile(r"(?P<name>[^\W_]+)(?=-|[\s\"'`/\\,;:)\]}]|\Z)")

# What may stand before `/Users/` and `/home/`; after a host they are parts of a page's address, not of a disk.
# In the middle of a relative path or of a route, `src/home/`, `/api/Users/`, they are no folders of persons.
_ROOT = r"(?<![A-Za-z0-9_.~}>)\]@-])/"
_MOUNTS = (
    r"var|usr|export|private|data[0-9]*|nfs|net|mnt|media|srv|storage|backups?|scratch|work|gpfs|lustre|cluster|afs"
    r"|opt|host|vol[0-9]*|System"
)
_DISKS = (
    r"file|sqlite3?(?:\+[a-z]+)?|duckdb|vscode-[a-z]+|s?ftp|(?:git\+)?ssh|scp|rsync|smb|nfs|afp|hdfs|docker"
)
_BEFORE_UNIX = re.compile(
    r"(?:^|[^A-Za-z0-9_.~}>)\]/#@-]|(?<![\"'`])@|[A-Za-z](?::|\$)|\\[nrt]|\s[0-9&>]?>|\[[0-9;]{0,12}m"
    rf"|{_ROOT}(?:[a-z]|(?:{_MOUNTS})(?:/[\w.-]{{1,40}}){{0,2}})|/Volumes/[^/\n]{{1,40}}"
    r"|/(?:rootfs|sysroot|chroot|merged|proc/[0-9a-z]{1,10}/root)"
    rf"|\b(?:{_DISKS}):/{{2,3}}(?:[^\s/]{{1,80}})?"
    r"|(?<![A-Za-z0-9])-[A-Za-z]{1,10}|(?:\.\./){2}\.\.)\Z"
)
_WEB = re.compile(r"(?:https?|wss?):(?://|\\/\\/)[^\s\"'<>]{0,120}\Z")
_BEFORE_WINDOWS = re.compile(
    r"(?:[A-Za-z](?::|%3[Aa]|\$)|(?:(?<![\w.~@-])|/mnt|/cygdrive|/host)[/\\][A-Za-z]|\\\\[\w.-]{1,60})\Z"
)
_BEFORE_DASHED = re.compile(r"(?:^|[^A-Za-z0-9-]|(?<![A-Za-z0-9])[A-Z]-|\\n)\Z")

_PATTERNS = (
    ("users", re.compile(rf"{_SEPARATOR}(?:Users|users|USERS){_SEPARATOR}")),
    ("home", re.compile(r"(?:/|%2[Ff]|\\{1,2}/)home(?:/|%2[Ff]|\\{1,2}/)|\\{1,8}home\\{1,8}")),
)
_DOCUMENTS = re.compile(r"[\\/]Documents and Settings[\\/]{1,4}", re.IGNORECASE)
_OWNER = re.compile(
    r"[^\S\n]*(?:[0-9]+[^\S\n]+[0-9]*[^\S\n]*)?[bcdlps-](?:[r-][w-][xsStT-]){3}[@+.]?\s+[0-9]+\s+(?P<owner>[\w.-]+)\s+(?P<group>[\w.-]+)\s+[0-9]"
)


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
            # Behind `\Users` a backslash is a separator, not the head of an escape such as `\t`.
            text = page.text if page.narrow[at - 1 : at] == "\\" else page.narrow
            place = _after(page, pattern.match(text, max(0, begin)), word) or _dashed(page, at, word)
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
    if not _begins_path(text, start) and not _continues_path(text, start, folder[0], word):
        return None
    name = _NAME.match(text, folder.end())
    return name.span("name") if name else None


def _begins_path(text: str, start: int) -> bool:
    """Tell at a glance that a path begins here: most do, and the closer look is slow."""
    return text.startswith("/Users/", start) and (start == 0 or text[start - 1] in " \"'=(\n\t`,[")


def _continues_path(text: str, start: int, folder: str, word: str) -> bool:
    """Tell whether what stands before a folder is of a path on a disk."""
    if _BEFORE_WINDOWS.search(text, max(0, start - 64), start) is not None:
        return True
    if word == "users" and "Users" not in folder:
        return False
    if folder[0] in "%\\":
        return True
    if _BEFORE_UNIX.search(text, max(0, start - 64), start) is None:
        return False
    return _WEB.search(text, max(0, start - 130), start) is None


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
    for part in ("rwx", "rw-"):
        for at in occurrences(page.narrow, part):
            line = _OWNER.match(
                page.narrow, page.narrow.rfind("\n", max(0, at - 40), at) + 1 or max(0, at - 2)
            )
            if line is None:
                continue
            for owner in ("owner", "group"):
                if not is_role(line[owner]) and not line[owner].isdigit():
                    yield *line.span(owner), "listing-owner"
