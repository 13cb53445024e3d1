"""The assistant recipe: transcripts in, training files out that trainers and loaders take."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from turnsmith.cli import app
from turnsmith.recipes.assistant import AssistantRecipe
from turnsmith.recipes.loading import load_assistant_recipe

SESSIONS = Path(__file__).resolve().parents[3] / "shared" / "data" / "claude_code" / "sessions"
real = pytest.mark.skipif(
    not SESSIONS.exists(), reason="the shared Claude Code sessions are not beside this checkout"
)


def run(*arguments: object, status: int = 0) -> str:
    """Run a command; return what it printed, errors included."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == status, result.output
    return result.output


def session(folder: Path, name: str, turns: int = 3) -> Path:
    """Write a transcript with `turns` requests, each with an answer and a secret of its own."""
    lines, parent = [], None
    for turn in range(turns):
        ask = f"Why does step {turn} of {name} fail? " + "It worked before the last merge. " * 4
        answer = f"Step {turn} of {name} reads a key that is gone; mail kim.lee@{name}.dev when it is back."
        user: dict[str, Any] = {"type": "user", "uuid": f"{name}u{turn}", "parentUuid": parent}
        user |= {"sessionId": name, "message": {"role": "user", "content": ask}}
        reply = {"id": f"{name}m{turn}", "model": "m", "content": [{"type": "text", "text": answer}]}
        lines += [user, {"type": "assistant", "uuid": f"{name}a{turn}", "parentUuid": user["uuid"],
                         "sessionId": name, "message": reply}]  # fmt: skip
        parent = f"{name}a{turn}"
    path = folder / f"{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def recipe(folder: Path, **settings: Any) -> Path:
    """Write a recipe that reads `folder`/logs into `folder`/out."""
    path = folder / "recipe.yaml"
    values: dict[str, Any] = {"recipe": "assistant", "out": str(folder / "out")}
    values["logs"] = [{"kind": "claude-code", "paths": [str(folder / "logs")]}]
    path.write_text(yaml.safe_dump(values | settings), encoding="utf-8")
    return path


