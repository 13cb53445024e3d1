"""An export from a cluster is the export from files, asked for in another place."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from turnsmith.sources.telemetry.kql.server import MAX_BYTES, MAX_ROWS, running_server

from .running import (
    data_files,
    dataset,
    exported,
    leftovers,
    metadata,
    pull,
    pull_arguments,
    pulled,
    turnsmith,
)
from .telemetry import AS_OF, STAMP

if TYPE_CHECKING:
    from .kusto_proxy import Proxy

REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "telemetry" / "app_events.jsonl.gz"
GAPS = """\
buckets:
  - {name: few, min: 3, max: 4}
  - {name: many, min: 7, max: 12}
target: {few: 10, many: 10}
failed_turn_end_reasons: [other]
model_text: all_rounds
"""
PLANNED = ("--layout", "single", "--target", "short=0", "--target", "long=0", "--target", "medium=5")


def test_same_files_as_from_events(proxy: Proxy, undisturbed: Path, tmp_path: Path) -> None:
    """The data files are byte for byte those of an export of the same events from files."""
    found = pulled(proxy.uri, tmp_path / "out")
    assert data_files(found) == data_files(undisturbed)
    assert found.name == undisturbed.name


@pytest.mark.parametrize(
    "options",
    [
        ("--chunks", "3", "--parallel", "1"),
        ("--layout", "single", "--format", "jsonl", "--seed", "7"),
        ("--split", "val", "--format", "parquet"),
        ("--dropped", "{folder}/dropped.jsonl"),
        ("--config", "{folder}/gaps.yaml"),
    ],
    ids=lambda options: options[0],
)
def test_options_mean_the_same(options: tuple[str, ...], proxy: Proxy, plain: Path, tmp_path: Path) -> None:
    """Whatever the options, both sources write the same files, and count the same conversations."""
    results = []
    for source in ("kusto", "events"):
        folder = tmp_path / source
        folder.mkdir()
        (folder / "gaps.yaml").write_text(GAPS, encoding="utf-8")
        given = [option.format(folder=folder) for option in options]
        run = (
            pulled(proxy.uri, folder / "out", *given)
            if source == "kusto"
            else exported(plain, folder / "out", *given)
        )
        dropped = folder / "dropped.jsonl"
        lines = dropped.read_bytes() if dropped.exists() else b""
        funnel = metadata(run)["funnel"]
        counts = {
            key: funnel[key] for key in ("conversations", "filtered", "invalid", "candidates", "sampled")
        }
        results.append((data_files(run), lines, counts, metadata(run)["warnings"]))
    assert results[0] == results[1]


def test_verify_and_metadata(proxy: Proxy, tmp_path: Path) -> None:
    """Metadata says where the conversations come from and makes up no counts; all checks hold."""
    found = pulled(proxy.uri, tmp_path / "out")
    assert turnsmith("verify", found).code == 0
    content = metadata(found)
    host = proxy.uri.removeprefix("http://")
    assert content["curation_info"]["data_source"] == "kusto"
    assert content["curation_info"]["query_file"] == "production/sft_candidates_hash_chunked.kql"
    assert content["query_parameters"]["cluster"] == host
    assert content["query_parameters"]["database"] == "NetDefaultDB"
    assert content["funnel"]["events_read"] is None
    assert content["funnel"]["events"] == {}
    assert content["deduplication"]["identical_rows_collapsed"] is None
    assert content["config"]["cluster"] == host


def test_missing_counts_are_for_a_cluster_only(undisturbed: Path, proxy: Proxy, tmp_path: Path) -> None:
    """`verify` lets a data set from files not do without the counts of its events."""
    found = pulled(proxy.uri, tmp_path / "out")
    content = metadata(found)
    content["curation_info"]["data_source"] = "events"
    (found / "metadata.json").write_text(json.dumps(content), encoding="utf-8")
    ended = turnsmith("verify", found)
    assert ended.code == 1
    assert "funnel" in ended.stdout


def test_a_recipe_file_does_it_too(proxy: Proxy, undisturbed: Path, tmp_path: Path) -> None:
    """All options have a key in the recipe."""
    recipe = tmp_path / "kusto.yaml"
    recipe.write_text(
        f"source: kusto\ncluster: {proxy.uri}\ndatabase: NetDefaultDB\nout: {tmp_path / 'out'}\nchunks: 2\n"
        f"parallel: 2\nserver_timeout: 10m\nclient_timeout: 11m\nas_of: {AS_OF}\nstamp: '{STAMP}'\nmode: test\n",
        encoding="utf-8",
    )
    ended = turnsmith("run", recipe)
    assert ended.code == 0, ended.said
    assert data_files(dataset(tmp_path / "out")) == data_files(undisturbed)


def test_an_empty_window(cluster: str, tmp_path: Path) -> None:
    """Nothing in the window: the run says where everything went and leaves nothing behind."""
    ended = pull(cluster, tmp_path / "out", as_of="2020-01-01T00:00:00Z")
    assert ended.code == 1
    assert "nothing is left to write" in ended.stderr
    assert leftovers(tmp_path / "out") == []


@pytest.mark.parametrize(("rows", "size"), [(20, MAX_BYTES), (MAX_ROWS, 200_000)], ids=["rows", "bytes"])
def test_limits_of_the_server_split_chunks(
    rows: int, size: int, plain: Path, undisturbed: Path, tmp_path: Path
) -> None:
    """A result over the server's limits is asked for in halves, and theirs, until it fits."""
    with running_server([str(plain)], max_rows=rows, max_bytes=size) as uri:
        ended = pull(uri, tmp_path / "out")
    assert ended.code == 0, ended.said
    assert "of 2 is split in two: the result is larger" in ended.stderr
    assert data_files(dataset(tmp_path / "out")) == data_files(undisturbed)


