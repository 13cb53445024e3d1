"""`turnsmith merge`: one training and one evaluation file, no group on both sides, every example accounted for."""

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from turnsmith.cli import app
from turnsmith.core.hashing import portable_hash
from turnsmith.curate.merge import MergeOptions, merge
from turnsmith.curate.merge.choosing import HASHES, choose_by_share, choose_by_size, choose_with_repositories
from turnsmith.curate.merge.groups import group_of
from turnsmith.curate.merge.mixing import Mixer

Example = dict[str, Any]
FEW = MergeOptions(min_eval=0)


def chat(text: str, **meta: Any) -> Example:
    """Return a conversation with a question of its own."""
    messages = [{"role": "user", "content": text}, {"role": "assistant", "content": f"It is {text.strip()}."}]
    return {"messages": messages, **({"meta": meta} if meta else {})}


def chats(source: str, count: int, per_group: int = 1) -> list[Example]:
    """Return conversations of a source in groups."""
    return [chat(f"{source} {n}", source=source, group=f"{source}:{n // per_group}") for n in range(count)]


def write(path: Path, examples: list[Any]) -> str:
    """Write examples, texts as they are, as JSON Lines; return the path."""
    lines = (each if isinstance(each, str) else json.dumps(each) for each in examples)
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return str(path)


