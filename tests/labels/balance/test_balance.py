"""`turnsmith balance`: exact shares, matched strata, no duplicates, splits as they were, all or nothing."""

import json
import random
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from tests.labels.making import label, turn
from turnsmith.cli import app
from turnsmith.core.errors import DataError, InputError, UsageError
from turnsmith.labels import labeled_set
from turnsmith.labels.balance import BalanceOptions, Format, Input, balance
from turnsmith.labels.balance.options import MOST_COPIES, ratio_of
from turnsmith.labels.checks import auc
from turnsmith.labels.records import Exchange, Label, Turn, encode

ROOT = Path(__file__).resolve().parents[3]
SEED_FILE = ROOT.parent / "shared" / "seeds" / "003_37d5798294f4e66a.txt"
WORDS = [
    "alpha",
    "beta",
    "parser",
    "server",
    "index",
    "cache",
    "table",
    "graph",
    "token",
    "button",
    "layout",
    "branch",
]
PLAIN = BalanceOptions(format=Format.plain, near=None)


def world(count: int, seed: int = 1) -> list[Label]:
    """Return labels that hide in length, bucket and position: long, early requests of long chats reason more."""
    dice = random.Random(seed)
    labels = []
    for n in range(count):
        words = int(dice.lognormvariate(2.5, 0.8)) + 3
        bucket = dice.choice(["short_3_to_5_turns", "medium_6_to_10_turns", "long_11_to_20_turns"])
        index = dice.randint(1, 5)
        odds = 0.25 + 0.3 * (words > 14) + 0.15 * (bucket[0] == "l") + 0.15 * (index == 1)
        digit = int(dice.random() >= odds)
        text = " ".join(dice.choices(WORDS, k=words)) + f" {n}"
        split = "train" if n % 10 < 8 else "val" if n % 10 == 8 else "test"
        labels.append(
            label(n, conversation_id=f"c{n}", turn_index=index, bucket=bucket, request=text, split=split,
                  llm_vote=digit, soft_label=0.9 if digit else 0.1)
        )  # fmt: skip
    return labels


WORLD = world(4000)


def labeled(folder: Path, labels: list[Label]) -> Path:
    """Write a labeled set and return the folder around it."""
    labeled_set.write(folder / "labels", "set", labels)
    return folder / "labels"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder around the labeled set of the world."""
    return labeled(tmp_path_factory.mktemp("world"), WORLD)


def rows(out: Path, split: str) -> list[dict[str, Any]]:
    """Return the rows of a split's file."""
    (path,) = out.glob(f"*_{split}_*.jsonl")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_train_has_the_ratio_exactly(folder: Path, tmp_path: Path) -> None:
    """The training file has its total and its label shares to the row, and says so in its name."""
    report = balance(folder, "datav3", tmp_path / "out", BalanceOptions(total=1500, near=None))
    assert report.files["train"].name == "datav3_train_70r_30n_sft.jsonl"
    answers = Counter(row["messages"][2]["content"] for row in rows(tmp_path / "out", "train"))
    assert answers == {"0": 1050, "1": 450}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "largest total possible is 8, which is less than the 10 that 70:30 takes to be exact"),
        ({"total": 1}, "no room for both labels"),
        ({"ratio": (99, 1), "total": 4}, "no room for both labels"),
    ],
)
def test_shares_that_whole_rows_can_not_have_are_refused(
    tmp_path: Path, options: dict[str, Any], said: str
) -> None:
    """No file has another share than asked for because its rows are few, and none has one label only."""
    few = [label(n, request=f"{WORDS[n]} request", split="train", llm_vote=n % 2) for n in range(11)]
    settings = {"format": Format.plain, "near": None, "within": (), **options}
    with pytest.raises(DataError, match=said):
        balance(labeled(tmp_path, few), "x", tmp_path / "out", BalanceOptions(**settings))
    assert list((tmp_path / "out").iterdir()) == []


