"""A second implementation in plain Python, straight from docs/near-duplicates.md: slow, and plain to read."""

import re
import unicodedata

import numpy as np

UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u312f\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\uff66-\uff9d\U00020000-\U0003ffff]"
)


def words(text: str) -> list[str]:
    """Return the words of a text, case folded and in NFC."""
    text = unicodedata.normalize("NFC", text.casefold())
    found, word = [], ""
    for char in text:
        in_word = char.isalnum() or char == "_" or unicodedata.category(char)[0] == "M"
        alone = UNSPACED.match(char) and (in_word or 0x20000 <= ord(char) < 0x40000)
        if in_word and not alone:
            word += char
            continue
        if word:
            found.append(word)
            word = ""
        if alone:
            found.append(char)
    return [*found, word] if word else found


def shingle_set(text: str, ngram: int) -> set[tuple[str, ...]]:
    """Return the set of word n-grams of a text; of fewer words one of all, of none or one the text itself."""
    found = words(text)
    if len(found) < 2:
        return {("whole", unicodedata.normalize("NFC", text.casefold()).strip())}
    if len(found) < ngram:
        return {("short", *found)}
    return {tuple(found[i : i + ngram]) for i in range(len(found) - ngram + 1)}


def jaccard(one: set[tuple[str, ...]], other: set[tuple[str, ...]]) -> float:
    """Return the share of common members."""
    return len(one & other) / len(one | other)


def all_pairs(texts: list[str], threshold: float, ngram: int) -> dict[tuple[int, int], np.float32]:
    """Return the similarity of each pair at or above the threshold; equal sets with their first one only."""
    sets = [shingle_set(text, ngram) for text in texts]
    first = [sets.index(each) for each in sets]
    pairs = {(first[row], row): np.float32(1) for row in range(len(sets)) if first[row] != row}
    rows = [row for row in range(len(sets)) if first[row] == row]
    for place, right in enumerate(rows):
        for left in rows[:place]:
            if (likeness := jaccard(sets[left], sets[right])) >= threshold:
                pairs[left, right] = np.float32(likeness)
    return pairs
