"""Which files are read, as what, and each session once."""

import gzip
import json
import os
import zipfile
from pathlib import Path

import pytest

from .running import assistant, dialog, imported, run, user, write

TURNS = [
    user("u1", "One?"),
    assistant("a1", "One.", parent="u1"),
    user("u2", "Two?", "a1"),
    assistant("a2", "Two.", parent="u2"),
]
PLAIN = ["--system-prompt", ""]


def questions(examples: list[object]) -> list[str]:
    """Return the requests of pairs."""
    return [dialog(example)[0][1] for example in examples]


def test_files_folders_and_globs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file named twice is read once; a folder is walked in the order of names; globs work."""
    monkeypatch.chdir(tmp_path)
    for name in ("b", "a", "c/d"):
        write(
            tmp_path / "logs" / f"{name}.jsonl",
            [user("u", f"{name}?", session=name), assistant("a", "!", session=name)],
        )
    (tmp_path / "logs" / "notes.txt").write_text("no transcript")
    out = tmp_path / "out"
    assert questions(imported(out, "auto", "logs", *PLAIN)) == ["a?", "b?", "c/d?"]
    assert questions(imported(out, "claude-code", "logs/b.jsonl", "logs", *PLAIN)) == ["b?", "a?", "c/d?"]
    assert questions(imported(out, "claude-code", "logs/*.jsonl", *PLAIN)) == ["a?", "b?"]


def test_packed_files_and_standard_streams(tmp_path: Path) -> None:
    """Packed input is read, and `-` is standard input and output, with the table on standard error."""
    plain = write(tmp_path / "s1.jsonl", TURNS)
    packed = tmp_path / "s1.jsonl.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    expected = imported(tmp_path / "out", "claude-code", plain)
    unpacked = imported(tmp_path / "out", "auto", packed)
    assert [each["messages"] for each in unpacked] == [each["messages"] for each in expected]
    for kind in ("claude-code", "auto"):
        lines = [
            line
            for line in run(kind, "-", "--out", "-", given=plain.read_bytes()).splitlines()
            if line[0] == "{"
        ]
        assert [json.loads(line)["messages"] for line in lines] == [each["messages"] for each in expected]
        assert json.loads(lines[0])["meta"]["place"] == "-:1"


def test_a_session_saved_again_is_one(tmp_path: Path) -> None:
    """Of growing copies of a session the longest counts, wherever it lies; a cut one adds nothing."""
    write(tmp_path / "p" / "1.jsonl", TURNS[:2])
    write(tmp_path / "p" / "2.jsonl", TURNS)
    write(tmp_path / "p" / "3.jsonl", TURNS[:3])
    write(tmp_path / "p" / "4.jsonl", TURNS[2:])
    assert questions(imported(tmp_path / "out", "claude-code", tmp_path / "p", *PLAIN)) == ["One?", "Two?"]
    printed = run("claude-code", tmp_path / "p", "--out", tmp_path / "out", "--json")
    conversations = json.loads(printed)["conversations"]
    assert (conversations["read"], conversations["kept"]) == (4, 1)
    assert conversations["dropped"] == {"saved again in another copy": 3}


def test_copies_that_differ_are_kept_apart(tmp_path: Path) -> None:
    """Copies of a session that went on in two ways are both kept, under two ids and in one group."""
    write(tmp_path / "p" / "1.jsonl", TURNS)
    write(
        tmp_path / "p" / "2.jsonl",
        [*TURNS[:2], user("u9", "Other?", "a1"), assistant("a9", "Yes.", parent="u9")],
    )
    examples = imported(tmp_path / "out", "claude-code", tmp_path / "p", *PLAIN)
    assert len({example["meta"]["id"] for example in examples}) == len(examples) == 4
    assert {example["meta"]["group"] for example in examples} == {"claude-code:s1"}


def test_each_session_of_a_long_file_is_whole(tmp_path: Path) -> None:
    """A file of many sessions one after the other gives each of them, in order."""
    records = []
    for number in range(30):
        name = f"s{number}"
        records += [user(f"u{name}", f"{number}?", session=name)]
        records += [assistant(f"a{name}", "!", parent=f"u{name}", session=name)]
    path = write(tmp_path / "all.jsonl", records)
    examples = imported(tmp_path / "out", "claude-code", path, *PLAIN)
    assert questions(examples) == [f"{number}?" for number in range(30)]


def test_other_kinds_are_named(tmp_path: Path) -> None:
    """A file that looks like nothing, a kind that is none and a source that is nothing are told."""
    text = tmp_path / "x.jsonl"
    text.write_text("no transcript\n")
    assert "looks like none of the kinds" in run("auto", text, "--out", tmp_path / "out", status=1)
    assert "'cursor' is no kind" in run("cursor", text, "--out", tmp_path / "out", status=2)
    assert "no file of a transcript" in run("auto", tmp_path / "nowhere", "--out", tmp_path / "out", status=1)
    assert "looks like none" in run("auto", "-", "--out", tmp_path / "out", status=1, given=b"no transcript")


def test_nothing_to_write_is_a_failure(tmp_path: Path) -> None:
    """Where no example comes out, there is no file, and the reasons are told."""
    path = write(tmp_path / "s1.jsonl", TURNS[:1])
    assert "no final answer (1)" in run("claude-code", path, "--out", tmp_path / "out", status=1)
    assert not (tmp_path / "out").exists()


def test_bad_options_are_usage_errors(tmp_path: Path) -> None:
    """A focus that there is not and a prompt file that is missing end with exit code 2."""
    path = write(tmp_path / "s1.jsonl", TURNS)
    assert "'jokes' is none of" in run("claude-code", path, "--out", "x", "--focus", "jokes", status=2)
    assert "No such file" in run("claude-code", path, "--out", "x", "--system-prompt", "@nowhere", status=2)


def test_funnel_shows_every_record(tmp_path: Path) -> None:
    """The table has each loss under its reason, and bad lines with their places."""
    path = write(tmp_path / "s1.jsonl", [*TURNS, user("u3", "<bash-input>ls</bash-input>")])
    with path.open("a") as file:
        file.write('{"type":"user","mess')
    printed = run("claude-code", path, "--out", tmp_path / "out")
    assert "shell command" in printed
    assert f"{path}:6: no valid JSON object" in printed.replace("\n", "")


def test_same_input_gives_same_bytes(tmp_path: Path) -> None:
    """Two imports of the same files are equal."""
    write(tmp_path / "p" / "1.jsonl", TURNS)
    write(tmp_path / "p" / "2.jsonl", TURNS[:2])
    outs = [tmp_path / name for name in "ab"]
    for out in outs:
        run("claude-code", tmp_path / "p", "--out", out, "--shape", "trajectory")
    assert outs[0].read_bytes() == outs[1].read_bytes()


def test_the_output_is_no_input(tmp_path: Path) -> None:
    """What an earlier import wrote into the folder is not read as one of its transcripts."""
    write(tmp_path / "p" / "1.jsonl", TURNS)
    out = tmp_path / "p" / "0.jsonl"
    first = imported(out, "claude-code", tmp_path / "p")
    assert imported(out, "claude-code", tmp_path / "p") == first


def test_names_of_files_may_be_any_bytes(tmp_path: Path) -> None:
    """A file whose name is no UTF-8 is read; its place shows what can be shown."""
    (tmp_path / "p").mkdir()
    path = os.fsencode(tmp_path / "p") + b"/caf\xe9.jsonl"
    Path(os.fsdecode(path)).write_bytes(
        write(tmp_path / "1.jsonl", [*TURNS, user("x", "<bash-input>ls</bash-input>")]).read_bytes()
    )
    examples = imported(tmp_path / "out", "claude-code", tmp_path / "p", "--json")
    assert examples[0]["meta"]["place"] == "caf?.jsonl:1"


def test_a_file_of_another_kind_names_its_own(tmp_path: Path) -> None:
    """A named file of another kind is an error that says which; in a folder it is passed over and counted."""
    path = write(tmp_path / "p" / "s1.jsonl", TURNS)
    printed = run("codex", path, "--out", tmp_path / "out", status=1)
    assert "this looks like claude-code, not codex" in printed.replace("\n", " ")
    assert "looks like claude-code (1)" in run("codex", tmp_path / "p", "--out", tmp_path / "out", status=1)


def test_an_export_is_read_from_its_archive(tmp_path: Path) -> None:
    """The zip of a web export is told by what it holds; another archive in the folder is passed over."""
    told = {
        "uuid": "c1",
        "chat_messages": [
            {"uuid": "m1", "sender": "human", "text": "Which port?", "created_at": "2026-01-01T00:00:00Z"},
            {"uuid": "m2", "sender": "assistant", "text": "8080.", "created_at": "2026-01-01T00:00:01Z"},
        ],
    }
    (tmp_path / "p").mkdir()
    with zipfile.ZipFile(tmp_path / "p" / "export.zip", "w") as archive:
        archive.writestr("conversations.json", json.dumps([told]))
    with zipfile.ZipFile(tmp_path / "p" / "holiday.zip", "w") as archive:
        archive.writestr("photo.txt", "sea")
    assert questions(imported(tmp_path / "out", "auto", tmp_path / "p", *PLAIN)) == ["Which port?"]
    assert "photo" not in run("auto", tmp_path / "p" / "holiday.zip", "--out", tmp_path / "out", status=1)


def test_a_hostile_file_name_is_shown_harmless(tmp_path: Path) -> None:
    """Escape sequences and markup in a file's name reach no terminal."""
    path = write(tmp_path / "p" / "\x1b[31mevil[red].jsonl", TURNS)
    path.write_text(path.read_text() + "{broken\n")
    printed = run("claude-code", path, "--out", tmp_path / "out")
    assert "\x1b" not in printed
    assert "[red]" in printed


def test_an_error_shows_a_hostile_name_harmless(tmp_path: Path) -> None:
    """Escape sequences in an error's text reach no terminal either; its lines stay lines."""
    printed = run("auto", tmp_path / "\x1b[31mnone.jsonl", "--out", tmp_path / "out", status=1)
    assert "\x1b" not in printed
    assert "none.jsonl" in printed
