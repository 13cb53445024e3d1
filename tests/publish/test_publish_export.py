"""`turnsmith export --publish`, and the production page: its commands run against servers on loopback."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from turnsmith.cli import app
from turnsmith.publish.blob import verify_remote
from turnsmith.sources.telemetry.kql.server import running_server

from .conftest import make_sas

if TYPE_CHECKING:
    from .azurite_server import Azurite
    from .conftest import Place

REPOSITORY = Path(__file__).resolve().parents[2]
AS_OF = "2026-01-16T00:00:00Z"


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give some telemetry."""
    path = tmp_path_factory.mktemp("events") / "events.jsonl"
    assert CliRunner().invoke(app, ["synth", "--conversations", "60", "--out", str(path)]).exit_code == 0
    return path


def export(events: Path, out: Path, url: str) -> tuple[int, str]:
    """Export and publish; return exit code and all that was printed."""
    args = ["export", "--events", str(events), "--out", str(out), "--as-of", AS_OF, "--mode", "test"]
    result = CliRunner().invoke(app, [*args, "--publish", url])
    return result.exit_code, result.stdout + result.stderr


def test_export_publishes(events: Path, place: Place, tmp_path: Path) -> None:
    """The data set lies in the folder and, whole, under the address that is printed last."""
    code, said = export(events, tmp_path / "out", place.url())
    assert code == 0, said
    (folder,) = (tmp_path / "out").iterdir()
    url = said.splitlines()[-1]
    assert url == f"{place.url()}/{folder.name}"
    assert verify_remote(url).ok
    assert set(place.blobs()) == {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


def test_secrets_stay_out(
    events: Path, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of an address with a SAS, metadata and output have only the part before it."""
    monkeypatch.delenv("AZURE_STORAGE_CONNECTION_STRING")
    code, said = export(events, tmp_path / "out", f"{place.url()}?{make_sas(place)}")
    assert code == 0, said
    (metadata,) = (tmp_path / "out").glob("*/metadata.json")
    assert json.loads(metadata.read_text())["config"]["publish"] == place.url()
    assert "sig=" not in said
    assert all(b"sig=" not in file.read_bytes() for file in metadata.parent.rglob("*") if file.is_file())


def test_a_wrong_address_is_noticed_before_the_work(events: Path, place: Place, tmp_path: Path) -> None:
    """A container that is not there ends the run before anything is read or written."""
    code, said = export(events, tmp_path / "out", place.url().replace(place.name, "elsewhere"))
    assert code == 1
    assert "elsewhere" in said
    assert not (tmp_path / "out").exists()


def test_the_production_page(
    events: Path, place: Place, server: Azurite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every `turnsmith` command of docs/production.md runs, servers on loopback in place of the real ones."""
    text = (REPOSITORY / "docs" / "production.md").read_text(encoding="utf-8")
    lines = [line[2:] for block in re.findall(r"^```console\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
             for line in block.splitlines() if line.startswith("$ turnsmith ")]  # fmt: skip
    assert len(lines) >= 6
    monkeypatch.chdir(tmp_path)
    with running_server([str(events)]) as cluster:
        real = {
            "https://CLUSTER.REGION.kusto.windows.net": cluster, "DATABASE": "NetDefaultDB",
            "https://ACCOUNT.blob.core.windows.net/CONTAINER/PREFIX": place.url(),
            "--chunks 40": "--chunks 2 --mode test",
        }  # fmt: skip
        for line in lines:
            for placeholder, value in real.items():
                line = line.replace(placeholder, value)
            words = shlex.split(line)[1:]
            if words[:2] == ["kusto", "serve"]:
                continue  # that is what `running_server` does
            found = [str(p) for word in words for p in (sorted(Path().glob(word)) if "*" in word else [word])]
            result = CliRunner().invoke(app, found)
            assert result.exit_code == 0, f"{line}\n{result.output}"
    assert "metadata.json" in place.blobs()


@pytest.mark.slow
def test_the_rehearsal(server: Azurite) -> None:
    """`make demo-production` runs through and prints the time of every step."""
    command = [sys.executable, str(REPOSITORY / "benchmarks" / "demo_production.py")]
    done = subprocess.run(
        [*command, "--conversations", "300", "--chunks", "2"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    steps = re.findall(r"^\| ([\w ]+) \| [\d.]+ \|$", done.stdout, re.MULTILINE)
    assert steps[-5:] == ["plan the window", "pull and curate", "verify", "publish", "verify the remote"]
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    assert "benchmarks/demo_production.py" in makefile
