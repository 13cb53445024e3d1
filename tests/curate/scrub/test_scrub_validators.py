"""Checksums and plans tell real numbers from others."""

from __future__ import annotations

import ipaddress

from hypothesis import assume, given
from hypothesis import strategies as st

from turnsmith.curate.scrub import validators

from .planted import with_luhn, with_mod97

DIGITS = st.text("0123456789", min_size=8, max_size=18)


@given(DIGITS, st.data())
def test_luhn_finds_any_wrong_digit(digits: str, data: st.DataObject) -> None:
    """A number with its check digit is right, and wrong with any one digit changed."""
    number = with_luhn(digits)
    assert validators.luhn(number)
    place = data.draw(st.integers(0, len(number) - 1))
    other = data.draw(st.sampled_from([d for d in "0123456789" if d != number[place]]))
    assert not validators.luhn(number[:place] + other + number[place + 1 :])


@given(st.text("0123456789", min_size=18, max_size=18), st.data())
def test_iban_finds_any_wrong_digit(account: str, data: st.DataObject) -> None:
    """A German account with its check digits is right, and wrong with any one digit changed or one missing."""
    iban = with_mod97("DE", account)
    assert validators.is_iban(iban)
    place = data.draw(st.integers(2, len(iban) - 1))
    other = data.draw(st.sampled_from([d for d in "0123456789" if d != iban[place]]))
    assert not validators.is_iban(iban[:place] + other + iban[place + 1 :])
    assert not validators.is_iban(iban[:-1])


@given(st.ip_addresses())
def test_public_address_is_in_no_special_range(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    """Private, local, documentation and reserved addresses are not public."""
    special = address.is_private or address.is_loopback or address.is_link_local or address.is_reserved
    assume(special)
    assert not validators.is_public_ip(str(address))


@given(st.integers(0, 999), st.integers(0, 99), st.integers(0, 9999))
def test_social_security_number_is_of_a_given_area(area: int, group: int, serial: int) -> None:
    """Areas 000, 666 and from 900, group 00 and serial 0000 were never given."""
    never = area in (0, 666) or area >= 900 or group == 0 or serial == 0
    assert validators.is_ssn(f"{area:03}{group:02}{serial:04}") is not never


@given(st.from_regex(r"[2-9][0-9]{9}", fullmatch=True))
def test_north_american_number_has_no_service_codes(digits: str) -> None:
    """Area and exchange begin with 2 to 9 and are no N11 codes."""
    right = digits[1:3] != "11" and digits[3] in "23456789" and digits[4:6] != "11"
    assert validators.is_nanp(digits) is right
    assert validators.is_international("1" + digits) is right


@given(st.binary(min_size=6, max_size=6))
def test_mac_of_a_device_is_unicast(octets: bytes) -> None:
    """Groups, broadcast, empty and documentation addresses are no device's."""
    text = octets.hex(":")
    if octets[0] % 2 or len(set(octets.hex())) == 1 or text.startswith("00:00:5e"):
        assert not validators.is_mac(text)
    else:
        assert validators.is_mac(text)


@given(st.lists(st.sampled_from(["user", "Token", "max", "http", "client", "Count"]), min_size=2, max_size=5))
def test_names_in_code_are_not_random(words: list[str]) -> None:
    """Words joined as names in code are, make no generated token."""
    for separator in ("", "_", "-", "."):
        assert not validators.is_random(separator.join(words))
