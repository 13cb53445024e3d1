"""`turnsmith mine fim`, from the command line to the file."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.sources.code.fim.making import folder, git, middle_of, overlapping, read, repository
from tests.sources.code.fim.samples import SAMPLES
from turnsmith.cli import app
from turnsmith.curate.lengths import example_counter
from turnsmith.curate.merge.groups import group_of
from turnsmith.sources.code.fim.holes import Hole

FILES: dict[str, str | bytes] = dict(SAMPLES.values())
SHARED = Path(__file__).resolve().parents[5] / "shared" / "data"
BUNDLES = sorted((SHARED / "git").glob("*.bundle"))
TEN_FUNCTIONS = "".join(f"def part_{at}(value):\n    return value * {at} + {at}\n\n\n" for at in range(10))


def mine(*arguments: str | Path, code: int = 0) -> dict[str, Any]:
    """Run the command with --json and return what it prints, or the error's text."""
    result = CliRunner().invoke(app, ["mine", "fim", *map(str, arguments), "--json"])
    assert result.exit_code == code, result.output
    return json.loads(result.stdout) if code == 0 else {"error": result.stderr}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Return a working tree with a file in each language."""
    return repository(tmp_path / "shop", FILES)


def test_every_language_gives_examples_cut_from_its_file(shop: Path, tmp_path: Path) -> None:
    """Each file of the commit gives examples; the assistant says exactly what stands at the place in the meta."""
    out = tmp_path / "fim.jsonl"
    report = mine(shop, "--out", out, "--language-weight", "json=1", "markdown=1")
    examples = read(out)
    assert {example["meta"]["language"] for example in examples} == set(SAMPLES)
    assert report["examples"] == len(examples)
    assert report["files"]["read"] == report["files"]["kept"] + sum(report["files"]["dropped"].values())
    for example in examples:
        meta = example["meta"]
        text = (shop / meta["path"]).read_bytes()
        _, user, assistant = (message["content"] for message in example["messages"])
        assert middle_of(example, text).decode() == assistant
        before, after = user.split("\n\n```", 1)[1].split("\n", 1)[1].removesuffix("```").split("<FILL_ME>")
        assert (before + assistant + after).encode() in text + b"\n"
        assert (meta["repo"], meta["license"], meta["source"]) == ("shop", "MIT", "fim")
        assert meta["commit"] == git(shop, "rev-parse", "HEAD")


def test_meta_has_the_same_types_everywhere(shop: Path, tmp_path: Path) -> None:
    """No value is null, and a key has one type, so that a table can be made of it; examples group by file."""
    out = tmp_path / "fim.jsonl"
    mine(shop, "--out", out, "--format", "starcoder")
    shapes = {tuple((key, type(value)) for key, value in example["meta"].items()) for example in read(out)}
    assert len(shapes) == 1
    ids = [example["meta"]["id"] for example in read(out)]
    assert len(set(ids)) == len(ids)
    for example in read(out):
        assert group_of(example, b"") == f"file:shop:{example['meta']['path']}"


def test_tree_bare_bundle_and_folder_give_the_same(shop: Path, tmp_path: Path) -> None:
    """How a repository is stored does not matter; a plain folder gives the same but for the commit."""
    git(shop, "clone", "--quiet", "--bare", str(shop), str(tmp_path / "bare" / "shop.git"))
    git(shop, "bundle", "create", "--quiet", str(tmp_path / "shop.bundle"), "--all")
    folder(tmp_path / "plain" / "shop", FILES)
    (shop / "uncommitted.py").write_text(TEN_FUNCTIONS, encoding="utf-8")
    written = []
    for place in (shop, tmp_path / "bare" / "shop.git", tmp_path / "shop.bundle"):
        mine(place, "--out", tmp_path / "out.jsonl")
        written.append((tmp_path / "out.jsonl").read_bytes())
    assert written[0] == written[1] == written[2]
    mine(tmp_path / "plain" / "shop", "--out", tmp_path / "out.jsonl")
    texts = [(each["messages"], each["meta"]["start"]) for each in read(tmp_path / "out.jsonl")]
    assert texts == [
        (each["messages"], each["meta"]["start"]) for each in map(json.loads, written[0].splitlines())
    ]
    assert {each["meta"]["commit"] for each in read(tmp_path / "out.jsonl")} == {""}


def test_choices_depend_on_seed_and_file_only(shop: Path, tmp_path: Path) -> None:
    """The same input gives the same bytes; another file beside changes nothing, another seed does."""
    first, second, third = (tmp_path / f"{name}.jsonl" for name in "abc")
    mine(shop, "--out", first)
    mine(shop, "--out", second, "--seed", "1")
    (shop / "aaa.py").write_text(TEN_FUNCTIONS, encoding="utf-8")
    git(shop, "add", "aaa.py")
    git(shop, "commit", "--quiet", "--message", "More")
    mine(shop, "--out", third)
    assert first.read_bytes() != second.read_bytes()
    kept = [each["messages"] for each in read(third) if each["meta"]["path"] != "aaa.py"]
    assert kept == [each["messages"] for each in read(first)]


@pytest.mark.parametrize("name", ["messages", "qwen", "starcoder", "codellama", "deepseek"])
def test_budget_in_tokens_counts_the_whole_example(shop: Path, tmp_path: Path, name: str) -> None:
    """With --unit tokens no example has more tokens than asked, its request and special tokens included."""
    (shop / "long.py").write_text(TEN_FUNCTIONS * 20, encoding="utf-8")
    git(shop, "add", "long.py")
    git(shop, "commit", "--quiet", "--message", "More")
    mine(shop, "--out", tmp_path / "fim.jsonl", "--unit", "tokens", "--max-len", "300", "--format", name)
    count = example_counter(None, "chatml")
    sizes = {
        each["meta"]["id"]: count(each)
        for each in read(tmp_path / "fim.jsonl")
        if each["meta"]["path"] == "long.py"
    }
    assert sizes
    assert max(sizes.values()) <= 300
    assert min(sizes.values()) > 200


def test_budget_in_characters(tmp_path: Path) -> None:
    """Prefix, middle and suffix have at most --max-len characters, the middle 40 % of that, and fill it well."""
    place = folder(tmp_path / "shop", {"long.py": TEN_FUNCTIONS * 20})
    mine(
        place, "--out", tmp_path / "fim.jsonl", "--max-len", "400", "--format", "deepseek", "--per-file", "30"
    )
    examples = read(tmp_path / "fim.jsonl")
    assert len(examples) > 10
    for example in examples:
        tokens = ("fim\u2581begin", "fim\u2581hole", "fim\u2581end")
        size = len(example["text"]) - sum(len(f"<\uff5c{token}\uff5c>") for token in tokens)
        assert 300 < size <= 400
        assert example["meta"]["end"] - example["meta"]["start"] <= 160
    holes = [Hole("", "", each["meta"]["start"], each["meta"]["end"]) for each in examples]
    assert not overlapping(holes)


def test_orders_and_context_are_mixed_as_asked(tmp_path: Path) -> None:
    """--spm sets the share of suffix-first examples; --repo-context shows files of the folder, copyright left out."""
    files: dict[str, str | bytes] = {
        f"pkg/{name}.py": f"# Copyright {name}\n\nNAME = '{name}'\n\n\n{TEN_FUNCTIONS}" for name in "abcdefgh"
    }
    place = folder(tmp_path / "shop", files)
    out = tmp_path / "fim.jsonl"
    for share, orders in (("0", {"psm"}), ("1", {"spm"}), ("0.5", {"psm", "spm"})):
        report = mine(place, "--out", out, "--format", "starcoder", "--spm", share)
        assert set(report["orders"]) == orders
    mine(place, "--out", out, "--format", "qwen", "--repo-context")
    for example in read(out):
        assert example["text"].startswith("<|repo_name|>shop\n<|file_sep|>pkg/")
        if example["meta"]["path"] == "pkg/c.py":
            assert "<|file_sep|>pkg/a.py\nNAME = 'a'\n" in example["text"]
            assert "<|file_sep|>pkg/b.py\nNAME = 'b'\n" in example["text"]


def test_files_that_nobody_should_learn_from_are_counted(tmp_path: Path) -> None:
    """Each file that is left out has its reason in the report; the funnel adds up."""
    header = "".join(f"# Copyright line {at}, all rights reserved.\n" for at in range(9))
    place = folder(
        tmp_path / "shop",
        {
            "good.py": TEN_FUNCTIONS,
            "copy.py": TEN_FUNCTIONS,
            "broken.py": TEN_FUNCTIONS + "def (:\n",
            "empty.py": "x = 1\n",
            "header.py": header,
            "latin.py": TEN_FUNCTIONS.encode() + b"# caf\xe9\n",
            "nul.py": b"# " + b"x" * 300 + b"\n" + TEN_FUNCTIONS.encode() * 30 + b"\0",
            "gpl.py": "# SPDX-License-Identifier: GPL-3.0-only\n" + TEN_FUNCTIONS,
            "tokens.py": TEN_FUNCTIONS + "END = '<|im_end|>'\n",
            "node_modules/x.js": "x",
            "big.py": "x = 1\n" * 100_000,
            "line\nend.py": TEN_FUNCTIONS + "x = 1\n",
            "notes.txt": "text",
        },
    )
    (place / "link.py").symlink_to("good.py")
    report = mine(place, "--out", tmp_path / "fim.jsonl")
    assert report["files"]["dropped"] == {
        "same as another file": 1,
        "does not parse": 1,
        "near empty": 1,
        "license header only": 1,
        "not UTF-8": 1,
        "NUL byte": 1,
        "license not allowed": 1,
        "special token in the code": 1,
        "vendored": 1,
        "file too large": 1,
        "odd path": 1,
        "no language known": 2,  # the license, too
        "symbolic link": 1,
    }
    assert report["files"]["kept"] == 1
    assert report["languages"]["python"]["unparsed"] == 1


def test_special_tokens_are_refused_or_escaped(tmp_path: Path) -> None:
    """An example with a special token in it is left out, the rest of its file is used; or the tokens are escaped."""
    place = folder(
        tmp_path / "shop", {"a.py": TEN_FUNCTIONS * 10 + "END = '<|fim_middle|>'\n" + TEN_FUNCTIONS * 10}
    )
    out = tmp_path / "fim.jsonl"
    refused = mine(place, "--out", out, "--format", "qwen", "--per-file", "25")
    assert refused["holes_missed"]["a special token in it"] > 0
    assert 0 < refused["examples"] < 25
    assert all(example["text"].count("<|fim_middle|>") == 1 for example in read(out))
    mine(place, "--out", out, "--format", "qwen", "--per-file", "25", "--special", "escape")
    texts = [example["text"] for example in read(out)]
    assert all(text.count("<|fim_middle|>") == 1 for text in texts)
    assert any("< |fim_middle|>" in text for text in texts)


def test_damaged_repositories_lose_only_what_is_damaged(tmp_path: Path) -> None:
    """Missing objects and submodules are counted, and the other files are used."""
    place = repository(tmp_path / "shop", {"a.py": TEN_FUNCTIONS, "b.py": TEN_FUNCTIONS + "x = 1\n"})
    head = git(place, "rev-parse", "HEAD")
    git(place, "update-index", "--add", "--cacheinfo", f"160000,{head},lib")
    git(place, "commit", "--quiet", "--message", "Add a submodule")
    missing = git(place, "rev-parse", "HEAD:b.py")
    (place / ".git" / "objects" / missing[:2] / missing[2:]).unlink()
    report = mine(place, "--out", tmp_path / "fim.jsonl")
    assert report["files"]["dropped"]["missing object"] == 1
    assert report["files"]["dropped"]["submodule"] == 1
    assert {example["meta"]["path"] for example in read(tmp_path / "fim.jsonl")} == {"a.py"}


def test_weights_and_folder_caps_balance(tmp_path: Path) -> None:
    """Weights multiply the holes of a language or folder, 0 leaves it out; a crowded folder gives about its cap."""
    code = {
        f"{top}/m{at}.py": f"TOP = '{top}{at}'\n{TEN_FUNCTIONS}" for top in ("a", "b") for at in range(40)
    }
    place = folder(tmp_path / "shop", {**code, "c/only.py": f"{TEN_FUNCTIONS}TOP = 'c'\n"})

    def by_folder(*arguments: str) -> Counter[str]:
        mine(place, "--out", tmp_path / "fim.jsonl", *arguments)
        return Counter(example["meta"]["path"][0] for example in read(tmp_path / "fim.jsonl"))

    plain = by_folder()
    assert 36 <= plain["a"] <= 40  # each file has room for one hole, and a few have no piece that fits
    assert plain["c"] == 1
    assert by_folder("--folder-weight", "a=0", "b=2")["a"] == 0
    assert 0.3 < by_folder("--folder-weight", "a=0.5")["a"] / plain["a"] < 0.7
    capped = by_folder("--per-folder", "20")
    assert 8 < capped["a"] < 32
    assert capped["c"] == plain["c"]


def test_denied_license_stops_before_any_example(tmp_path: Path) -> None:
    """A repository whose license is not allowed is named and counted; alone it leaves no file and exits with 1."""
    place = repository(tmp_path / "shop", {"a.py": TEN_FUNCTIONS}, license_text="")
    error = mine(place, "--out", tmp_path / "fim.jsonl", "--report", tmp_path / "r.json", code=1)["error"]
    assert "shop: license unknown: no license file" in " ".join(error.split())
    assert not (tmp_path / "fim.jsonl").exists()
    assert json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["repositories"][0]["denied"]
    other = folder(tmp_path / "other", {"b.py": TEN_FUNCTIONS})
    report = mine(place, other, "--out", tmp_path / "fim.jsonl", "--report", tmp_path / "r.json")
    assert report["repositories_account"]["dropped"] == {"license unknown": 1}
    assert json.loads((tmp_path / "r.json").read_text(encoding="utf-8")) == report
    assert {example["meta"]["repo"] for example in read(tmp_path / "fim.jsonl")} == {"other"}
    report = mine(place, "--unknown", "warn", "--out", tmp_path / "fim.jsonl")
    assert report["licenses"] == {"NOASSERTION": report["examples"]}


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nowhere"], 1, "nowhere: no such file or folder"),
        (["shop", "--revision", "absent"], 1, "no branch, tag or commit 'absent'"),
        (["shop", "--mix", "words=3"], 2, "none of nodes, lines, chars"),
        (["shop", "--mix", "nodes"], 2, "NAME=NUMBER"),
        (["shop", "--mix", "nodes=0"], 2, "one must be above 0"),
        (["shop", "--max-len", "100"], 2, "give at least 200"),
        (["shop", "--languages", "cobol"], 2, "'cobol' is none of"),
        (["shop", "--format", "qwen", "--spm", "0.5"], 2, "starcoder or codellama does"),
        (["shop", "--repo-context"], 2, "--format qwen or starcoder"),
        (["shop", "--tokenizer", "o200k"], 2, "--unit tokens"),
        (["shop", "--folder-weight", "a=-1"], 2, "not between 0 and 100"),
        (["shop", "--report", "fim.jsonl"], 2, "need a file each"),
        (["shop", "shop"], 2, "given twice"),
        (["shop", "--allow", "none"], 2, "no SPDX license id"),
    ],
)
def test_wrong_use_is_explained(
    shop: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int, words: str
) -> None:
    """Wrong options and places give a sentence that says what to do, and no file."""
    monkeypatch.chdir(shop.parent)
    assert words in " ".join(mine(*arguments, "--out", "fim.jsonl", code=code)["error"].split())
    assert not Path("fim.jsonl").exists()


def test_broken_repository_among_others_is_counted(shop: Path, tmp_path: Path) -> None:
    """One of several repositories that can't be read is named, and the others are mined."""
    (tmp_path / "cut.bundle").write_bytes(b"# v2 git bundle\ngarbage")
    report = mine(tmp_path / "cut.bundle", shop, "--out", tmp_path / "fim.jsonl")
    assert report["repositories_account"]["dropped"] == {"can't be read": 1}
    assert "the repository is empty" in report["repositories"][0]["denied"]
    assert report["repositories"][1]["examples"] == report["examples"]


