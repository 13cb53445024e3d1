"""Each format is written as its model was trained."""

import pytest

from turnsmith.sources.code.fim.formats import (
    PSM,
    SPM,
    TOKENS,
    Pieces,
    chat,
    with_repository,
    with_tokens,
)
from turnsmith.sources.code.fim.special import Special

PIECES = Pieces("before\n", "middle", "\nafter\n")


@pytest.mark.parametrize(
    ("name", "order", "text"),
    [
        ("qwen", PSM, "<|fim_prefix|>before\n<|fim_suffix|>\nafter\n<|fim_middle|>middle"),
        ("starcoder", PSM, "<fim_prefix>before\n<fim_suffix>\nafter\n<fim_middle>middle"),
        ("starcoder", SPM, "<fim_prefix><fim_suffix>\nafter\n<fim_middle>before\nmiddle"),
        ("codellama", PSM, "\u2581<PRE>before\n\u2581<SUF>\nafter\n\u2581<MID>middle\u2581<EOT>"),
        ("codellama", SPM, "\u2581<PRE>\u2581<SUF>\nafter\n\u2581<MID>before\nmiddle\u2581<EOT>"),
        (
            "deepseek",
            PSM,
            "<\uff5cfim\u2581begin\uff5c>before\n<\uff5cfim\u2581hole\uff5c>\nafter\n<\uff5cfim\u2581end\uff5c>middle",
        ),
    ],
)
def test_tokens_stand_where_the_model_expects_them(name: str, order: str, text: str) -> None:
    """Prefix, suffix and middle stand behind their tokens, in the asked order."""
    assert with_tokens(TOKENS[name], PIECES, order) == text


def test_repository_context_of_qwen() -> None:
    """The repository's name, then each file behind its path, then the file with the hole."""
    text = with_repository(TOKENS["qwen"], PIECES, PSM, "shop", "b.py", [("a.py", "x = 1\n")])
    assert text == (
        "<|repo_name|>shop\n<|file_sep|>a.py\nx = 1\n\n<|file_sep|>b.py\n"
        "<|fim_prefix|>before\n<|fim_suffix|>\nafter\n<|fim_middle|>middle"
    )


def test_repository_context_of_starcoder() -> None:
    """Nothing stands between the files, and the path of the file with the hole is behind the prefix token."""
    text = with_repository(TOKENS["starcoder"], PIECES, PSM, "shop", "b.py", [("a.py", "x = 1\n")])
    assert text == (
        "<repo_name>shop<file_sep>a.py\nx = 1\n<file_sep><fim_prefix>b.py\nbefore\n"
        "<fim_suffix>\nafter\n<fim_middle>middle"
    )


def test_chat_asks_for_the_hole_and_answers_with_it() -> None:
    """The user shows path, language and file with a marker; the assistant says exactly the middle."""
    example = chat(PIECES, "src/a.py", "python")
    system, user, assistant = example["messages"]
    assert system["role"] == "system"
    assert (user["role"], assistant["role"]) == ("user", "assistant")
    assert assistant["content"] == "middle"
    assert "`src/a.py`" in user["content"]
    assert user["content"].endswith("\n\n```python\nbefore\n<FILL_ME>\nafter\n```")


def test_marker_does_not_occur_in_the_text() -> None:
    """Code that holds the marker itself gets another one."""
    example = chat(Pieces("<FILL_ME> <FILL_ME_2>\n", "middle", "\n"), "a.py", "python")
    assert example["messages"][1]["content"].count("<FILL_ME_3>") == 2


def test_fence_is_longer_than_those_in_the_text() -> None:
    """Markdown with fences of its own stays inside the example's fence."""
    example = chat(Pieces("````sh\nls\n````\n", "middle", ""), "a.md", "markdown")
    assert example["messages"][1]["content"].endswith("`````markdown\n````sh\nls\n````\n<FILL_ME>\n`````")


@pytest.mark.parametrize(
    ("name", "tokens"),
    [
        ("qwen", ["<|endoftext|>", "<|im_start|>", "<|fim_pad|>", "<|file_sep|>", "<tool_call>"]),
        ("starcoder", ["<|endoftext|>", "<fim_prefix>", "<repo_name>", "<file_sep>"]),
        ("codellama", ["\u2581<PRE>", "\u2581<EOT>", "<s>", "</s>", "[INST]", "<<SYS>>"]),
        ("deepseek", ["<\uff5cfim\u2581hole\uff5c>", "<\uff5cend\u2581of\u2581sentence\uff5c>", "<|EOT|>"]),
        (
            "messages",
            ["<|im_end|>", "<fim_prefix>", "\u2581<MID>", "</s>", "[/INST]", "<end_of_turn>", "<tool_call>"],
        ),
    ],
)
def test_special_tokens_are_found_and_defused(name: str, tokens: list[str]) -> None:
    """The tokens of a format's model are found in code, and none is left after escaping; other code stays as it is."""
    special = Special(name)
    for token in tokens:
        assert special.within(f"x = '{token}'")
        escaped = special.escaped(f"x = '{token}{token}'")
        assert not special.within(escaped)
        assert escaped.replace(" ", "") == f"x='{token}{token}'"
    code = "if a <| b: f = <fim> and [INSTANCE] < |c|"
    assert not special.within(code)
    assert special.escaped(code) == code


@pytest.mark.parametrize("name", TOKENS)
def test_own_tokens_are_special(name: str) -> None:
    """What a format writes around code can't stand in the code."""
    tokens = TOKENS[name]
    for own in {tokens.prefix, tokens.suffix, tokens.middle, tokens.end, tokens.repo, tokens.file} - {""}:
        assert Special(name).within(own)
        assert Special("messages").within(own)
