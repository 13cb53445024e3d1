"""The assistant recipe with git history and code: mined, cleaned, merged, no repository on both sides."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.sources.code.git.repositories import CODE, FIX_SUBJECT, FIXED, Maker, started

from .test_assistant_recipe import examples, files_of, recipe, run, session

BUNDLES = Path(__file__).resolve().parents[3] / "shared" / "data" / "git"
LONGER = (
    CODE + "\n\n" + "\n\n".join(f"def more_{n}(rows):\n    return rows[{n}] + {n}" for n in range(9)) + "\n"
)


def repository(folder: Path, name: str) -> Maker:
    """Make a repository with one bug fix, its words its own, so that no two have equal examples."""
    own = {old: f"{old}_{name}" for old in ("first", "total", "more")}
    texts = [LONGER, LONGER.replace("return rows[0]\n", "return rows[0] if rows else None\n")]
    for old, new in own.items():
        texts = [text.replace(f"def {old}", f"def {new}") for text in texts]
    maker = started(folder / name)
    maker.commit("Add functions over rows of the table", {"rows.py": texts[0]})
    maker.commit(f"{FIX_SUBJECT} in {name}", {"rows.py": texts[1]})
    return maker


def code_recipe(folder: Path, **settings: Any) -> Path:
    """Write a recipe of logs, git history and code; repositories lie in `folder`/code."""
    repos = sorted(str(path) for path in (folder / "code").iterdir())
    both = {"git": [{"repos": repos}], "fim": [{"repos": repos, "per_file": 3}]}
    return recipe(folder, **{**both, "merge": {"min_eval": 1}, **settings})


def test_logs_history_and_code_become_two_files(tmp_path: Path) -> None:
    """All three come to the set, and no repository comes to both sides."""
    for name in ("shop", "tools", "site", "bots"):
        repository(tmp_path / "code", name)
    for number in range(8):
        session(tmp_path / "logs", f"s{number}")
    printed = run("run", code_recipe(tmp_path))
    assert "mine-git" in printed
    sides = [examples(tmp_path / "out" / f"{side}.full.jsonl") for side in ("train", "eval")]
    repos = [
        {each["meta"]["repo"] for each in side if each["meta"]["source"] != "claude-code"} for side in sides
    ]
    assert repos[0] | repos[1] == {"shop", "tools", "site", "bots"}
    assert repos[0].isdisjoint(repos[1])
    assert repos[1]
    assert {each["meta"]["source"] for each in sides[0]} == {"claude-code", "git", "fim"}
    assert {each["meta"]["license"] for side in sides for each in side if "license" in each["meta"]} == {
        "MIT"
    }
    told = {path.name for path in (tmp_path / "out" / "reports").iterdir()}
    assert {"git.mine-git.json", "fim.mine-fim.json", "git.clean.json", "fim.clean.json"} <= told


def test_only_repository_comes_to_both_sides_by_file(tmp_path: Path) -> None:
    """One repository alone is split by file, and the run says so."""
    maker = repository(tmp_path / "code", "shop")
    files = {f"m{n}.py": LONGER.replace("more", f"other_{n}") for n in range(12)}
    maker.commit("Add more modules over rows of tables", files)
    printed = run("run", code_recipe(tmp_path, logs=[]))
    assert "shop is the only repository, so it is split by file" in printed
    sides = [examples(tmp_path / "out" / f"{side}.full.jsonl") for side in ("train", "eval")]
    paths = [{each["meta"]["path"] for each in side} for side in sides]
    assert all(paths)
    assert paths[0].isdisjoint(paths[1])


def test_near_duplicates_and_grown_conversations_go(tmp_path: Path) -> None:
    """`longest` and `near_duplicates` are steps between import and merge, with their reports."""

    def chat(*texts: str) -> dict[str, Any]:
        roles = ("user", "assistant") * len(texts)
        messages = [{"role": role, "content": text} for role, text in zip(roles, texts, strict=False)]
        return {"messages": messages, "meta": {"source": "notes"}}

    ask = " ".join(f"word{n}" for n in range(60))
    other = " ".join(f"else{n}" for n in range(60))
    grown = [chat(ask, "Yes."), chat(ask, "Yes.", "And then?", "Then no.")]
    near = [chat(other, "A fine answer."), chat(f"{other} indeed", "A fine answer.")]
    notes = tmp_path / "notes.jsonl"
    notes.write_text("".join(json.dumps(each) + "\n" for each in [*grown, *near]), encoding="utf-8")
    settings = {"longest": True, "near_duplicates": {"threshold": 0.8}, "merge": {"min_eval": 0}}
    run("run", recipe(tmp_path, logs=[], files=[str(notes)], **settings))
    reports = tmp_path / "out" / "reports"
    told = {step: json.loads((reports / f"notes.{step}.json").read_text()) for step in ("longest", "near")}
    assert sum(told["longest"]["dropped"].values()) == sum(told["near"]["dropped"].values()) == 1
    assert len(examples(reports / "notes.near.jsonl")) == 1
    left = [*examples(tmp_path / "out" / "train.full.jsonl"), *examples(tmp_path / "out" / "eval.full.jsonl")]
    assert sorted(len(each["messages"]) for each in left) == [2, 4]


def test_another_commit_is_another_run(tmp_path: Path) -> None:
    """The same repositories give the same bytes; a new commit is mined, where the run before was stopped, too."""
    maker = repository(tmp_path / "code", "shop")
    path = code_recipe(tmp_path, logs=[], force=True)
    run("run", path)
    first = files_of(tmp_path / "out")
    run("run", path)
    assert files_of(tmp_path / "out") == first
    maker.commit("Fix sum of an empty table of rows", {"rows.py": FIXED})
    run("run", path)
    assert files_of(tmp_path / "out") != first


def test_licenses_of_a_recipe(tmp_path: Path) -> None:
    """A repository whose license is not allowed ends the run with its name; a wrong id with the key."""
    repository(tmp_path / "code", "shop")
    repos = [str(tmp_path / "code" / "shop")]
    printed = run("run", code_recipe(tmp_path, logs=[], git=[{"repos": repos, "allow": ["ISC"]}]), status=1)
    assert "shop" in printed
    assert "license" in printed
    printed = run("run", code_recipe(tmp_path, logs=[], git=[{"repos": repos, "allow": ["ours"]}]), status=2)
    assert "'ours' is no SPDX license id" in printed


@pytest.mark.parametrize(
    ("source", "keys", "words"),
    [
        ("fim", {"mix": {"words": 1}}, "fim: mix: 'words' is none of nodes, lines, chars"),
        ("fim", {"language_weights": {"cobol": 1}}, "fim: language_weight: 'cobol' is none of"),
        ("fim", {"format": "qwen", "spm": 0.5}, "fim: spm: qwen knows no order with the suffix first"),
        ("git", {"since": "soon"}, "git: since: 'soon' is no date"),
        ("git", {"kinds": ["poems"]}, "git: kinds: poems: not known"),
    ],
)
def test_wrong_values_are_told_before_any_step(
    tmp_path: Path, source: str, keys: dict[str, Any], words: str
) -> None:
    """A value that the schema can't judge is told with its key, and nothing is made."""
    repository(tmp_path / "code", "shop")
    repos = [str(tmp_path / "code" / "shop")]
    printed = run("run", code_recipe(tmp_path, logs=[], **{source: [{"repos": repos, **keys}]}), status=2)
    assert words in " ".join(printed.split())
    assert not (tmp_path / "out").exists()


