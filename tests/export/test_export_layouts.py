"""Layouts, formats, targets, what metadata tells, recipes, and what is printed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
import typer
import yaml

from turnsmith.cli import app
from turnsmith.recipes.loading import load_recipe
from turnsmith.recipes.telemetry import TelemetryRecipe

from .running import (
    all_files,
    arguments,
    data_files,
    dataset,
    export,
    exported,
    leftovers,
    metadata,
    records,
    turnsmith,
)
from .telemetry import AS_OF, STAMP, conversation, split_of, write

if TYPE_CHECKING:
    from collections.abc import Mapping

BUCKETS = {"short_3_to_5_turns": (3, 5), "medium_6_to_10_turns": (6, 10), "long_11_to_20_turns": (11, 20)}
SPLITS = ("train", "val", "test")
TEST_TARGETS = {"train": (40, 40, 20), "val": (4, 4, 2), "test": (4, 4, 2)}
DOCS = Path(__file__).resolve().parents[2] / "docs" / "metadata.md"


def verified(folder: Path) -> Path:
    """Check that `turnsmith verify` has nothing to say against a data set."""
    ended = turnsmith("verify", folder, "--json")
    failed = [check for check in json.loads(ended.stdout)["checks"] if not check["ok"]]
    assert failed == []
    assert ended.code == 0
    return folder


def read(path: Path) -> list[dict[str, Any]]:
    """Read the records of a data file in any format."""
    if path.suffix == ".json":
        found: list[dict[str, Any]] = json.loads(path.read_bytes())
        return found
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n")[:-1]]
    rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    for row in rows:
        for turn in row["turnsArray"]:
            turn["toolCounts"] = dict(turn["toolCounts"])
    return rows


def by_place(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Read all records by file name without suffix."""
    files = [path for path in folder.rglob("*_turns.*") if path.is_file()]
    return {str(path.relative_to(folder).with_suffix("")): read(path) for path in files}


def test_three_splits_by_three_buckets(undisturbed: Path) -> None:
    """By default there are nine files, each with the records of its split and bucket, in test mode up to 40."""
    places = by_place(verified(undisturbed))
    assert set(places) == {f"{split}/{bucket}" for split in SPLITS for bucket in BUCKETS}
    assert all(places.values())
    assert undisturbed.name == f"vscodedata_120_complete_stratified_deduped_15d_{STAMP}"
    for split, targets in TEST_TARGETS.items():
        for (bucket, (low, high)), target in zip(BUCKETS.items(), targets, strict=True):
            found = places[f"{split}/{bucket}"]
            assert len(found) <= target
            for record in found:
                assert (record["split"], record["bucket"]) == (split, bucket)
                assert split_of(record["conversationId"]) == split
                assert low <= record["turnCount"] == len(record["turnsArray"]) <= high
    expected = dict(zip(BUCKETS, (n for n in TEST_TARGETS["val"]), strict=True))
    given = metadata(undisturbed)["stratification"]["val"]
    assert {bucket: given[bucket]["target_count"] for bucket in BUCKETS} == expected


def test_production_targets(plain: Path, tmp_path: Path) -> None:
    """In production mode the targets are those of the contract, in the name as 120k."""
    ended = turnsmith(
        "export", "--events", plain, "--out", tmp_path / "out", "--as-of", AS_OF, "--stamp", STAMP
    )
    assert ended.code == 0
    folder = verified(dataset(tmp_path / "out"))
    assert folder.name == f"vscodedata_120k_complete_stratified_deduped_15d_{STAMP}"
    targets = metadata(folder)["config"]["targets"]
    assert {split: tuple(groups.values()) for split, groups in targets.items()} == {
        split: tuple(1000 * target for target in wanted) for split, wanted in TEST_TARGETS.items()
    }