def test_empty_texts_are_no_examples(tmp_path: Path) -> None:
    """A label without a visible text, as sets from elsewhere may hold, is left out, counted and told."""
    labels = [
        label(n, request=f"{WORDS[n // 2]} {n % 2} request", split="train", llm_vote=n % 2, turn_index=1)
        for n in range(20)
    ]
    labels += [label(20 + n, request=text, split="train", llm_vote=0) for n, text in enumerate(["", " \n\t"])]
    options = BalanceOptions(format=Format.plain, near=None, within=(), ratio=(50, 50))
    report = balance(labeled(tmp_path, labels), "x", tmp_path / "out", options)
    assert len(rows(tmp_path / "out", "train")) == 20
    assert report.manifest["duplicates"]["empty"]["train"] == 2
    assert any("2 labels have an empty text" in warning for warning in report.warnings)


def test_label_hides_in_no_stratum(folder: Path, tmp_path: Path) -> None:
    """Inside every stratum the ratio holds up to rounding, and its counts are those of the file."""
    report = balance(folder, "x", tmp_path / "out", PLAIN)
    by_message = {each.message_id: each for each in WORLD}
    buckets: dict[str, Counter[int]] = defaultdict(Counter)
    for row in rows(tmp_path / "out", "train"):
        buckets[by_message[row["messageId"]].bucket][row["label"]] += 1
    for counts in buckets.values():
        assert counts[0] / counts.total() == pytest.approx(0.7, abs=0.01)
    strata = report.files["train"].strata
    assert sum(each.gave[0] for each in strata) == report.files["train"].labels["0"]
    assert {each.values["bucket"] for each in strata} == set(buckets)
    assert set(strata[0].values) == {"bucket", "position", "language", "length"}
    for each in strata:
        assert abs(each.gave[0] - 0.7 * sum(each.gave)) <= 2
        assert each.gave <= each.had


def test_naive_balance_leaves_length_telling_and_matching_does_not(folder: Path, tmp_path: Path) -> None:
    """Without strata length tells the label, so nothing is written; matched it does not."""
    naive = BalanceOptions(format=Format.plain, near=None, within=(), ratio=(50, 50))
    with pytest.raises(
        DataError,
        match=r"told without the text by length \(AUC 0\.6\d+, at least 0\.6\d+\).*add length to --within",
    ):
        balance(folder, "x", tmp_path / "out", naive)
    assert list((tmp_path / "out").iterdir()) == []
    allowed = BalanceOptions(
        format=Format.plain,
        near=None,
        within=(),
        ratio=(50, 50),
        allow_probes=("length", "position", "bucket"),
    )
    balance(folder, "naive", tmp_path / "naive", allowed)
    matched = BalanceOptions(format=Format.plain, near=None, ratio=(50, 50))
    report = balance(folder, "x", tmp_path / "out", matched)
    found = {
        name: auc([len(row["text"]) for row in lines], [1 - row["label"] for row in lines])
        for name, lines in (
            ("naive", rows(tmp_path / "naive", "train")),
            ("matched", rows(tmp_path / "out", "train")),
        )
    }
    assert found["naive"] > 0.6 > 0.54 > found["matched"]
    assert max(each.auc for each in report.files["train"].probes.values()) <= 0.6


def test_splits_are_inherited_and_eval_is_natural(folder: Path, tmp_path: Path) -> None:
    """No turn changes its split, and val and test hold all their labels at their natural rate."""
    report = balance(folder, "x", tmp_path / "out", PLAIN)
    splits = {each.message_id: each.split for each in WORLD}
    for split in ("train", "val", "test"):
        found = rows(tmp_path / "out", split)
        assert {splits[row["messageId"]] for row in found} == {split}
        if split != "train":
            assert Counter(row["label"] for row in found) == Counter(
                each.llm_vote for each in WORLD if each.split == split
            )
            assert not report.files[split].balanced


