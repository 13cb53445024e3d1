"""Each code of `turnsmith check` finds its fault, and passes over a good neighbor."""

import copy
import json
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.json
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnsmith.curate.check import CODES, TRAINERS, Budget, check_file
from turnsmith.curate.check.messages import check_example
from turnsmith.curate.check.running import fixed
from turnsmith.curate.lengths import counter

Example = dict[str, Any]
CALL: Example = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
SYSTEM, USER, ANSWER = ({"role": role, "content": "x"} for role in ("system", "user", "assistant"))
RESULT = {"role": "tool", "tool_call_id": "c1", "content": ""}
TOOLS = [{"type": "function", "function": {"name": "f"}}]


def chat(*messages: Any, **more: Any) -> Example:
    """Return an example of these messages."""
    return {"messages": copy.deepcopy(list(messages)), **more}


def asking(*calls: Any) -> Example:
    """Return a message of the assistant with calls."""
    return {"role": "assistant", "content": "", "tool_calls": list(calls)}


def calling(call: Any) -> Example:
    """Return an example with one call and its result."""
    return chat(SYSTEM, USER, asking(call), RESULT, ANSWER, tools=TOOLS)


def saying(text: str) -> Example:
    """Return an example in which the user says something."""
    return chat(SYSTEM, {"role": "user", "content": text}, ANSWER)


def function(**changes: Any) -> Example:
    """Return a call of another function."""
    return {**CALL, "function": {**CALL["function"], **changes}}


def weighing(*weights: float) -> Example:
    """Return an example with answers of these weights."""
    return chat(*[each for weight in weights for each in (USER, {**ANSWER, "weight": weight})])


PLAIN, CALLING = chat(SYSTEM, USER, ANSWER), calling(CALL)
DEEPSEEK = "<\uff5cfim\u2581begin\uff5c>a<\uff5cfim\u2581hole\uff5c>b<\uff5cfim\u2581end\uff5c>c"
FIM = "<|repo_name|>r<|file_sep|>f<|fim_prefix|>a<|fim_suffix|>b<|fim_middle|>c<|endoftext|>"
PARTS = {"role": "user", "content": [{"type": "text", "text": "x"}]}

# (code, trainer, a bad line, a good neighbor)
CASES: list[tuple[str, str, Example, Example]] = [
    ("no-messages", "openai", {"text": "x"}, PLAIN),
    ("no-messages", "trl", {"messages": []}, {"text": "x"}),
    ("no-messages", "qwen", {"prompt": "x", "completion": "y"}, PLAIN),
    ("no-messages", "qwen", {"prompt": [USER], "completion": [ANSWER]}, PLAIN),
    ("no-messages", "axolotl", {"prompt": "x", "completion": "y"}, {"text": "x"}),
    ("no-messages", "axolotl", {"conversations": [{"from": "human", "value": "x"}]}, PLAIN),
    ("pair-shape", "trl", {"prompt": [USER], "completion": "x"}, {"prompt": [USER], "completion": [ANSWER]}),
    ("unknown-column", "openai", chat(USER, ANSWER, meta={}), CALLING),
    ("unknown-column", "trl", chat(USER, ANSWER, label=1), chat(USER, ANSWER, meta={})),
    ("message-type", "trl", chat("x", USER, ANSWER), PLAIN),
    ("role-unknown", "openai", chat({**USER, "role": "human"}, ANSWER), CALLING),
    ("role-unknown", "qwen", CALLING, PLAIN),
    ("role-unknown", "axolotl", chat(USER, {**ANSWER, "role": "bot"}), chat({**USER, "role": "human"}, ANSWER)),
    ("unknown-key", "openai", chat(USER, {**ANSWER, "model": "x"}), chat(USER, {**ANSWER, "name": "x"})),
    ("content-type", "trl", chat(USER, {**ANSWER, "content": None}), PLAIN),
    ("content-type", "openai", chat(USER, {**ANSWER, "content": 1}), chat(PARTS, ANSWER)),
    ("content-type", "qwen", chat(SYSTEM, PARTS, ANSWER), PLAIN),
    ("content-empty", "trl", chat({**USER, "content": " \n"}, ANSWER), CALLING),
    ("first-role", "openai", chat(SYSTEM, ANSWER, USER, ANSWER), PLAIN),
    ("last-role", "openai", chat(USER, ANSWER, USER), chat(USER, ANSWER)),
    ("no-assistant", "trl", chat(SYSTEM, USER), PLAIN),
    ("nothing-trained", "openai", weighing(0), weighing(0, 1)),
    ("role-order", "trl", chat(USER, USER, ANSWER), chat(USER, ANSWER, USER, ANSWER)),
    ("system-late", "trl", chat(USER, ANSWER, SYSTEM, USER, ANSWER), PLAIN),
    ("first-message-lost", "qwen", chat(USER, ANSWER), PLAIN),
    ("system-empty", "qwen", chat({**SYSTEM, "content": ""}, USER, ANSWER), PLAIN),
    (
        "last-turn-only", "qwen", chat(SYSTEM, USER, ANSWER, USER, ANSWER),
        chat(SYSTEM, USER, ANSWER, USER, ANSWER, only_last_turn_loss=False),
    ),
    ("weight-value", "openai", weighing(0.5), weighing(1)),
    ("weight-role", "openai", chat({**USER, "weight": 1}, ANSWER), PLAIN),
    ("weight-ignored", "trl", weighing(1), PLAIN),
    ("call-role", "trl", chat({**USER, "tool_calls": [CALL]}, RESULT, ANSWER), CALLING),
    ("call-shape", "trl", calling({**CALL, "type": "tool"}), CALLING),
    ("call-shape", "openai", calling(function(name="")), CALLING),
    ("call-name", "openai", calling(function(name="a.b")), CALLING),
    ("call-id-missing", "trl", calling({**CALL, "id": ""}), CALLING),
    ("call-id-twice", "trl", chat(USER, asking(CALL, CALL), RESULT, ANSWER), CALLING),
    ("call-unanswered", "trl", chat(USER, asking(CALL), ANSWER), CALLING),
    ("result-without-call", "trl", chat(USER, RESULT, ANSWER), CALLING),
    ("arguments-type", "trl", calling(function(arguments={"a": 1})), CALLING),
    ("arguments-json", "trl", calling(function(arguments='{"a": ')), CALLING),
    ("arguments-json", "openai", calling(function(arguments="[]")), CALLING),
    ("arguments-as-text", "trl", CALLING, PLAIN),
    ("arguments-as-text", "trl", {"prompt": [USER], "completion": CALLING["messages"][2:]}, PLAIN),
    ("arguments-as-text", "axolotl", CALLING, PLAIN),
    ("calls-lost", "qwen", CALLING, PLAIN),
    ("tools-missing", "openai", chat(*CALLING["messages"]), CALLING),
    ("tools-missing", "trl", chat(*CALLING["messages"]), CALLING),
    ("tools-missing", "axolotl", chat(*CALLING["messages"]), CALLING),
    ("special-token", "openai", saying("<|im_start|>"), saying("<im_start> a < b |> c")),
    ("special-token", "qwen", saying("a <tool_call> b"), saying("tool_call")),
    ("special-token", "trl", saying("x [INST] y"), saying("x [inst] y")),
    ("special-token", "trl", saying("</s>"), saying("</span>")),
    ("special-token", "axolotl", calling(function(arguments='{"a": "<end_of_turn>"}')), CALLING),
    ("special-token", "trl", {"text": "<|fim_prefix|>a<|fim_prefix|>b"}, {"text": FIM}),
    ("foreign-token", "qwen", saying("</s>"), saying("<s-t>")),
    ("foreign-token", "trl", {"text": FIM.replace(">a<", ">a <filename><")}, {"text": FIM}),
    ("special-token", "trl", {"text": DEEPSEEK.replace(">a<", ">a <\uff5cEOT\uff5c><")}, {"text": DEEPSEEK}),
]  # fmt: skip


