"""`turnsmith clean` from end to end: files, streams, reports, accounts."""

import gzip
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from turnsmith.curate.clean import CleanOptions, clean
from turnsmith.curate.clean.rules import NAMES

from .chats import QUESTION, called, chat, read, run, write

PLAIN = ("--no-scrub",)
SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"
GOOD = [chat(), called('{"path": "a.py"}'), {"text": "<|fim_prefix|>a<|fim_suffix|>b<|fim_middle|>c"}]
MIXTURE = [
    *GOOD, chat(user="hi"), "{broken", "[1]", chat(user=QUESTION + "  "), chat(assistant=""), {"x": 1},
    called("{"), chat(assistant="I can't help with that."),
]  # fmt: skip


def test_what_is_good_is_kept_as_it_is(tmp_path: Path) -> None:
    """Good examples come out in their order, byte for byte where JSON is written alike; the rest is accounted for."""
    source = write(tmp_path / "in.jsonl", MIXTURE)
    out, rejected, report = (tmp_path / name for name in ("out.jsonl", "rejected.jsonl", "report.json"))
    result = run("clean", source, "--out", out, "--rejected", rejected, "--report", report, *PLAIN)
    assert result.exit_code == 0, result.output
    assert read(out) == GOOD
    taken = [(each["rule"], each["place"].rpartition(":")[2]) for each in read(rejected)]
    assert taken == [
        ("short_user", "4"), ("exact_duplicate", "7"), ("no_trainable_token", "8"), ("malformed", "9"),
        ("broken_arguments", "10"), ("refusal", "11"),
    ]  # fmt: skip
    assert read(rejected)[0]["example"] == chat(user="hi")
    told = json.loads(report.read_text(encoding="utf-8"))
    assert (told["lines"], told["read"], told["kept"]) == (11, 9, 3)
    assert told["bad"] == {"no JSON object": 1, "no valid JSON": 1}
    assert told["samples"]["no valid JSON"] == [f"{source}:5"]
    assert list(told["dropped"]) == [
        "malformed",
        *(name for name in NAMES if name not in ("language", "over_tokens")),
    ]
    assert told["rules"]["short_user"] == {"min_chars": 80}
    for row in ("no valid JSON", "exact_duplicate", "kept"):
        assert row in result.stdout


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_streams_and_packed_files_give_the_same(tmp_path: Path, suffix: str) -> None:
    """A file, a packed file and standard input give the same examples; standard output has nothing else."""
    source = write(tmp_path / "in.jsonl", MIXTURE)
    out = tmp_path / f"out.jsonl{suffix}"
    assert run("clean", source, "--out", out, *PLAIN).exit_code == 0
    piped = run("clean", out, "--out", "-", *PLAIN)
    assert [json.loads(line) for line in piped.stdout.splitlines()] == GOOD
    assert "Where every line went" in piped.stderr
    fed = run("clean", "-", "--out", "-", "--json", *PLAIN, stdin=Path(source).read_text(encoding="utf-8"))
    assert [json.loads(line) for line in fed.stdout.splitlines()] == GOOD
    assert json.loads(fed.stderr)["kept"] == len(GOOD)


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    """Packed output and reports are equal in two runs."""
    source = write(tmp_path / "in.jsonl", MIXTURE)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        result = clean(source, str(tmp_path / name / "x.gz"), CleanOptions(scrub=False))
        (tmp_path / name / "r").write_text(json.dumps({**result.as_json(), "output": ""}), encoding="utf-8")
    assert (tmp_path / "a/x.gz").read_bytes() == (tmp_path / "b/x.gz").read_bytes()
    assert (tmp_path / "a/r").read_bytes() == (tmp_path / "b/r").read_bytes()


