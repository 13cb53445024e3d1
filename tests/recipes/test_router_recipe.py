"""The router recipe: a curated set in, labels and training files of both units out."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from tests.labels.judge.scripted_server import ScriptedServer
from tests.recipes.curated import write_curated
from turnsmith.cli import app
from turnsmith.labels.balance import BalanceOptions
from turnsmith.recipes.loading import load_router_recipe
from turnsmith.recipes.router import Router

KEY = "test-key-of-no-one"
PLAIN: dict[str, Any] = {"within": [], "allow_probe": ["bucket", "position", "language", "length"]}
FIRST: dict[str, Any] = {"name": "datav3", "unit": "first", "ratio": "50:50", **PLAIN}
EVERY: dict[str, Any] = {
    "name": "datav3-turns", "unit": "every", "strategy": "history", "input": "request+history", **PLAIN,
}  # fmt: skip


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write one curated set for all tests of this file."""
    return write_curated(tmp_path_factory.mktemp("sets") / "set_1")


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set a key that is none, and no address of another server."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


def run(*arguments: object, status: int = 0) -> str:
    """Run a command; return what it printed, errors included."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == status, result.output
    return result.output


def recipe(folder: Path, dataset: Path, /, **settings: Any) -> Path:
    """Write a recipe for both units with `folder`/router as output."""
    path = folder / "recipe.yaml"
    values: dict[str, Any] = {"recipe": "router", "dataset": str(dataset), "out": str(folder / "router")}
    values["routers"] = [FIRST, EVERY]
    path.write_text(yaml.safe_dump({**values, **settings}, sort_keys=False), encoding="utf-8")
    return path


def model(server: ScriptedServer, **settings: Any) -> dict[str, Any]:
    """Return settings of a judge behind a server on loopback."""
    return {"kind": "llm", "model": "m", "endpoint": server.address, "concurrency": 8, **settings}


def data_of(folder: Path) -> dict[str, bytes]:
    """Return the bytes of training files, manifests and labels by path."""
    paths = [*folder.glob("*.jsonl"), *folder.glob("*.manifest.json"), *folder.glob("labels/*/*/*/*.jsonl")]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def rows(path: Path) -> list[dict[str, Any]]:
    """Return the records of a file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_both_units_come_from_one_recipe(tmp_path: Path, dataset: Path) -> None:
    """Each router has its own files with its exact ratio; the unit decides how much a label knows of before."""
    printed = run("run", recipe(tmp_path, dataset))
    out = tmp_path / "router"
    (first,) = out.glob("datav3_train_50r_50n_sft.jsonl")
    (every,) = out.glob("datav3-turns_train_70r_30n_sft.jsonl")
    digits = [Counter(row["messages"][-1]["content"] for row in rows(path)) for path in (first, every)]
    assert digits[0]["0"] == digits[0]["1"] > 10
    assert digits[1]["0"] / digits[1].total() == pytest.approx(0.7, abs=0.01)
    assert digits[1].total() > digits[0].total()
    assert not any("Done with the" in row["messages"][1]["content"] for row in rows(first))
    assert any("Done with the" in row["messages"][1]["content"] for row in rows(every))
    run("check", first, "--for", "openai")
    turns = {
        unit: json.loads((out / "reports" / f"{unit}.turns.json").read_text()) for unit in ("first", "every")
    }
    assert turns["every"]["account"]["kept"] == 3 * turns["first"]["account"]["kept"] == 3 * 120
    assert "weak labels" in printed
    assert str(first) in printed.replace("\n", "")
    assert not list(tmp_path.rglob(".turnsmith"))


def test_it_makes_the_same_files_as_the_commands(tmp_path: Path, dataset: Path) -> None:
    """`turns`, `judge` and `balance` by hand give the same bytes as the recipe."""
    run("run", recipe(tmp_path, dataset))
    hand = tmp_path / "hand"
    hand.mkdir()
    told = ["--within", "none", *(word for each in PLAIN["allow_probe"] for word in ("--allow-probe", each))]
    for unit, strategy, more in (
        ("first", "request", ["--name", "datav3", "--ratio", "50:50"]),
        ("every", "history", ["--name", "datav3-turns", "--input", "request+history"]),
    ):
        turns, labels = hand / f"{unit}.jsonl", hand / "labels" / unit
        run("turns", dataset, "--unit", unit, "--out", turns)
        run("judge", turns, "--out", labels, "--strategy", strategy)
        run("balance", labels, "--out", hand, "--turns", turns, *more, *told)
    by_hand = {path.name: path.read_bytes() for path in hand.glob("datav3*")}
    assert by_hand == {path.name: path.read_bytes() for path in (tmp_path / "router").glob("datav3*")}
    assert len(by_hand) == 8