def test_balance_eval(folder: Path, tmp_path: Path) -> None:
    """On request val and test have the ratio too, as large as they can be."""
    options = BalanceOptions(format=Format.plain, near=None, balance_eval=True, within=("bucket", "length"))
    report = balance(
        folder, "x", tmp_path / "out",
        BalanceOptions(**{**_fields(options), "allow_probes": ("position",)}),
    )  # fmt: skip
    for file in report.files.values():
        assert file.labels["0"] * 3 == file.labels["1"] * 7


def _fields(options: BalanceOptions) -> dict[str, Any]:
    return {name: getattr(options, name) for name in options.__slots__}


def test_shortfall_states_the_largest_total(folder: Path, tmp_path: Path) -> None:
    """A total that can't be reached is an error with the largest that can; that one works, and one more does not."""
    with pytest.raises(DataError, match=r"the largest total possible is ([\d,]+)") as error:
        balance(folder, "x", tmp_path / "out", BalanceOptions(total=100_000, near=None))
    message = str(error.value)
    assert "with --within none" in message
    assert "with --oversample" in message
    most = int(message.split("possible is ")[1].split(" ")[0].replace(",", ""))
    with pytest.raises(DataError, match="largest total possible"):
        balance(folder, "x", tmp_path / "out", BalanceOptions(total=most + 1, near=None))
    assert list((tmp_path / "out").iterdir()) == []
    report = balance(folder, "x", tmp_path / "out", BalanceOptions(total=most, near=None))
    assert report.files["train"].rows == most


def test_oversampling_repeats_rows_evenly(folder: Path, tmp_path: Path) -> None:
    """With `oversample` a larger total is reached by repeating rows, no row more often than the manifest says."""
    plain = balance(folder, "x", tmp_path / "a", PLAIN).files["train"].rows
    options = BalanceOptions(format=Format.plain, near=None, oversample=True, total=2 * plain)
    report = balance(folder, "x", tmp_path / "b", options)
    found = rows(tmp_path / "b", "train")
    copies = Counter(row["messageId"] for row in found)
    assert len(found) == 2 * plain
    assert Counter(row["label"] for row in found) == {
        0: round(1.4 * plain),
        1: 2 * plain - round(1.4 * plain),
    }
    assert (
        1 < max(copies.values()) == report.manifest["files"]["train"]["most_copies_of_a_row"] <= MOST_COPIES
    )
    first = [n for n, row in enumerate(found) if copies[row["messageId"]] == 2]
    assert any(later - earlier > 1 for earlier, later in pairwise(first)), "copies stand together"


def test_duplicates_are_written_once_and_training_keeps_them(tmp_path: Path) -> None:
    """Of equal requests and near ones the copy of train stays; the manifest counts the others by split."""
    long = "please rewrite the parser so that it reads the whole file in one pass and reports every error with its line"
    labels = [
        *world(2000),
        label(9001, request="  Commit this \r\n", split="test", llm_vote=1, soft_label=1),
        label(9002, request="  Commit this", split="train", llm_vote=0, soft_label=0),
        label(9003, request=long, split="val", llm_vote=0, soft_label=0),
        label(9004, request=long + " number", split="train", llm_vote=0, soft_label=0),
    ]
    options = BalanceOptions(format=Format.plain, allow_probes=("length", "position", "bucket"), within=())
    report = balance(labeled(tmp_path, labels), "x", tmp_path / "out", options)
    duplicates = report.manifest["duplicates"]
    assert duplicates == {
        "exact": {"train": 0, "val": 0, "test": 1}, "near": {"train": 0, "val": 1, "test": 0},
        "exact_with_another_label": 1,
        "empty": {"train": 0, "val": 0, "test": 0},
    }  # fmt: skip
    assert not {"m9001", "m9003"} & {
        row["messageId"] for split in ("val", "test") for row in rows(tmp_path / "out", split)
    }
    assert any("another label" in each for each in report.warnings)


