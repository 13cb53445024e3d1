"""On real transcripts no home folder's name and no address survives, and records stay whole."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from turnsmith.core.chat import encode
from turnsmith.curate.scrub import Names, Scrubber

BENCHMARK = runpy.run_path(str(Path(__file__).resolve().parents[3] / "benchmarks" / "scrub.py"))
TRANSCRIPTS = BENCHMARK["TRANSCRIPTS"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not TRANSCRIPTS.exists(), reason="the shared transcripts are not beside this checkout"
    ),
]


def test_no_home_folder_and_no_address_survives(capsys: pytest.CaptureFixture[str]) -> None:
    """Names and addresses, collected by other means, are in no field of the scrubbed transcripts."""
    assert BENCHMARK["survivors"](list(BENCHMARK["transcripts"](TRANSCRIPTS)))
    printed = capsys.readouterr().out
    assert " 0 survive" in printed
    assert int(printed.split()[0]) >= 10


def test_real_transcripts_stay_whole() -> None:
    """Each scrubbed record is still JSON, and scrubbing it again changes nothing."""
    examples = list(BENCHMARK["transcripts"](TRANSCRIPTS))[:12]
    scrubber = Scrubber(Names.collect(examples))
    for example in examples:
        once, _ = scrubber.scrub(example)
        assert encode(scrubber.scrub(once)[0]) == encode(once)