def test_keys_of_code_reach_the_miner(tmp_path: Path) -> None:
    """Shares of holes and weights of folders are those of the recipe."""
    repository(tmp_path / "code", "shop").commit(
        "Add a tool", {"tool/rows.py": LONGER.replace("more", "extra")}
    )
    repos = [str(tmp_path / "code" / "shop")]
    keys = {"mix": {"lines": 1}, "folder_weights": {"tool/": 0}, "per_file": 3}
    run("run", code_recipe(tmp_path, logs=[], git=[], fim=[{"repos": repos, **keys}], merge={"min_eval": 0}))
    made = examples(tmp_path / "out" / "train.full.jsonl")
    assert made
    assert {each["meta"]["span"] for each in made} == {"lines"}
    assert {each["meta"]["path"] for each in made} == {"rows.py"}


@pytest.mark.slow
@pytest.mark.skipif(not BUNDLES.is_dir(), reason="the real repositories of ../shared/data are not here")
@pytest.mark.parametrize(
    ("form", "trainers"), [("messages", ["qwen", "axolotl"]), ("qwen", ["trl", "axolotl"])]
)
def test_real_repositories_pass_the_check(tmp_path: Path, form: str, trainers: list[str]) -> None:
    """Examples of real repositories, in a chat and in Qwen's own tokens, pass `check`."""
    repos = [str(path) for path in sorted(BUNDLES.glob("*.bundle"))]
    sources: dict[str, Any] = {"git": [{"repos": repos}], "fim": [{"repos": repos, "format": form}]}
    if form != "messages":
        del sources["git"]  # such texts and chats are trained apart
    run("run", recipe(tmp_path, logs=[], **sources))
    for side in ("train", "eval"):
        for trainer in trainers:
            run("check", tmp_path / "out" / f"{side}.full.jsonl", "--for", trainer)