def test_order_of_labels_makes_no_difference(tmp_path: Path) -> None:
    """The same labels give the same bytes; another seed draws others."""
    shuffled = list(WORLD)
    random.Random(3).shuffle(shuffled)
    outs = []
    for name, labels, seed in (("a", WORLD, 0), ("b", shuffled, 0), ("c", WORLD, 1)):
        options = BalanceOptions(format=Format.plain, near=None, total=500, seed=seed)
        balance(labeled(tmp_path / name, labels), "x", tmp_path / name / "out", options)
        outs.append({path.name: path.read_bytes() for path in sorted((tmp_path / name / "out").iterdir())})
    assert outs[0] == outs[1]
    assert outs[0]["x_train_70r_30n.jsonl"] != outs[2]["x_train_70r_30n.jsonl"]


def test_manifest_tells_the_rates_and_checksums(folder: Path, tmp_path: Path) -> None:
    """The manifest has the natural rate, the training rate, the correction, and each file's bytes."""
    balance(folder, "x", tmp_path / "out", PLAIN)
    told = json.loads((tmp_path / "out" / "x.manifest.json").read_text(encoding="utf-8"))
    train = [each.llm_vote for each in WORLD if each.split == "train"]
    assert told["correction"]["pi"] == pytest.approx(sum(train) / len(train), abs=1e-6)
    assert told["correction"]["tau"] == 0.3
    assert told["labels"] == {
        "dataset": "set", "judge": "weak", "strategy": ["request"], "judge_model": ["weak"],
        "prompt_version": ["weak-1"], "prompt_hash": [], "votes_used": 0,
    }  # fmt: skip
    for file in told["files"].values():
        assert (tmp_path / "out" / file["file"]).stat().st_size == file["bytes"]


def test_prompt_is_that_of_the_first_pipeline(folder: Path, tmp_path: Path) -> None:
    """The system prompt is the very text that the first pipeline used, tabs included."""
    if not SEED_FILE.exists():
        pytest.skip(f"{SEED_FILE} is absent")
    line = next(
        line for line in SEED_FILE.read_text(encoding="utf-8").splitlines() if '"content": "Assess' in line
    )
    wanted = json.loads(f"{{{line}}}")["content"]
    balance(folder, "x", tmp_path / "out", BalanceOptions(near=None))
    assert {row["messages"][0]["content"] for row in rows(tmp_path / "out", "train")} == {wanted}


def test_openai_files_pass_check(folder: Path, tmp_path: Path) -> None:
    """What is written as `openai` is what `turnsmith check --for openai` takes."""
    report = balance(folder, "x", tmp_path / "out", BalanceOptions(near=None))
    for file in report.files.values():
        result = CliRunner().invoke(app, ["check", str(tmp_path / "out" / file.name), "--for", "openai"])
        assert result.exit_code == 0, result.output


def test_parquet_holds_the_same_rows(folder: Path, tmp_path: Path) -> None:
    """Parquet and plain JSON Lines hold the same rows in the same order."""
    balance(folder, "x", tmp_path / "a", PLAIN)
    balance(folder, "x", tmp_path / "b", BalanceOptions(format=Format.parquet, near=None))
    assert pq.read_table(tmp_path / "b" / "x_train_70r_30n.parquet").to_pylist() == rows(
        tmp_path / "a", "train"
    )


def test_votes_overrule_the_judge_on_request(tmp_path: Path) -> None:
    """With `prefer_votes` a person's vote is the label; without, it changes nothing."""
    voted = [
        label(n, conversation_id=f"c{n}", turn_index=1, llm_vote=0, soft_label=0.1, vote=1 if n % 2 else None,
              request=f"thing {n:04}")
        for n in range(400)
    ]  # fmt: skip
    folder = labeled(tmp_path, voted)
    with pytest.raises(DataError, match="0 of label 1"):
        balance(folder, "x", tmp_path / "out", PLAIN)
    options = BalanceOptions(format=Format.plain, near=None, prefer_votes=True, ratio=(1, 1))
    report = balance(folder, "x", tmp_path / "out", options)
    assert report.manifest["labels"]["votes_used"] == 200
    assert {row["label"] for row in rows(tmp_path / "out", "train") if int(row["messageId"][1:]) % 2} == {1}