def read(path: Path) -> list[Example]:
    """Return the examples of a file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def sides(folder: Path, name: str = "x") -> tuple[list[Example], list[Example]]:
    """Return the training and the evaluation examples of a merged set."""
    return read(folder / f"train.{name}.jsonl"), read(folder / f"eval.{name}.jsonl")


def run(*arguments: object, stdin: str | None = None) -> Any:
    """Run `turnsmith merge` in this process."""
    return CliRunner().invoke(app, ["merge", *(str(each) for each in arguments)], input=stdin)


def groups(examples: list[Example]) -> set[str]:
    """Return the groups that examples name."""
    return {each["meta"]["group"] for each in examples}


def mined(repo: str, count: int, **meta: Any) -> list[Example]:
    """Return examples of code of a repository, a file and a commit for each two of them."""
    return [
        chat(f"{repo} {n}", source="git", repo=repo, commit=f"c{n // 2}", path=f"f{n // 2}.py", **meta)
        for n in range(count)
    ]


def test_every_example_is_on_one_side_and_groups_are_whole(tmp_path: Path) -> None:
    """About the share asked for goes to evaluation, by whole groups, and all that was read is written."""
    inputs = [write(tmp_path / f"{name}.jsonl", chats(name, 600, 4)) for name in "ab"]
    result = run(*inputs, "--name", "x", "--out", tmp_path / "set", "--json")
    assert result.exit_code == 0, result.output
    train, held_out = sides(tmp_path / "set")
    assert len(train) + len(held_out) == 1200
    assert groups(train).isdisjoint(groups(held_out))
    assert 0.10 < len(held_out) / 1200 < 0.20
    told = json.loads(result.stdout)
    assert told == json.loads((tmp_path / "set/x.report.json").read_text(encoding="utf-8"))
    assert (told["train"]["lines"], told["eval"]["lines"]) == (len(train), len(held_out))
    assert told["train"]["groups"] + told["eval"]["groups"] == 300
    assert [source["sources"] for source in told["sources"]] == [{"a": 600}, {"b": 600}]


def test_the_side_is_the_portable_hash_of_the_group(tmp_path: Path) -> None:
    """A group is held out when its hash is in the first part of all hashes, whatever else is in the set."""
    merge([write(tmp_path / "a.jsonl", chats("a", 400))], "x", str(tmp_path), FEW)
    train, held_out = sides(tmp_path)
    assert held_out
    for examples, is_held_out in ((train, False), (held_out, True)):
        for group in groups(examples):
            assert (portable_hash(f"group:{group}") < 0.15 * HASHES) == is_held_out


def test_order_is_mixed_and_does_not_depend_on_the_input(tmp_path: Path) -> None:
    """The same examples in any order and any files give the same bytes; another seed another order, the same sides."""
    examples = chats("a", 200) + chats("b", 200)
    shuffled = random.Random(1).sample(examples, len(examples))
    merge([write(tmp_path / "1.jsonl", examples)], "one", str(tmp_path))
    parts = [write(tmp_path / f"{n}.jsonl", shuffled[n::3]) for n in (2, 0, 3)]
    merge([*parts, write(tmp_path / "4.jsonl", shuffled[1::3])], "two", str(tmp_path))
    for side in ("train", "eval"):
        assert (tmp_path / f"{side}.one.jsonl").read_bytes() == (tmp_path / f"{side}.two.jsonl").read_bytes()
    merge([str(tmp_path / "1.jsonl")], "three", str(tmp_path), MergeOptions(seed=1))
    one, three = sides(tmp_path, "one"), sides(tmp_path, "three")
    assert one[0] != three[0]
    assert groups(one[1]) == groups(three[1])
    first = [each["meta"]["source"] for each in one[0][:40]]
    assert 8 < first.count("a") < 32


def test_the_first_of_equal_examples_wins(tmp_path: Path) -> None:
    """An example that comes again is counted at the input that repeats it; what is written is the first."""
    a = write(tmp_path / "a.jsonl", [chat("x", id="first"), chat("y"), chat("x ", id="second")])
    b = write(tmp_path / "b.jsonl", [chat("y\r\n"), chat("z"), {"messages": 1}, "{"])
    report = merge([a, b], "x", str(tmp_path), FEW).as_json()
    assert [source["duplicates"] for source in report["sources"]] == [1, 0]
    assert [source["duplicates_of_earlier_inputs"] for source in report["sources"]] == [0, 1]
    assert report["sources"][1]["malformed"] == 1
    assert report["sources"][1]["bad"] == {"no valid JSON": 1}
    assert report["sources"][1]["samples"]["duplicate of an earlier input"] == [f"{b}:1"]
    train, held_out = sides(tmp_path)
    texts = {each["messages"][0]["content"]: each.get("meta") for each in train + held_out}
    assert texts == {"x": {"id": "first"}, "y": None, "z": None}


def test_weights_repeat_in_training_only_and_thin_out_both_sides(tmp_path: Path) -> None:
    """Weight 2 is each training example twice, 0.5 half of all, 1.5 one and a half; evaluation has none twice."""
    inputs = [write(tmp_path / f"{name}.jsonl", chats(name, 400)) for name in "abc"]
    result = run(*inputs, "--name", "x", "--out", tmp_path, "--weights", "a=2", "b=0.5", "c=1.5", "--json")
    a, b, c = json.loads(result.stdout)["sources"]
    assert a["train_lines"] == 2 * a["train_examples"]
    assert a["train_examples"] + a["eval_lines"] == 400
    assert b["left_out_by_weight"] == b["train_lines"] + b["eval_lines"] == 200
    assert c["train_lines"] == c["train_examples"] + round(c["train_examples"] / 2)
    train, held_out = sides(tmp_path)
    assert len({json.dumps(each) for each in held_out}) == len(held_out)
    assert len(train) == sum(source["train_lines"] for source in (a, b, c))


def test_weight_zero_leaves_a_source_out(tmp_path: Path) -> None:
    """A source of weight 0 is on neither side, and has its row."""
    inputs = [write(tmp_path / f"{name}.jsonl", chats(name, 50)) for name in "ab"]
    report = merge(inputs, "x", str(tmp_path), MergeOptions(weights={"b": 0}, min_eval=0)).as_json()
    assert report["sources"][1]["left_out_by_weight"] == 50
    assert all(each["meta"]["source"] == "a" for side in sides(tmp_path) for each in side)


def test_a_small_evaluation_is_raised(tmp_path: Path) -> None:
    """Fewer than --min-eval examples raise the share, never beyond half, and the report says so."""
    source = write(tmp_path / "a.jsonl", chats("a", 300))
    raised = merge([source], "x", str(tmp_path), MergeOptions(min_eval=100))
    assert len(sides(tmp_path)[1]) == 100
    assert any("raised to 100" in warning for warning in raised.warnings)
    merge([source], "y", str(tmp_path), MergeOptions(min_eval=1000))
    assert len(sides(tmp_path, "y")[1]) == 150
    assert groups(sides(tmp_path)[1]) < groups(sides(tmp_path, "y")[1])
    none = merge([source], "z", str(tmp_path), MergeOptions(eval_frac=0))
    assert sides(tmp_path, "z")[1] == []
    assert none.warnings == []


def test_an_evaluation_of_a_size(tmp_path: Path) -> None:
    """--eval-size takes whole groups until about so many examples."""
    merge([write(tmp_path / "a.jsonl", chats("a", 900, 3))], "x", str(tmp_path), MergeOptions(eval_size=50))
    held_out = sides(tmp_path)[1]
    assert abs(len(held_out) - 50) <= 1
    assert len(groups(held_out)) * 3 == len(held_out)


sizes = st.dictionaries(st.integers(0, HASHES - 1), st.integers(1, 50), max_size=40)


@given(sizes=sizes, share=st.floats(0, 0.5), fewest=st.integers(0, 200))
def test_evaluation_is_never_the_larger_half(sizes: dict[int, int], share: float, fewest: int) -> None:
    """Whatever the groups, evaluation is at most half, and its count is right."""
    for chosen in (choose_by_share(sizes, share, fewest), choose_by_size(sizes, fewest)):
        assert chosen.examples == sum(sizes[group] for group in chosen.groups)
        assert chosen.examples * 2 <= sum(sizes.values())
    if chosen.examples < fewest:
        assert chosen.warnings


keys = st.fixed_dictionaries(
    {},
    optional={
        "group": st.sampled_from("abc"),
        "conversation_id": st.sampled_from("ab"),
        "n": st.integers(0, 3),
    },
)
example = st.builds(lambda n, meta: chat(str(n), **meta), st.integers(0, 30), keys)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    inputs=st.lists(st.lists(example, min_size=1, max_size=15), min_size=1, max_size=3),
    weight=st.floats(0, 3),
)
def test_accounts_add_up_and_groups_are_whole(
    tmp_path: Path, inputs: list[list[Example]], weight: float
) -> None:
    """Whatever the inputs, no group is on both sides, no example is lost, and evaluation has no repeats."""
    paths = [write(tmp_path / f"{n}.jsonl", examples) for n, examples in enumerate(inputs)]
    options = MergeOptions(weights={"0": weight}, eval_frac=0.4, min_eval=3, force=True)
    report = merge(paths, "x", str(tmp_path), options).as_json()
    train, held_out = sides(tmp_path)
    for key in ("group",):
        named = [
            {each["meta"][key] for each in side if key in each.get("meta", {})} for side in (train, held_out)
        ]
        assert named[0].isdisjoint(named[1])
    assert len({each["messages"][0]["content"] for each in held_out}) == len(held_out)
    for source, examples in zip(report["sources"], inputs, strict=True):
        lost = source["duplicates"] + source["duplicates_of_earlier_inputs"] + source["left_out_by_weight"]
        assert source["read"] == len(examples) == lost + source["train_examples"] + source["eval_lines"]
    assert report["train"]["lines"] == len(train)
    assert report["eval"]["lines"] == len(held_out)


@pytest.mark.parametrize(
    ("given_example", "expected"),
    [
        (chat("x", group="s:1", repo="r", commit="c"), "group:s:1"),
        (chat("x", conversationId="c1"), "conversation:c1"),
        (chat("x", repo="r", commit="c", path="p"), "commit:r:c"),
        (chat("x", repo="r", path="p"), "file:r:p"),
        ({"text": "x", "meta": {"repo": "r", "path": "p", "commit": "c"}}, "file:r:p"),
        (chat("x", group="", conversation=None), "text:00"),
        (chat("x", group=["a"]), "text:00"),
        ({**chat("x"), "meta": None}, "text:00"),
    ],
)
def test_what_a_group_is(given_example: Example, expected: str) -> None:
    """The group, the conversation, the commit or file of a repository, else the text."""
    assert group_of(given_example, b"\0") == expected


def test_nothing_is_overwritten_without_force(tmp_path: Path) -> None:
    """A second merge under a name is refused with the file's name; --force replaces; an input never is."""
    source = write(tmp_path / "a.jsonl", chats("a", 20))
    call = (source, "--name", "x", "--out", tmp_path, "--min-eval", "0")
    assert run(*call).exit_code == 0
    before = (tmp_path / "train.x.jsonl").read_bytes()
    refused = run(*call, "--seed", "5")
    assert refused.exit_code == 2
    assert "train.x.jsonl: is there already; --force" in refused.stderr.replace("\n", "")
    assert (tmp_path / "train.x.jsonl").read_bytes() == before
    assert run(*call, "--seed", "5", "--force").exit_code == 0
    assert (tmp_path / "train.x.jsonl").read_bytes() != before
    own = run(tmp_path / "train.x.jsonl", "--name", "x", "--out", tmp_path, "--force")
    assert own.exit_code == 2
    assert "is an input too" in own.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--weights", "c=2"), "'c' is no source; they are a, b"),
        (("--weights", "a"), "'a' is not of the form NAME=W"),
        (("--weights", "a=-1"), "not between 0 and"),
        (("--weights", "a=nan"), "not between 0 and"),
        (("--eval-frac", "0.9"), "not between 0 and 0.5"),
        (("--name", "../x"), "must be of letters"),
    ],
)
def test_wrong_usage(tmp_path: Path, arguments: Any, said: str) -> None:
    """Wrong settings end with 2 and a sentence, and nothing is written."""
    inputs = [write(tmp_path / f"{name}.jsonl", chats(name, 3)) for name in "ab"]
    result = run(*inputs, "--name", "x", "--out", tmp_path / "set", *arguments)
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())
    assert not (tmp_path / "set").exists()


