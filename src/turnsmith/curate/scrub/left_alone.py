"""Values from manuals and masks: what looks like a secret or a person, but is known to be neither."""

import re

# Test numbers that card schemes and payment services publish.
_CARDS = """
4242424242424242 4111111111111111 4012888888881881 4000056655665556 4000000000000002
4000000000009995 4000002500003155 4000000000003220 4222222222222 5555555555554444 5105105105105100
5200828282828210 2223003122003222 378282246310005 371449635398431 6011111111111117 6011000990139424
30569309025904 38520000023237 3566002020360505 3530111333300000 6200000000000005
"""
CARDS = frozenset(_CARDS.split())
# Published by the Social Security Administration as never to be used.
SSNS = frozenset({"078051120", "219099999"})

# A secret with one of these inside is a manual's, a mask or a template.
_NOT_A_SECRET = re.compile(
    r"example|\byour(?:own|pass|secret|token|api|key|name)|your[-_ ]|changeme|change[-_]me|placeholder|redacted|dummy"
    r"|fake|foobar|lorem|\.\.\.|…|x{4}|\*{3}|0{8}|todo|insert[-_]|replace[-_]|<[^>]*>|not[-_]?a?[-_]?(?:real|secret)",
    re.IGNORECASE,
)
# Published whole: the token of jwt.io, Azurite's key, Stripe's key of the documentation.
_PUBLISHED = (
    "SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c",
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq",
    "4eC39HqLyjWDarjtT1zdp7dc",
    "BQokikJOvBiI2HlWgH4olfQ2",
)

_EMAIL_DOMAINS = re.compile(
    r"(?:.*\.)?(?:example|test|invalid|localhost)"
    r"|(?:.*\.)?(?:example|yourdomain|your-domain|yourcompany|mydomain|domain|test|email|foo|bar|foobar)"
    r"\.(?:com|org|net|edu|io|de|co)",
    re.IGNORECASE,
)
_EMAIL_LOCALS = re.compile(
    r"user(?:name)?[0-9]?|you|me|name|your[._-]?(?:name|email|user)|first[._-]?name(?:[._-]?last[._-]?name)?|someone"
    r"|somebody|email|foo|bar|git|hg|svn|no-?reply|do-?not-?reply|mailer-daemon|.*\[bot\]|.*\+copilot|.*-bot",
    re.IGNORECASE,
)


def is_sample_secret(value: str) -> bool:
    """Tell whether a secret is a manual's example, a mask or a template."""
    return _NOT_A_SECRET.search(value) is not None or any(known in value for known in _PUBLISHED)


def is_sample_email(local: str, domain: str) -> bool:
    """Tell whether an e-mail address is an example, a machine's, or the one that a forge answers nothing from."""
    return _EMAIL_DOMAINS.fullmatch(domain) is not None or _EMAIL_LOCALS.fullmatch(local) is not None