def with_turns(folder: Path, labels: list[Label]) -> str:
    """Write the turns behind labels, with an earlier turn each, and return the file's name."""
    turns: list[Turn] = []
    for n, each in enumerate(labels):
        made = turn(each.request, [Exchange(f"earlier {n}", "a" * 5000)])
        made.conversation_id, made.message_id = each.conversation_id, each.message_id
        made.dataset = f"set{n % 2}"
        turns.append(made)
    path = folder / "turns.jsonl"
    path.write_bytes(b"".join(map(encode, reversed(turns))))
    return str(path)


def test_history_comes_before_the_request(tmp_path: Path) -> None:
    """With `request+history` the router sees earlier turns, long answers shortened, and then the request."""
    labels = world(1500)
    options = BalanceOptions(
        format=Format.plain, near=None, input=Input.request_history, turns=with_turns(tmp_path, labels)
    )
    balance(labeled(tmp_path, labels), "x", tmp_path / "out", options)
    row = rows(tmp_path / "out", "train")[0]
    number = int(row["messageId"][1:])
    assert row["text"].startswith(f"Earlier request 1:\nearlier {number}\n\nEarlier answer 1:\naaa")
    assert "characters left out" in row["text"]
    assert row["text"].endswith(f"Request:\n{labels[number].request}")


def test_equal_requests_with_other_histories_both_stay(tmp_path: Path) -> None:
    """What counts as equal is what the router sees: "yes" after two questions is two examples."""
    labels = [*world(1500), *(label(n, request="yes", split="val") for n in (9001, 9002))]
    options = BalanceOptions(
        format=Format.plain, near=None, input=Input.request_history, turns=with_turns(tmp_path, labels)
    )
    report = balance(labeled(tmp_path, labels), "x", tmp_path / "out", options)
    assert report.manifest["duplicates"]["exact"] == {"train": 0, "val": 0, "test": 0}


def test_turns_of_a_conversation_are_not_near_for_their_history(tmp_path: Path) -> None:
    """With history, turns that share all but their own request stay; the same turn of a copied chat goes."""
    asks = [
        "please write a parser that reads the whole configuration file in one pass and names every bad line",
        "now add a test for empty files and another one for files that end in the middle of a section",
        "the second test fails on windows because of line ends so read the file in text mode there please",
        "commit all of that with a short message that says why the parser reads the file in one pass only",
    ]
    labels, turns = [], []
    for copy in range(2):
        history: list[Exchange] = []
        for n, ask in enumerate(asks):
            key = {"conversation_id": f"long{copy}", "message_id": f"long{copy}-{n}"}
            labels.append(label(9000 + n, request=ask, split="train", llm_vote=n % 2, **key))
            # A word more, so that the copy is near and not equal.
            turns.append(turn(f"{ask} ok" if copy else ask, list(history)))
            turns[-1].conversation_id, turns[-1].message_id = key.values()
            history.append(Exchange(ask, f"answer {n} " + "that says much and does more " * 20 * (n + 1)))
    path = tmp_path / "turns.jsonl"
    path.write_bytes(b"".join(map(encode, turns)))
    options = BalanceOptions(
        format=Format.plain, input=Input.request_history, turns=str(path), within=(), ratio=(50, 50)
    )
    report = balance(labeled(tmp_path, labels), "x", tmp_path / "out", options)
    assert report.manifest["duplicates"]["near"] == {"train": 4, "val": 0, "test": 0}
    kept = {row["messageId"].split("-")[1] for row in rows(tmp_path / "out", "train")}
    assert kept == {"0", "1", "2", "3"}


