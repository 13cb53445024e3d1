"""Rules for e-mail addresses, and for users named before an `@` in prompts and remote places."""

import re
import string
from collections.abc import Iterator

from turnsmith.curate.scrub.domains import is_top_level
from turnsmith.curate.scrub.left_alone import is_sample_email
from turnsmith.curate.scrub.page import Hit, Page, occurrences, start_of_run
from turnsmith.curate.scrub.stopwords import is_role

LONGEST_LOCAL = 64
LONGEST_DOMAIN = 255
LOCAL_CHARACTERS = string.ascii_letters + string.digits + "_.+%&'~#!$-"

_DOMAIN = re.compile(
    r"@((?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}([^\W\d_]{2,24}|xn--[a-z0-9-]{2,30}))(?![\w@(]|-\w|\.\w)"
)
_LOCAL = re.compile(r"[\w.+%&'~#!$-]{1,64}\Z")
_ENCODED = re.compile(r"(?<![\w%])([\w.+-]{1,64})%40((?:[A-Za-z0-9-]{1,63}\.){1,8}([A-Za-z]{2,24}))(?![\w-])")
_SPELLED = re.compile(
    r"\b([\w.+-]{2,64})\s?[\[(]at[\])]\s?((?:[\w-]{1,63}(?:\s?[\[(]\s?dot\s?[\])]\s?|\.)){1,4}[A-Za-z]{2,12})\b",
    re.IGNORECASE,
)
_PROMPT = re.compile(r"@[A-Za-z0-9][A-Za-z0-9.-]{0,63}(?::(?=[~/])|(?=[ :][~/][^\n]{0,80}[$%#](?:\s|$)))")
_KEY_COMMENT = re.compile(
    r"(?:ssh-(?:rsa|ed25519|dss)|ecdsa-sha2-nistp[0-9]+) AAAA[A-Za-z0-9+/=]{40,}[ \t]+([\w.-]+@[\w.-]+)"
)
_REMOTE = re.compile(r"\b(?:ssh|scp|rsync|sftp|mosh|ssh-copy-id)\b[^\n]{0,120}\s\Z")
_IN_URL = re.compile(r"://(?:[^\s/@:]{0,80}:)?\Z")
_USER_BEFORE = re.compile(r"(?<![\w./+:@-])[A-Za-z_][A-Za-z0-9_.-]{1,31}\Z")


def find_emails(page: Page) -> Iterator[Hit]:
    """Yield e-mail addresses: plain, percent-encoded, and spelled with `[at]`."""
    text = page.text
    for at in occurrences(page.narrow, "@"):
        domain = _DOMAIN.match(text, at, at + LONGEST_DOMAIN)
        if domain is None:
            continue
        start = _local_start(text, at)
        if start < at and _is_address(text, start, at, domain):
            yield start, domain.end(), "email"
    if "%40" in page.narrow:
        for match in _ENCODED.finditer(text):
            if not is_sample_email(match[1], match[2]) and is_top_level(match[3]):
                yield *match.span(), "email"
    for spelled in ("[at]", "(at)"):
        for at in occurrences(page.lower, spelled):
            written = _SPELLED.search(text, max(0, at - LONGEST_LOCAL), at + LONGEST_DOMAIN)
            if written is not None and not is_sample_email(written[1], written[2]):
                yield *written.span(), "email"


def _local_start(text: str, at: int) -> int:
    """Return where the local part before an `@` begins, `at` if there is none."""
    start = start_of_run(text, LOCAL_CHARACTERS, at, LONGEST_LOCAL)
    if text[max(0, start - 1) : start].isalpha():  # letters beyond ASCII
        local = _LOCAL.search(text, max(0, at - LONGEST_LOCAL), at)
        start = at if local is None else local.start()
    if start == at:
        return at
    if text[start - 1 : start] == "\\" and text[start] in "nrt" and at - start > 1:
        start += 1  # the letter belongs to an escape such as `\\n`
    while start < at and text[start] in ".'%&~#!$-+":
        start += 1
    return start


def _is_address(text: str, start: int, at: int, domain: "re.Match[str]") -> bool:
    if _IN_URL.search(text, max(0, start - 100), start):
        return False  # a user or password of a URL, which has a rule of its own
    stated = text[start - 1 : start] == "<" or text[max(0, start - 7) : start] == "mailto:"
    return (stated or is_top_level(domain[2])) and not is_sample_email(text[start:at], domain[1])


def find_remote_users(page: Page) -> Iterator[Hit]:
    """Yield users of shell prompts (`ann@host:~$`), remote places (`ann@host:/srv`), and comments of SSH keys."""
    text = page.narrow
    for at in occurrences(text, "@"):
        user = _USER_BEFORE.search(text, max(0, at - 34), at)
        if user is None or is_role(user[0]) or user[0] == "git":
            continue
        start = user.start() + (text[user.start() - 1 : user.start()] == "\\")
        if _PROMPT.match(text, at) or _REMOTE.search(text, max(0, start - 140), start):
            yield start, at, "user"
    if " AAAA" in text:
        for match in _KEY_COMMENT.finditer(text):
            yield *match.span(1), "email"