def test_sources_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    """Two files of one name get their folder in front; a file that is named twice is refused."""
    for name in ("logs", "git"):
        (tmp_path / name).mkdir()
        write(tmp_path / name / "train.clean.jsonl", chats(name, 5))
    inputs = [str(tmp_path / name / "train.clean.jsonl") for name in ("logs", "git")]
    report = merge(inputs, "x", str(tmp_path), MergeOptions(weights={"logs/train.clean": 2}, min_eval=0))
    assert [source.name for source in report.sources] == ["logs/train.clean", "git/train.clean"]
    twice = run(inputs[0], inputs[0], "--name", "y", "--out", tmp_path)
    assert twice.exit_code == 2
    assert "named twice" in twice.stderr


def test_packed_inputs_and_standard_input(tmp_path: Path) -> None:
    """Standard input is one of the inputs, and leaves nothing behind."""
    lines = "".join(json.dumps(each) + "\n" for each in chats("s", 20))
    source = write(tmp_path / "a.jsonl", chats("a", 20))
    result = run(
        "-", source, "--name", "x", "--out", tmp_path / "set", "--min-eval", "0", "--json", stdin=lines
    )
    assert [each["name"] for each in json.loads(result.stdout)["sources"]] == ["stdin", "a"]
    assert sum(map(len, sides(tmp_path / "set"))) == 40
    assert len(list((tmp_path / "set").iterdir())) == 3


