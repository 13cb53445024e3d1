"""`turnsmith decontaminate`, as it is called."""

import csv
import gzip
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ..clean.chats import chat, read, run, write

TASK = "Write a function that takes a list of integers and returns the second largest distinct value in it."
SHORT = "Prove that there are infinitely many prime numbers"
CLEAN = chat(user="How do I read a file line by line in Go, and close it at the end?")
DIRTY = chat(user=f"please WRITE -- {TASK[6:].replace(',', ' ')} thanks")
SHARED = Path(__file__).parents[4] / "shared" / "data"


@pytest.fixture
def benchmark(tmp_path: Path) -> Path:
    """Return a benchmark of two items that are looked for and one that is too short."""
    path = tmp_path / "bench.jsonl"
    write(
        path,
        [
            {"task_id": "T/1", "prompt": TASK},
            {"task_id": "T/2", "problem": SHORT},
            {"task_id": "T/3", "q": "2+2?"},
        ],
    )
    return path  # fmt: skip


def decontaminated(*arguments: object) -> dict[str, Any]:
    """Run the command with --json; return what it prints."""
    result = run("decontaminate", *arguments, "--json")
    assert result.exit_code == 0, result.output
    told: dict[str, Any] = json.loads(result.stdout)
    return told


def test_contaminated_examples_go(tmp_path: Path, benchmark: Path) -> None:
    """Examples with a passage of a benchmark go, with item and place; the others keep their bytes."""
    odd = '{ "messages" : [ {"role":"user","content":"caf\\u00e9?"} ], "x": 1e2 }'
    source = write(tmp_path / "in.jsonl", [CLEAN, DIRTY, odd, chat(assistant=SHORT)])
    out, removed, report = tmp_path / "out.jsonl", tmp_path / "removed.jsonl", tmp_path / "report.json"
    told = decontaminated(
        source, "--against", benchmark, "--out", out, "--removed", removed, "--report", report
    )
    lines = Path(source).read_text(encoding="utf-8").splitlines()
    assert out.read_text(encoding="utf-8").splitlines() == [lines[0], lines[2]]
    gone = read(removed)
    assert [each["place"] for each in gone] == [f"{source}:2", f"{source}:4"]
    assert [each["example"] for each in gone] == [DIRTY, chat(assistant=SHORT)]
    (match,) = gone[0]["matches"]
    assert (match["benchmark"], match["item"], match["path"], match["first_word"], match["words"]) == (
        "bench", "T/1", "messages[0].content", 1, 18,
    )  # fmt: skip
    assert match["passage"].startswith("write a function that takes a list")
    (row,) = told["benchmarks"]
    assert row == {
        "benchmark": "bench", "items": 3, "too_short": 1, "common_passages": 0, "items_hit": 2, "examples_hit": 2,
    }  # fmt: skip
    assert told == json.loads(report.read_text(encoding="utf-8"))


def test_marked_examples_stay(tmp_path: Path, benchmark: Path) -> None:
    """With --mark all stay, and meta.contaminated names the benchmarks beside what was in meta."""
    source = write(tmp_path / "in.jsonl", [CLEAN, {**DIRTY, "meta": {"id": 7}}])
    decontaminated(source, "--against", benchmark, "--out", tmp_path / "o.jsonl", "--mark")
    assert read(tmp_path / "o.jsonl") == [CLEAN, {**DIRTY, "meta": {"id": 7, "contaminated": ["bench"]}}]
    result = run(
        "decontaminate", source, "--against", benchmark, "--out", "-", "--mark", "--removed", tmp_path / "r"
    )
    assert result.exit_code == 2


def test_gaps_of_fill_in_the_middle_hide_nothing(tmp_path: Path, benchmark: Path) -> None:
    """A passage that a gap cuts is found."""
    text = f"<|fim_prefix|># {TASK[:40]}<|fim_suffix|>{TASK[60:]}<|fim_middle|>{TASK[40:60]}"
    source = write(
        tmp_path / "in.jsonl", [{"text": text}, {"text": "<|fim_prefix|>a<|fim_suffix|>c<|fim_middle|>b"}]
    )
    told = decontaminated(source, "--against", benchmark, "--out", tmp_path / "o.jsonl")
    assert (told["kept"], told["contaminated"]) == (1, 1)