def test_single(plain: Path, undisturbed: Path, tmp_path: Path) -> None:
    """--layout single: three files at the root, no split in a record, 100k in the name, targets 40/40/20."""
    ended = turnsmith(
        "export", "--events", plain, "--out", tmp_path / "out", "--as-of", AS_OF, "--stamp", STAMP,
        "--layout", "single",
    )  # fmt: skip
    assert ended.code == 0, ended.said
    folder = verified(dataset(tmp_path / "out"))
    assert folder.name == f"vscodedata_100k_complete_stratified_deduped_15d_{STAMP}"
    assert {path.name for path in folder.iterdir()} == {
        *(f"{bucket}.json" for bucket in BUCKETS), "metadata.json", f"invalid_records_{STAMP}.json",
    }  # fmt: skip
    found = records(folder)
    assert all("split" not in record for record in found)
    content = metadata(folder)
    assert content["stratification"]["total_target"] == 100_000
    assert content["config"]["targets"] == {"all": {"short": 40_000, "medium": 40_000, "long": 20_000}}
    assert content["actual_counts"]["total"] == len(found)
    funnel = metadata(undisturbed)["funnel"]
    assert content["funnel"]["candidates"]["all"] == {
        bucket: sum(funnel["candidates"][split][bucket] for split in SPLITS) for bucket in BUCKETS
    }
    with_splits = {record["conversationId"]: record for record in records(undisturbed)}
    for record in found:
        other = with_splits.get(record["conversationId"])
        if other is not None:
            assert record == {key: value for key, value in other.items() if key != "split"}


@pytest.mark.parametrize("split", SPLITS)
def test_one_split(split: str, plain: Path, undisturbed: Path, tmp_path: Path) -> None:
    """--split writes that split's files, the very bytes that all three together have, and no other."""
    folder = verified(exported(plain, tmp_path / "out", "--split", split))
    found = data_files(folder)
    whole = data_files(undisturbed)
    assert {name for name in found if "/" in name} == {f"{split}/{bucket}.json" for bucket in BUCKETS}
    assert all(whole[name] == content for name, content in found.items() if "/" in name)
    content = metadata(folder)
    assert content["config"]["split"] == split
    assert list(content["output_files"]) == [split]
    assert content["curation_info"]["curation_id"] == folder.name
    assert f"_{sum(TEST_TARGETS[split])}_" in folder.name


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
@pytest.mark.parametrize("layout", ["splits", "single"])
def test_formats(form: str, layout: str, plain: Path, corpus: list[bytes], tmp_path: Path) -> None:
    """JSON Lines and Parquet hold the same records in the same order as JSON, and the same bytes each time."""
    options = ("--layout", layout)
    as_json = by_place(exported(plain, tmp_path / "json", *options))
    folder = verified(exported(plain, tmp_path / "out", *options, "--format", form))
    assert by_place(folder) == as_json
    assert all(path.suffix == f".{form}" for path in folder.rglob("*_turns.*"))
    backwards = write(tmp_path / "backwards.jsonl", b"".join(reversed(corpus)))
    again = exported(backwards, tmp_path / "again", *options, "--format", form, "--chunks", 5)
    assert data_files(again) == data_files(folder)


def test_parquet_of_an_empty_group(tmp_path: Path) -> None:
    """A group without records is a Parquet file with the same columns and no rows."""
    rows = write(tmp_path / "a.jsonl", conversation("c-0", 3))
    folder = verified(exported(rows, tmp_path / "out", "--format", "parquet"))
    schemas = {pq.read_schema(path) for path in folder.rglob("*.parquet")}
    assert len(schemas) == 1
    assert sum(pq.read_table(path).num_rows for path in folder.rglob("*.parquet")) == 1


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_an_empty_group(form: str, tmp_path: Path) -> None:
    """A group without records is an empty array, or a file without lines."""
    rows = write(tmp_path / "a.jsonl", conversation("c-0", 3))
    folder = verified(exported(rows, tmp_path / "out", "--format", form))
    places = by_place(folder)
    assert len(places) == 9
    assert sum(map(len, places.values())) == 1


def test_targets(plain: Path, undisturbed: Path, tmp_path: Path) -> None:
    """--target sets groups one by one; a smaller sample is the beginning of the larger one."""
    options = ("--target", "train.short=2", "--target", "val.short=0", "--target", "test.long=1")
    folder = verified(exported(plain, tmp_path / "out", *options))
    found, whole = by_place(folder), by_place(undisturbed)
    wanted = {"train/short_3_to_5_turns": 2, "val/short_3_to_5_turns": 0, "test/long_11_to_20_turns": 1}
    for place, rows in whole.items():
        assert found[place] == rows[: wanted.get(place, len(rows))]
    assert all(len(whole[place]) > count for place, count in wanted.items())
    total = 120 - 40 + 2 - 4 + 0 - 2 + 1
    assert folder.name.startswith(f"vscodedata_{total}_")
    content = metadata(folder)
    assert content["stratification"]["total_target"] == total
    assert content["funnel"]["candidates"] == metadata(undisturbed)["funnel"]["candidates"]
    assert "train.short" not in {entry["group"] for entry in content["shortfalls"]}


