"""`turnsmith export --pseudonymize`: user names become pseudonyms under a private key."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from .running import exported, turnsmith

if TYPE_CHECKING:
    from pathlib import Path

KEY = b"a private key of enough bytes"


def export(events: Path, out: Path, *options: object) -> dict[str, Any]:
    """Export to `out` and return user names by conversation, and the metadata under an empty id."""
    folder = exported(events, out, *options)
    files = sorted(folder.rglob("*turns.json"))
    records = [record for file in files for record in json.loads(file.read_text(encoding="utf-8"))]
    found: dict[str, Any] = {record["conversationId"]: record["userName"] for record in records}
    found[""] = (folder / "metadata.json").read_text(encoding="utf-8")
    return found


def test_users_get_stable_pseudonyms(plain: Path, tmp_path: Path) -> None:
    """Each user has one pseudonym in every set made with a key; key and names appear nowhere."""
    key = tmp_path / "users.key"
    key.write_bytes(KEY)
    names = export(plain, tmp_path / "names")
    first = export(plain, tmp_path / "first", "--pseudonymize", key)
    again = export(plain, tmp_path / "again", "--pseudonymize", key, "--seed", 7)
    metadata = first.pop("")
    assert first.keys() <= names.keys()
    assert all(name.startswith("user_") and name != names[id_] for id_, name in first.items())
    assert len(set(first.values())) == len({names[id_] for id_ in first})
    assert all(again[id_] == name for id_, name in first.items() if id_ in again)
    assert KEY.decode() not in metadata
    assert "users.key" not in metadata
    assert json.loads(metadata)["config"]["pseudonymize"] != json.loads(names[""])["config"]["pseudonymize"]


@pytest.mark.parametrize("content", [b"", b"fifteen bytes.."])
def test_short_key_is_refused(plain: Path, tmp_path: Path, content: bytes) -> None:
    """A key under 16 bytes is refused before anything is read, with what to do instead."""
    key = tmp_path / "users.key"
    key.write_bytes(content)
    ran = turnsmith("export", "--events", plain, "--out", tmp_path / "out", "--pseudonymize", key)
    assert ran.code == 2
    assert "16 bytes" in ran.stderr
    assert content.decode() not in ran.stderr or not content


def test_missing_key_is_refused(plain: Path, tmp_path: Path) -> None:
    """A key file that is not there is named."""
    ran = turnsmith(
        "export", "--events", plain, "--out", tmp_path / "out", "--pseudonymize", tmp_path / "no.key"
    )
    assert ran.code == 2
    assert "no.key" in ran.stderr
