"""The set of planted values is itself sound: what it says stands in its texts, and nothing else."""

import re
import string
import subprocess
import sys
import zlib
from collections import Counter
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

from planted import Planted, planted  # noqa: E402
from planted_decoys import decoys  # noqa: E402

BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
SEEDS = [0, 1, 2, 3, 4]


def of_type(seed: int, kind: str) -> list[Planted]:
    """Return the cases of one type."""
    return [case for case in planted(seed) if case.type == kind]


def test_the_same_seed_gives_the_same_set() -> None:
    """A seed decides every value; another seed changes each of them and no context."""
    assert planted(3) == planted(3)
    assert decoys(3) == decoys(3)
    pairs = list(zip(planted(3), planted(4), strict=True))
    assert all(one.value != other.value and one.type == other.type for one, other in pairs)


@pytest.mark.parametrize("seed", SEEDS)
def test_each_text_holds_its_value_once(seed: int) -> None:
    """The planted value stands in its text exactly once, and no mark of the template is left."""
    for at, case in enumerate(planted(seed)):
        assert case.text.count(case.value) == 1, (at, case.type)
        assert len(case.value) >= 6, (at, case.type)
        assert not re.search("[§¤¶]", case.text), (at, case.type)


def test_the_set_is_large_enough() -> None:
    """At least 120 secrets, 120 personal values and 60 decoys, and four texts for every type."""
    cases = planted()
    assert all(count >= 120 for count in Counter(case.category for case in cases).values())
    assert min(Counter(case.type for case in cases).values()) >= 4
    assert len(decoys()) >= 60
    assert len({case.text for case in cases}) == len(cases)


def test_decoys_hold_no_planted_value() -> None:
    """No decoy is a planted text or holds a planted value."""
    values = {case.value for case in planted()}
    assert not any(value in text for text in decoys() for value in values)


@pytest.mark.parametrize("seed", SEEDS)
def test_cards_carry_a_valid_check_digit(seed: int) -> None:
    """Doubling every second digit from the right, the digits of a card sum to a multiple of ten."""
    for case in of_type(seed, "card"):
        digits = [int(each) for each in case.value if each.isdigit()]
        doubled = [sum(divmod(2 * each, 10)) for each in digits[-2::-2]]
        assert (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
        assert len(digits) in (15, 16)


@pytest.mark.parametrize("seed", SEEDS)
def test_ibans_carry_valid_check_digits(seed: int) -> None:
    """Moved to the end and read in base 36, country and check digits leave 1 by mod 97."""
    for case in of_type(seed, "iban"):
        compact = case.value.replace(" ", "")
        moved = compact[4:] + compact[:4]
        assert int("".join(str(int(each, 36)) for each in moved)) % 97 == 1


@pytest.mark.parametrize("prefix", ["ghp_", "gho_", "ghu_", "ghs_", "npm_"])
def test_tokens_carry_a_valid_checksum(prefix: str) -> None:
    """The last six letters of GitHub's and npm's tokens are the CRC-32 of the 30 before, in base 62."""
    tokens = [case.value for case in planted() if case.value.startswith(prefix)]
    assert tokens
    for token in tokens:
        body, check = token[4:34], token[34:]
        number = sum(BASE62.index(digit) * 62**place for place, digit in enumerate(reversed(check)))
        assert number == zlib.crc32(body.encode())


@pytest.mark.slow
def test_the_scrubber_reaches_its_bars() -> None:
    """The benchmark of recall exits with 0: it does so only where both bars are met."""
    command = [sys.executable, str(BENCHMARKS / "planted_recall.py")]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_the_sources_hold_no_planted_value() -> None:
    """Values are made at run time: none stands in the repository's sources."""
    sources = "".join(path.read_text(encoding="utf-8") for path in BENCHMARKS.glob("planted*.py"))
    assert not any(case.value in sources for case in planted())