def test_no_examples_is_an_error(tmp_path: Path) -> None:
    """Inputs without an example leave no files."""
    result = run(write(tmp_path / "a.jsonl", ["{"]), "--name", "x", "--out", tmp_path / "set")
    assert result.exit_code == 1
    assert "there is no example" in result.stderr
    assert list((tmp_path / "set").iterdir()) == []


def test_hostile_texts_in_the_table(tmp_path: Path) -> None:
    """Markup and control characters in names and meta are shown, not obeyed."""
    source = write(tmp_path / "[red]\x1b[2Ja.jsonl", [chat("x", source="[bold]\x1b]0;t\x07")])
    result = run(source, "--name", "x", "--out", tmp_path, "--min-eval", "0")
    assert result.exit_code == 0, result.output
    assert "\x1b" not in result.stdout
    assert "\x07" not in result.stdout
    assert "[bold]" in result.stdout


def test_a_mixer_sorts_in_pieces(tmp_path: Path) -> None:
    """Lines come out in the order of their hashes over many files on the disk, heads first."""
    dice = random.Random(2)
    entries = [(dice.randrange(HASHES), b"%d\n" % n * dice.randrange(1, 90)) for n in range(3000)]
    mixer = Mixer(tmp_path / "work", 400 << 20)
    for order, line in entries:
        mixer.add(order, line, head=line.startswith(b"77"))
    written: list[bytes] = []
    mixer.write_to(written.append)
    expected = sorted(entries, key=lambda each: (not each[1].startswith(b"77"), each))
    assert written == [line for _, line in expected]
    assert list((tmp_path / "work").iterdir()) == []


def test_a_killed_merge_leaves_no_half_file(tmp_path: Path) -> None:
    """Killed at work it leaves no result; the same command then gives what an undisturbed one gives, and no more."""
    source = write(tmp_path / "a.jsonl", chats("a", 20_000, 3))
    arguments = ["merge", source, "--name", "x", "--out", str(tmp_path / "set")]
    process = subprocess.Popen([sys.executable, "-m", "turnsmith", *arguments], stdout=subprocess.DEVNULL)
    while process.poll() is None and not (tmp_path / "set" / ".x.merge.part").exists():
        time.sleep(0.002)
    process.kill()
    assert process.wait(timeout=20) == -signal.SIGKILL
    assert [path.name for path in (tmp_path / "set").iterdir()] == [".x.merge.part"]
    assert run(*arguments[1:]).exit_code == 0
    assert run(source, "--name", "x", "--out", tmp_path / "fresh").exit_code == 0
    names = ["eval.x.jsonl", "train.x.jsonl", "x.report.json"]
    for folder in ("set", "fresh"):
        assert sorted(path.name for path in (tmp_path / folder).iterdir()) == names
    assert all(
        (tmp_path / "set" / name).read_bytes() == (tmp_path / "fresh" / name).read_bytes() for name in names
    )


