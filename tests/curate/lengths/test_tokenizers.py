"""Counts are exact: every way to count agrees with an independent one."""

import base64
import gzip
import json
import sys
import unicodedata
from pathlib import Path

import pytest
import tiktoken
from hypothesis import given, settings
from hypothesis import strategies as st

from turnsmith.core.errors import InputError, UsageError
from turnsmith.curate.lengths.embedded import EmbeddedTokenizer, package_folder
from turnsmith.curate.lengths.ranks import RanksTokenizer, load_ranks, read_ranks
from turnsmith.curate.lengths.tokenizers import load_tokenizer
from turnsmith.curate.lengths.vocabularies import CL100K, O200K, QWEN, Vocabulary

from .vocabulary import QWEN_RANKS, needs_shared, real_texts, small_ranks, write_ranks

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "benchmarks"))

from ranks_to_json import write_tokenizer_json  # found by the path above

# Whatever has to do with borders: white space that Python and Rust disagree on, newlines, punctuation, marks.
ODD = st.text(alphabet="aB1 \t\n\r\x0b\x1c\x85\xa0\u2028\u3000;/'s\u2019\u017fé\u0301汉🙂", max_size=40)
WORDS = st.lists(st.sampled_from(["hello", " world", "\n", "  ", "};", "\r\n", "/", "<|im_end|>", "it's"]))
TEXTS = st.one_of(ODD, WORDS.map("".join), st.text(max_size=40))


def plain(vocabulary: Vocabulary, ranks: dict[bytes, int]) -> tiktoken.Encoding:
    """Return tiktoken itself, with the special tokens that the vocabulary has."""
    special = {token: len(ranks) + index for index, token in enumerate(vocabulary.special)}
    return tiktoken.Encoding(
        "plain", pat_str=vocabulary.pattern, mergeable_ranks=ranks, special_tokens=special
    )


def o200k_ranks() -> dict[bytes, int]:
    """Return the ranks that lie in the package beside the extension."""
    lines = gzip.decompress((package_folder() / "data" / "o200k_base.tiktoken.gz").read_bytes()).splitlines()
    return {base64.b64decode(token): int(rank) for token, rank in map(bytes.split, lines)}


O200K_PLAIN = plain(O200K, o200k_ranks())


@pytest.mark.parametrize("vocabulary", [QWEN, CL100K, O200K], ids=lambda each: each.name)
@settings(deadline=None)  # a busy machine is no fault
@given(text=TEXTS)
def test_units_count_as_the_whole(vocabulary: Vocabulary, text: str) -> None:
    """Cutting text into remembered units changes no count, whatever white space is in it."""
    whole = unicodedata.normalize("NFC", text) if vocabulary.normalizes else text
    expected = len(plain(vocabulary, small_ranks()).encode(whole, allowed_special="all"))
    tokenizer = RanksTokenizer("small", small_ranks(), vocabulary)
    assert tokenizer.count(text) == tokenizer.count(text) == expected


@settings(deadline=None)  # a busy machine is no fault
@given(text=TEXTS)
def test_embedded_vocabulary_is_o200k(text: str) -> None:
    """The embedded counter agrees with tiktoken on the same ranks."""
    tokenizer = EmbeddedTokenizer()
    assert tokenizer.count_content(text) == len(O200K_PLAIN.encode_ordinary(text))


@needs_shared
@pytest.mark.slow
def test_real_texts_count_as_tiktoken_counts() -> None:
    """On all texts of the real sessions the Qwen vocabulary and the embedded one count as tiktoken does."""
    qwen, embedded = load_ranks(QWEN_RANKS, None), EmbeddedTokenizer()
    reference = plain(QWEN, read_ranks(QWEN_RANKS))
    texts = real_texts()
    assert len(texts) > 1_000
    for text in texts:
        assert qwen.count_plain(text) == len(reference.encode_ordinary(text))
        assert embedded.count_content(text) == len(O200K_PLAIN.encode_ordinary(text))


@needs_shared
@pytest.mark.slow
def test_another_library_agrees_on_real_texts(tmp_path: Path) -> None:
    """Hugging Face's tokenizers, given the Qwen ranks as merges, counts the same, special tokens included."""
    write_tokenizer_json(tmp_path / "tokenizer.json", read_ranks(QWEN_RANKS), QWEN)
    other = load_tokenizer(str(tmp_path / "tokenizer.json"))
    qwen = load_tokenizer(str(QWEN_RANKS))
    for text in [*real_texts()[::5], "e\u0301 <|im_start|>user\n\n <tool_call>{}</tool_call>"]:
        assert other.count(text) == qwen.count(text)


