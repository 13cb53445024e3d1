"""Rules for addresses of machines: public IPv4 and IPv6, and MAC."""

import re
from collections.abc import Iterator

from turnsmith.curate.scrub.page import Hit, Page
from turnsmith.curate.scrub.stopwords import is_role
from turnsmith.curate.scrub.validators import is_mac, is_public_ip

# Each begins with its separator, because a search for one character is much faster than one for a digit.
_V4 = re.compile(r"\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}(?![A-Za-z0-9_]|\.[0-9]|-[A-Za-z0-9])")
_V4_HEAD = re.compile(r"(?<![A-Za-z0-9_.])[0-9]{1,3}\Z|(?<=\\[nrt])[0-9]{1,3}\Z")
_VERSION = re.compile(
    r"(?:\bv|\bver|version|release|build|rev|section|§|chapter|oid|[=<>~!^]=|[~^]|[A-Za-z]/|[A-Za-z0-9_][-_]|\.{2})[\"'`\s:=(>]{0,4}\Z",
    re.IGNORECASE,
)
# `name@1.2.3.4` is a package's version, unless it is a place on another machine.
_AT = re.compile(r"(?P<user>[A-Za-z_][\w.-]{0,31})?@\Z")
_REMOTE = re.compile(r"(?:\b(?:ssh|scp|rsync|sftp|mosh|ssh-copy-id)\b[^\n]{0,120}\s|://[^\s/]{0,120})\Z")
_PLACE = re.compile(r":[0-9/~.]")
_V6 = re.compile(r":(?<=[23][0-9A-Fa-f]{3}:)[0-9A-Fa-f:]{2,34}(?![A-Za-z0-9_:])")
_MAC = re.compile(r":(?<=[0-9A-Fa-f]{2}:)(?:[0-9A-Fa-f]{2}:){4}[0-9A-Fa-f]{2}(?![A-Za-z0-9:])")
_MAC_DASHED = re.compile(r"-(?<=[0-9A-Fa-f]{2}-)(?:[0-9A-Fa-f]{2}-){4}[0-9A-Fa-f]{2}(?![A-Za-z0-9-])")
_MAC_DOTTED = re.compile(r"\.(?<=[0-9A-Fa-f]{4}\.)[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}(?![A-Za-z0-9.])")
SMALL = 20  # four numbers all below are a version far more often than an address
RESOLVERS = ("8.8.8.8", "8.8.4.4")


def find_addresses(page: Page) -> Iterator[Hit]:
    """Yield public IP addresses and MAC addresses; private, local and documentation ranges are nobody's."""
    text = page.narrow
    for match in _V4.finditer(text):
        head = _V4_HEAD.search(text, max(0, match.start() - 4), match.start())
        if head is None:
            continue
        address = head[0] + match[0]
        before = text[max(0, head.start() - 16) : head.start()]
        if not is_public_ip(address) or _is_version(address, before):
            continue
        if before[-1:] != "@" or _is_remote(text, head.start(), match.end()):
            yield head.start(), match.end(), "public-ip"
    for match in _V6.finditer(text):
        start = match.start() - 4
        address = match[0] if match[0].endswith("::") else match[0].rstrip(":")
        address = text[start : start + 4] + address
        if not text[start - 1 : start].isalnum() and text[start - 1 : start] != ":" and is_public_ip(address):
            yield start, start + len(address), "public-ip"
    for pattern, digits in ((_MAC, 2), (_MAC_DASHED, 2), (_MAC_DOTTED, 4)):
        for match in pattern.finditer(text):
            start = match.start() - digits
            border = text[max(0, start - 1) : start]
            if not border.isalnum() and border not in (":", "-", ".") and is_mac(text[start : match.end()]):
                yield start, match.end(), "mac-address"


def _is_version(address: str, before: str) -> bool:
    """Tell whether four numbers are rather a version, an object identifier or a number of a section."""
    octets = [int(octet) for octet in address.split(".")]
    if _VERSION.search(before) or octets[1:] == [0, 0, 0] or address.startswith(("2.5.", "1.3.6.", "1.2.3.")):
        return True
    return max(octets) < SMALL and address not in RESOLVERS


def _is_remote(text: str, start: int, end: int) -> bool:
    """Tell whether what stands behind an `@` is a machine: in a URL, given to `ssh`, before a path, or a role's."""
    user = _AT.search(text, max(0, start - 33), start)
    if user is None:
        return False
    if _PLACE.match(text, end) or (user["user"] and is_role(user["user"])):
        return True
    return _REMOTE.search(text, max(0, user.start() - 160), user.start()) is not None
