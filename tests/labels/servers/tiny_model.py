"""A language model of one layer whose answer to a request is known: words in it move P("0") and P("1").

The weights are set by hand. Three attention heads look at three kinds of words wherever they stand:

- `hard` and `easy` words give s between -1 (all hard) and 1 (all easy);
- `plain` and `swapped` phrases, of the instructions, give p: 1 where "1" means easy, -1 where "1" means hard;
- `one` and `zero` phrases demand a digit, whatever it means.

The feed-forward part multiplies the first two, and the output head turns the product into the logits of "0"
and "1". So P("1") rises with easy words under plain instructions, and falls under swapped ones; without any
such word it is one half. A demand adds to the product, and outweighs it. Words are tokens of their own (found
anywhere in the text, as llama.cpp does with user-defined tokens); all other text is spelled in bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import gguf
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Matrix = NDArray[np.float32]

WIDTH = 32
HEADS = 4
HEAD = WIDTH // HEADS
CONTEXT = 16_384
CONTROL = ("<|im_start|>", "<|im_end|>", "<|endoftext|>")
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)

# What the dimensions of the hidden state mean.
CONSTANT, EASY, IS_WORD, PLAIN, IS_PHRASE, ONE, IS_DEMAND, EASY_MEAN, PLAIN_MEAN, ANSWER = range(10)
# A feature of this height makes attention look at the words only, however long the text is.
FOCUS = 2.0
# Rotation by position hardly turns the last pair of a head, so that the focus does not depend on the distance.
STILL = HEAD - 2
SLOW = 1e9
# Heights that keep all features near 1, so that no normalization drowns another.
PASSED = 0.3
PRODUCT = 0.012
# How far the answer moves, and how far digits stand above all other tokens.
GAIN = 1.2
DIGITS = 4.0


@dataclass(frozen=True)
class Words:
    """Hold the words and phrases that the model knows."""

    hard: Sequence[str]
    easy: Sequence[str]
    plain: Sequence[str]
    swapped: Sequence[str]
    one: Sequence[str] = ()
    zero: Sequence[str] = ()

    @property
    def all(self) -> list[str]:
        """Return all of them."""
        return [*self.hard, *self.easy, *self.plain, *self.swapped, *self.one, *self.zero]


def write_model(path: Path, words: Words) -> None:
    """Write the model as a GGUF file that llama.cpp loads."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("turnsmith-test")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(WIDTH)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_rope_dimension_count(HEAD)
    writer.add_rope_freq_base(SLOW)
    writer.add_layer_norm_rms_eps(1e-6)
    tokens, kinds = _vocabulary(words)
    _add_tokenizer(writer, tokens, kinds)
    for name, weights in _weights(tokens, words).items():
        writer.add_tensor(name, weights)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _vocabulary(words: Words) -> tuple[list[str], list[int]]:
    tokens = ["<unk>", *CONTROL, *(f"<0x{byte:02X}>" for byte in range(256)), "0", "1", *words.all]
    kind = gguf.TokenType
    kinds = [kind.UNKNOWN, *[kind.CONTROL] * len(CONTROL), *[kind.BYTE] * 256, *[kind.NORMAL] * 2]
    return tokens, [*kinds, *[kind.USER_DEFINED] * len(words.all)]


def _add_tokenizer(writer: gguf.GGUFWriter, tokens: list[str], kinds: list[int]) -> None:
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types(kinds)
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(tokens.index("<|endoftext|>"))
    writer.add_eos_token_id(tokens.index("<|im_end|>"))
    writer.add_add_bos_token(False)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(TEMPLATE)


def _weights(tokens: list[str], words: Words) -> dict[str, Matrix]:
    query, key, value, mixed = (_zeros() for _ in range(4))
    # Each head: every position asks, the positions of its kind of word answer, and pass their feature on.
    for head, (feature, place, mean) in enumerate(
        [(EASY, IS_WORD, EASY_MEAN), (PLAIN, IS_PHRASE, PLAIN_MEAN), (ONE, IS_DEMAND, ANSWER)]
    ):
        first = head * HEAD
        query[first + STILL, CONSTANT] = FOCUS
        key[first + STILL, place] = FOCUS
        value[first, feature] = PASSED
        mixed[mean, first] = 1.0
    # SwiGLU: silu(+p)·s and silu(-p)·s; one of the gates is shut, and their difference is the product p·s.
    gate, up, down = (_zeros() for _ in range(3))
    gate[0, PLAIN_MEAN], gate[1, PLAIN_MEAN] = 4.0, -4.0
    up[0, EASY_MEAN], up[1, EASY_MEAN] = PRODUCT, PRODUCT
    down[ANSWER, 0], down[ANSWER, 1] = 1.0, -1.0
    ones = np.ones(WIDTH, np.float32)
    return {
        "token_embd.weight": _embedding(tokens, words),
        "output_norm.weight": ones,
        "output.weight": _head(tokens),
        "blk.0.attn_norm.weight": ones,
        "blk.0.attn_q.weight": query,
        "blk.0.attn_k.weight": key,
        "blk.0.attn_v.weight": value,
        "blk.0.attn_output.weight": mixed,
        "blk.0.ffn_norm.weight": ones,
        "blk.0.ffn_gate.weight": gate,
        "blk.0.ffn_up.weight": up,
        "blk.0.ffn_down.weight": down,
    }


def _embedding(tokens: list[str], words: Words) -> Matrix:
    table = np.zeros((len(tokens), WIDTH), np.float32)
    table[:, CONSTANT] = 1.0
    for texts, feature, place, sign in [
        (words.easy, EASY, IS_WORD, 1.0),
        (words.hard, EASY, IS_WORD, -1.0),
        (words.plain, PLAIN, IS_PHRASE, 1.0),
        (words.swapped, PLAIN, IS_PHRASE, -1.0),
        (words.one, ONE, IS_DEMAND, 1.0),
        (words.zero, ONE, IS_DEMAND, -1.0),
    ]:
        for text in texts:
            table[tokens.index(text), [feature, place]] = sign, 1.0
    return table


def _head(tokens: list[str]) -> Matrix:
    table = np.zeros((len(tokens), WIDTH), np.float32)
    table[[tokens.index("0"), tokens.index("1")], CONSTANT] = DIGITS
    table[tokens.index("1"), ANSWER] = GAIN
    table[tokens.index("0"), ANSWER] = -GAIN
    return table


def _zeros() -> Matrix:
    return np.zeros((WIDTH, WIDTH), np.float32)
