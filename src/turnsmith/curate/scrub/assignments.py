"""The rule for values whose name says that they are secret: `DB_PASSWORD=…`, `"apiKey": "…"`, `<token>…</token>`."""

import re
import string
from collections.abc import Iterable, Iterator
from functools import lru_cache

from turnsmith.curate.scrub.left_alone import is_sample_secret
from turnsmith.curate.scrub.page import Hit, Page, occurrences, start_of_run
from turnsmith.curate.scrub.urls import COMMON, is_basic
from turnsmith.curate.scrub.validators import is_random, is_wordy

PASSWORD, TOKEN, SESSION = "password", "token", "session"
RULES = {PASSWORD: "password-assignment", TOKEN: "secret-assignment", SESSION: "secret-assignment"}

# Parts of names; one of them is in every name that `_PASSWORD_NAME` or `_TOKEN_NAME` accepts.
# Frequent words that are no such names, though such a part is in them, are passed over for speed.
_FREQUENT = {
    "token": re.compile("token(?!s)"),
    "sess": re.compile(r"sess(?!ions|ion[ ](?!is |was |ist )[a-z])"),
}
PARTS = ("pass", "pwd", "secret", "token", "key", "auth", "sess", "kennwort", "contraseña")
_PASSWORD_NAME = re.compile(
    r"(?:.*[^a-z])?(?:pass(?:word|wd|phrase|code|wort)?|pwd|pw|mot[_ -]?de[_ -]?passe)"
    r"(?:[_-]?(?:value|text|plain|prod|dev|staging|[0-9]))?"
    r"|.*(?:password|passwd|passphrase|passwort|kennwort|contraseña)"
    r"|.*(?:db|user|admin|root|my|sql|smtp|ftp|login|redis|require)(?:pass|pwd)"
)
_TOKEN_NAME = re.compile(
    r".*(?:secret|token|credentials?|authorization|bearer|jwt|cookie|amz-signature)"
    r"|(?:.*[^a-z])?(?:auth|dsn|pat|sid|creds|webhook|webhook[_-]?url)"
    r"|.*(?:api|app|access|secret|private|account|auth|encryption|encrypt|signing|sign|master|shared|license|licence"
    r"|service|storage|client|consumer|admin|deploy|webhook|subscription|instrumentation|function|host|session|user"
    r"|hmac|crypto|cipher|aes|jwt|sas|ssh|provider|openai|anthropic|azure|aws|google|gcp|stripe|github|maps|write|read"
    r"|project|security|refresh|bot|server|root|data)[_.\- ]?key"
    r"(?:[_-]?(?:base|base64|b64|data|value|pem|prod|live|test))?"
    r"|.*secret[_-]?(?:key|access[_-]?key|value|base|token|id|string)(?:[_-]?base)?"
    r"|.*client[_-]?key[_-]?data|.*token[_-]?(?:value|secret|data|key|prod|live|dev|test|[0-9])"
    r"|.*secret[_-]?(?:prod|live|dev|test|[0-9])"
)

_AWS_NAME = re.compile(r"aws.*secret|secret[_-]?access[_-]?key")
_AWS_VALUE = re.compile(r"[A-Za-z0-9/+]{40}")

NAME_CHARACTERS = string.ascii_letters + string.digits + "_.-"
JUDGED = 160  # characters of a value that it is judged by
LONGEST_SIDE = 40  # of a name, on either side of such a part
_SESSION_NAME = re.compile(r".*sess(?:ion)?[_-]?(?:id|key|cookie)|(?:.*[^a-z])?session|.*connect\.sid")
_SESSION_ID = re.compile(
    r"[A-Za-z0-9_%.:+/=]{20,}|eyJ[A-Za-z0-9_.-]{20,}"
)  # without dashes: logs number their sessions by UUID or date

