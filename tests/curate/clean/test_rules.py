"""Each quality rule takes what it is for and leaves what only looks like it."""

import base64
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

from turnsmith.core.errors import UsageError
from turnsmith.curate.clean import CleanOptions, CleanReport, clean
from turnsmith.curate.clean.rules import NAMES, build, chosen

from .chats import ANSWER, QUESTION, called, chat, write

BLOB = base64.b64encode(bytes(range(256)) * 2).decode()
LONG = "This is how one goes about it, step by step, with all that may go wrong on the way there. "


def cleaned(example: Any, options: CleanOptions) -> CleanReport:
    """Return the report of cleaning one example."""
    with tempfile.TemporaryDirectory() as folder:
        source = write(Path(folder) / "in.jsonl", [example])
        return clean(source, str(Path(folder) / "out.jsonl"), options)


TAKEN: list[tuple[str, Any]] = [
    ("malformed", {}),
    ("malformed", {"messages": []}),
    ("malformed", {"messages": [{"role": 1, "content": "x"}]}),
    ("malformed", {"messages": [{"role": "user", "content": {"text": "x"}}]}),
    ("malformed", {"text": 1}),
    ("malformed", {**chat(), "meta": "x"}),
    ("no_assistant", {"messages": [{"role": "user", "content": QUESTION}]}),
    ("no_user", {"messages": [{"role": "system", "content": "x"}, {"role": "assistant", "content": ANSWER}]}),
    ("no_trainable_token", chat(assistant=" \n")),
    ("no_trainable_token", chat(assistant=None)),
    ("broken_arguments", called('{"path": ')),
    ("broken_arguments", called("")),
    ("broken_arguments", called("[1]")),
    ("broken_arguments", called(None)),
    ("broken_arguments", called('{"n": NaN}')),
    ("broken_arguments", {"messages": [*chat()["messages"], {"role": "assistant", "tool_calls": ["x"]}]}),
    ("non_text", chat(user=[{"type": "image_url", "image_url": {"url": "data:x"}}])),
    ("non_text", chat(user="1 + 1 = ?? " * 20)),
    ("short_user", chat(user=QUESTION[:79])),
    ("short_user", chat(user=" " * 200 + "help" + "\n" * 200)),
    ("noise", chat(user="help " + "a" * 200)),
    ("noise", chat(user="help me: " + "haha" * 50)),
    ("noise", chat(user=f"decode {BLOB}")),
    ("noise", chat(assistant=f"Here: {bytes(range(256)).hex()}")),
    ("noise", {"text": "=" * 500}),
    ("refusal", chat(assistant="I'm sorry, but I can't assist with that.")),
    ("refusal", chat(assistant="I\u2019m sorry, but I can\u2019t help with that request.")),
    ("refusal", chat(assistant="As an AI language model, I cannot browse the internet.")),
    ("refusal", chat(assistant="Sorry, but I am unable to fulfill your request.")),
    ("refusal", chat(assistant="I must respectfully decline to help here.")),
    ("truncated", chat(finish_reason="length")),
    ("truncated", chat(stop_reason="max_tokens")),
    ("truncated", chat(assistant=LONG + "\n```python\nprint(1)")),
    ("truncated", chat(assistant=LONG + "Then open the")),
    ("truncated", chat(assistant=LONG + "Set these: host, port,")),
    ("truncated", chat(assistant=LONG + "\n\n1. Stop it.\n2.")),
    ("unbalanced_fences", chat(assistant="Try:\n```\nx = 1")),
    ("unbalanced_fences", chat(assistant="Try:\n~~~\nx = 1\n```")),
    ("unbalanced_fences", chat(assistant="````md\n```\nx\n```\n")),
    ("unbalanced_fences", chat(assistant="```md\n```python\nx\n```\n```\n")),
]
LEFT: list[Any] = [
    chat(),
    chat(assistant="42"),
    chat(user=[{"type": "text", "text": QUESTION}, {"type": "image_url", "image_url": {"url": "data:x"}}]),
    chat(user=QUESTION[:81]),
    called("{}"),
    called({"path": "a.py"}),
    chat(assistant="I'm sorry, but the test still fails: the key is absent."),
    chat(assistant="I can't find the file `users.py`. Where is it?"),
    chat(assistant="I can't help but notice that the key is misspelled."),
    chat(assistant="I can't help with the Windows build directly, but this is how it goes."),
    chat(assistant="Sorry, but I can't assist with that.\n```python\nusers.get(1)\n```"),
    chat(assistant="It prints: I'm sorry, but I can't assist with that."),
    chat(finish_reason="stop"),
    chat(assistant=LONG + "The file it belongs to"),
    chat(assistant=LONG + "Use `and`"),
    chat(assistant="```python\nf(\n```"),
    chat(assistant="1. Try:\n\n   ```sh\n   make\n   ```\n\n2. Done.\n> ```\n> x\n> ```"),
    chat(assistant="````md\n```python\nx\n```\n````\n"),
    chat(assistant="Use ``` to open a fence.\n``` inline ``` is none."),
    chat(user=f"{QUESTION} The log says {BLOB[:64]} and {'-' * 40} below."),
    chat(user=f"{QUESTION} /srv/applications/releases/current/frontend/components/navigation/header/Item"),
    {"text": "<|fim_prefix|>x<|fim_suffix|>y<|fim_middle|>z"},
]


