"""The rule pack: every rule by name, the type of its placeholder, and what finds it."""

from dataclasses import dataclass

from turnsmith.curate.scrub.assignments import find_assignments
from turnsmith.curate.scrub.blocks import find_private_keys
from turnsmith.curate.scrub.emails import find_emails, find_remote_users
from turnsmith.curate.scrub.homes import find_home_users, find_owners
from turnsmith.curate.scrub.network import find_addresses
from turnsmith.curate.scrub.numbers import find_numbers
from turnsmith.curate.scrub.page import Finder
from turnsmith.curate.scrub.statements import find_stated_passwords
from turnsmith.curate.scrub.token_table import TOKENS
from turnsmith.curate.scrub.tokens import find_aws_secrets, find_tokens
from turnsmith.curate.scrub.urls import find_command_passwords, find_url_credentials

SECRETS, PERSONAL = "secrets", "personal data"


@dataclass(frozen=True, slots=True)
class Rule:
    """Describe a rule; `kind` is the type in its placeholders."""

    name: str
    kind: str
    group: str
    what: str


# In order of how specific they are: of two hits of the same length the earlier rule's counts.
PACK = (
    Rule(
        "private-key",
        "PRIVATE_KEY",
        SECRETS,
        "Private key blocks: PEM, OpenSSH, PGP, PuTTY; cut, escaped, in base64",
    ),
    *(Rule(token.rule, token.kind, SECRETS, token.what) for token in TOKENS),
    Rule("aws-secret", "AWS_SECRET", SECRETS, "AWS secret key, near an access key id or behind its name"),
    Rule("bearer", "SECRET", SECRETS, "What stands behind `Bearer`"),
    Rule("url-credentials", "PASSWORD", SECRETS, "Passwords and tokens between `://` and `@`"),
    Rule(
        "command-password",
        "PASSWORD",
        SECRETS,
        "`curl -u`, database clients, `docker login`, `Authorization: Basic`, SQL, `chpasswd`, `.pgpass`",
    ),
    Rule(
        "password-assignment", "PASSWORD", SECRETS, "Values behind names such as `password`, `DB_PASS`, `pwd`"
    ),
    Rule(
        "secret-assignment",
        "SECRET",
        SECRETS,
        "Random values behind names such as `token`, `apiKey`, `client_secret`",
    ),
    Rule("email", "EMAIL", PERSONAL, "E-mail addresses, percent-encoded and spelled `[at]` ones too"),
    Rule("iban", "IBAN", PERSONAL, "Bank accounts: length by country, mod-97"),
    Rule("card", "CARD", PERSONAL, "Payment cards: issuer's prefix, Luhn"),
    Rule("ssn", "SSN", PERSONAL, "US Social Security numbers"),
    Rule(
        "phone",
        "PHONE",
        PERSONAL,
        "Phones: international, North American, with a trunk 0, or where a word, key or column says so",
    ),
    Rule("public-ip", "IP", PERSONAL, "Public IPv4 and IPv6 addresses"),
    Rule("mac-address", "MAC", PERSONAL, "MAC addresses of devices"),
    Rule(
        "home-folder",
        "USER",
        PERSONAL,
        "Names of home folders on macOS, Linux, Windows; percent- and dash-encoded too",
    ),
    Rule("listing-owner", "USER", PERSONAL, "Owners of files in `ls -l`"),
    Rule("user", "USER", PERSONAL, "Users in shell prompts and remote places, `ann@host:/srv`"),
    Rule(
        "known-handle",
        "USER",
        PERSONAL,
        "Handles known from the data: home folders, e-mail local parts, user names",
    ),
    Rule("known-name", "NAME", PERSONAL, "Names of people known from the data: authors of commits"),
)
RULES = {rule.name: rule for rule in PACK}
RANKS = {rule.name: rank for rank, rule in enumerate(PACK)}

FINDERS: tuple[Finder, ...] = (
    find_private_keys,
    find_tokens,
    find_aws_secrets,
    find_url_credentials,
    find_command_passwords,
    find_stated_passwords,
    find_assignments,
    find_emails,
    find_remote_users,
    find_numbers,
    find_addresses,
    find_home_users,
    find_owners,
)