@needs_shared
@pytest.mark.parametrize(
    ("text", "tokens"),
    [("", 0), ("hello world", 2), ("12345", 5), ("\n\n\n", 1), ("<|fim_prefix|>a<|fim_suffix|>", 3)],
)
def test_golden_counts_of_qwen(text: str, tokens: int) -> None:
    """The Qwen vocabulary takes digits one by one and special tokens as one."""
    assert load_tokenizer(str(QWEN_RANKS)).count(text) == tokens


@pytest.mark.parametrize(("text", "tokens"), [("", 0), ("hello world", 2), ("12345", 2), ("<|im_end|>", 1)])
def test_golden_counts_of_the_default(text: str, tokens: int) -> None:
    """The embedded vocabulary takes digits in threes."""
    assert load_tokenizer().count(text) == tokens


@pytest.mark.parametrize("text", [" " * 1_200_000 + "x", "\n \u3000" * 400_000, "a" * 200_000])
def test_endless_runs_are_counted(tmp_path: Path, text: str) -> None:
    """A million characters of white space do not break a run; a byte-wise vocabulary proves the count."""
    tokenizer = load_ranks(write_ranks(tmp_path / "small.tiktoken"), "qwen")
    merged = text.count("\n\n")
    assert tokenizer.count(text) == len(text.encode()) - merged


def test_a_tokenizer_json_counts_as_its_ranks(tmp_path: Path) -> None:
    """A tokenizer.json, a folder with one, and the ranks it was made of count the same."""
    write_tokenizer_json(tmp_path / "tokenizer.json", small_ranks(), QWEN)
    ranks = load_ranks(write_ranks(tmp_path / "small.tiktoken"), "qwen")
    for name in (tmp_path, tmp_path / "tokenizer.json"):
        tokenizer = load_tokenizer(str(name))
        for text in ("hello world", "hello<|im_end|>", "\n\n \n", "é"):
            assert tokenizer.count(text) == ranks.count(text)


def test_a_model_is_found_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model id is looked up in the local cache, at the revision that refs/main names."""
    home = tmp_path / "hub" / "models--some--model-2.5-x"
    (home / "refs").mkdir(parents=True)
    (home / "refs" / "main").write_text("abc")
    for revision in ("aaa", "abc"):
        (home / "snapshots" / revision).mkdir(parents=True)
    write_tokenizer_json(home / "snapshots" / "abc" / "tokenizer.json", small_ranks(), QWEN)
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    assert load_tokenizer("some/model-2.5-x").count("hello world") == 2
    with pytest.raises(UsageError, match=r"searched .*hub.*hf download other/model"):
        load_tokenizer("other/model")


@pytest.mark.parametrize("content", ["hello 1\n", "aGVsbG8= x\n", "aGVsbG8=\n"])
def test_broken_ranks_name_the_line(tmp_path: Path, content: str) -> None:
    """A file that holds no ranks is an error with file and line."""
    (tmp_path / "x.tiktoken").write_text(content)
    with pytest.raises(InputError, match=r"x\.tiktoken:1: is no token"):
        load_tokenizer(str(tmp_path / "x.tiktoken"))


def test_ranks_without_all_bytes_are_refused(tmp_path: Path) -> None:
    """A file of ranks that was cut is told from a whole one."""
    (tmp_path / "x.tiktoken").write_text("aGVsbG8= 0\n")
    with pytest.raises(InputError, match="256 of the 256 single bytes"):
        load_tokenizer(str(tmp_path / "x.tiktoken"))


def test_unknown_ranks_need_a_pattern(tmp_path: Path) -> None:
    """Where the number of ranks says nothing, --pattern has to."""
    name = str(write_ranks(tmp_path / "small.tiktoken"))
    with pytest.raises(UsageError, match="--pattern"):
        load_tokenizer(name)
    assert load_tokenizer(name, "cl100k").count("hello world") == 2


@pytest.mark.parametrize("name", ["nowhere.json", "nowhere", "a/b/c", "folder/x.tiktoken"])
def test_unknown_names_are_usage_errors(name: str) -> None:
    """A name that is no file, no model and not o200k is answered with what would do."""
    with pytest.raises(UsageError, match="name a file of ranks"):
        load_tokenizer(name)


def test_a_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra, the error is one sentence with what to install."""
    write_tokenizer_json(tmp_path / "tokenizer.json", small_ranks(), QWEN)
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(UsageError, match=r"package tokenizers: pip install 'turnsmith\[tokens\]'"):
        load_tokenizer(str(tmp_path))


def test_a_broken_tokenizer_json_is_an_input_error(tmp_path: Path) -> None:
    """A file of another kind is named in the error."""
    (tmp_path / "x.json").write_text(json.dumps({"no": "tokenizer"}))
    with pytest.raises(InputError, match=r"x\.json: is no tokenizer\.json"):
        load_tokenizer(str(tmp_path / "x.json"))
