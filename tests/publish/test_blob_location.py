"""Blob URLs: which are understood, and what of them may be shown."""

from __future__ import annotations

import pytest

from turnsmith.core.errors import UsageError
from turnsmith.publish.blob import is_url, redact
from turnsmith.publish.blob.local import MIB, block_size
from turnsmith.publish.blob.location import parse_location

HOST = "https://acct.blob.core.windows.net"


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        (f"{HOST}/sets", (HOST, "acct", "sets", "")),
        (f"{HOST}/sets/a/b%20c/", (HOST, "acct", "sets", "a/b c")),
        (f"{HOST}/$root/a", (HOST, "acct", "$root", "a")),
        ("http://127.0.0.1:10000/dev/sets/a", ("http://127.0.0.1:10000/dev", "dev", "sets", "a")),
        ("http://localhost:10000/dev/sets", ("http://localhost:10000/dev", "dev", "sets", "")),
        ("https://10.0.0.7/dev/sets/a", ("https://10.0.0.7/dev", "dev", "sets", "a")),
    ],
)
def test_parts_of_a_url(url: str, parts: tuple[str, ...]) -> None:
    """The account stands in the host's name, or in the path behind an address."""
    location = parse_location(url)
    assert (location.endpoint, location.account, location.container, location.prefix) == parts
    assert parse_location(location.url) == location
    assert parse_location(location.below("x y").url).prefix == f"{location.prefix}/x y".strip("/")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://acct/sets", "not a URL"),
        ("sets/a", "not a URL"),
        ("https://[x/sets", "not a URL"),
        (HOST, "no container"),
        ("http://127.0.0.1:10000/dev", "no container"),
        (f"{HOST}/Sets/a", "can't be a container"),
        (f"{HOST}/a--b/a", "can't be a container"),
        (f"{HOST}/sets/../b", "prefix"),
        (f"{HOST}/sets/a?sv=canary", "no SAS"),
        ("https://me:canary@acct.blob.core.windows.net/sets", "password"),
        (f"{HOST}/sets#canary", "fragment"),
        ("http://acct.blob.core.windows.net/sets?sig=canary", "in the clear"),
        ("http://127.0.0.1.example/dev/sets?sig=canary", "in the clear"),
    ],
)
def test_other_urls_are_wrong_usage(url: str, message: str) -> None:
    """Each wrong URL is refused for its reason, shown without its secrets."""
    with pytest.raises(UsageError, match=message) as caught:
        parse_location(url)
    assert "canary" not in str(caught.value)


def test_a_sas_is_kept_and_never_shown() -> None:
    """The SAS goes to the client; no text of the location has it."""
    location = parse_location(f"{HOST}/sets/a?sp=r&sig=canary")
    assert location.sas == "sp=r&sig=canary"
    assert "canary" not in f"{location!r} {location.url} {redact(f'{HOST}/sets?sig=canary#canary')}"
    assert redact("a/b?canary") == "a/b"


def test_urls_are_told_from_folders() -> None:
    """Only http and https make a URL."""
    assert is_url("HTTPS://x/y")
    assert not is_url("sets/https")
    assert not is_url("ftp://x")


def test_blocks_grow_only_for_huge_files() -> None:
    """16 MiB up to some 700 GB; above, as much as keeps the number of blocks below the service's limit."""
    assert block_size(0) == block_size(700 << 30) == 16 * MIB
    for size in (400 << 30, 1 << 40, 5 << 40):
        assert size / block_size(size) <= 45_000