def examples(path: Path) -> list[dict[str, Any]]:
    """Return the examples of a file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def files_of(out: Path) -> dict[str, bytes]:
    """Return the bytes of all files in a folder by relative path."""
    return {str(p.relative_to(out)): p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file()}


@pytest.mark.slow
@real
def test_real_sessions_become_files_that_trainers_take(tmp_path: Path) -> None:
    """Real transcripts end as two files that `check` passes and `datasets` loads, without a shared session."""
    from datasets import load_dataset

    logs = [{"kind": "claude-code", "paths": [str(SESSIONS)]}]
    for meta, trainers in ((False, ["trl", "qwen", "axolotl"]), (True, ["openai"])):
        out = tmp_path / f"out-{meta}"
        merge = {"min_eval": 10, "strip_meta": meta}
        run("run", recipe(tmp_path, logs=logs, out=str(out), merge=merge))
        for side in ("train", "eval"):
            for trainer in trainers:
                run("check", out / f"{side}.full.jsonl", "--for", trainer)
    kept = tmp_path / "out-False"
    data = {side: str(kept / f"{side}.full.jsonl") for side in ("train", "eval")}
    loaded = load_dataset("json", data_files=data, cache_dir=str(tmp_path / "cache"))
    groups = {side: {row["group"] for row in loaded[side]["meta"]} for side in data}
    assert loaded["train"].num_rows > loaded["eval"].num_rows >= 10
    assert groups["train"].isdisjoint(groups["eval"])


def test_every_step_tells_what_it_did(tmp_path: Path) -> None:
    """Reports of all steps lie beside the files, their counts chain, and what was dropped is there, scrubbed."""
    for number in range(6):
        session(tmp_path / "logs", f"s{number}")
    printed = run("run", recipe(tmp_path, merge={"min_eval": 1}, lengths={"max": 4096}))
    out = tmp_path / "out"
    steps = {
        name: json.loads((out / "reports" / f"claude-code.{name}.json").read_text(encoding="utf-8"))
        for name in ("import", "clean", "lengths")
    }
    assert steps["import"]["examples"]["kept"] == steps["clean"]["read"] == 18
    assert steps["clean"]["kept"] == steps["lengths"]["account"]["read"]
    written = [*examples(out / "train.full.jsonl"), *examples(out / "eval.full.jsonl")]
    assert len(written) == steps["lengths"]["account"]["kept"]
    everything = b"".join(files_of(out).values()).decode() + printed
    assert "<EMAIL_1>" in everything
    assert "kim.lee" not in everything
    assert ".turnsmith" not in everything
    assert not (out / ".turnsmith").exists()


def test_sources_of_one_kind_and_ready_files(tmp_path: Path) -> None:
    """Two sources of one kind get names that differ; ready examples are cleaned and merged, too."""
    session(tmp_path / "logs", "one")
    session(tmp_path / "more", "two")
    ready = tmp_path / "git_sft.jsonl"
    ask = (
        "Fix the import of the parser in the command line tool, please; it fails since the module was moved."
    )
    told = [{"role": "user", "content": ask}, {"role": "assistant", "content": "Import it from `core`."}]
    ready.write_text(json.dumps({"messages": told, "meta": {"repo": "r", "commit": "c"}}) + "\n")
    logs = [{"kind": "auto", "paths": [str(tmp_path / folder)]} for folder in ("logs", "more")]
    told_json = run("run", recipe(tmp_path, logs=logs, files=[str(ready)], merge={"min_eval": 1}), "--json")
    summary = json.loads(told_json)
    assert list(summary["steps"]) == ["auto", "auto-2", "git_sft"]
    assert [source["name"] for source in summary["merged"]["sources"]] == ["auto", "auto-2", "git_sft"]
    assert summary["merged"]["train"]["lines"] + summary["merged"]["eval"]["lines"] == 7


def test_same_input_same_bytes(tmp_path: Path) -> None:
    """Two runs of a recipe give the same bytes in every file."""
    for number in range(4):
        session(tmp_path / "logs", f"s{number}")
    results = []
    for name in ("a", "b"):
        out = tmp_path / name
        run("run", recipe(tmp_path, out=str(out), merge={"min_eval": 1}))
        results.append({path: data.replace(bytes(out), b"") for path, data in files_of(out).items()})
    assert results[0] == results[1]


def test_files_are_not_overwritten(tmp_path: Path) -> None:
    """A second run stops before any work unless `force` is set."""
    session(tmp_path / "logs", "s")
    again = recipe(tmp_path, merge={"min_eval": 0, "eval_frac": 0.0})
    run("run", again)
    before = files_of(tmp_path / "out")
    assert "force: true" in run("run", again, status=2)
    assert files_of(tmp_path / "out") == before
    run("run", recipe(tmp_path, merge={"min_eval": 0, "eval_frac": 0.0}, force=True))


def test_a_killed_run_goes_on(tmp_path: Path) -> None:
    """After kill -9 in a later step the finished import is not done again, and the bytes are the same."""
    for number in range(40):
        session(tmp_path / "logs", f"s{number}", turns=20)
    made = recipe(tmp_path, merge={"min_eval": 1})
    run("run", made)
    whole = {name: data for name, data in files_of(tmp_path / "out").items() if name.endswith(".jsonl")}
    out = tmp_path / "again"
    made = recipe(tmp_path, out=str(out), merge={"min_eval": 1})
    process = subprocess.Popen(
        [sys.executable, "-m", "turnsmith", "run", str(made)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    deadline = time.monotonic() + 60
    while not list(out.glob(".turnsmith/*/steps/import-*.json")) and time.monotonic() < deadline:
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    if not (out / "train.full.jsonl").exists():  # else it was faster than the signal
        (imported,) = out.glob(".turnsmith/*/import/claude-code.jsonl")
        before = imported.stat().st_mtime_ns
        assert imported.stat().st_mtime_ns == before
        run("run", made)
    again = {name: data for name, data in files_of(out).items() if name.endswith(".jsonl")}
    assert again == whole
    assert not list(out.rglob("*.part"))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"logs": []}, "logs: name transcripts"),
        ({"logs": [{"kind": "claud", "paths": ["x"]}]}, r"recipe\.yaml:\d+: logs\.0\.kind"),
        ({"logs": [{"kind": "auto", "paths": []}]}, r"logs\.0\.paths"),
        ({"merge": {"eval_frac": 0.9}}, r"merge\.eval_frac"),
        ({"mrge": {}}, "mrge: unknown key; the keys are recipe"),
        ({"files": ["no-such.jsonl"]}, r"no-such\.jsonl: no such file"),
        ({"clean": {"skip_rules": ["nonsense"]}}, "nonsense"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, settings: dict[str, Any], said: str) -> None:
    """A wrong setting ends in a message that names its key, exit code 2, and no file."""
    session(tmp_path / "logs", "s")
    printed = run("run", recipe(tmp_path, **settings), status=2)
    assert re.search(said, printed.replace("\n", " ")), printed
    assert not list((tmp_path / "out").glob("*.jsonl"))


def test_an_unknown_kind_of_recipe(tmp_path: Path) -> None:
    """A file with another kind of recipe names the kinds there are."""
    assert "telemetry, assistant" in run("run", recipe(tmp_path, recipe="cake"), status=2)


def test_the_recipe_that_ships_has_every_key(tmp_path: Path) -> None:
    """`recipe show assistant` means the same as its defaults, and shows every key of every part."""
    text = run("recipe", "show", "assistant")
    path = tmp_path / "shipped.yaml"
    path.write_text(text, encoding="utf-8")
    shipped = load_assistant_recipe(path)
    defaults = AssistantRecipe.model_validate({})
    without = {"logs", "out"}
    assert shipped.model_dump(exclude=without) == defaults.model_dump(exclude=without)
    named = set(re.findall(r"^\s*(?:#\s*)?(?:- )?(?:# )?(\w+):", text, re.MULTILINE))
    schema = json.loads(run("recipe", "schema", "assistant"))
    keys = set(schema["properties"])
    for part in schema["$defs"].values():
        keys |= set(part["properties"])
    assert keys <= named


@real
@pytest.mark.parametrize("shape", ["pairs", "conversation", "trajectory", "follow"])
def test_no_name_of_a_home_folder_survives(tmp_path: Path, shape: str) -> None:
    """In no shape does a home folder's user name stay: not in texts, not in meta, not in reports."""
    said = "".join(path.read_text(encoding="utf-8") for path in SESSIONS.glob("*.jsonl"))
    names = set(re.findall(r"(?:/Users/|/home/)(\w[\w.-]*)", said)) - {"Shared", "runner"}
    assert len(names) >= 3
    logs = [{"kind": "claude-code", "paths": [str(SESSIONS)], "shape": shape}]
    run("run", recipe(tmp_path, logs=logs, merge={"min_eval": 1}, clean={"min_user_chars": 0}))
    written = b"".join(files_of(tmp_path / "out").values()).decode()
    handles = {name for name in names if re.search(rf"(?<![\w-])cwd.{{0,20}}/(?:Users|home)/{name}/", said)}
    assert handles
    found = {name for name in handles if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", written)}
    assert not found