@pytest.mark.parametrize("suffix", [".json", ".jsonl", ".parquet", ".csv", ".jsonl.gz", ".txt", ".py"])
def test_benchmarks_of_all_formats(tmp_path: Path, suffix: str) -> None:
    """A benchmark is found in, whatever its format, also in a folder."""
    folder = tmp_path / "benchmarks"
    folder.mkdir()
    path = folder / f"some{suffix}"
    rows = [
        {"id": "1", "nested": json.dumps({}), "question": TASK},
        {"id": "2", "nested": "", "question": "no"},
    ]
    if suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif suffix == ".csv":
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, ["id", "nested", "question"])
            writer.writeheader()
            writer.writerows(rows)
    elif suffix == ".jsonl.gz":
        path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))
    elif suffix in (".txt", ".py"):
        path.write_text(f"# {TASK}\n", encoding="utf-8")
    else:
        path.write_text(
            json.dumps(rows) if suffix == ".json" else "\n".join(map(json.dumps, rows)), encoding="utf-8"
        )
    source = write(tmp_path / "in.jsonl", [CLEAN, DIRTY])
    told = decontaminated(source, "--against", folder, "--out", tmp_path / "o.jsonl")
    item = "1" if suffix not in (".txt", ".py") else path.name
    assert [(each["item"], each["place"]) for each in told["matches"]] == [(item, f"{source}:2")]


def test_curated_conversations(tmp_path: Path, benchmark: Path) -> None:
    """A JSON array and a Parquet file of conversations come out as JSON Lines without the contaminated ones."""
    turns = [{"userMessage": "hi", "modelMessage": "hello"}, {"userMessage": TASK, "modelMessage": ""}]
    records = [{"conversationId": "a", "turnsArray": turns}, {"conversationId": "b", "turnsArray": turns[:1]}]
    array, parquet = tmp_path / "c.json", tmp_path / "c.parquet"
    array.write_text(json.dumps(records), encoding="utf-8")
    pq.write_table(pa.Table.from_pylist(records), parquet)
    for source in (array, parquet):
        told = decontaminated(source, "--against", benchmark, "--out", tmp_path / "o.jsonl")
        assert read(tmp_path / "o.jsonl") == [records[1]]
        assert [(each["place"], each["path"]) for each in told["matches"]] == [
            (f"{source}:1", "turnsArray[1].userMessage")
        ]


def test_common_phrases_are_ignored(tmp_path: Path) -> None:
    """A passage of more than --common items of a benchmark is a phrase of it, counted and not looked for."""
    header = "Licensed under the terms of a license that stands in the file beside this one and nowhere else"
    texts = [f"{header}. Item {number} asks" for number in range(4)]
    benchmark = write(tmp_path / "b.jsonl", [{"id": n, "text": text} for n, text in enumerate(texts)])
    source = write(tmp_path / "in.jsonl", [chat(user=header)])
    out = tmp_path / "o.jsonl"
    told = decontaminated(source, "--against", benchmark, "--out", out, "--common", 3)
    assert (told["kept"], told["benchmarks"][0]["common_passages"]) == (1, 7)
    result = run("decontaminate", source, "--against", benchmark, "--out", out, "--common", 4)
    assert result.exit_code == 1  # nothing is left


def test_bad_lines_are_counted(tmp_path: Path, benchmark: Path) -> None:
    """Bad lines of the input and of a benchmark are counted with their places."""
    with benchmark.open("a", encoding="utf-8") as file:
        file.write("broken\n")
    source = write(tmp_path / "in.jsonl", [CLEAN, "{", "[]"])
    told = decontaminated(source, "--against", benchmark, "--out", tmp_path / "o.jsonl")
    assert told["bad"] == {"no JSON object": 1, "no valid JSON": 1}
    assert told["bad_items"] == {"no valid JSON": 1}