def codes(example: Example, trainer: str) -> set[str]:
    """Return the codes of an example's problems."""
    return {problem.code for problem in check_example(example, TRAINERS[trainer])}


@pytest.mark.parametrize(("code", "trainer", "bad", "good"), CASES, ids=[f"{c[0]}-{c[1]}" for c in CASES])
def test_a_code_finds_its_fault(code: str, trainer: str, bad: Example, good: Example) -> None:
    """A bad line has the code, its good neighbor none but the warning that any call gets."""
    assert code in codes(bad, trainer)
    is_warned = good is CALLING and trainer in ("trl", "axolotl")
    assert codes(good, trainer) == ({"arguments-as-text"} if is_warned else set())


@pytest.mark.parametrize("trainer", ["openai", "trl", "axolotl"])
def test_missing_tools_do_not_stop_a_trainer(trainer: str, tmp_path: Path) -> None:
    """Calls without a list of tools are worth a warning, not an error."""
    name = write(tmp_path / "x.jsonl", *[chat(*CALLING["messages"])] * 10)
    checked = check_file(name, TRAINERS[trainer])
    assert (checked.errors, checked.counts["tools-missing"]) == (0, 10)


@pytest.mark.parametrize("trainer", ["trl", "axolotl"])
def test_arguments_as_text_do_not_stop_a_trainer(trainer: str, tmp_path: Path) -> None:
    """Arguments must be text for Arrow, so this is a warning, once for an example."""
    twice = chat(
        *CALLING["messages"], USER, asking({**CALL, "id": "c2"}), {**RESULT, "tool_call_id": "c2"}, ANSWER
    )
    checked = check_file(write(tmp_path / "x.jsonl", {**twice, "tools": TOOLS}), TRAINERS[trainer])
    assert (checked.errors, checked.warnings) == (0, 1)
    assert "decode them before the chat template" in CODES["arguments-as-text"]


def test_the_documentation_decodes_arguments() -> None:
    """The function in docs/checking.md makes objects of the arguments and passes over messages without calls."""
    page = (Path(__file__).resolve().parents[3] / "docs" / "checking.md").read_text(encoding="utf-8")
    known: dict[str, Any] = {}
    exec(page.split("```python\n")[1].split("```")[0], known)
    example = calling(function(arguments='{"a": 1}'))
    known["decode_arguments"](example)
    assert example == calling(function(arguments={"a": 1}))