def test_repository_is_on_one_side(tmp_path: Path) -> None:
    """All examples of a mined repository, and sessions that worked in it, are on one side."""
    sessions = [chat(f"log {n}", source="log", group=f"s{n}", repo=f"r{n % 9}") for n in range(90)]
    code = [each for number in range(8) for each in mined(f"r{number}", 20)]
    inputs = [write(tmp_path / "git.jsonl", code), write(tmp_path / "log.jsonl", sessions)]
    result = run(*inputs, "--name", "x", "--out", tmp_path, "--min-eval", 40)
    assert result.exit_code == 0, result.output
    repos = [{each["meta"]["repo"] for each in side} - {"r8"} for side in sides(tmp_path)]
    assert repos[0]
    assert repos[1]
    assert repos[0].isdisjoint(repos[1])


def test_chats_and_texts_in_one_set_are_warned_of(tmp_path: Path) -> None:
    """Trainers take chats or texts, so a set of both says how to go on; a set of one kind says nothing."""
    texts = [{"text": f"<fim_prefix>{n}<fim_suffix><fim_middle>x"} for n in range(40)]
    inputs = [write(tmp_path / "log.jsonl", chats("log", 40)), write(tmp_path / "fim.jsonl", texts)]
    both = run(*inputs, "--name", "x", "--out", tmp_path, "--min-eval", 5)
    assert "merge each kind on its own" in " ".join(both.output.split())
    one = run(inputs[0], "--name", "y", "--out", tmp_path, "--min-eval", 5)
    assert "each kind" not in one.output


def test_only_repository_is_split_by_file(tmp_path: Path) -> None:
    """A repository that has no other beside it is split by file, which the report says; by commit if asked."""
    code = write(tmp_path / "git.jsonl", mined("alone", 200))
    result = run(code, "--name", "x", "--out", tmp_path, "--min-eval", 20)
    assert result.exit_code == 0, result.output
    assert "alone is the only repository, so it is split by file" in result.output
    paths = [{each["meta"]["path"] for each in side} for side in sides(tmp_path)]
    assert paths[0].isdisjoint(paths[1])
    again = run(code, "--name", "y", "--out", tmp_path, "--min-eval", 20, "--no-by-repository")
    assert "only repository" not in again.output
    commits = [{each["meta"]["commit"] for each in side} for side in sides(tmp_path, "y")]
    assert commits[0].isdisjoint(commits[1])


def test_file_of_a_commit_is_its_first(tmp_path: Path) -> None:
    """Examples that a commit gives about several files stay together under the first of its files."""
    code = [
        chat(f"{n} {path}", source="git", repo="alone", commit=f"c{n}", path=path, paths=[f"f{n}", "g"])
        for n in range(60)
        for path in (f"f{n}", "g")
    ]
    run(write(tmp_path / "git.jsonl", code), "--name", "x", "--out", tmp_path, "--min-eval", 10)
    commits = [{each["meta"]["commit"] for each in side} for side in sides(tmp_path)]
    assert all(commits)
    assert commits[0].isdisjoint(commits[1])


def test_share_that_is_missed_is_told() -> None:
    """Whole groups that take evaluation far beyond its share are told of."""
    assert any(
        "instead of 15%" in each for each in choose_by_share({1: 45, HASHES - 1: 55}, 0.15, 0).warnings
    )
    assert not choose_by_share({1: 15, HASHES - 1: 85}, 0.15, 0).warnings


def test_large_group_does_not_drag_the_small_ones_along() -> None:
    """Where small groups are not enough for the least evaluation, the smallest large one is taken alone."""
    sizes = {HASHES // 2 + n: 1 for n in range(30)} | {HASHES - 1: 400, HASHES - 2: 300, HASHES - 3: 900}
    assert choose_by_share(sizes, 0.15, 100).groups == {HASHES - 2}


def test_code_and_the_rest_are_chosen_apart() -> None:
    """Both kinds come to evaluation: about the share of the code by whole repositories, and sessions as ever."""
    repositories = {HASHES - 1: 600, HASHES - 2: 1100, HASHES - 3: 68}
    sessions = {HASHES // 200 * n + 1: 1 for n in range(1, 200)}
    chosen = choose_with_repositories({**repositories, **sessions}, set(repositories), 0.15, 50)
    assert chosen.groups & set(repositories) == {HASHES - 3}
    assert 25 <= len(chosen.groups & set(sessions)) <= 35
    assert chosen.examples == 68 + len(chosen.groups & set(sessions))
    assert any(each.startswith("code: ") for each in chosen.warnings)
