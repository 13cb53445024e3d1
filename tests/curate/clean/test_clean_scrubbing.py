"""What cleaning takes from its neighbors: the scrubber and the token counter."""

import json
from pathlib import Path

import pytest

from .chats import QUESTION, called, chat, read, run, write

EMAIL = "maria.lindqvist@korvatunturi.fi"
HOME = "/home/mlindqvist/src/app.py"


def test_personal_data_is_replaced_everywhere(tmp_path: Path) -> None:
    """Texts, arguments, tool results and meta come out without it, and the report counts what was replaced."""
    example = {**called(json.dumps({"path": HOME})), "meta": {"author": EMAIL, "place": HOME}}
    example["messages"][0]["content"] += f" Write to {EMAIL}."
    example["messages"][2]["content"] = f"{HOME}: {EMAIL}"
    source = write(tmp_path / "in.jsonl", [example])
    result = run("clean", source, "--out", tmp_path / "out.jsonl", "--json")
    assert result.exit_code == 0, result.output
    text = (tmp_path / "out.jsonl").read_text(encoding="utf-8")
    assert EMAIL not in text
    assert "mlindqvist" not in text
    told = json.loads(result.stdout)["scrub"]
    assert told["on"]
    assert sum(told["kept"].values()) >= 4
    assert told["dropped"] == {}
    assert "maria" not in result.stdout


def test_rejected_examples_are_scrubbed_too(tmp_path: Path) -> None:
    """What a rule takes leaks nothing either, malformed records included, and is counted apart."""
    examples = [chat(user=f"mail {EMAIL}"), {"note": EMAIL}, chat(author=EMAIL), chat(author=EMAIL)]
    source = write(tmp_path / "in.jsonl", examples)
    result = run("clean", source, "--out", tmp_path / "o", "--rejected", tmp_path / "rejected", "--json")
    rejected = read(tmp_path / "rejected")
    assert [each["rule"] for each in rejected] == ["short_user", "malformed", "exact_duplicate"]
    assert EMAIL not in (tmp_path / "rejected").read_text(encoding="utf-8")
    assert sum(json.loads(result.stdout)["scrub"]["dropped"].values()) >= 3


def test_without_scrubbing_nothing_is_replaced(tmp_path: Path) -> None:
    """--no-scrub leaves the texts alone."""
    source = write(tmp_path / "in.jsonl", [chat(author=EMAIL)])
    run("clean", source, "--out", tmp_path / "out.jsonl", "--no-scrub")
    assert read(tmp_path / "out.jsonl") == [chat(author=EMAIL)]


def test_rules_and_duplicates_see_the_scrubbed_text(tmp_path: Path) -> None:
    """Two questions that differ in an address only are one example."""
    examples = [chat(user=f"{QUESTION} {name}@korvatunturi.fi") for name in ("maria.l", "peter.s")]
    source = write(tmp_path / "in.jsonl", examples)
    result = run("clean", source, "--out", tmp_path / "out.jsonl", "--json")
    assert json.loads(result.stdout)["dropped"]["exact_duplicate"] == 1


def test_standard_input_is_scrubbed_as_a_file_is(tmp_path: Path) -> None:
    """Names are collected before anything is written, also from standard input, and no copy of it stays."""
    examples = [chat(user=f"{QUESTION} Ask maria.lindqvist."), chat(author=EMAIL, place=HOME)]
    source = write(tmp_path / "in.jsonl", examples)
    run("clean", source, "--out", tmp_path / "a" / "out.jsonl")
    text = Path(source).read_text(encoding="utf-8")
    run("clean", "-", "--out", tmp_path / "b" / "out.jsonl", stdin=text)
    assert (tmp_path / "a/out.jsonl").read_bytes() == (tmp_path / "b/out.jsonl").read_bytes()
    assert [path.name for path in (tmp_path / "b").iterdir()] == ["out.jsonl"]


def test_a_key_makes_pseudonyms_that_hold_across_files(tmp_path: Path) -> None:
    """With one key a value has the same placeholder in two cleanings, with another key another."""
    keys = [tmp_path / name for name in ("one", "two")]
    for number, key in enumerate(keys):
        key.write_bytes(bytes([65 + number]) * 32)
    outs = []
    for number, key in enumerate((keys[0], keys[0], keys[1])):
        others = [chat(user=f"{QUESTION} other{n}@korvatunturi.fi") for n in range(number)]
        source = write(tmp_path / "in.jsonl", [*others, chat(author=EMAIL)])
        run("clean", source, "--out", tmp_path / "out.jsonl", "--pseudonymize", key)
        outs.append(read(tmp_path / "out.jsonl")[-1]["meta"]["author"])
    assert outs[0] == outs[1] != outs[2]
    assert EMAIL not in outs


def test_a_missing_key_file_is_wrong_usage(tmp_path: Path) -> None:
    """A key file that is not there ends with 2 and its name."""
    source = write(tmp_path / "in.jsonl", [chat()])
    result = run("clean", source, "--out", tmp_path / "out.jsonl", "--pseudonymize", tmp_path / "no.key")
    assert result.exit_code == 2
    assert "no.key" in result.stderr
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.parametrize(("limit", "dropped"), [(10, 1), (10_000, 0)])
def test_the_token_budget(tmp_path: Path, limit: int, dropped: int) -> None:
    """--max-tokens drops examples of more tokens, and the report says how they were counted."""
    source = write(tmp_path / "in.jsonl", [chat(), {"text": "x"}])
    result = run("clean", source, "--out", tmp_path / "o", "--max-tokens", limit, "--no-scrub", "--json")
    told = json.loads(result.stdout)
    assert told["dropped"]["over_tokens"] == dropped
    assert told["rules"]["over_tokens"]["max_tokens"] == limit


def test_short_user_judges_what_the_user_wrote(tmp_path: Path) -> None:
    """A request is not short because a long secret in it became a placeholder."""
    request = "Is this one still valid: " + "kim.lee@mail." + "department." * 6 + "acme-corp.de"
    source = write(tmp_path / "in.jsonl", [chat(user=request)])
    told = json.loads(run("clean", source, "--out", tmp_path / "o", "--json").stdout)
    assert told["dropped"]["short_user"] == 0
    assert "kim.lee" not in (tmp_path / "o").read_text()


def test_standard_output_takes_one_file(tmp_path: Path) -> None:
    """Two outputs named `-` would mix; that is wrong usage."""
    source = write(tmp_path / "in.jsonl", [chat()])
    result = run("clean", source, "--out", "-", "--rejected", "-")
    assert result.exit_code == 2
    assert "standard output takes one" in result.stderr
