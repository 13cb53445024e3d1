"""Rules for passwords in URLs, in connection strings of their own kind, and on command lines."""

import re
from collections.abc import Iterator

from turnsmith.curate.scrub.left_alone import is_sample_secret
from turnsmith.curate.scrub.page import Hit, Page, occurrences
from turnsmith.curate.scrub.validators import decoded, is_random, is_wordy

# Passwords that manuals and test set-ups put into URLs.
_COMMON = """
password passwd pass pwd secret test user username admin root postgres mysql guest example pw p
mypassword mypass token key foo bar rabbitmq mongo redis minioadmin docker dev
"""
COMMON = frozenset(_COMMON.split())
REACH = 200

_USERINFO = re.compile(
    r"""[^\s/:@"'`<>?#\\\0]{0,80}:(?P<pass>[^\s@"'`<>\\\0]{1,200})@(?=[A-Za-z0-9\[_%$-])"""
)
_TOKEN_ONLY = re.compile(r"""(?P<token>[A-Za-z0-9_.~%-]{16,200})(?::x-oauth-basic|:)?@(?=[A-Za-z0-9])""")
_ORACLE = re.compile(r"jdbc:oracle:[a-z]+:[\w$#]{1,40}/(?P<pass>[^\s@\"']{3,80})@")
_USER_OPTION = re.compile(
    r"""(?:(?<=\s)-[uU]|--(?:proxy-)?user)[ =]{0,2}(?:\\{0,3}["'])?[^\s:"'`$<{\\]{1,80}"""
    r""":(?P<pass>[^\s"'`$<{\\]{4,120})"""
)
_SHORT_OPTION = re.compile(
    r"""\s-[pa](?P<gap>[ ]?)(?:\\{0,3}["'])?(?P<pass>[^\s"'`$<{\\-][^\s"'`$<{\\]{4,80})"""
)
_CLIENT = re.compile(
    r"\b(?:mysql|mysqldump|mysqladmin|mariadb|sshpass|docker login|podman login|redis-cli|az login)\b"
    r"[^\n|;&]{0,120}\s\Z"
)
_BEARER = re.compile(
    r"bearer\s{1,3}(?P<value>[A-Za-z0-9._~+/-]{20,2048}={0,2})(?![A-Za-z0-9(])", re.IGNORECASE
)
_BASIC = re.compile(r"basic\s{1,3}(?P<value>[A-Za-z0-9+/]{8,400}={0,2})(?![A-Za-z0-9+/])", re.IGNORECASE)


def find_url_credentials(page: Page) -> Iterator[Hit]:
    """Yield passwords, and tokens in their place, between `://` and `@`."""
    text = page.narrow
    for at in occurrences(text, "://"):
        begin = at + 3
        match = _USERINFO.match(text, begin)
        if match is not None and is_password(match["pass"]) and match["pass"][0] != "/":
            yield *match.span("pass"), "url-credentials"
        match = _TOKEN_ONLY.match(text, begin)
        if match is not None and is_random(match["token"]):
            yield *match.span("token"), "url-credentials"
    if "jdbc:oracle" in text:
        for match in _ORACLE.finditer(text):
            if is_password(match["pass"]):
                yield *match.span("pass"), "url-credentials"


def find_command_passwords(page: Page) -> Iterator[Hit]:
    """Yield passwords given to curl's `-u`, to clients of databases, and in `Authorization: Basic`."""
    text = page.narrow
    for command in ("curl", "wget"):
        for at in occurrences(text, command):
            option = _USER_OPTION.search(text, at, at + 2 * REACH)
            if option is not None and is_password(option["pass"]):
                yield *option.span("pass"), "command-password"
    for flag in (" -p", " -a "):
        for at in occurrences(text, flag):
            match = _SHORT_OPTION.match(text, at)
            if match is None or _CLIENT.search(text, max(0, at - REACH), at + 1) is None:
                continue
            if is_password(match["pass"]) and (match["gap"] or not is_wordy(match["pass"])):
                yield *match.span("pass"), "command-password"
    for at in occurrences(page.lower, "bearer "):
        match = _BEARER.match(text, at)
        if match is not None and is_random(match["value"]) and not is_sample_secret(match["value"]):
            yield *match.span("value"), "bearer"
    for at in occurrences(page.lower, "basic "):
        match = _BASIC.match(text, at)
        if match is not None and is_basic(match["value"]):
            yield *match.span("value"), "command-password"


def is_password(value: str) -> bool:
    """Tell whether what stands in a password's place is one: no variable, mask, example or common filler."""
    if value[:1] in "$%{<[(*&" or value.lower() in COMMON or "${" in value or "{{" in value:
        return False
    return len(value) >= 3 and len(set(value)) > 1 and not is_sample_secret(value)


def is_basic(value: str) -> bool:
    """Tell whether base64 holds `user:password`."""
    user, colon, password = decoded(value).partition(":")
    return bool(user and colon and user.isprintable() and password.isprintable()) and is_password(password)
