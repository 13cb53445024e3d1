"""The mining steps of an assistant recipe: git history and code, and what their result depends on."""

import contextlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from turnsmith.core.errors import EmptyResultError, UsageError
from turnsmith.core.progress import Advance, Phases
from turnsmith.curate.account import Account
from turnsmith.recipes.assistant import FimSource, GitSource
from turnsmith.sources.code.fim.mining import mine_fim
from turnsmith.sources.code.fim.options import LANGUAGE_WEIGHTS, FimOptions
from turnsmith.sources.code.git.mining import mine
from turnsmith.sources.code.git.options import MineOptions, kinds_of, window_of
from turnsmith.sources.code.licenses import policy
from turnsmith.sources.code.repository import is_repository, opened

Result = dict[str, Any]


def state_of(source: GitSource | FimSource) -> list[Any]:
    """Return what tells one state of a source's repositories from another: commits, or files with their times."""
    return [_state(str(Path(place).expanduser()), source) for place in source.repos]


def _state(place: str, source: GitSource | FimSource) -> list[Any]:
    if Path(place).is_dir() and not is_repository(place):
        files = sorted(path for path in Path(place).rglob("*") if path.is_file() and not path.is_symlink())
        return [place, *((str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files)]
    with opened(place) as repository:
        match source:
            case GitSource():
                branches = sorted(repository.branches().items()) if source.all_branches else []
                return [place, repository.resolve(source.branch), *branches]
            case FimSource():
                return [place, repository.resolve(source.revision)]


def git_options(source: GitSource, tokenizer: str | None) -> MineOptions:
    """Return what a source's keys mean for mining. Raises UsageError for values that are none."""
    with _keys("git"):
        return MineOptions(
            window=window_of(source.since, source.until),
            branch=source.branch,
            all_branches=source.all_branches,
            kinds=kinds_of(",".join(source.kinds)),
            max_per_author=source.max_per_author,
            max_files=source.max_files,
            max_lines=source.max_lines,
            max_chars=source.max_chars,
            max_tokens=source.max_tokens,
            tokenizer=tokenizer,
            policy=policy(source.allow, source.unknown),
        )


def fim_options(source: FimSource, tokenizer: str | None, seed: int) -> FimOptions:
    """Return what a source's keys mean for mining. Raises UsageError for values that are none."""
    with _keys("fim"):
        return FimOptions(
            per_file=source.per_file,
            max_len=source.max_len,
            unit=source.unit,
            tokenizer=tokenizer if source.unit == "tokens" else None,
            format=source.format,
            spm=source.spm,
            repo_context=source.repo_context,
            special=source.special,
            languages=tuple(source.languages),
            mix=source.mix,
            language_weights={**LANGUAGE_WEIGHTS, **source.language_weights},
            folder_weights={folder.rstrip("/"): weight for folder, weight in source.folder_weights.items()},
            per_folder=source.per_folder,
            licenses=policy(source.allow, source.unknown),
            seed=seed,
        )


def mine_history(source: GitSource, target: Path, tokenizer: str | None, phases: Phases) -> Result:
    """Write the examples of git history; return the account of commits, and the report."""
    report = mine(_places(source), str(target), git_options(source, tokenizer), phases)
    if not report.written:
        raise EmptyResultError(f"git: no example came out; left out were: {report.why_nothing()}")
    total = Account()
    for each in report.repositories:
        _add(total, each.commits)
    return {"account": total.as_json(), "report": report.as_json()}


def mine_code(source: FimSource, target: Path, tokenizer: str | None, seed: int, phases: Phases) -> Result:
    """Write fill-in-the-middle examples; return the account of files, and the report."""
    options = fim_options(source, tokenizer, seed)
    with phases.phase("Mining code", len(source.repos), "files") as advance:

        def on_place(_: str, size: int) -> Advance:
            return lambda work, count=0: advance(work / max(size, 1), count)

        report = mine_fim(
            _places(source),
            str(target),
            options,
            revision=source.revision,
            on_place=on_place,
        )
    return {"account": report.files.as_json(), "report": report.as_json()}


def _places(source: GitSource | FimSource) -> list[str]:
    return [str(Path(place).expanduser()) for place in source.repos]


@contextlib.contextmanager
def _keys(kind: str) -> Iterator[None]:
    """Name the key of the recipe where an error would name the option of the command."""
    try:
        yield
    except UsageError as error:
        option, colon, words = str(error).removeprefix("--").partition(":")
        raise UsageError(f"{kind}: {option.replace('-', '_')}{colon}{words}") from error


def _add(total: Account, account: Account) -> None:
    total.read += account.read
    total.kept += account.kept
    for mine_, theirs in (
        (total.dropped, account.dropped),
        (total.bad, account.bad),
        (total.notes, account.notes),
    ):
        mine_ += Counter(theirs)
    for reason, places in account.samples.items():
        total.samples.setdefault(reason, []).extend(places)
