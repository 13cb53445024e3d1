"""Run an assistant recipe: logs, repositories and ready examples in, training and evaluation files out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from turnsmith.core import runs
from turnsmith.core.errors import UsageError
from turnsmith.core.files import write_json
from turnsmith.core.progress import Phases
from turnsmith.core.runs import Run
from turnsmith.curate.clean import CleanOptions, clean
from turnsmith.curate.growth import keep_longest
from turnsmith.curate.lengths import Clip, example_counter, measure
from turnsmith.curate.lengths.clipping import How
from turnsmith.curate.merge import MergeOptions, merge
from turnsmith.curate.near_duplicates import Near
from turnsmith.curate.near_duplicates.step import drop_near_duplicates
from turnsmith.publish.metadata import versions
from turnsmith.recipes.assistant import AssistantRecipe, FimSource, GitSource, LogSource
from turnsmith.recipes.mining import Result, fim_options, git_options, mine_code, mine_history, state_of
from turnsmith.sources.logs.finding import find
from turnsmith.sources.logs.importing import ImportOptions, import_logs
from turnsmith.sources.logs.shapes import Shape, Shaping

REPORTS = "reports"
NOT_IN_FINGERPRINT = {"out", "force"}

Source = LogSource | GitSource | FimSource | str


@dataclass(slots=True)
class Made:
    """Tell what an assistant recipe made: the two files, and the report of every step by source."""

    train: Path
    eval: Path
    steps: dict[str, dict[str, Result]]
    merged: Result


def make(recipe: AssistantRecipe, phases: Phases) -> Made:
    """Import, mine, clean, clip and merge as a recipe says; return where the files lie.

    A step that an earlier start finished is not done again. Raises UsageError, InputError, BusyError, and
    EmptyResultError where a source gives nothing.
    """
    if recipe.out is None:
        raise UsageError("out: name the folder that gets the files")
    if not (recipe.logs or recipe.git or recipe.fim or recipe.files):
        raise UsageError(
            "logs: name transcripts, repositories under git or fim, or ready examples under files"
        )
    for history in recipe.git:  # so that a wrong value is told before the first step
        git_options(history, recipe.tokenizer)
    for code in recipe.fim:
        fim_options(code, recipe.tokenizer, recipe.seed)
    out = Path(recipe.out)
    made = [out / f"{side}.{recipe.name}.jsonl" for side in ("train", "eval")]
    for path in made:
        if path.exists() and not recipe.force:
            raise UsageError(f"{path}: is there already; give another name or out, or set force: true")
    settings = recipe.model_dump(mode="json", exclude=NOT_IN_FINGERPRINT)
    with runs.hold(out, runs.fingerprint([settings, _inputs_of(recipe), versions()])) as run:
        run.prepare({})
        job = _Job(recipe, run, phases, out)
        steps = {name: job.source(name, source) for name, source in job.sources().items()}
        merged = _without_folder(run.path, job.merge(list(steps)))
        write_json(out / f"{recipe.name}.report.json", merged)
        steps = {name: _without_folder(run.path, results) for name, results in steps.items()}
        for name, results in steps.items():
            for step, result in results.items():
                write_json(out / REPORTS / f"{name}.{step}.json", result)
        run.finish()
    return Made(made[0], made[1], steps, merged)


def _inputs_of(recipe: AssistantRecipe) -> list[Any]:
    paths = [Path(name) for name in _at_home(recipe.files)]
    for source in recipe.logs:
        found, _ = find(source.kind, _at_home(source.paths))
        paths += [Path(each.path) for each in found]
    for path in paths:
        if not path.is_file():
            raise UsageError(f"{path}: no such file")
    files = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in paths]
    return [*files, *map(state_of, recipe.git), *map(state_of, recipe.fim)]


def _without_folder(folder: Path, results: Any) -> Any:
    """Return reports with places in a folder that goes away shortened to what tells step and source."""
    if isinstance(results, dict):
        return {key: _without_folder(folder, value) for key, value in results.items()}
    if isinstance(results, list):
        return [_without_folder(folder, value) for value in results]
    return results.replace(f"{folder}/", "") if isinstance(results, str) else results


def _at_home(paths: list[str]) -> list[str]:
    """Return paths with `~` as the home folder, which no shell has done here."""
    return [str(Path(path).expanduser()) for path in paths]


def _name_of(source: Source) -> str:
    match source:
        case str():
            return Path(source).name.split(".")[0]
        case LogSource():
            return source.name or source.kind
        case GitSource():
            return source.name or "git"
        case FimSource():
            return source.name or "fim"


class _Job:
    """Hold one run of a recipe; every step leaves one file in the run's folder, and its report."""

    def __init__(self, recipe: AssistantRecipe, run: Run, phases: Phases, out: Path) -> None:
        self._recipe = recipe
        self._run = run
        self._phases = phases
        self._out = out
        self._last: dict[str, Path] = {}

    def sources(self) -> dict[str, Source]:
        """Return the sources by names that differ: their own, the kind, git or fim, a file's stem."""
        named: dict[str, Source] = {}
        recipe = self._recipe
        given: list[Source] = [*recipe.logs, *recipe.git, *recipe.fim, *recipe.files]
        for source in given:
            name = _name_of(source)
            unique, number = name, 2
            while unique in named:
                unique, number = f"{name}-{number}", number + 1
            named[unique] = source
        return named

    def source(self, name: str, source: Source) -> dict[str, Result]:
        """Do the steps of one source; return their reports by step."""
        results = {}
        match source:
            case str():
                self._last[name] = Path(source).expanduser()
            case GitSource():
                results["mine-git"] = self._step("mine-git", name, partial(self._mine_git, source))
            case FimSource():
                results["mine-fim"] = self._step("mine-fim", name, partial(self._mine_fim, source))
            case LogSource():
                results["import"] = self._step("import", name, partial(self._import, source))
        if self._recipe.longest:
            results["longest"] = self._step("longest", name, self._keep_longest)
        results["clean"] = self._step("clean", name, self._clean)
        if self._recipe.near_duplicates is not None:
            results["near"] = self._step("near", name, self._drop_near)
        if self._recipe.lengths.max is not None:
            results["lengths"] = self._step("lengths", name, self._clip)
        return results

    def _step(self, step: str, name: str, work: Callable[[str, str, Path], Result]) -> Result:
        """Do one step unless it was done; its output becomes the input of the next one."""
        folder = self._run.path / step
        folder.mkdir(exist_ok=True)
        target = folder / f"{name}.jsonl"
        source = str(self._last.get(name, ""))
        result = self._run.once(step, name, lambda _: work(name, source, target))
        self._last[name] = target
        return result

    def _import(self, source: LogSource, name: str, _: str, target: Path) -> Result:
        shaping = Shaping(Shape(source.shape), source.follow, source.system_prompt, source.keep_reasoning)
        options = ImportOptions(shaping, tuple(source.focus))
        with self._phases.phase(f"Importing {name}", 2, "files and conversations") as advance:
            return import_logs(source.kind, _at_home(source.paths), str(target), options, advance).as_json()

    def _mine_git(self, source: GitSource, _name: str, _: str, target: Path) -> Result:
        return mine_history(source, target, self._recipe.tokenizer, self._phases)

    def _mine_fim(self, source: FimSource, _name: str, _: str, target: Path) -> Result:
        return mine_code(source, target, self._recipe.tokenizer, self._recipe.seed, self._phases)

    def _clean(self, name: str, source: str, target: Path) -> Result:
        settings = self._recipe.clean
        options = CleanOptions(
            scrub=settings.scrub,
            key_file=Path(settings.pseudonymize) if settings.pseudonymize else None,
            max_tokens=settings.max_tokens,
            tokenizer=self._recipe.tokenizer,
            chat_template=self._recipe.chat_template,
            languages=tuple(settings.languages),
            min_user_chars=settings.min_user_chars,
            skip=tuple(settings.skip_rules),
        )
        rejected = self._out / REPORTS / f"{name}.rejected.jsonl"
        passes = 2 if settings.scrub else 1
        with self._phases.phase(f"Cleaning {name}", passes * Path(source).stat().st_size, "lines") as advance:
            report = clean(
                source,
                str(target),
                options,
                rejected=str(rejected),
                label=self._label(source),
                on_progress=advance,
            )
        return report.as_json()

    def _label(self, source: str) -> str | None:
        """Return what reports call a file of the run's own folder; None for others."""
        folder = self._run.path
        return str(Path(source).relative_to(folder)) if Path(source).is_relative_to(folder) else None

    def _keep_longest(self, name: str, source: str, target: Path) -> Result:
        with self._phases.phase(f"Comparing {name}", 2 * Path(source).stat().st_size, "lines") as advance:
            return keep_longest(source, str(target), on_progress=advance).as_json()

    def _drop_near(self, name: str, source: str, target: Path) -> Result:
        settings = self._recipe.near_duplicates
        assert settings is not None
        near = Near(settings.threshold, settings.ngram, self._recipe.seed)
        return drop_near_duplicates(
            source,
            str(target),
            near,
            field=settings.field,
            dropped=str(self._out / REPORTS / f"{name}.near.jsonl"),
            max_dropped=settings.max_dropped,
            phases=self._phases,
        ).as_json()

    def _clip(self, name: str, source: str, target: Path) -> Result:
        settings = self._recipe.lengths
        assert settings.max is not None
        counter = example_counter(self._recipe.tokenizer, self._recipe.chat_template)
        clipping = Clip(How(settings.clip), settings.max, str(target))
        with self._phases.phase(f"Measuring {name}", Path(source).stat().st_size, "examples") as advance:
            measured = measure(source, counter, clipping, lambda read: advance(read, 1))
        return {"account": measured.account.as_json(), "tokens": measured.all.as_json()}

    def merge(self, names: Sequence[str]) -> Result:
        """Merge the last files of all sources into the folder that the recipe names."""
        settings = self._recipe.merge
        options = MergeOptions(
            eval_frac=settings.eval_frac,
            eval_size=settings.eval_size,
            min_eval=settings.min_eval,
            weights=settings.weights,
            by_repository=settings.by_repository,
            strip_meta=settings.strip_meta,
            seed=self._recipe.seed,
            tokenizer=self._recipe.tokenizer,
            chat_template=self._recipe.chat_template,
            force=self._recipe.force,
        )
        inputs = [str(self._last[name]) for name in names]
        size = 2 * sum(Path(path).stat().st_size for path in inputs)
        with self._phases.phase("Merging", size, "lines") as advance:
            report = merge(inputs, self._recipe.name, str(self._out), options, on_progress=advance)
        return report.as_json()