_QUOTE = r"""(?:\\{0,3}["'`])"""
_REST = re.compile(r"[A-Za-z0-9_.\-]{0,40}")
_AFTER = re.compile(  # from the end of a name to its value
    rf"(?P<closed>{_QUOTE})?[\])]{{0,2}}(?P<prompt>[ ]\[[^\]\n]{{0,24}}\](?=:))?"
    r"(?:"
    r"[ \t\xa0]{0,8}(?::\s?[A-Za-z][A-Za-z0-9_.\[\]| ?]{0,30}(?==))?[ \t]{0,8}"
    r"(?P<sign>:=|=>|={1,3}|!={1,2}|:|->|→|\b(?:is|was|ist|lautet|est|es)\b(?:\s?:)?)\s{0,4}"
    rf"|(?P<comma>,\s{{0,4}})(?:{_QUOTE}?value{_QUOTE}?\s?:\s?)?"
    rf"|(?P<yaml>\s{{1,20}}{_QUOTE}?value{_QUOTE}?\s?[:=]\s?)"
    r"|(?P<tag>>\s{0,4})"
    r"|(?P<space>[ \t]{1,4})"
    r")"
    r"(?:(?:bearer|basic|token|apikey|api-key|key|sso-key|bot)[ \t]{1,2})?",
    re.IGNORECASE,
)
_QUOTED = re.compile(
    r"""(?:[bfru@]{1,2}(?=["'`]))?(?P<quote>\\{0,3}["'`])(?P<value>(?:(?!(?P=quote))[^\n\0]){1,1024})(?P=quote)"""
)
_BARE = re.compile(r"""[^\s"'`<>\\,;&\0]{1,1024}""")
_BARE_ENV = re.compile(r"""[^\s"'`\0\\]{1,1024}""")
_LINE_START = re.compile(
    r"[ \t>|+$]*(?:[0-9]{1,6}[→:|\t][ \t]*)?(?:-[ \t])?(?:(?:export|set|setx|ENV|ARG|env)[ \t]+)?\Z"
)
_CODE = re.compile(
    r"[A-Za-z_$][\w$]*(?:(?:\.|::|->|\?\.)[A-Za-z_$][\w$]*)+|.*[(\[{].*|[A-Za-z_]+[0-9]{0,2}|[|&+*/=!?:.-].*"
)
_UNBROKEN = re.compile(r"[A-Za-z0-9+/=_-]+")
_PATH = re.compile(
    r"~?\.{0,2}/.*|[a-z]{2,10}://.*|.*\.(?:json|pem|key|txt|ya?ml|py|js|ts|go|env|crt|md|sh|toml)"
)
_BASE64 = re.compile(r"(?=.*[A-Z])(?=.*[a-z])(?=.*[0-9])/[A-Za-z0-9+/]{30,}={0,2}")
_SYMBOL = re.compile(r"[!@#$%^&*?+=~|]")
_FILLER = re.compile(
    r".*(?:pass(?:word|wd|wort|phrase|code)?|secret|token|api[_-]?key|credential|sample|enter|here|none|null|undefined"
    r"|invalid|wrong|incorrect|anonymous|env|my[_-])(?![A-Za-z0-9!@#$%^&*?]{5,}).*",
    re.IGNORECASE,
)


@lru_cache(maxsize=4096)
def kind_of(name: str) -> str:
    """Return what the name of a value promises: a password, a token, a session, or nothing (`""`)."""
    name = name.lower().strip("-_.")
    if not 2 <= len(name) <= 80:
        return ""
    if _PASSWORD_NAME.fullmatch(name):
        return PASSWORD
    if _SESSION_NAME.fullmatch(name):
        return SESSION
    return TOKEN if _TOKEN_NAME.fullmatch(name) else ""


def rule_of(name: str, value: str, kind: str) -> str:
    """Return the rule that a secret falls under; AWS's keys have a shape and names of their own."""
    if kind == TOKEN and _AWS_NAME.search(name.lower()) and _AWS_VALUE.fullmatch(value):
        return "aws-secret"
    return RULES[kind]


def find_assignments(page: Page) -> Iterator[Hit]:
    """Yield values behind names that promise a secret, where they look like one."""
    text, lower = page.narrow, page.lower
    for part in PARTS:
        done = 0
        for at in _occurrences(lower, part):
            if at < done:
                continue
            start = start_of_run(text, NAME_CHARACTERS, at, LONGEST_SIDE)
            rest = _REST.match(text, at + len(part))
            done = rest.end() if rest else at
            if lower.startswith("key", start) and text[max(0, start - 1) : start] == " ":
                start = start_of_run(text, string.ascii_letters, start - 1, LONGEST_SIDE)  # `secret key`
            elif lower.startswith("mot de passe", max(0, start - 7)):
                start -= 7
            kind = kind_of(lower[start:done])
            match = _AFTER.match(text, done) if kind else None
            value = _value(text, start, match, kind) if match else None
            if value is not None:
                yield *value, rule_of(lower[start:done], text[slice(*value)], kind)


def _occurrences(text: str, part: str) -> Iterable[int]:
    pattern = _FREQUENT.get(part)
    return (match.start() for match in pattern.finditer(text)) if pattern else occurrences(text, part)