def test_nothing_left_is_a_finding(tmp_path: Path) -> None:
    """Where no example is left the funnel is shown and the exit code is 1."""
    source = write(tmp_path / "in.jsonl", [chat(user="hi")])
    result = run("clean", source, "--out", tmp_path / "out.jsonl", *PLAIN)
    assert result.exit_code == 1
    assert "short_user" in result.stdout
    assert "no example was left" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--rule", "nose"), "'nose' is no rule"),
        (("--rule", "over_tokens"), "needs --max-tokens"),
        (("--rule", "language"), "needs --languages"),
        (("--languages", "english"), "'english' is not known"),
        (("--rejected", "out.jsonl"), "named twice"),
        (("--report", "in.jsonl"), "named twice"),
    ],
)
def test_wrong_usage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: Any, said: str) -> None:
    """Wrong settings end with 2 and a sentence, before anything is written."""
    monkeypatch.chdir(tmp_path)
    write(Path("in.jsonl"), GOOD)
    result = run("clean", "in.jsonl", "--out", "out.jsonl", *arguments, *PLAIN)
    assert result.exit_code == 2
    assert said in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


def test_a_missing_input_is_an_error(tmp_path: Path) -> None:
    """An input that is not there is named, the exit code is 1, and no file appears."""
    result = run("clean", tmp_path / "no.jsonl", "--out", tmp_path / "out.jsonl", *PLAIN)
    assert result.exit_code == 1
    assert "no.jsonl" in result.stderr
    assert not (tmp_path / "out.jsonl").exists()


def test_a_packed_input_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    """A cut input is an error, and no half output stands under its name or beside."""
    lines = "".join(json.dumps(chat(user=f"{QUESTION} {n}")) + "\n" for n in range(3000))
    (tmp_path / "in.jsonl.gz").write_bytes(gzip.compress(lines.encode())[:-20])
    result = run(
        "clean",
        tmp_path / "in.jsonl.gz",
        "--out",
        tmp_path / "out.jsonl",
        "--rejected",
        tmp_path / "r",
        *PLAIN,
    )
    assert result.exit_code == 1
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl.gz"]


def test_rules_by_option(tmp_path: Path) -> None:
    """`--rule` takes several names and leaves the others out; `--skip-rule` the other way round."""
    source = write(tmp_path / "in.jsonl", MIXTURE)
    out = tmp_path / "out.jsonl"
    result = run("clean", source, "--out", out, "--rule", "short_user", "refusal", "--json", *PLAIN)
    assert json.loads(result.stdout)["dropped"] == {"malformed": 1, "short_user": 1, "refusal": 1}
    result = run(
        "clean", source, "--out", out, "--skip-rule", "short_user", "exact_duplicate", "--json", *PLAIN
    )
    assert not {"short_user", "exact_duplicate"} & set(json.loads(result.stdout)["dropped"])


def test_hostile_names_are_shown_as_they_are(tmp_path: Path) -> None:
    """Markup and control characters in a file name reach the terminal neither as style nor as control."""
    source = write(tmp_path / "[red]x[bold]\x1b[2J.jsonl", [*GOOD, "{"])
    result = run("clean", source, "--out", tmp_path / "[bold]o.jsonl", *PLAIN)
    assert result.exit_code == 0
    assert "\x1b[2J" not in result.stdout
    assert "[red]x[bold]\\x1b[2J.jsonl:4" in result.stdout
    assert "[bold]o.jsonl" in result.stdout