def test_a_target_of_the_single_layout(plain: Path, tmp_path: Path) -> None:
    """In the single layout a group is named by its bucket."""
    folder = verified(exported(plain, tmp_path / "out", "--layout", "single", "--target", "short=3"))
    assert metadata(folder)["actual_counts"]["short_3_to_5_turns"] == 3


def test_the_seed(plain: Path, undisturbed: Path, tmp_path: Path) -> None:
    """Another seed gives the same candidates in another order."""
    folder = verified(exported(plain, tmp_path / "out", "--seed", 7))
    found, whole = by_place(folder), by_place(undisturbed)
    assert found != whole
    content, expected = metadata(folder), metadata(undisturbed)
    assert content["funnel"]["candidates"] == expected["funnel"]["candidates"]
    place = "train/medium_6_to_10_turns"
    assert sorted(map(str, found[place])) == sorted(map(str, whole[place]))


# -- metadata ----------------------------------------------------------------------------------------------


def documented() -> list[tuple[str, str]]:
    """Give the keys and their descriptions of the first table of the docs."""
    text = DOCS.read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", text, re.MULTILINE)
    names = [name for name, _ in rows]
    return rows[: names.index("versions") + 1]


@pytest.mark.parametrize("layout", ["splits", "single"])
def test_the_groups_of_metadata(layout: str, plain: Path, tmp_path: Path) -> None:
    """metadata.json has the groups of the docs, in their order, filled with what was used."""
    folder = exported(plain, tmp_path / "out", "--layout", layout)
    content = metadata(folder)
    required = [
        "curation_info", "query_parameters", "completeness_criteria", "deduplication", "stratification",
        "actual_counts", "output_files", "funnel", "shortfalls", "split_units", "leakage", "forgotten", "warnings",
        "checksums", "config", "versions",
    ]  # fmt: skip
    assert list(content) == required
    assert content["curation_info"]["curation_date"] == "2026-01-01T00:00:00Z"
    assert content["curation_info"]["curation_id"] == folder.name
    assert content["curation_info"]["data_source"] == "events"
    assert content["query_parameters"] == {
        "time_window": "(2026-01-01T00:00:00Z, 2026-01-16T00:00:00Z]", "window": "15d", "as_of": AS_OF,
        "events": ["events.jsonl"], "cluster": None, "database": None,
    }  # fmt: skip
    assert set(content["checksums"]) == set(data_files(folder))
    funnel = content["funnel"]
    assert sum(funnel["events"].values()) == funnel["events_read"] - funnel["malformed_rows"]
    assert funnel["conversations"] == sum(
        map(_sum, (funnel["filtered"], funnel["invalid"], funnel["candidates"]))
    )
    assert all(funnel["filtered"].values())
    assert _sum(funnel["sampled"]) == content["actual_counts"]["total"] == len(records(folder))
    for entry in content["shortfalls"]:
        assert set(entry) == {"group", "wanted", "available", "window_factor"}
        assert entry["available"] < entry["wanted"]
    for kind in ("candidates", "written"):
        assert set(content["warnings"][kind]) == {
            "empty_model_message", "turn_without_llm_calls", "prompt_tokens_not_positive",
            "completion_tokens_negative",
        }  # fmt: skip
    assert set(content["config"]) >= {
        "seed", "format", "layout", "mode", "as_of", "window", "stamp", "prefix", "model_text", "split", "splits",
        "buckets", "targets", "failed_turn_end_reasons",
    }  # fmt: skip
    assert set(content["versions"]) >= {"turnsmith", "python", "duckdb", "ibis-framework", "pyarrow"}


def _sum(tree: Any) -> int:
    return sum(map(_sum, tree.values())) if isinstance(tree, dict) else int(tree)


def test_the_docs_name_every_group(undisturbed: Path) -> None:
    """docs/metadata.md describes each group of metadata.json, in the file's order."""
    assert [name for name, _ in documented()] == list(metadata(undisturbed))


def test_metadata_holds_no_folders(plain: Path, undisturbed: Path) -> None:
    """Nothing in metadata.json tells where the input lay or the output lies."""
    text = (undisturbed / "metadata.json").read_text(encoding="utf-8")
    assert str(plain.parent) not in text
    assert str(undisturbed.parent) not in text