def test_a_file_that_changes_while_it_is_read_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Size and time before and after reading must agree."""
    place = folder(tmp_path / "shop", {"a.py": TEN_FUNCTIONS, "b.py": TEN_FUNCTIONS + "x = 1\n"})
    asked = os.fstat

    def growing(handle: int) -> os.stat_result:
        answer = asked(handle)
        if Path(f"/proc/self/fd/{handle}").readlink().name == "a.py":
            with (place / "a.py").open("a") as file:
                file.write("y = 2\n")
        return answer

    monkeypatch.setattr(os, "fstat", growing)
    report = mine(place, "--out", tmp_path / "fim.jsonl")
    assert report["files"]["dropped"]["changed while it was read"] == 1
    assert report["files"]["kept"] == 1


def test_own_output_is_no_input(tmp_path: Path) -> None:
    """A report that lies in the folder from an earlier run is not read."""
    place = folder(tmp_path / "shop", {"a.py": TEN_FUNCTIONS})
    arguments = (place, "--out", place / "fim.jsonl", "--report", place / "report.json")
    assert mine(*arguments) == mine(*arguments)


def test_kill_leaves_no_half_file(tmp_path: Path) -> None:
    """A run that is killed in the middle leaves nothing under the name of its output, and a new run is whole."""
    files = {f"m{at}.py": f"TOP = {at}\n{TEN_FUNCTIONS * 30}" for at in range(120)}
    place, out = folder(tmp_path / "shop", dict(files)), tmp_path / "fim.jsonl"
    command = [sys.executable, "-m", "turnsmith", "mine", "fim", str(place), "--out", str(out)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    part = tmp_path / "fim.jsonl.part"
    while not part.exists() or not part.stat().st_size:
        assert process.poll() is None, process.communicate()[1].decode()
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not out.exists()
    mine(place, "--out", out)
    mine(place, "--out", tmp_path / "undisturbed.jsonl")
    assert out.read_bytes() == (tmp_path / "undisturbed.jsonl").read_bytes()
    assert not part.exists()


def test_output_may_be_packed_or_standard(shop: Path, tmp_path: Path) -> None:
    """.gz and .zst files hold the same lines as standard output."""
    printed = CliRunner().invoke(app, ["mine", "fim", str(shop), "--out", "-"])
    mine(shop, "--out", tmp_path / "fim.jsonl.gz")
    mine(shop, "--out", tmp_path / "fim.jsonl")
    assert printed.stdout_bytes == (tmp_path / "fim.jsonl").read_bytes()
    unpacked = subprocess.run(
        ["gzip", "-dc", str(tmp_path / "fim.jsonl.gz")], capture_output=True, check=True
    )
    assert unpacked.stdout == printed.stdout_bytes


def test_hostile_names_are_shown_harmlessly(tmp_path: Path) -> None:
    """Markup and control characters in names do not reach the terminal."""
    place = repository(tmp_path / "[red]shop", {"[bold]a.py": TEN_FUNCTIONS}, license_text="")
    other = repository(tmp_path / "other", {"a.py": TEN_FUNCTIONS})
    result = CliRunner().invoke(
        app, ["mine", "fim", str(place), str(other), "--out", str(tmp_path / "f.jsonl")]
    )
    assert "Warning: [red]shop: left out" in result.stdout


@pytest.mark.skipif(not BUNDLES, reason=f"needs the bundles of {SHARED / 'git'}")
@pytest.mark.parametrize("bundle", BUNDLES, ids=lambda path: path.stem)
def test_real_repositories(bundle: Path, tmp_path: Path) -> None:
    """Every example of a real repository is cut from its commit byte for byte, within its budget."""
    out = tmp_path / "fim.jsonl"
    report = mine(bundle, "--out", out, "--format", "qwen")
    shutil.copy(bundle, tmp_path / "copy.bundle")
    git(tmp_path, "clone", "--quiet", "copy.bundle", "copy")
    holes: dict[str, list[Hole]] = {}
    for example in read(out):
        meta = example["meta"]
        data = (tmp_path / "copy" / meta["path"]).read_bytes()
        prefix, rest = example["text"].removeprefix("<|fim_prefix|>").split("<|fim_suffix|>")
        suffix, middle = rest.split("<|fim_middle|>")
        assert middle_of(example, data).decode() == middle
        start = meta["start"] - len(prefix.encode())
        assert data[start:].startswith((prefix + middle + suffix).encode())
        assert len(prefix + middle + suffix) <= 1600
        assert 16 <= len(middle) <= 640
        holes.setdefault(meta["path"], []).append(Hole("", "", meta["start"], meta["end"]))
    assert not any(map(overlapping, holes.values()))
    assert max(map(len, holes.values())) <= 6
    assert report["examples"] > 20
    first = hashlib.sha256(out.read_bytes()).digest()
    mine(bundle, "--out", out, "--format", "qwen")
    assert hashlib.sha256(out.read_bytes()).digest() == first


def test_nothing_left_leaves_an_old_file_as_it_was(tmp_path: Path) -> None:
    """Where no example comes out no file is written, and one that was there before stays."""
    place, out = (
        folder(tmp_path / "empty", {"LICENSE": "MIT License", "data.bin": b"\0\1"}),
        tmp_path / "f.jsonl",
    )
    assert "no example came out; left out were" in mine(place, "--out", out, code=1)["error"]
    assert not out.exists()
    out.write_text("from before")
    mine(place, "--out", out, code=1)
    assert out.read_text() == "from before"