@pytest.mark.parametrize("trainer", TRAINERS)
def test_a_plain_chat_passes_everywhere(trainer: str) -> None:
    """A system message, a question and an answer are fine for all."""
    assert codes(PLAIN, trainer) == set()


def write(path: Path, *lines: Any) -> str:
    """Write examples, or lines as they are."""
    text = "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines)
    path.write_text(text, encoding="utf-8")
    return str(path)


def found(name: str, trainer: str, budget: Budget | None = None) -> dict[str, list[str]]:
    """Return code -> places of a file's problems."""
    report = check_file(name, TRAINERS[trainer], budget).as_json()
    return {code: entry["places"] for code, entry in report["codes"].items()}


def test_lines_that_are_no_objects(tmp_path: Path) -> None:
    """not-json: told with file and line; the neighbors are checked."""
    name = write(tmp_path / "x.jsonl", PLAIN, "nonsense", PLAIN)
    assert found(name, "trl") == {"not-json": [f"{name}:2: no valid JSON"]}


def test_ten_examples_for_openai(tmp_path: Path) -> None:
    """too-few-examples: nine are refused, ten are not."""
    name = write(tmp_path / "x.jsonl", *[PLAIN] * 9)
    assert found(name, "openai") == {"too-few-examples": [f"{name}: 9, it takes 10 or more"]}
    assert found(write(tmp_path / "y.jsonl", *[PLAIN] * 10), "openai") == {}


def test_an_empty_file_has_no_examples(tmp_path: Path) -> None:
    """no-examples: an empty file trains nothing."""
    assert set(found(write(tmp_path / "x.jsonl"), "trl")) == {"no-examples"}


def test_types_must_agree_over_lines(tmp_path: Path) -> None:
    """mixed-types: a field that changes its type is told at the line where it does; null agrees with all."""
    lines = [chat(USER, ANSWER, meta={"a": value}) for value in (1, None, 2.5, "x")]
    name = write(tmp_path / "x.jsonl", *lines)
    assert found(name, "trl") == {"mixed-types": [f"{name}:4: 'meta.a': text, before it was a number"]}


def test_arrow_agrees_about_types(tmp_path: Path) -> None:
    """What is called mixed is what Arrow itself refuses to load."""
    good = write(tmp_path / "good.jsonl", *[chat(USER, ANSWER, meta={"a": value}) for value in (1, 2.5)])
    bad = write(tmp_path / "bad.jsonl", *[chat(USER, ANSWER, meta={"a": value}) for value in (1, "x")])
    assert pyarrow.json.read_json(good).num_rows == 2
    assert found(good, "axolotl") == {}
    with pytest.raises(pyarrow.ArrowInvalid):
        pyarrow.json.read_json(bad)
    assert set(found(bad, "axolotl")) == {"mixed-types"}


def test_columns_must_agree_over_lines(tmp_path: Path) -> None:
    """mixed-columns: the first line says what kind of examples a file has."""
    assert set(found(write(tmp_path / "x.jsonl", PLAIN, {"text": "x"}), "trl")) == {"mixed-columns"}
    assert found(write(tmp_path / "y.jsonl", {"text": "x"}, {"text": "y"}), "trl") == {}


def test_long_examples_are_told(tmp_path: Path) -> None:
    """too-long: an example above the limit is told with its tokens; one at the limit is not."""
    name = write(tmp_path / "x.jsonl", PLAIN)
    tokens = counter()(PLAIN)
    assert found(name, "qwen", Budget(tokens, counter())) == {}
    assert found(name, "qwen", Budget(tokens - 1, counter())) == {"too-long": [f"{name}:1: {tokens} tokens"]}


def test_what_can_not_be_counted_is_told(tmp_path: Path) -> None:
    """uncountable: with a limit, an example without anything to count is an error."""
    name = write(tmp_path / "x.jsonl", {"messages": []})
    assert "uncountable" in found(name, "trl", Budget(9, counter()))


def test_every_code_is_tested() -> None:
    """The tests above name every code there is, and no other."""
    text = Path(__file__).read_text(encoding="utf-8")
    in_docstrings = {code for code in CODES if f'"""{code}: ' in text}
    assert {case[0] for case in CASES} | in_docstrings == set(CODES)


KEYS = [
    "role",
    "content",
    "tool_calls",
    "tool_call_id",
    "id",
    "function",
    "name",
    "arguments",
    "weight",
    "type",
]
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["", "user", "assistant", "tool", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("trainer", TRAINERS)
@settings(deadline=None)  # a busy machine is no fault
@given(messages=JSON, more=st.dictionaries(st.sampled_from(["tools", "meta", "text", "prompt"]), JSON))
def test_no_shape_breaks_a_check(trainer: str, messages: Any, more: Example) -> None:
    """Whatever JSON stands where messages should, the check ends with codes that exist."""
    example = {"messages": messages, **more}
    assert codes(example, trainer) <= set(CODES)
    assert codes(fixed(example, TRAINERS[trainer]), trainer) <= set(CODES)