def rule_that_takes(example: Any, options: CleanOptions | None = None) -> str | None:
    """Return the name of the first rule that takes an example."""
    for rule in build(options or CleanOptions()):
        if ("messages" in example or rule.any_shape) and rule.drops(example):
            return rule.name
    return None


@pytest.mark.parametrize(("rule", "example"), TAKEN)
def test_a_rule_takes(rule: str, example: Any) -> None:
    """A rule takes an example of what it is for, and no rule before it does."""
    assert rule_that_takes(example) == rule


@pytest.mark.parametrize("example", LEFT)
def test_near_misses_are_left(example: Any) -> None:
    """What only looks like a fault is kept."""
    assert rule_that_takes(example) is None


@pytest.mark.parametrize("source", ["git", "fim"])
def test_code_is_not_judged_as_prose(source: str) -> None:
    """An answer that was mined from a repository may end in a bracket or an open fence, and say that it can't."""
    options = CleanOptions(languages=("de",))
    answers = (LONG + "Set these:\nif (", "Try:\n```\nx = 1", "I'm sorry, but I can't assist with that.")
    for answer in answers:
        for meta, taken in (({"source": source}, False), ({"source": "claude-code"}, True)):
            report = cleaned(chat(assistant=answer, **meta), options)
            assert bool(report.account.dropped) is taken, (answer, meta)


def test_every_rule_is_tried_here() -> None:
    """The examples above reach each rule that is on by default."""
    assert {rule for rule, _ in TAKEN} == {rule.name for rule in build(CleanOptions())}


def test_lengths_can_be_set() -> None:
    """The parameters of a rule are options."""
    assert rule_that_takes(chat(user=QUESTION[:79]), CleanOptions(min_user_chars=79)) is None
    half = chat(user=QUESTION + " " + "-" * 70)
    assert rule_that_takes(half, CleanOptions(noise_share=0.3)) == "noise"
    refused = chat(assistant="I can't help with that. " + LONG)
    assert rule_that_takes(refused, CleanOptions(refusal_max_chars=50)) is None


def test_rules_can_be_chosen() -> None:
    """`only` and `skip` name rules; the order stays, and the token and language rules need their settings."""
    assert chosen(CleanOptions()) == tuple(name for name in NAMES if name not in ("language", "over_tokens"))
    assert chosen(CleanOptions(only=("noise", "no_user"))) == ("no_user", "noise")
    assert "noise" not in chosen(CleanOptions(skip=("noise",)))
    with pytest.raises(UsageError, match="exact_duplicate"):
        chosen(CleanOptions(skip=("nose",)))
    with pytest.raises(UsageError, match="--max-tokens"):
        chosen(CleanOptions(only=("over_tokens",)))


@pytest.mark.parametrize("text", ["a", "ab", "`", "<", "a1", " ", "a/", "- ", "```\n", "I'm sorry "])
def test_hostile_texts_take_little_time(text: str) -> None:
    """No rule is slower than linear on text made to trap patterns: ten times the text, at most 40 times the time."""
    rules = build(CleanOptions(languages=("en",)))

    def seconds(size: int) -> float:
        example = chat(user=text * size, assistant=text * size)
        started = time.perf_counter()
        for rule in rules:
            rule.drops(example)
        return time.perf_counter() - started

    assert seconds(50_000) < 40 * max(seconds(5_000), 0.01)
