"""Export archives: what is read of them, and what is refused."""

from __future__ import annotations

import contextlib
import io
import struct
import warnings
import zipfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from turnsmith.core.errors import InputError
from turnsmith.sources.logs.json_files import head_of

from .reading import FILES, GOLDEN, IMPORTERS, brief, read

if TYPE_CHECKING:
    from pathlib import Path

CLAUDE = (GOLDEN / FILES["claude_ai"]).read_bytes()


def packed(path: Path, members: dict[str, bytes]) -> Path:
    """Write an archive with these members."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def refusal(path: Path) -> str:
    """Return why an archive is not read."""
    with pytest.raises(InputError) as caught:
        read("claude_ai", path)
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("kind", ["claude_ai", "chatgpt"])
def test_an_export_is_read_without_unpacking(tmp_path: Path, kind: str) -> None:
    """Conversations in an archive are those of the file itself; all else in it is left alone."""
    members = {
        "users.json": b"[",
        "chat.html": b"<",
        "export/conversations.json": (GOLDEN / FILES[kind]).read_bytes(),
    }
    path = packed(tmp_path / "export.zip", members)
    found, account = read(kind, path)
    expected, _ = read(kind, GOLDEN / FILES[kind])
    assert [brief(t) for t in found] == [brief(t) for t in expected]
    assert found[0].place == f"{path}:export/conversations.json[0]"
    assert not account.bad
    assert list(tmp_path.iterdir()) == [path]


def test_the_head_of_an_archive_tells_its_kind(tmp_path: Path) -> None:
    """What `looks_like` is asked about is the beginning of the conversations, not of the archive."""
    for kind in ("claude_ai", "chatgpt"):
        members = {"a.png": b"\x89PNG" * 50_000, "conversations.json": (GOLDEN / FILES[kind]).read_bytes()}
        head = head_of(str(packed(tmp_path / f"{kind}.zip", members)))
        assert [name for name, importer in IMPORTERS.items() if importer.looks_like(head)] == [kind]


def test_numbered_parts_are_read_in_order(tmp_path: Path) -> None:
    """Large exports come in parts: all `conversations*.json` are read, by name."""
    path = packed(tmp_path / "e.zip", {"conversations-001.json": CLAUDE, "conversations-000.json": CLAUDE})
    places = [t.place for t in read("claude_ai", path)[0]]
    expected = [f"conversations-{part}.json[{index}]" for part in ("000", "001") for index in range(3)]
    assert [place.rsplit(":", 1)[1] for place in places] == expected


@pytest.mark.parametrize("name", ["../x.json", "a/../../x", "/etc/passwd", "C:\\x", "..\\x", "a\\..\\..\\x"])
def test_paths_that_climb_out_are_refused(tmp_path: Path, name: str) -> None:
    """One member with such a path condemns the archive, even where it is not one that is read."""
    message = refusal(packed(tmp_path / "e.zip", {"conversations.json": CLAUDE, name: b""}))
    assert "leads out of the archive" in message


def test_a_bomb_by_its_own_word_is_refused(tmp_path: Path) -> None:
    """A member that says it unpacks to more than 200 times its size is refused before it is read."""
    path = packed(tmp_path / "bomb.zip", {"conversations.json": b"[" + b" " * (40 << 20) + b"]"})
    assert "says it unpacks to 41,943,042 bytes" in refusal(path)


def test_a_bomb_that_lies_gives_no_more_than_it_says(tmp_path: Path) -> None:
    """A member that unpacks to more than it says ends in an error where its word ends."""
    path = packed(tmp_path / "bomb.zip", {"conversations.json": b"[" + b" " * (40 << 20) + b"]"})
    raw = path.read_bytes()
    path.write_bytes(raw.replace(struct.pack("<I", (40 << 20) + 2), struct.pack("<I", 1000)))
    assert "Bad CRC-32" in refusal(path)


def test_members_that_share_their_bytes_are_refused(tmp_path: Path) -> None:
    """Members that together hold more bytes than the archive overlap: a bomb of another make."""
    path = packed(tmp_path / "e.zip", {"conversations.json": CLAUDE})
    raw = path.read_bytes()
    start = raw.index(b"PK\x01\x02")
    end = raw.index(b"PK\x05\x06")
    entry = raw[start:end]
    tail = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 9, 9, len(entry) * 9, start, 0)
    path.write_bytes(raw[:start] + entry * 9 + tail)
    assert "overlap" in refusal(path)


def test_an_archive_within_the_archive_is_refused(tmp_path: Path) -> None:
    """Archives are not opened within archives."""
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("conversations.json", CLAUDE)
    assert "is a zip archive itself" in refusal(
        packed(tmp_path / "e.zip", {"conversations.json": inner.getvalue()})
    )


def test_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    """Encryption is named, with what to do."""
    path = packed(tmp_path / "e.zip", {"conversations.json": CLAUDE})
    raw = bytearray(path.read_bytes())
    raw[6] |= 1
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(raw)
    assert "is encrypted" in refusal(path)


def test_what_is_no_archive_or_holds_no_conversations(tmp_path: Path) -> None:
    """Another file under the name, a damaged archive, one of something else: each says what it is."""
    path = tmp_path / "e.zip"
    path.write_bytes(b"hello")
    assert "File is not a zip file" in refusal(path)
    whole = packed(path, {"conversations.json": CLAUDE * 20}).read_bytes()
    path.write_bytes(whole[:60] + bytes(40) + whole[100:])
    assert "can't be read as a zip archive" in refusal(path)
    assert "holds no conversations*.json" in refusal(packed(path, {"notes.txt": b"x"}))


def test_names_within_can_not_write_to_the_terminal(tmp_path: Path) -> None:
    """Control characters in the name of a member are escaped wherever it is shown."""
    path = packed(tmp_path / "e.zip", {"\x1b[2J/conversations.json": b"[1]"})
    _, account = read("claude_ai", path)
    assert account.samples["no claude.ai conversation"] == [f"{path}:\\x1b[2J/conversations.json[0]"]


def test_a_missing_archive_is_an_error(tmp_path: Path) -> None:
    """A file that is not there is told as such."""
    assert "No such file" in refusal(tmp_path / "none.zip")


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_is_an_error_or_counted(tmp_path: Path, data: st.DataObject) -> None:
    """Bytes that changed anywhere in an archive end in an InputError or in the account, in nothing else."""
    path = packed(tmp_path / "whole.zip", {"users.json": b"[]", "conversations.json": CLAUDE})
    raw = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    damaged = tmp_path / "damaged.zip"
    damaged.write_bytes(raw)
    with contextlib.suppress(InputError):
        read("claude_ai", damaged)


def test_an_archive_without_the_suffix_is_one_all_the_same(tmp_path: Path) -> None:
    """What a file is, its first bytes say."""
    path = packed(tmp_path / "download", {"conversations.json": CLAUDE})
    assert len(read("claude_ai", path)[0]) == 3