def test_the_home_folder_is_not_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The report and the rejected records have `~` for the home folder, which names a person."""
    monkeypatch.setenv("HOME", str(tmp_path))
    source = write(tmp_path / "in.jsonl", MIXTURE)
    run(
        "clean",
        source,
        "--out",
        tmp_path / "o",
        "--rejected",
        tmp_path / "r",
        "--report",
        tmp_path / "rep",
        *PLAIN,
    )
    for name in ("r", "rep"):
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert str(tmp_path) not in text
        assert "~/in.jsonl:4" in text


records = st.lists(
    st.sampled_from([*MIXTURE, chat(), chat(user="1" * 90), chat(finish_reason="length")]), max_size=12
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=records)
def test_accounts_add_up(tmp_path: Path, lines: list[Any]) -> None:
    """Whatever the mixture, each line is bad, rejected under one rule, or written, and a second cleaning keeps all."""
    source = write(tmp_path / "in.jsonl", lines)
    out, rejected = str(tmp_path / "out.jsonl"), str(tmp_path / "rejected.jsonl")
    told = clean(source, out, CleanOptions(scrub=False), rejected=rejected).as_json()
    assert told["lines"] == len(lines)
    assert told["read"] == told["kept"] + sum(told["dropped"].values())
    assert told["kept"] == len(read(out))
    assert sum(told["dropped"].values()) == len(read(rejected))
    again = clean(out, str(tmp_path / "again.jsonl"), CleanOptions(scrub=False)).as_json()
    assert again["kept"] == again["lines"] == told["kept"]


def test_a_killed_cleaning_leaves_no_half_file(tmp_path: Path) -> None:
    """Killed while it writes, it leaves nothing under the output's name; stopped politely it ends with 130."""
    source = write(tmp_path / "in.jsonl", [chat(user=f"{QUESTION} {n}") for n in range(60_000)])
    out = tmp_path / "out.jsonl"
    for number, code in ((signal.SIGKILL, -signal.SIGKILL), (signal.SIGTERM, 130)):
        arguments = ["clean", source, "--out", str(out), *PLAIN]
        part = tmp_path / "out.jsonl.part"
        part.unlink(missing_ok=True)
        process = subprocess.Popen([sys.executable, "-m", "turnsmith", *arguments], stderr=subprocess.DEVNULL)
        while process.poll() is None and not (part.exists() and part.stat().st_size):
            time.sleep(0.005)
        process.send_signal(number)
        assert process.wait(timeout=20) == code
        assert not out.exists()
    assert not part.exists()


def sharegpt(data: Any) -> list[Any]:
    """Return ShareGPT records as examples."""
    roles = {"human": "user", "gpt": "assistant", "system": "system"}
    return [
        {
            "messages": [
                {"role": roles[turn["from"]], "content": turn["value"]} for turn in record["conversations"]
            ],
            "meta": {"source": "sharegpt", "id": record["id"]},
        }
        for record in data
    ]


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data is not beside this checkout")
def test_real_conversations(tmp_path: Path) -> None:
    """Real ShareGPT-style chats: what is kept is untouched, unique and long enough, the rest has its row."""
    data = json.loads(
        (SHARED / "fastchat_sharegpt_format/dummy_conversation.json").read_text(encoding="utf-8")
    )
    examples = sharegpt(data)
    source = write(tmp_path / "in.jsonl", examples)
    result = run("clean", source, "--out", tmp_path / "out.jsonl", "--min-user-chars", "20", "--json", *PLAIN)
    told = json.loads(result.stdout)
    kept = read(tmp_path / "out.jsonl")
    assert told["read"] == len(examples)
    assert told["kept"] == len(kept) > 100
    assert told["dropped"]["short_user"] > 0
    assert [each for each in examples if each in kept] == kept
    assert sum(told["dropped"].values()) == told["dropped"]["short_user"]


def first_answers(tree: Any) -> list[Any]:
    """Return each prompt of a message tree with each of its answers as an example."""
    prompt = tree["prompt"]
    return [chat(user=prompt["text"], assistant=reply["text"]) for reply in prompt["replies"]]


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data is not beside this checkout")
def test_real_answers_meet_few_rules(tmp_path: Path) -> None:
    """English questions and answers by people: none is taken for noise, cut, or another language."""
    trees = read(SHARED / "oasst_sample/en_100_tree.jsonl")
    examples = [example for tree in trees for example in first_answers(tree)]
    source = write(tmp_path / "in.jsonl", examples)
    result = run(
        "clean",
        source,
        "--out",
        tmp_path / "out.jsonl",
        "--languages",
        "en",
        "--min-user-chars",
        "0",
        "--json",
        *PLAIN,
    )
    dropped = json.loads(result.stdout)["dropped"]
    taken = {name for name, count in dropped.items() if count}
    assert taken <= {"refusal", "exact_duplicate", "non_text"}, dropped
    assert dropped["refusal"] <= len(examples) / 100