def test_source_is_a_property(tmp_path: Path) -> None:
    """With the turns at hand the ratio holds inside each data set too."""
    labels = world(1500)
    options = BalanceOptions(
        format=Format.plain, near=None, within=("source", "length"), turns=with_turns(tmp_path, labels),
        allow_probes=("position", "bucket"),
    )  # fmt: skip
    report = balance(labeled(tmp_path, labels), "x", tmp_path / "out", options)
    assert {each.values["source"] for each in report.files["train"].strata} == {"set0", "set1"}
    assert "source" in report.files["train"].probes


def test_labels_without_their_turn_are_named(tmp_path: Path) -> None:
    """A label whose turn is not in the file is an error that names it."""
    labels = world(100)
    turns = with_turns(tmp_path, labels[1:])
    with pytest.raises(InputError, match="has no turn for 1 labels, such as conversation c0, message m0"):
        balance(
            labeled(tmp_path, labels),
            "x",
            tmp_path / "out",
            BalanceOptions(input=Input.request_history, turns=turns),
        )
    assert list((tmp_path / "out").iterdir()) == []


def test_files_are_replaced_only_by_force_and_only_ones_own(folder: Path, tmp_path: Path) -> None:
    """Files of the name are kept without --force; with it they go, and those of other names stay."""
    out = tmp_path / "out"
    balance(folder, "x", out, PLAIN)
    (out / "x_y_train_70r_30n.jsonl").write_text("another set")
    with pytest.raises(UsageError, match="is there already"):
        balance(folder, "x", out, BalanceOptions(total=500, near=None))
    balance(folder, "x", out, BalanceOptions(ratio=(50, 50), total=500, near=None, force=True))
    names = {path.name for path in out.iterdir()}
    assert "x_train_70r_30n.jsonl" not in names
    assert {"x_y_train_70r_30n.jsonl", "x_train_50r_50n_sft.jsonl", "x.manifest.json"} <= names
    assert len(names) == 5


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--ratio", "70"], "--ratio: '70' is not of the form 70:30"),
        (["--ratio", "100:0"], "--ratio: 100:0 leaves one label out"),
        (["--within", "color"], "--within: 'color' is none of"),
        (["--within", "source"], "needs --turns"),
        (["--within", "length,length"], "no list of different properties"),
        (["--input", "request+history"], "needs --turns"),
        (["--name", "../x"], "can't begin a file's name"),
        (["--near", "2"], "--near: 2.0"),
        (["--system-prompt", "none.txt"], "can't be read as text"),
        (["--allow-probe", "mood"], "--allow-probe: 'mood'"),
    ],
)
def test_wrong_usage_teaches(tmp_path: Path, arguments: list[str], part: str) -> None:
    """Wrong options are exit code 2 with the option, its value and what is right."""
    labels = labeled(tmp_path, WORLD[:50])
    given = ["balance", str(labels), "--out", str(tmp_path / "out"), "--name", "x", *arguments]
    result = CliRunner().invoke(app, given)
    assert result.exit_code == 2, result.output
    assert part in result.output.replace("\n", " ")


def test_command_prints_what_it_wrote(folder: Path, tmp_path: Path) -> None:
    """The command prints shares, probes and file names, and marks weak labels; --json is the manifest."""
    arguments = ["balance", str(folder), "--name", "x", "--out", str(tmp_path / "out"), "--total", "1000"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    for part in ("x_train_70r_30n_sft.jsonl", "70.00%", "weak labels", "position", "x.manifest.json"):
        assert part in result.output
    result = CliRunner().invoke(app, [*arguments, "--force", "--json"])
    told = json.loads((tmp_path / "out" / "x.manifest.json").read_text(encoding="utf-8"))
    assert json.loads(result.stdout) == told


def test_ratios() -> None:
    """A ratio is two whole numbers."""
    assert ratio_of("70:30") == (70, 30)
    for text in ("70/30", "70:30:1", "-1:2", "a:b", ""):
        with pytest.raises(UsageError, match="is not of the form"):
            ratio_of(text)