def test_same_input_same_bytes(tmp_path: Path, dataset: Path) -> None:
    """Two runs give the same labels, files and manifests; another seed draws others."""
    made = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        run("run", recipe(tmp_path, dataset, out=str(tmp_path / name), seed=seed))
        made.append(data_of(tmp_path / name))
    assert made[0] == made[1]
    assert made[0] != made[2]


def test_a_model_is_asked_once(tmp_path: Path, dataset: Path) -> None:
    """Routers of one unit and strategy share labels; a second run with `force` asks nothing; no key is kept."""
    second = {**FIRST, "name": "skewed", "ratio": "70:30"}
    with ScriptedServer() as server:
        made = recipe(tmp_path, dataset, judge=model(server), routers=[FIRST, second])
        run("run", made)
        asked = len(server.seen)
        assert sum("response_format" not in body for body in server.seen) >= 120
        values = yaml.safe_load(made.read_text()) | {"force": True}
        made.write_text(yaml.safe_dump(values))
        run("run", made)
        assert len(server.seen) == asked
        assert set(server.keys) == {f"Bearer {KEY}"}
    out = tmp_path / "router"
    (labels,) = (out / "labels").iterdir()
    assert labels.name == "first-request"
    said = json.loads((out / "skewed.manifest.json").read_text())["labels"]
    assert (said["judge"], said["judge_model"]) == ("llm", ["m"])
    assert not [path for path in out.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]