# -- what was filtered out ---------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", ["splits", "single"])
def test_dropped(layout: str, plain: Path, undisturbed: Path, tmp_path: Path) -> None:
    """--dropped writes each filtered conversation with its reason; deltas of incomplete ones begin with null."""
    file = tmp_path / "deep" / "dropped.jsonl"
    folder = verified(exported(plain, tmp_path / "out", "--dropped", file, "--layout", layout))
    if layout == "splits":
        assert data_files(folder) == data_files(undisturbed)
    entries = read(file)
    reasons: dict[str, int] = {}
    for entry in entries:
        reasons[entry["reason"]] = reasons.get(entry["reason"], 0) + 1
    assert reasons == metadata(folder)["funnel"]["filtered"]
    found = {entry["conversation"]["conversationId"]: entry for entry in entries}
    assert len(found) == len(entries)
    assert found["late"]["reason"] == "incomplete_start"
    assert found["gap"]["reason"] == "turn_gap"
    assert found["failed"]["reason"] == "failed_turn"
    assert found["brief"]["reason"] == "outside_buckets"
    for entry in entries:
        record = entry["conversation"]
        incomplete = entry["reason"] in ("missing_turn_index", "incomplete_start", "turn_gap")
        assert record["isComplete"] is not incomplete
        calls = [call for turn in record["turnsArray"] for call in turn["llmCalls"]]
        if calls:
            first = calls[0]
            assert first["promptTokenDelta"] == (None if incomplete else first["promptTokens"])
        assert record["capturedTurnCount"] == record["turnCount"] == len(record["turnsArray"])
    assert set(found).isdisjoint(record["conversationId"] for record in records(folder))
    assert list(file.parent.iterdir()) == [file]


def test_dropped_does_not_depend_on_the_order(corpus: list[bytes], plain: Path, tmp_path: Path) -> None:
    """The file of dropped conversations is the same for shuffled rows and other chunks."""
    first, second = tmp_path / "1.jsonl", tmp_path / "2.jsonl"
    exported(plain, tmp_path / "one", "--dropped", first)
    backwards = write(tmp_path / "backwards.jsonl", b"".join(reversed(corpus)))
    exported(backwards, tmp_path / "two", "--dropped", second, "--chunks", 5)
    assert first.read_bytes() == second.read_bytes()


# -- recipes -----------------------------------------------------------------------------------------------


def test_the_recipe_that_ships_is_the_defaults(tmp_path: Path) -> None:
    """`turnsmith recipe show` prints a recipe that means the same as none, but for what has no default."""
    ended = turnsmith("recipe", "show")
    assert ended.code == 0
    path = write(tmp_path / "shipped.yaml", ended.stdout.encode())
    assert turnsmith("recipe", "show", "telemetry").stdout == ended.stdout
    without = {"events", "out"}
    assert load_recipe(path, {}).model_dump(exclude=without) == load_recipe(None, {}).model_dump(
        exclude=without
    )
    named = re.findall(r"^(?:# )?(\w+):", ended.stdout, re.MULTILINE)
    assert set(TelemetryRecipe.model_fields) <= set(named)


def test_an_unknown_recipe() -> None:
    """An unknown recipe's message names the ones there are."""
    ended = turnsmith("recipe", "show", "none")
    assert ended.code == 2
    assert "telemetry" in ended.stderr


def test_every_option_has_a_key() -> None:
    """Each setting among the options of `export` is a key of the recipe, with underscores for dashes."""
    command: Any = typer.main.get_command(app)
    options = {option for param in command.commands["export"].params for option in param.opts}
    keys = {option.removeprefix("--").replace("-", "_") for option in options if option.startswith("--")}
    assert keys - {"config", "json", "help", "plan"} <= set(TelemetryRecipe.model_fields)
    assert keys >= {
        "events", "out", "as_of", "window", "mode", "split", "target", "seed", "format", "chunks",
        "memory_limit", "config", "max_bad_rows", "layout", "stamp", "json", "source", "cluster", "database",
        "parallel", "server_timeout", "client_timeout", "publish", "plan",
    }  # fmt: skip


def _check_schema(schema: Mapping[str, Any], root: Mapping[str, Any]) -> None:
    """Check that a JSON Schema uses known types and that its references lead somewhere."""
    types = {"object", "array", "string", "integer", "number", "boolean", "null"}
    if "$ref" in schema:
        assert schema["$ref"].removeprefix("#/$defs/") in root["$defs"]
    assert schema.get("type", "object") in types
    for inner in (*schema.get("properties", {}).values(), *schema.get("anyOf", [])):
        _check_schema(inner, root)
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            _check_schema(schema[key], root)


