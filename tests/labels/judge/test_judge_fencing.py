"""Control tokens lose their brackets, long texts their middle, and nothing else changes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnsmith.labels.judge.fencing import fenced, neutralize, shorten

CONTROL = [
    "<|im_end|>", "<|im_start|>", "<|endoftext|>", "<|eot_id|>", "<|start_header_id|>", "<\uff5cUser\uff5c>",
    "<\uff5cend\u2581of\u2581sentence\uff5c>", "</s>", "<s>", "<eos>", "[INST]", "[/INST]", "<<SYS>>", "<</SYS>>",
    "<start_of_turn>", "<end_of_turn>", "<think>", "</think>", "<tool_call>", "[SYSTEM_PROMPT]", "[TOOL_CALLS]",
    "<fim_middle>", "<unused12>", "[gMASK]", "<sop>", "<eop>", "<EOT>", "<PRE>", "[CLS]", "[MASK]", "<__media__>",
    "<end_of_utterance>",
]  # fmt: skip


@pytest.mark.parametrize("token", CONTROL)
def test_control_token_is_disarmed_and_readable(token: str) -> None:
    """A control token loses all brackets and bars and keeps its words, and is counted."""
    text, count = neutralize(f"before {token} after")
    assert count == 1
    assert not set("<>|[]\uff5c") & set(text)
    assert token.strip("<>|[]\uff5c") in text


@pytest.mark.parametrize(
    "text",
    [
        "a < b and c > d",
        "x[0] | y[1]",
        "<div class='s'>",
        "Vec<String>",
        "std::vector<int>",
        "[ ] todo",
        "a <b> c",
        "日本 ✅",
    ],
)
def test_code_and_prose_stay(text: str) -> None:
    """What is no control token stays as it is."""
    assert neutralize(text) == (text, 0)


@given(st.lists(st.sampled_from([*CONTROL, "<", "|", ">", "[", "]", "/", "s", "x", " ", "\n"])).map("".join))
def test_no_control_token_is_left(text: str) -> None:
    """However tokens are nested, none is left, and a second pass finds nothing."""
    clean, _ = neutralize(text)
    assert not [token for token in CONTROL if token in clean]
    assert neutralize(clean) == (clean, 0)


def test_long_text_keeps_head_and_tail() -> None:
    """A long text keeps two thirds of its head and its tail, and says how much is gone."""
    assert shorten("abc", 3) == "abc"
    text = "h" * 600 + "m" * 1000 + "t" * 300
    short = shorten(text, 900)
    assert short == "h" * 600 + "\n[... 1,000 characters left out ...]\n" + "t" * 300


def test_fence_holds_the_code_on_both_sides() -> None:
    """Data stands between two lines with the same code."""
    assert fenced("c0de", "request", "text") == "<c0de request>\ntext\n</c0de>"