@pytest.mark.slow
def test_a_killed_run_goes_on(tmp_path: Path, dataset: Path) -> None:
    """After kill -9 among the answers, what was kept is not asked again, and the files are the same."""
    with ScriptedServer() as server:
        run("run", recipe(tmp_path, dataset, judge=model(server)))
        whole = {name: data for name, data in data_of(tmp_path / "router").items() if "/" not in name}
    out = tmp_path / "again"
    with ScriptedServer(lambda _body, _number: time.sleep(0.01)) as server:
        made = recipe(tmp_path, dataset, judge=model(server), out=str(out))
        process = subprocess.Popen(
            [sys.executable, "-m", "turnsmith", "run", str(made)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        deadline = time.monotonic() + 60
        while len(server.seen) < 250 and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL, "it was faster than the signal"
        assert not list(out.glob("*.jsonl")) or (out / "datav3.manifest.json").exists()
        run("run", made)
        sent = Counter(json.dumps(body, sort_keys=True) for body in server.seen)
    # Only what was under way at the kill was sent twice.
    assert sum(count - 1 for count in sent.values()) <= 2 * 8
    assert {name: data for name, data in data_of(out).items() if "/" not in name} == whole
    assert not list(out.rglob("*.part"))
    assert not list(out.rglob(".turnsmith"))


def test_the_budget_is_that_of_all_labels(tmp_path: Path, dataset: Path) -> None:
    """Where the second labels would pass the budget the run stops, keeps what is paid, and goes on with more."""
    prices = tmp_path / "prices.yaml"
    prices.write_text("dated: 2026-01-01\nmodels:\n  m: {input: 100, output: 100}\n")  # a cent for each reply
    with ScriptedServer() as server:
        told = model(server, prices=str(prices), budget_usd=3.2, concurrency=1, timeout=5)
        stopped = run("run", recipe(tmp_path, dataset, judge=told), status=1)
        assert "budget" in stopped
        assert "budget_usd" in stopped
        assert "--" not in stopped
        out = tmp_path / "router"
        assert (out / "datav3.manifest.json").exists()
        assert not (out / "datav3-turns.manifest.json").exists()
        asked = len(server.seen)
        assert 120 < asked <= 320
        printed = run("run", recipe(tmp_path, dataset, judge={**told, "budget_usd": 100}), "--json")
        # Only what finds out about the server is asked once for each labels.
        turns = [body for body in server.seen if "the user names" not in body["messages"][0]["content"]]
        assert max(Counter(json.dumps(body, sort_keys=True) for body in turns).values()) == 1
    costs = [labels["traffic"]["all_runs"]["cost_usd"] for labels in json.loads(printed)["labels"].values()]
    assert sum(map(float, costs)) == pytest.approx(len(server.seen) * 0.0101)


def test_a_shortfall_costs_no_second_judgment(tmp_path: Path, dataset: Path) -> None:
    """A total that can't be reached names the largest one; with it, the labels are not made again."""
    told = recipe(tmp_path, dataset, routers=[{**FIRST, "total": 100_000}])
    said = run("run", told, status=1)
    assert "datav3: " in said
    assert "--" not in said
    assert not list((tmp_path / "router").glob("*.jsonl"))
    largest = int(re.search(r"(?:largest|most)\D+([\d,]+)", said)[1].replace(",", ""))  # type: ignore[index]
    (labels,) = (tmp_path / "router").glob("labels/*/*/train/*.jsonl")
    before = labels.stat().st_mtime_ns
    run("run", recipe(tmp_path, dataset, routers=[{**FIRST, "total": largest}]))
    assert labels.stat().st_mtime_ns == before
    assert len(rows(tmp_path / "router" / "datav3_train_50r_50n_sft.jsonl")) == largest


def test_labels_that_others_changed_are_made_again(tmp_path: Path, dataset: Path) -> None:
    """Where labels are not those that the finished step left, an unfinished run makes them again."""
    run("run", recipe(tmp_path, dataset, routers=[{**FIRST, "total": 100_000}]), status=1)
    (labels,) = (tmp_path / "router").glob("labels/*/*/train/*.jsonl")
    whole = labels.read_bytes()
    labels.write_bytes(b"".join(whole.splitlines(keepends=True)[:20]))
    run("run", recipe(tmp_path, dataset, routers=[FIRST]))
    assert labels.read_bytes() == whole


def test_files_are_not_overwritten(tmp_path: Path, dataset: Path) -> None:
    """Files of the name stop a run before it does anything, unless `force` is set; then old ones go."""
    out = tmp_path / "router"
    out.mkdir()
    old = out / "datav3_val_1r_1n_sft.jsonl"
    old.write_text("{}\n")
    assert "force: true" in run("run", recipe(tmp_path, dataset), status=2)
    assert [path.name for path in out.iterdir() if path.is_file()] == [old.name]
    assert not list(out.rglob("*.zst"))
    run("run", recipe(tmp_path, dataset, force=True))
    assert not old.exists()


def test_another_kind_of_judge_does_not_replace_labels(tmp_path: Path, dataset: Path) -> None:
    """Labels of a model are never replaced by weak ones."""
    with ScriptedServer() as server:
        run("run", recipe(tmp_path, dataset, judge=model(server), routers=[FIRST]))
    labels = {name: data for name, data in data_of(tmp_path / "router").items() if "/" in name}
    said = run("run", recipe(tmp_path, dataset, routers=[FIRST], force=True), status=2)
    assert "holds llm labels" in said.replace("\n", " ")
    assert labels == {name: data for name, data in data_of(tmp_path / "router").items() if "/" in name}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"dataset": None}, "dataset: name the folder of a curated data set"),
        ({"dataset": "no-such"}, "dataset: no-such: no such file or folder"),
        ({"out": None}, "out: name the folder"),
        ({"routers": []}, "routers: name at least one"),
        ({"routers": [FIRST, FIRST]}, r"recipe\.yaml:4: routers: two are named 'datav3'"),
        ({"routers": [{"unit": "first"}]}, r"recipe\.yaml:5: routers\.0\.name"),
        ({"routers": [{"name": "../x"}]}, r"recipe\.yaml:5: routers\.0\.name: .*can't begin a file's name"),
        ({"routers": [{"name": "x", "unit": "all"}]}, r"recipe\.yaml:6: routers\.0\.unit"),
        ({"routers": [{"name": "x", "ratio": "70"}]}, r"recipe\.yaml:6: routers\.0\.ratio: .*not of the form"),
        ({"routers": [{"name": "x", "ratio": 4230}]}, r'routers\.0\.ratio: write it in quotes, such as "70:30"'),
        ({"routers": [{"name": "x", "ratio": "0:1"}]}, r"routers\.0: ratio: 0:1 leaves one label out"),
        ({"routers": [{"name": "x", "within": ["user"]}]}, r"routers\.0\.within"),
        ({"routers": [{"name": "x", "system_prompt": "no.txt"}]}, r"system_prompt: no\.txt can't be read"),
        ({"routers": [{"name": "x", "totl": 1}]}, r"recipe\.yaml:6: routers\.0\.totl: unknown key"),
        ({"judge": {"kind": "llm"}}, r"recipe\.yaml:\d+: judge: kind: llm needs a model"),
        ({"judge": {"model": "m"}}, r"recipe\.yaml:\d+: judge\.model: is for a model; set kind: llm"),
        ({"judge": {"kind": "llm", "model": "m", "endpoint": "x"}}, r"recipe\.yaml:\d+: judge\.endpoint: .*http"),
        ({"judge": {"kind": "llm", "model": "m", "budget_usd": 1}}, r"judge: budget_usd: no price for m .* prices"),
        ({"judge": {"kind": "llm", "model": "m", "prices": "no.yaml"}}, r"judge\.prices: .*no\.yaml"),
        ({"judge": {"kind": "llm", "model": "m", "prompt": "no.txt"}}, r"judge\.prompt: .*no\.txt"),
        ({"judge": {"key": "sk-1"}}, r"judge\.key: unknown key"),
    ],
)  # fmt: skip
def test_mistakes_are_named(tmp_path: Path, dataset: Path, settings: dict[str, Any], said: str) -> None:
    """A wrong setting ends in a message that names file, line and key, exit code 2, and nothing is written."""
    printed = run("run", recipe(tmp_path, dataset, **settings), status=2).replace("\n", " ")
    assert re.search(said, printed), printed
    assert "--" not in printed
    assert not list(tmp_path.rglob("*.jsonl*"))