def test_the_schema() -> None:
    """`turnsmith recipe schema` is JSON Schema: every key described, no others allowed, references sound."""
    ended = turnsmith("recipe", "schema")
    schema = json.loads(ended.stdout)
    assert schema["type"] == "object"
    assert schema["additionalProperties"] is False
    assert set(schema["properties"]) == set(TelemetryRecipe.model_fields)
    assert all(value.get("description") for value in schema["properties"].values())
    assert schema["properties"]["format"]["enum"] == ["json", "jsonl", "parquet"]
    assert schema["properties"]["window"]["default"] == "15d"
    for part in (schema, *schema["$defs"].values()):
        _check_schema(part, schema)


OPTIONS: dict[str, Any] = {
    "window": "14d", "seed": 3, "format": "jsonl", "chunks": 2, "max_bad_rows": 9, "memory_limit": "500MB",
    "split": "val", "target": {"val.short": 2, "val.long": 1},
}  # fmt: skip


def test_a_recipe_equals_its_options(plain: Path, tmp_path: Path) -> None:
    """`turnsmith run` with a recipe makes all the same files as `export` with the same options."""
    options = [
        part
        for key, value in OPTIONS.items()
        if key != "target"
        for part in (f"--{key.replace('_', '-')}", value)
    ]
    options += [part for group, n in OPTIONS["target"].items() for part in ("--target", f"{group}={n}")]
    by_options = exported(plain, tmp_path / "options", *options)
    recipe = {
        **OPTIONS, "events": [str(plain)], "out": str(tmp_path / "recipe"), "mode": "test", "stamp": STAMP,
        "as_of": AS_OF, "recipe": "telemetry",
    }  # fmt: skip
    for number, content in enumerate(
        (recipe, {key.replace("_", "-"): value for key, value in recipe.items()})
    ):
        content["out"] = str(tmp_path / f"recipe{number}")
        path = write(tmp_path / "mine.yaml", yaml.safe_dump(content).encode())
        ended = turnsmith("run", path)
        assert ended.code == 0, ended.said
        assert all_files(dataset(Path(content["out"]))) == all_files(by_options)
    without_paths = {key: value for key, value in recipe.items() if key not in ("events", "out")}
    config = write(tmp_path / "config.yaml", yaml.safe_dump(without_paths).encode())
    ended = turnsmith("export", "--events", plain, "--out", tmp_path / "config", "--config", config)
    assert ended.code == 0, ended.said
    assert all_files(dataset(tmp_path / "config")) == all_files(by_options)


# -- what is printed ---------------------------------------------------------------------------------------


def test_json_output(plain: Path, tmp_path: Path) -> None:
    """--json prints one JSON object on one line: path, counts, shortfalls; stderr is empty."""
    ended = export(plain, tmp_path / "out", "--json")
    assert ended.code == 0
    assert ended.stderr == ""
    assert ended.stdout.count("\n") == 1
    printed = json.loads(ended.stdout)
    folder = dataset(tmp_path / "out")
    assert printed["path"] == str(folder)
    content = metadata(folder)
    for key in ("actual_counts", "shortfalls", "funnel", "warnings"):
        assert printed[key] == content[key]


def test_plain_output(plain: Path, tmp_path: Path) -> None:
    """Plain output ends with the folder on a line of its own, has no bar or color, and tells the shortfalls."""
    out = tmp_path / ("a long name " * 12)
    ended = export(plain, out)
    assert ended.code == 0
    assert ended.stderr == ""
    assert ended.stdout.splitlines()[-1] == str(dataset(out))
    assert "\x1b" not in ended.stdout
    assert "\r" not in ended.stdout
    content = metadata(dataset(out))
    assert "Warning: groups below their target" in ended.stdout
    table = ended.stdout[ended.stdout.index("Warning: groups") :]
    for entry in content["shortfalls"]:
        row = next(line for line in table.splitlines() if entry["group"] in line)
        assert f" {entry['wanted']} " in row
        assert f" {entry['available']} " in row
        assert f"{entry['window_factor']:g} x 15d" in row
    assert f"{content['funnel']['events_read']:,}" in ended.stdout


def test_events_takes_several_paths(corpus: list[bytes], undisturbed: Path, tmp_path: Path) -> None:
    """--events takes several paths after it, as a shell expands a glob, and may be repeated."""
    files = [write(tmp_path / f"{n}.jsonl", b"".join(corpus[n::3])) for n in range(3)]
    made = exported(files, tmp_path / "out", "--seed", 0)
    assert data_files(made) == data_files(undisturbed)
    args = [*arguments(files[:2], tmp_path / "more"), "--events", str(files[2])]
    assert turnsmith(*args).code == 0
    assert data_files(dataset(tmp_path / "more")) == data_files(undisturbed)
    assert leftovers(tmp_path / "more") == []
