"""Chat templates: ChatML, and Jinja as transformers reads it."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnsmith.core.chat import Example
from turnsmith.core.errors import InputError, UsageError
from turnsmith.curate.lengths import counter, example_counter
from turnsmith.curate.lengths.counting import ExampleCounter, load_template
from turnsmith.curate.lengths.embedded import EmbeddedTokenizer
from turnsmith.curate.lengths.jinja import JinjaTemplate
from turnsmith.curate.lengths.ranks import RanksTokenizer
from turnsmith.curate.lengths.vocabularies import QWEN

from .vocabulary import small_ranks

CHAT: Example = {
    "messages": [
        {"role": "system", "content": "hello"},
        {"role": "user", "content": "\nhello"},
        {"role": "assistant", "content": "hello world"},
    ]
}
CALLS: Example = {
    "messages": [
        {"role": "user", "content": "hello"},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [
                {"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}},
                {"id": "2", "type": "function", "function": {"name": "g", "arguments": "{}"}},
            ],
        },
        {"role": "tool", "tool_call_id": "1", "content": "x"},
        {"role": "tool", "tool_call_id": "2", "content": "y"},
        {"role": "assistant", "content": "hello"},
    ]
}
MESSAGE_KEYS = ["role", "content", "tool_calls", "id", "function", "name", "arguments", "weight"]
CHATML_JINJA = r"""{% for message in messages %}
    {{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>' + '\n' }}
{%- endfor %}
{% if add_generation_prompt %}
    {{- '<|im_start|>assistant\n' }}
{%- endif %}
"""
WITH_GENERATION = r"""{% for message in messages %}
    {{- '<|im_start|>' + message.role + '\n' }}
    {%- if message.role == 'assistant' %}
        {%- generation %}{{ message.content + '<|im_end|>' }}{% endgeneration %}
    {%- else %}
        {{- message.content + '<|im_end|>' }}
    {%- endif %}
    {{- '\n' }}
{%- endfor %}
"""


@pytest.fixture
def tokenizer() -> RanksTokenizer:
    """Return the small vocabulary."""
    return RanksTokenizer("small", small_ranks(), QWEN)


def counted(tokenizer: RanksTokenizer, template: str | None, example: Example) -> tuple[int, int | None]:
    """Return all and trained tokens by a template."""
    tokens = ExampleCounter(tokenizer, load_template(template, tokenizer)).tokens(example)
    return tokens.total, tokens.trained


def test_chatml_counts_its_rendering(tokenizer: RanksTokenizer) -> None:
    """ChatML is counted as the text it renders to; trained are the assistant's content and end mark."""
    text = (
        "<|im_start|>system\nhello<|im_end|>\n<|im_start|>user\n\nhello<|im_end|>\n"
        "<|im_start|>assistant\nhello world<|im_end|>\n"
    )
    assert counted(tokenizer, "chatml", CHAT) == (tokenizer.count(text), 3)


def test_chatml_adds_no_system_message(tokenizer: RanksTokenizer) -> None:
    """Without a system message nothing stands before the user's."""
    assert counted(tokenizer, None, {"messages": [{"role": "user", "content": "hello"}]})[0] == 6


def test_chatml_renders_calls_and_results(tokenizer: RanksTokenizer) -> None:
    """Calls stand in the assistant's turn, results that follow each other in one turn of the user."""
    text = (
        "<|im_start|>user\nhello<|im_end|>\n<|im_start|>assistant\n"
        '<tool_call>\n{"name": "f", "arguments": {"a": 1}}\n</tool_call>\n'
        '<tool_call>\n{"name": "g", "arguments": {}}\n</tool_call><|im_end|>\n<|im_start|>user\n'
        "<tool_response>\nx\n</tool_response>\n<tool_response>\ny\n</tool_response><|im_end|>\n"
        "<|im_start|>assistant\nhello<|im_end|>\n"
    )
    assert counted(tokenizer, "chatml", CALLS)[0] == tokenizer.count(text)


def test_only_a_model_s_template_quotes_arguments_twice(tokenizer: RanksTokenizer, tmp_path: Path) -> None:
    """A template sees arguments as the file has them, so `tojson` quotes text again; the built-in never does."""
    (tmp_path / "x.jinja").write_text(
        "{% for m in messages %}{% for call in m.tool_calls or [] %}{{ call.function.arguments | tojson }}"
        "{% endfor %}{% endfor %}"
    )
    decoded = json.loads(json.dumps(CALLS))
    for call in decoded["messages"][1]["tool_calls"]:
        call["function"]["arguments"] = json.loads(call["function"]["arguments"])
    path = str(tmp_path / "x.jinja")
    theirs, ours = (
        [counted(tokenizer, name, each)[0] for each in (CALLS, decoded)] for name in (path, "chatml")
    )
    quoted = tokenizer.count(r'"{\"a\": 1}""{}"')
    assert theirs == [quoted, tokenizer.count('{"a": 1}{}')]
    assert ours[0] == ours[1]


def test_a_message_of_weight_zero_is_not_trained(tokenizer: RanksTokenizer) -> None:
    """`weight: 0` takes an assistant's message out of the trained tokens."""
    muted = {"messages": [*CHAT["messages"][:2], {**CHAT["messages"][2], "weight": 0}]}
    assert counted(tokenizer, "chatml", muted) == (counted(tokenizer, "chatml", CHAT)[0], 0)


@pytest.mark.parametrize(
    "source", [CHATML_JINJA, WITH_GENERATION], ids=["by prefixes", "by generation blocks"]
)
def test_jinja_agrees_with_the_built_in(tokenizer: RanksTokenizer, tmp_path: Path, source: str) -> None:
    """ChatML as a Jinja file counts as the built-in; blocks lose their line's white space as in transformers."""
    path = tmp_path / "chatml.jinja"
    path.write_text(source)
    total, trained = counted(tokenizer, str(path), CHAT)
    by_prefix = source == CHATML_JINJA  # there the newline behind the end mark belongs to the message, too
    assert (total, trained) == (counted(tokenizer, "chatml", CHAT)[0], 4 if by_prefix else 3)


def test_a_config_holds_template_and_tokens(tokenizer: RanksTokenizer, tmp_path: Path) -> None:
    """A tokenizer_config.json gives the template, also the default of several, and the tokens it names."""
    source = "{{ bos_token }}{{ eos_token }}{% for m in messages %}{{ m.content }}{% endfor %}"
    for template in (
        source,
        [{"name": "tool_use", "template": "x"}, {"name": "default", "template": source}],
    ):
        config = {
            "chat_template": template,
            "bos_token": {"content": "<|im_start|>"},
            "eos_token": "<|im_end|>",
        }
        path = tmp_path / "tokenizer_config.json"
        path.write_text(json.dumps(config))
        assert counted(tokenizer, str(path), {"messages": [{"role": "user", "content": "hello"}]})[0] == 3


def test_trained_is_unknown_where_a_template_does_not_tell(tokenizer: RanksTokenizer, tmp_path: Path) -> None:
    """A template that changes earlier messages later does not say what is trained."""
    path = tmp_path / "x.jinja"
    path.write_text("{{ messages | length }}{% for m in messages %}{{ m.content }}{% endfor %}")
    assert counted(tokenizer, str(path), CHAT)[1] is None


@pytest.mark.parametrize(
    "source",
    [
        "{{ raise_exception('roles') }}",
        "{{ messages.clear() }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ 1 + none }}",
    ],
)
def test_a_template_may_refuse_but_not_escape(tokenizer: RanksTokenizer, tmp_path: Path, source: str) -> None:
    """A refusal, a failure or a step out of the sandbox is an error about the example, not of the program."""
    path = tmp_path / "x.jinja"
    path.write_text(source)
    with pytest.raises(InputError, match="chat template"):
        counted(tokenizer, str(path), CHAT)


def test_special_tokens_in_contents() -> None:
    """They count as one where trainers see one, and as ordinary text with OpenAI's vocabulary."""
    sly: Example = {"messages": [{"role": "user", "content": "<|im_end|>"}]}
    small = RanksTokenizer("small", small_ranks(), QWEN)
    assert counted(small, "chatml", sly)[0] == 6
    assert counter()(sly) == 5 + EmbeddedTokenizer().count_content("<|im_end|>")


def test_texts_are_counted_without_a_template() -> None:
    """Fill-in-the-middle examples and pairs of strings are counted as they are."""
    tokens = example_counter().tokens({"text": "hello world"})
    assert (tokens.total, tokens.trained) == (2, 2)
    tokens = example_counter().tokens({"prompt": "hello", "completion": " world"})
    assert (tokens.total, tokens.trained) == (2, 1)


@pytest.mark.parametrize(
    "example", [{}, {"messages": []}, {"messages": ["x"]}, {"messages": "x"}, {"text": 1}]
)
def test_what_can_not_be_counted_is_an_error(example: Example) -> None:
    """An example without text or messages is refused with a reason."""
    with pytest.raises(InputError, match="message"):
        counter()(example)


ANY_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.integers() | st.sampled_from(["", "user", "assistant", "tool"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(MESSAGE_KEYS), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(deadline=None)  # a busy machine is no fault
@given(messages=ANY_JSON, template=st.sampled_from([None, "jinja"]))
def test_no_shape_breaks_the_count(messages: Any, template: str | None) -> None:
    """Whatever JSON stands where messages should, it is counted or refused with a reason."""
    tokenizer = RanksTokenizer("small", small_ranks(), QWEN)
    chosen = JinjaTemplate("x", CHATML_JINJA, {}) if template else load_template(None, tokenizer)
    count = ExampleCounter(tokenizer, chosen)
    try:
        tokens = count.tokens({"messages": messages})
    except InputError:
        return
    assert tokens.trained is None or 0 <= tokens.trained <= tokens.total


def test_unknown_templates_are_usage_errors(tokenizer: RanksTokenizer, tmp_path: Path) -> None:
    """A template that does not exist, or a file without one, is answered with what would do."""
    with pytest.raises(UsageError, match="chatml, a Jinja file"):
        load_template("nowhere.jinja", tokenizer)
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(InputError, match="has no chat_template"):
        load_template(str(tmp_path / "x.json"), tokenizer)
    (tmp_path / "x.jinja").write_text("{% if %}")
    with pytest.raises(InputError, match="is no Jinja template"):
        load_template(str(tmp_path / "x.jinja"), tokenizer)
