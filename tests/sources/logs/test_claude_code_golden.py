"""Small transcripts, one for each trap of the format, and beside each what must come out."""

from pathlib import Path

import pytest

from turnsmith.curate.account import Account
from turnsmith.sources.logs import claude_code

from .showing import show

FILES = sorted((Path(__file__).parent / "claude_code").glob("*.jsonl"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_transcript_is_what_stands_beside(path: Path) -> None:
    """The transcripts of a file, and the account of its records, are those in the .txt beside it."""
    account = Account()
    assert show(claude_code.read(str(path), account), account) == path.with_suffix(".txt").read_text()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_kind_is_told_from_the_beginning(path: Path) -> None:
    """Each of the files looks like Claude Code."""
    assert claude_code.looks_like(path.read_bytes())