def test_the_training_file_as_benchmark_is_refused(tmp_path: Path) -> None:
    """A run that would drop most of the examples stops, names the benchmark, and writes nothing."""
    examples = [chat(user=f"{TASK} Number {number}") for number in range(30)]
    source = write(tmp_path / "in.jsonl", examples)
    same = write(tmp_path / "same.jsonl", examples[:5])
    out = tmp_path / "o.jsonl"
    result = run("decontaminate", source, "--against", source, "--out", out)
    assert (result.exit_code, out.exists()) == (2, False)
    result = run("decontaminate", source, "--against", same, "--out", out)
    assert result.exit_code == 1
    assert "30 of 30 examples are contaminated, 30 of them by same" in " ".join(result.output.split())
    assert list(tmp_path.iterdir()) == [Path(source), Path(same)] or not out.exists()
    told = decontaminated(source, "--against", same, "--out", out, "--mark")
    assert told["contaminated"] == 30


@pytest.mark.parametrize(
    "arguments",
    [
        ("--against", "missing.jsonl"),
        ("--against", "empty"),
        ("--against", "bench.jsonl", "--ngram", "2"),
        ("--against", "bench.jsonl", "--max-dropped", "1.5"),
        ("--against", "bench.jsonl", "--min-words", "500", "--ngram", "100"),
        ("--against", "bench.jsonl", "--out", "bench.jsonl"),
    ],
)
def test_wrong_usage(
    tmp_path: Path, benchmark: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    """No benchmark, a value out of range and an output over a benchmark end with 2 and leave nothing."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    write(tmp_path / "in.jsonl", [CLEAN])
    before = benchmark.read_bytes()
    result = run("decontaminate", "in.jsonl", "--out", "o.jsonl", *arguments)
    assert result.exit_code == 2, result.output
    assert not (tmp_path / "o.jsonl").exists()
    assert benchmark.read_bytes() == before


@pytest.mark.parametrize("option", ["--out", "--removed", "--report"])
@pytest.mark.parametrize("name", ["b.jsonl", "new.jsonl"])
def test_nothing_is_written_among_the_benchmarks(tmp_path: Path, option: str, name: str) -> None:
    """An output in a folder of --against would replace a benchmark, or be one in the next run: it is refused."""
    folder = tmp_path / "benchmarks"
    folder.mkdir()
    before = Path(write(folder / "b.jsonl", [{"q": TASK}])).read_bytes()
    source = write(tmp_path / "in.jsonl", [CLEAN, DIRTY])
    others = [] if option == "--out" else ["--out", str(tmp_path / "o.jsonl")]
    arguments = ["--against", str(folder), option, str(folder / name), *others]
    result = run("decontaminate", str(source), *arguments)
    assert result.exit_code == 2
    assert "write elsewhere" in result.output
    assert [path.read_bytes() for path in folder.iterdir()] == [before]


def test_a_benchmark_that_cannot_be_read_is_placed(tmp_path: Path) -> None:
    """Where no item is left to look for, the lines that were none are named."""
    source = write(tmp_path / "in.jsonl", [CLEAN])
    broken = write(tmp_path / "b.jsonl", ["{"])
    result = run("decontaminate", str(source), "--against", str(broken), "--out", str(tmp_path / "o"))
    assert result.exit_code == 2
    assert f"no valid JSON: {broken}:1" in result.output.replace("\n", "")


@pytest.mark.parametrize("suffix", ["json", "jsonl", "parquet"])
def test_the_home_folder_is_not_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    """The report and the removed examples have `~` for the home folder, which names a person."""
    monkeypatch.setenv("HOME", str(tmp_path))
    benchmark = write(tmp_path / "b.jsonl", [{"q": TASK}, "{"])
    source = tmp_path / f"in.{suffix}"
    if suffix == "parquet":
        pq.write_table(pa.Table.from_pylist([CLEAN, DIRTY]), source)
    else:
        source.write_text(
            json.dumps([CLEAN, DIRTY]) if suffix == "json" else "\n".join(map(json.dumps, [CLEAN, DIRTY]))
        )
    report, removed = tmp_path / "report.json", tmp_path / "removed.jsonl"
    told = decontaminated(
        source,
        "--against",
        benchmark,
        "--out",
        tmp_path / "o.jsonl",
        "--report",
        report,
        "--removed",
        removed,
    )
    assert told["matches"][0]["place"] == f"~/in.{suffix}:2"
    for text in (json.dumps(told), report.read_text(encoding="utf-8"), removed.read_text(encoding="utf-8")):
        assert str(tmp_path) not in text


def test_a_very_long_text(tmp_path: Path, benchmark: Path) -> None:
    """A passage is found behind twenty million characters."""
    filler = "all work and no play makes jack a dull boy " * 480_000
    source = write(tmp_path / "in.jsonl", [chat(user=filler + TASK), CLEAN])
    told = decontaminated(source, "--against", benchmark, "--out", tmp_path / "o.jsonl")
    assert [(each["words"], each["first_word"]) for each in told["matches"]] == [(18, 4_800_000)]


def test_hostile_passages_are_shown_harmless(tmp_path: Path) -> None:
    """A benchmark's name and ids reach the terminal without control characters."""
    benchmark = write(tmp_path / "b\x1b[2J.jsonl", [{"id": "[red]\x1b[31m", "t": TASK}])
    source = write(tmp_path / "in.jsonl", [CLEAN, DIRTY])
    result = run("decontaminate", source, "--against", benchmark, "--out", tmp_path / "o.jsonl", "--show", 3)
    assert result.exit_code == 0
    assert "\x1b" not in result.stdout
    assert "[red]\\x1b[31m" in result.stdout


def test_a_killed_run_leaves_nothing(tmp_path: Path, benchmark: Path) -> None:
    """Killed while it writes, it leaves no file under the output's name; the next run does all."""
    source = write(tmp_path / "in.jsonl", [chat(user=f"Question {n}, {n}?") for n in range(20_000)])
    out = tmp_path / "o.jsonl"
    part = tmp_path / "o.jsonl.part"
    command = [
        sys.executable,
        "-m",
        "turnsmith",
        "decontaminate",
        source,
        "--against",
        str(benchmark),
        "--out",
        str(out),
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and not (part.exists() and part.stat().st_size):
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait(timeout=20) == -signal.SIGKILL
    assert not out.exists()
    assert decontaminated(source, "--against", benchmark, "--out", out)["kept"] == 20_000
    assert out.stat().st_size == Path(source).stat().st_size


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data is not beside this checkout")
def test_real_prompts_are_found_again(tmp_path: Path) -> None:
    """Of real chats, those whose prompts are made a benchmark go, and no others with a prompt of its own."""
    trees = read(SHARED / "oasst_sample/en_100_tree.jsonl")
    examples = [chat(user=tree["prompt"]["text"], assistant=reply["text"], tree=number)
                for number, tree in enumerate(trees) for reply in tree["prompt"]["replies"]]  # fmt: skip
    chosen = {number: tree["prompt"]["text"] for number, tree in enumerate(trees) if number % 5 == 0}
    benchmark = write(tmp_path / "b.jsonl", [{"id": n, "text": text} for n, text in chosen.items()])
    source = write(tmp_path / "in.jsonl", examples)
    told = decontaminated(source, "--against", benchmark, "--out", tmp_path / "o.jsonl")
    kept = {each["meta"]["tree"] for each in read(tmp_path / "o.jsonl")}
    long = {number for number, text in chosen.items() if len(text.split()) >= 13}
    assert not kept & long
    assert told["contaminated"] == told["benchmarks"][0]["examples_hit"] > 20
    assert kept >= set(range(len(trees))) - set(chosen)