def test_a_plan_fills_the_targets(proxy: Proxy, tmp_path: Path) -> None:
    """The window that --plan prints is long enough: an export with it has no shortfall."""
    options = pull_arguments(proxy.uri, tmp_path / "out", *PLANNED)
    planned = turnsmith(*options, "--plan", "--json")
    assert planned.code == 0, planned.said
    found = json.loads(planned.stdout)
    assert {each.query for each in proxy.log.asked} == {"counts"}
    medium = found["buckets"][1]
    assert medium["wanted"] == 5
    assert medium["available"] == sum(found["candidates"]["medium_6_to_10_turns"].values())
    assert turnsmith(*options, "--window", found["suggested_window"]).code == 0
    assert metadata(dataset(tmp_path / "out"))["shortfalls"] == []


def test_a_plan_beyond_the_window(proxy: Proxy, tmp_path: Path) -> None:
    """Where the window has too few, the plan and the shortfall of an export name a longer one."""
    args = pull_arguments(proxy.uri, tmp_path / "out", "--target", "short=1000")
    planned = turnsmith(*args, "--plan")
    days = int(planned.stdout.splitlines()[-1].removeprefix("--window ").removesuffix("d"))
    assert days > 15
    ended = turnsmith(*args)
    assert "At this rate, --window" in ended.stdout
    assert "--plan" in ended.stdout


KUSTO = ("--source", "kusto", "--cluster", "http://127.0.0.1:9", "--database", "DB")
WRONG = {
    ("--source", "kusto", "--database", "DB"): "--cluster",
    ("--source", "kusto", "--cluster", "http://127.0.0.1:9"): "--database",
    (*KUSTO, "--events", "e.jsonl"): "--events",
    (*KUSTO, "--max-bad-rows", "0"): "--max-bad-rows",
    ("--events", "e.jsonl", "--cluster", "http://127.0.0.1:9"): "--source kusto",
    ("--events", "e.jsonl", "--plan"): "--plan",
    (*KUSTO, "--server-timeout", "half an hour"): "--server-timeout",
    (*KUSTO, "--server-timeout", "40m"): "--client-timeout",
    (*KUSTO, "--cluster", "http://elsewhere.example"): "--cluster",
    (*KUSTO, "--cluster", "https://me:canary@elsewhere.example"): "--cluster",
    (*KUSTO, "--cluster", "https://elsewhere.example?sig=canary"): "--cluster",
    (*KUSTO, "--parallel", "0"): "--parallel",
    ("--source", "elsewhere"): "--source",
}


@pytest.mark.parametrize("options", WRONG, ids=" ".join)
def test_wrong_usage(options: tuple[str, ...], tmp_path: Path) -> None:
    """Options that are missing, wrong or do not go together are named, secrets are not."""
    ended = turnsmith("export", *options, "--out", tmp_path / "out")
    assert ended.code == 2
    assert WRONG[options] in ended.stderr
    assert "canary" not in ended.said


def test_no_connection(tmp_path: Path) -> None:
    """A cluster that is not there is named after some tries."""
    ended = pull("http://127.0.0.1:9", tmp_path / "out", "--parallel", "1")
    assert ended.code == 1
    assert "no connection to 127.0.0.1:9" in ended.stderr


def test_missing_extra(tmp_path: Path) -> None:
    """Without the packages one sentence says what to install."""
    code = "import sys; sys.modules['azure.kusto.data'] = None; from turnsmith.cli import main; main()"
    command = [sys.executable, "-c", code, *pull_arguments("http://127.0.0.1:9", tmp_path / "out")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "pip install 'turnsmith[kusto]'" in ended.stderr


@pytest.mark.slow
@pytest.mark.skipif(not REAL.exists(), reason="the shared telemetry sample is not beside this checkout")
def test_real_data(tmp_path: Path) -> None:
    """Real telemetry gives the same files from both sources."""
    options = ("--window", "60d", "--mode", "production")
    with running_server([str(REAL)]) as uri:
        ended = pull(uri, tmp_path / "kusto", *options, as_of="2026-02-17T00:00:00Z")
    assert ended.code == 0, ended.said
    args = ("--as-of", "2026-02-17T00:00:00Z", "--stamp", STAMP, *options, "--out", tmp_path / "events")
    assert turnsmith("export", "--events", REAL, *args).code == 0
    assert data_files(dataset(tmp_path / "kusto")) == data_files(dataset(tmp_path / "events"))
    assert metadata(dataset(tmp_path / "kusto"))["actual_counts"]["total"] == 90
