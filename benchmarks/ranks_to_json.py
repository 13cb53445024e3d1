"""Make the tokenizer.json of Hugging Face that a file of ranks amounts to: a second implementation to compare with."""

import json
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from turnsmith.curate.lengths.vocabularies import Vocabulary


def printable_bytes() -> list[str]:
    """Return the character that stands for each byte in byte-level vocabularies, as GPT-2 chose them."""
    shown = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in shown]
    characters = {byte: chr(byte) for byte in shown}
    characters |= {byte: chr(256 + index) for index, byte in enumerate(hidden)}
    return [characters[byte] for byte in range(256)]


def parts_of(token: bytes, ranks: Mapping[bytes, int]) -> tuple[bytes, bytes]:
    """Return the two tokens that merge into this one: what merging by lower ranks leaves of it."""
    parts = [token[index : index + 1] for index in range(len(token))]
    limit = ranks[token]
    while len(parts) > 2:
        pairs = [ranks.get(left + right, limit) for left, right in pairwise(parts)]
        lowest = min(pairs)
        index = pairs.index(lowest)
        if lowest >= limit:
            raise ValueError(f"{token!r} can't be reached by merging")
        parts[index : index + 2] = [parts[index] + parts[index + 1]]
    return parts[0], parts[1]


def write_tokenizer_json(path: Path, ranks: Mapping[bytes, int], vocabulary: Vocabulary) -> None:
    """Write a tokenizer.json with the same tokens, merges, pattern and special tokens."""
    characters = printable_bytes()

    def shown(token: bytes) -> str:
        return "".join(characters[byte] for byte in token)

    by_rank = sorted(ranks, key=ranks.__getitem__)
    merges = [list(map(shown, parts_of(token, ranks))) for token in by_rank if len(token) > 1]
    added = [
        {
            "id": len(ranks) + index, "content": content, "special": content.startswith("<|"),
            "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
        }
        for index, content in enumerate(vocabulary.special)
    ]  # fmt: skip
    split = {
        "type": "Split",
        "pattern": {"Regex": vocabulary.pattern},
        "behavior": "Isolated",
        "invert": False,
    }
    bytes_ = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}
    content: dict[str, Any] = {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added,
        "normalizer": {"type": "NFC"} if vocabulary.normalizes else None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, bytes_]},
        "post_processor": None, "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True,
        "use_regex": True},
        "model": {
            "type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": "",
            "end_of_word_suffix": "", "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
            "vocab": {shown(token): rank for token, rank in ranks.items()}, "merges": merges,
        },
    }  # fmt: skip
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
