"""Near duplicates of odd texts: empty, short, without spaces, huge, many."""

import resource
import sys
import time

import numpy as np
import pytest

from turnsmith.core.errors import DataError
from turnsmith.curate.near_duplicates import (
    Near,
    Pairs,
    clusters,
    find_pairs,
    keep_first,
    prefixes,
    shingles,
    sketches,
    store,
)


def pairs_in(*texts: str, **settings: float) -> list[tuple[int, int]]:
    """Return the pairs of texts as numbers."""
    pairs = find_pairs(texts, Near(**settings))  # type: ignore[arg-type]
    return list(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True))


@pytest.mark.parametrize("texts", [("yes", "no"), ("yes", "yes!"), ("?!", "?"), ("", "."), ("ok", "")])
def test_texts_of_no_or_one_word_are_near_equal_ones_only(texts: tuple[str, str]) -> None:
    """Empty texts, one word and punctuation are near only what is equal but for case and outer space."""
    assert pairs_in(*texts) == []
    assert pairs_in(texts[0], f" {texts[0].upper()}\n") == [(0, 1)]


def test_a_short_text_is_one_shingle_of_all_its_words() -> None:
    """Fewer words than a shingle has are compared as a whole, apart from punctuation."""
    assert pairs_in("why does it fail", "Why does it fail?!", "why does it", "does it fail") == [(0, 1)]


def test_case_and_unicode_forms_do_not_part_texts() -> None:
    """Texts are compared case folded and in NFC."""
    one = "Straße und Ébauche, die Größe zählt hier sehr"
    assert pairs_in(one, "STRASSE und e\u0301bauche die GRO\u0308SSE za\u0308hlt hier sehr") == [(0, 1)]


def test_scripts_without_spaces_are_compared_by_character() -> None:
    """A change of one character in a Chinese text leaves it near; another text is not."""
    text = "这个函数在读取配置文件的时候会抛出一个异常请帮我看看是什么原因导致了这个问题并且给出一个修复的办法谢谢"
    assert len(shingles(text, 5)) == len(text) - 4
    assert pairs_in(text, text[:-1] + "啊", text[::-1]) == [(0, 1)]


def test_a_long_word_is_one_word() -> None:
    """A picture in base64 is a word, however long, and another one differs."""
    picture = "QUJD" * 100_000
    assert pairs_in(f"look at this {picture} please", f"look at this {picture}x please") == []


@pytest.mark.slow
def test_texts_of_50_megabytes_are_compared_in_bounded_memory() -> None:
    """Two texts of 50 MB that differ in a word are near, and take less than 3 GB."""
    text = " ".join(map(str, range(1_000_000, 7_300_000)))
    assert len(text) > 50_000_000
    pairs = find_pairs(iter([text, text + " more"]), Near())
    assert len(pairs) == 1
    assert 0.999 < pairs.similarity[0] < 1
    unit = 1 if sys.platform == "darwin" else 1024
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit < 3 << 30


def test_equal_rows_stay_linear() -> None:
    """Each row that equals an earlier one stands in one pair, with the first."""
    count = 100_000
    started = time.process_time()
    pairs = find_pairs((f"please fix the build now {row % 2}" for row in range(count)), Near(memory=64 << 20))
    assert time.process_time() - started < 30
    assert len(pairs) == count - 2
    assert set(pairs.left.tolist()) == {0, 1}


@pytest.mark.parametrize("which", ["kept", "linked"])
def test_rows_that_are_all_near_each_other_stay_linear(which: str) -> None:
    """Rows with one changed word each are compared with the one that stays: a pair for each, and one group."""
    count = 3000
    words = [f"word{number}" for number in range(120)]
    texts = (" ".join([*words[: row % 100], f"new{row}", *words[row % 100 + 1 :]]) for row in range(count))
    pairs = find_pairs(texts, Near(), which=which)  # type: ignore[arg-type]
    assert len(pairs) < 2 * count
    assert keep_first(count, pairs).kept.sum() < 5
    assert set(clusters(count, pairs).tolist()) == {0}


def test_memory_and_batches_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sets on disk, an index in many files, small matrices and sketches give the pairs that plenty of memory gives."""
    rng = np.random.default_rng(1)
    base = [[f"w{word}" for word in rng.integers(0, 3000, 60)] for _ in range(60)]
    texts = []
    for row in range(1500):
        words = list(base[row % len(base)])
        for place in rng.integers(0, 60, row % 7):
            words[place] = f"x{rng.integers(0, 50)}"
        texts.append(" ".join(words))
    expected = find_pairs(texts, Near())
    assert len(expected) > 400
    for module, name, value in [
        (store, "CELLS", 1000), (prefixes, "_BYTES_TO_SORT", 1 << 20), (prefixes, "SAMPLE", 1), (sketches, "WORTH", 0),
    ]:  # fmt: skip
        monkeypatch.setattr(module, name, value)
    for limit in (64, 1 << 20):
        monkeypatch.setattr("turnsmith.curate.near_duplicates.finding.SETS_SHARE", (64 << 20) // limit)
        assert_same(find_pairs(texts, Near(memory=64 << 20)), expected)


def assert_same(found: Pairs, expected: Pairs) -> None:
    """Hold two results against each other."""
    assert found.left.tolist() == expected.left.tolist()
    assert found.right.tolist() == expected.right.tolist()
    assert found.similarity.tolist() == expected.similarity.tolist()


def test_more_pairs_than_fit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """All pairs of rows that are all near each other are the square; what does not fit is said, not tried."""
    monkeypatch.setattr("turnsmith.curate.near_duplicates.finding._BYTES_A_PAIR", 64 << 10)
    words = [f"word{number}" for number in range(60)]
    texts = [" ".join([*words, f"and {row}"]) for row in range(100)]
    with pytest.raises(DataError, match=r"more than [0-9,]+ pairs are near"):
        find_pairs(texts, Near(memory=64 << 20))
    assert len(find_pairs(texts, Near(memory=64 << 20), which="kept")) == 99


def test_another_seed_finds_the_same() -> None:
    """The seed chooses hash functions, never the result."""
    texts = [f"please fix the build of module {row % 5} now and {row % 3}" for row in range(20)]
    assert_same(find_pairs(texts, Near(threshold=0.3, seed=7)), find_pairs(texts, Near(threshold=0.3)))