def _value(text: str, start: int, match: "re.Match[str]", kind: str) -> tuple[int, int] | None:
    """Return the place of the value behind a name (`start`) if it is a secret."""
    option = text.startswith("-", start)
    if match["space"] and kind == SESSION and not option:
        return None  # the word is frequent in prose and code
    at = match.end()
    quoted = _QUOTED.match(text, at)
    if match["comma"] and not (match["closed"] and quoted):
        return None
    if quoted is not None:
        if match["space"] and not option and kind != PASSWORD:
            return None
        # SQL has `PASSWORD 'x'`; in prose the word may stand before any quote.
        certain = not match["space"] or option or text[start : match.start()].isupper()
        return quoted.span("value") if is_secret(quoted["value"], kind, certain=certain) else None
    if match["sign"] in ("!=", "!=="):
        return None
    part = _is_part_of_url(text, start, match)
    env = not part and _is_setting(text, start, match)
    bare = (_BARE_ENV if env and match["sign"] == "=" and _starts_line(text, start) else _BARE).match(
        text, at
    )
    if bare is None:
        return None
    value = bare[0].rstrip(".,:)") if not env else bare[0]
    flag = text.startswith("--", start)
    if match["space"] and not (flag or _is_said(text, start, at, at + len(value), kind)):
        return None
    if match["tag"] and not text.startswith("</", bare.end()):
        return None
    certain = bool(env or part or flag or match["tag"] or match["space"] or match["prompt"])
    if not certain and _CODE.fullmatch(value) and not value.startswith("eyJ"):
        return None
    return (at, at + len(value)) if is_secret(value, kind, certain=certain) else None


def _is_setting(text: str, start: int, match: "re.Match[str]") -> bool:
    """Tell whether `NAME=value` or `name: value` stands alone on its line, or the name is written in capitals."""
    name = text[start : match.start()]
    if match["sign"] == "=" and match.end() == match.start("sign") + 1:
        return name.isupper() or _starts_line(text, start)
    return match["sign"] == ":" and "\n" not in match[0] and _starts_line(text, start)


def _is_part_of_url(text: str, start: int, match: "re.Match[str]") -> bool:
    """Tell whether `name=value` stands in a query or a connection string, between `?`, `&` or `;`."""
    return (
        match["sign"] == "="
        and match.end() == match.start("sign") + 1
        and text[max(0, start - 1) : start] in ("?", "&", ";")
    )


def _starts_line(text: str, start: int) -> bool:
    line = text[max(0, text.rfind("\n", max(0, start - 80), start) + 1) : start]
    return _LINE_START.fullmatch(line) is not None


def _is_said(text: str, start: int, at: int, end: int, kind: str) -> bool:
    """Tell whether a value behind nothing but a space is meant: in settings, or a long random one."""
    value = text[at:end]
    if kind == PASSWORD:
        return _is_netrc(text, start) or _is_directive(text, start, at, end)
    return kind == TOKEN and len(value) >= 20 and _UNBROKEN.fullmatch(value) is not None


def _is_netrc(text: str, start: int) -> bool:
    return re.search(r"\b(?:login|machine)\b", text[max(0, start - 160) : start]) is not None


def _is_directive(text: str, start: int, at: int, end: int) -> bool:
    """Tell whether a line is a setting of two words, as in `redis.conf`: a long name and a random value."""
    ends = (
        text[end : end + 1] in ("", "\n", "\r", " ") and not text[end : end + 80].partition("\n")[0].strip()
    )
    return ends and at - start > len("passwd") and _starts_line(text, start) and is_random(text[at:end])


def is_secret(value: str, kind: str, *, certain: bool) -> bool:
    """Tell whether the value behind a name looks like the secret that the name promises.

    `certain` says that it is a literal (in quotes, a line of settings), where bare words could be code.
    """
    value = value.strip()[:JUDGED]
    if (
        len(value) < 5
        or value[:1] in "$%{<([*"
        or value[-1:] in ":,"
        or is_sample_secret(value)
        or (_PATH.fullmatch(value) and not _is_key(value))
    ):
        return False
    if kind == SESSION and not _SESSION_ID.fullmatch(value):
        return False
    if is_random(value) and " " not in value:
        return not (_CODE.fullmatch(value) and not certain)
    if kind != PASSWORD:
        return (value.startswith("Basic ") and is_basic(value[6:])) or is_basic(value)
    strong = _SYMBOL.search(value) is not None and any(c.isdigit() for c in value)
    return _is_password(value) and (certain or (len(value) >= 8 and (strong or not is_wordy(value))))


def _is_key(value: str) -> bool:
    """Tell whether what begins like a path is a key in base64 whose first character happens to be a slash."""
    if _BASE64.fullmatch(value) is None or not is_random(value):
        return False
    return not any(len(part) > 2 and part.isalpha() and part[1:].islower() for part in value.split("/"))


def _is_password(value: str) -> bool:
    """Tell whether a literal behind a password's name is one that a person made up."""
    if len(value) < 6 or value.lower() in COMMON or _FILLER.fullmatch(value) or len(set(value)) < 4:
        return False
    if " " in value or any(bracket in value for bracket in "(){}[]<>\\"):
        return False
    letters, digits = any(c.isalpha() for c in value), any(c.isdigit() for c in value)
    if letters and (digits or _SYMBOL.search(value)):
        return True
    return value.isdigit() or (value.count("-") >= 3 and len(value) >= 20)