def test_a_broken_set_is_told(tmp_path: Path) -> None:
    """A record that is cut off is counted and told with its place; its neighbors survive."""
    broken = write_curated(tmp_path / "set_2", 60)
    path = broken / "train" / "short_3_to_5_turns.json"
    path.write_bytes(path.read_bytes()[:-500])
    made = recipe(tmp_path, broken, routers=[FIRST])
    printed = " ".join(run("run", made).split())
    assert re.search(r"Warning: first: \S.*short_3_to_5_turns\.json: record 42", printed)
    assert json.loads((tmp_path / "router" / "reports" / "first.turns.json").read_text())["account"]["bad"]


def test_the_recipe_that_ships_has_every_key(tmp_path: Path) -> None:
    """`recipe show router` has both units, means the same as the defaults, and shows every key."""
    text = run("recipe", "show", "router")
    path = tmp_path / "shipped.yaml"
    path.write_text(text, encoding="utf-8")
    shipped = load_router_recipe(path)
    default = load_router_recipe(_written(tmp_path / "empty.yaml", "recipe: router\n"))
    without = {"out", "routers"}
    assert shipped.model_dump(exclude=without) == default.model_dump(exclude=without)
    first, every = shipped.routers
    assert first == Router.model_validate({"name": first.name})
    assert (first.unit, every.unit, every.input) == ("first", "every", "request+history")
    named = set(re.findall(r"^\s*(?:#\s*)?(?:- )?(?:# )?(\w+):", text, re.MULTILINE))
    schema = json.loads(run("recipe", "schema", "router"))
    keys = set(schema["properties"])
    for part in schema["$defs"].values():
        keys |= set(part.get("properties", ()))
    assert keys <= named


def test_a_router_has_the_defaults_of_balance() -> None:
    """What a recipe leaves out is what the command line leaves out."""
    assert Router.model_validate({"name": "x"}).options("-", 0) == BalanceOptions(turns="-", force=True)


def _written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path
