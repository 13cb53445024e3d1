"""Mine git history: commits read and filtered per second, and the whole job beside the same job through GitPython.

    python benchmarks/mine_git.py [--data ../shared/data/git] [--copies 3] [--runs 3] [--write-docs]

The data are the bundles of real histories, cloned bare, each a few times. Both jobs use the same rules and the same
code that builds the examples; only commits, diffs and file contents come from git one way or the other. They must
write the same examples (but for the hash of the author, as GitPython knows no mailmap), or the benchmark fails.
The copies are read and built like any other history; as their changes are the same, only those of one are written.
Turnsmith uses its workers, one for each core; GitPython one process, as a script does.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from measuring import machine, markdown, measure, write_between

from turnsmith.core.lines import writing_lines
from turnsmith.core.progress import Phases
from turnsmith.sources.code.git.classes import may_be_class
from turnsmith.sources.code.git.commit import Broken, Change, Commit
from turnsmith.sources.code.git.history import Window, list_commits, walk
from turnsmith.sources.code.git.making import Maker, Source
from turnsmith.sources.code.git.mining import Run, mine
from turnsmith.sources.code.git.options import MineOptions
from turnsmith.sources.code.git.patch_reader import Patches
from turnsmith.sources.code.git.patches import FilePatch, parse
from turnsmith.sources.code.git.report import MineReport, RepositoryReport
from turnsmith.sources.code.git.rules import why_dropped
from turnsmith.sources.code.git.workers import batches
from turnsmith.sources.code.licenses import licenses_at
from turnsmith.sources.code.objects import Objects
from turnsmith.sources.code.repository import opened

if TYPE_CHECKING:
    import git  # only one of the jobs pays for it

HERE = Path(__file__).parent
BAR_SPEED, BAR_RATIO = 2_500, 10
EMPTY = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
JOBS = ("turnsmith", "gitpython", "filter")


def main() -> None:
    """Run the jobs in turns and print the tables; or one job, for the process that is measured."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=HERE.parent.parent / "shared" / "data" / "git")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument(
        "--copies", type=int, default=3, help="how often each history is mined, under other names"
    )
    parser.add_argument("--write-docs", action="store_true", help="put the tables into docs/git.md")
    parser.add_argument("--job", choices=JOBS, help=argparse.SUPPRESS)
    parser.add_argument("--out", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.job:
        run_job(options.job, sorted(map(str, options.data.glob("*.git"))), options.out)
        return
    bundles = sorted(options.data.glob("*.bundle"))
    if not bundles:
        raise SystemExit(f"{options.data}: no bundles; name a folder of git bundles with --data")
    with tempfile.TemporaryDirectory(prefix="turnsmith-bench-") as name:
        folder = Path(name)
        for bundle in bundles:
            for copy in range(options.copies):
                target = folder / f"{bundle.stem}-{copy}.git"
                subprocess.run(["git", "clone", "-q", "--bare", str(bundle), str(target)], check=True)
        text, held = report(folder, options.runs)
    print(text)
    if options.write_docs:
        write_between(HERE.parent / "docs" / "git.md", "mine_git", f"\n{text}\n")
    if not held:
        raise SystemExit(1)


def report(folder: Path, runs: int) -> tuple[str, bool]:
    """Measure the jobs in turns; return the tables and whether the bars are met."""
    seconds: dict[str, list[float]] = {job: [] for job in JOBS}
    peaks = dict.fromkeys(JOBS, 0)
    for _ in range(runs):
        for job in JOBS:
            out = folder / f"{job}.jsonl"
            command = [sys.executable, __file__, "--job", job, "--data", str(folder), "--out", str(out)]
            taken, peak = measure(command)
            seconds[job].append(taken if job != "filter" else json.loads(out.read_text("utf-8"))["seconds"])
            peaks[job] = max(peaks[job], peak)
    examples = _compare(folder / "turnsmith.jsonl", folder / "gitpython.jsonl")
    commits = json.loads((folder / "filter.jsonl").read_text("utf-8"))["commits"]
    median = {job: statistics.median(each) for job, each in seconds.items()}
    speed, ratio = commits / median["filter"], median["gitpython"] / median["turnsmith"]
    names = {
        "filter": "read and filter, before examples are built",
        "turnsmith": f"whole job, {examples:,} different examples",
        "gitpython": "the same job through GitPython",
    }
    rows = [
        [text, f"{median[job]:.2f}", f"{commits / median[job]:,.0f}", f"{peaks[job] / 1e6:,.0f}"]
        for job, text in names.items()
    ]
    bars = [
        ["commits read and filtered", f"{speed:,.0f} a second", f"at least {BAR_SPEED:,}"],
        ["time, GitPython / turnsmith", f"{ratio:.1f}", f"at least {BAR_RATIO}"],
    ]
    parts = [
        f"{commits:,} commits without merges; medians of {runs} runs, on {machine()}.",
        markdown(["what", "seconds", "commits a second", "peak MB"], rows),
        markdown(["figure", "measured", "bar"], bars),
    ]
    return "\n\n".join(parts), speed >= BAR_SPEED and ratio >= BAR_RATIO


def _compare(ours: Path, theirs: Path) -> int:
    """Return the number of examples; stop where the two jobs wrote different ones."""
    sides = [[json.loads(line) for line in path.read_bytes().splitlines()] for path in (ours, theirs)]
    for side in sides:
        for example in side:
            del example["meta"]["author"]
    if sides[0] != sides[1]:
        raise SystemExit(f"the two jobs wrote different examples: {len(sides[0]):,} and {len(sides[1]):,}")
    return len(sides[0])


def run_job(job: str, places: Sequence[str], out: str) -> None:
    """Do one job over all repositories."""
    if job == "turnsmith":
        with Phases() as phases:
            mine(places, out, MineOptions(), phases)
    elif job == "gitpython":
        with writing_lines(out) as write:
            options = MineOptions()
            run = Run(options, options.fits(), options.author_hash(), write, MineReport(out))
            for place in places:
                mine_with_gitpython(place, run)
    else:
        Path(out).write_text(json.dumps(filter_only(places)), encoding="utf-8")


def filter_only(places: Sequence[str]) -> dict[str, float]:
    """Walk all histories and ask the rules that need no file; return commits and the median of five walks."""
    times, commits = [], 0
    for _ in range(5):
        started, commits = time.perf_counter(), 0
        for place in places:
            with opened(place) as repository, tempfile.TemporaryFile() as ids:
                tip = repository.resolve()
                listing = list_commits(repository, [tip], Window(), ids)
                for commit in walk(repository, listing, f"{tip}:.mailmap"):
                    assert not isinstance(commit, Broken)
                    _ = why_dropped(commit, 20) is None and may_be_class(commit.said)
                    commits += 1
        times.append(time.perf_counter() - started)
    return {"commits": commits, "seconds": statistics.median(times)}


class GitPythonSide:
    """Give patches and contents through GitPython, where the miner asks its own readers."""

    def __init__(self, repo: "git.Repo") -> None:
        self._repo = repo
        self._asked: deque[str] = deque()

    def read(self, name: str) -> bytes:
        """Return the content of a blob."""
        return cast("bytes", self._repo.odb.stream(bytes.fromhex(name)).read())

    def ask(self, name: str) -> None:
        """Take the id of a commit."""
        self._asked.append(name)

    def answer(self) -> list[FilePatch]:
        """Return the patches of the commit that was asked for first."""
        commit = self._repo.commit(self._asked.popleft())
        diffs = commit.parents[0].diff(commit, create_patch=True, diff_algorithm="histogram")
        return [patch_of(diff) for diff in diffs]


def patch_of(diff: "git.Diff") -> FilePatch:
    """Return GitPython's diff of a file as the miner's."""
    text = cast("bytes", diff.diff or b"")
    hunks = parse(b"diff --git a/x b/x\n" + text)[0].hunks
    old = None if diff.new_file else diff.rename_from or diff.a_path
    new = None if diff.deleted_file else diff.rename_to or diff.b_path
    return FilePatch(
        old_path=old,
        new_path=new,
        old_mode=f"{diff.a_mode:o}" if diff.a_mode and old else "",
        new_mode=f"{diff.b_mode:o}" if diff.b_mode and new else "",
        old_id=diff.a_blob.hexsha if diff.a_blob else "",
        new_id=diff.b_blob.hexsha if diff.b_blob else "",
        binary=text.startswith(b"Binary files"),
        hunks=hunks,
    )


def mine_with_gitpython(place: str, run: Run) -> None:
    """Do what `mine` does for one repository, with commits, diffs and contents from GitPython."""
    import git

    repo = git.Repo(place)
    with opened(place) as repository, repository.objects() as objects:
        licenses = licenses_at(repository, repository.resolve(), objects)
        side = GitPythonSide(repo)
        contents, patches = cast("Objects", side), cast("Patches", side)
        source = Source(repository, licenses, run.authors, run.options)
        maker = Maker(source, run.fits, contents, patches, patches)
        report = RepositoryReport(repository.name)
        for batch in batches(commits_of(repo)):
            for outcome in maker.make(batch):
                run.take(report, outcome)


def commits_of(repo: "git.Repo") -> Iterator[Commit]:
    """Yield the commits that are no merges, with the files that they change."""
    for commit in repo.iter_commits():
        if len(commit.parents) > 1:
            continue
        diffs = commit.parents[0].diff(commit) if commit.parents else commit.diff(EMPTY, R=True)
        changes = tuple(
            Change(
                f"{diff.a_mode or 0:06o}",
                f"{diff.b_mode or 0:06o}",
                (diff.change_type or "M")[0],
                cast("str", diff.a_path or diff.b_path),
                cast("str", diff.b_path or diff.a_path),
            )
            for diff in diffs
        )
        said = (
            commit.message if isinstance(commit.message, str) else commit.message.decode("utf-8", "replace")
        )
        author, address = commit.author.name or "", commit.author.email or ""
        parents = tuple(parent.hexsha for parent in commit.parents)
        yield Commit(commit.hexsha, parents, commit.committed_date, author, address, said, changes)


if __name__ == "__main__":
    main()
