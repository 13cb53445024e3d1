"""The cache only grows, survives kills, and finds the first final answer."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.labels.judge.making import request
from turnsmith.core.errors import InputError
from turnsmith.labels.judge.answer import FAILED, LABELED, Answer, Usage
from turnsmith.labels.judge.cache import FILE, Attempt, Cache


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    """Return an empty cache."""
    return Cache(tmp_path / FILE)


def test_first_final_answer_counts(cache: Cache) -> None:
    """A failed attempt is no answer; of several final ones the first counts; all rows stay."""
    made = request()
    for answer in (Answer(FAILED), Answer(LABELED, 1, 0.2, 0.7, 0.1), Answer(LABELED, 0, 0.9, 0.1, 0.0)):
        cache.add([Attempt(made, answer, 200, 1.0, b"{}")])
    cache.commit()
    found = cache.answers([made.key, b"unknown"])
    assert found == {made.key: Answer(LABELED, 1, 0.2, 0.7, 0.1)}
    assert cache.query("SELECT count(*) FROM attempts") == [(3,)]


@pytest.mark.parametrize("body", [b"short", b"long " * 500])
def test_reply_comes_back_as_it_came(cache: Cache, body: bytes) -> None:
    """Replies are kept whole, compressed or not."""
    made = request()
    cache.add([Attempt(made, Answer(LABELED, 1, usage=Usage(100, 1)), 200, 1.0, body, cost="0.000015")])
    assert cache.body(made.key) == body
    assert cache.query("SELECT prompt_tokens, cost FROM attempts") == [(100, "0.000015")]


def test_secret_is_made_once(tmp_path: Path) -> None:
    """A resumed job fences with the same secret; another job has another."""
    paths = [tmp_path / name / FILE for name in ("one", "one", "two")]
    first, again, other = (Cache(path).secret for path in paths)
    assert first == again
    assert first != other


def test_committed_answers_survive_a_kill(tmp_path: Path) -> None:
    """What was committed before a kill -9 is there; what was not is gone, and the file opens."""
    program = f"""
import os, signal
from pathlib import Path
from tests.labels.judge.making import request
from turnsmith.labels.judge.answer import LABELED, Answer
from turnsmith.labels.judge.cache import Attempt, Cache
cache = Cache(Path({str(tmp_path / FILE)!r}))
for number in range(50):
    cache.add([Attempt(request(f"kept {{number}}"), Answer(LABELED, 1), 200, 1.0, b"x" * 500)])
    cache.commit()
cache.add([Attempt(request("lost"), Answer(LABELED, 1), 200, 1.0)])
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parents[3], check=False)
    assert done.returncode == -9
    cache = Cache(tmp_path / FILE)
    keys = [request(f"kept {number}").key for number in range(50)]
    assert len(cache.answers(keys)) == 50
    assert not cache.answers([request("lost").key])
    assert cache.query("PRAGMA integrity_check") == [("ok",)]


def test_what_is_no_cache_is_named(tmp_path: Path) -> None:
    """A file that is no SQLite is named with what to do, and left as it is."""
    path = tmp_path / FILE
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(InputError, match="can't be used as a cache"):
        Cache(path)
    assert path.read_bytes().startswith(b"no database")
