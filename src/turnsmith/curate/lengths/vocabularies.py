"""What a file of ranks does not say: how text is split before merging, and which tokens are special.

Patterns and special tokens are facts of the published tokenizers: Qwen2.5's `tokenizer.json`, and OpenAI's
`cl100k_base` and `o200k_base`.
"""

from dataclasses import dataclass

# White space as Unicode and the Rust tokenizers have it: Python's own \s also takes U+001C to U+001F.
SPACE = r"\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
SPACE_NOT_NEWLINE = SPACE.replace(r"\t-\r", r"\t\x0b\x0c")

CHATML = ("<|im_start|>", "<|im_end|>")

_QWEN_SPECIAL = (
    "<|endoftext|>", *CHATML, "<|object_ref_start|>", "<|object_ref_end|>", "<|box_start|>", "<|box_end|>",
    "<|quad_start|>", "<|quad_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>", "<|image_pad|>",
    "<|video_pad|>", "<tool_call>", "</tool_call>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>",
    "<|fim_pad|>", "<|repo_name|>", "<|file_sep|>",
)  # fmt: skip
_OPENAI_SPECIAL = ("<|endoftext|>", "<|endofprompt|>", *CHATML)

_TAIL = r"\s*[\r\n]+|\s+(?!\S)|\s+"
_WORD = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"
_UPPER, _LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_SHORT_FORM = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Describe a family of vocabularies.

    `pattern` splits text before merging. `splits_at_spaces` says that text may be cut before a run of white space
    and after the last newline of one without changing its tokens. `normalizes` says that text
    becomes NFC first.
    `plain_contents` says that the trainer takes special tokens in a message for ordinary text.
    """

    name: str
    ranks: int
    pattern: str
    special: tuple[str, ...]
    splits_at_spaces: bool
    normalizes: bool = False
    plain_contents: bool = False


QWEN = Vocabulary(
    name="qwen",
    ranks=151_643,
    pattern=_WORD + r"\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|" + _TAIL,
    special=_QWEN_SPECIAL,
    splits_at_spaces=True,
    normalizes=True,
)
CL100K = Vocabulary(
    name="cl100k",
    ranks=100_256,
    pattern=_WORD + r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|" + _TAIL,
    special=_OPENAI_SPECIAL,
    splits_at_spaces=True,
    plain_contents=True,
)
O200K = Vocabulary(
    name="o200k",
    ranks=199_998,
    pattern=rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}*{_LOWER}+{_SHORT_FORM}|"
    rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}+{_LOWER}*{_SHORT_FORM}|"
    r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|" + _TAIL,
    special=_OPENAI_SPECIAL,
    splits_at_spaces=False,  # punctuation takes a newline and a slash after it along
    plain_contents=True,
)

VOCABULARIES = {each.name: each for each in (QWEN, CL100K, O200K)}
