"""Run a router recipe: a curated data set in, labels and balanced training files out.

In `out` lie the training files with their manifests, in `labels/<unit>-<strategy>/` the labeled sets with the judge's
answers, in `reports/` what became of every turn. Labels lie there, not beside the data set, because one data set gets
several: one for each unit and strategy.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from turnsmith.core import runs
from turnsmith.core.errors import DataError, TurnsmithError, UsageError
from turnsmith.core.files import write_json
from turnsmith.core.progress import Phases, seldom
from turnsmith.core.runs import Run
from turnsmith.labels import labeled_set
from turnsmith.labels.balance.progress import stages
from turnsmith.labels.balance.step import balance, own_files
from turnsmith.labels.judge.cache import FILE, Cache
from turnsmith.labels.judge.prompts import JUDGE, load_prompt
from turnsmith.labels.judge.report import JudgeReport, spent_before
from turnsmith.labels.judge.running import judge
from turnsmith.labels.judge.weakly import judge_weakly
from turnsmith.labels.records import WEAK
from turnsmith.labels.turns import Unit, write_turns
from turnsmith.labels.turns.curated import data_files, size_of
from turnsmith.publish.metadata import versions
from turnsmith.recipes.router import Router, RouterRecipe, as_keys

LABELS = "labels"
REPORTS = "reports"

Result = dict[str, Any]


@dataclass(slots=True)
class Made:
    """Tell what a router recipe made: reports of turns by unit, of the judge by labels, manifests by router."""

    out: Path
    turns: dict[str, Result]
    labels: dict[str, Result]
    routers: dict[str, Result]


def make_routers(recipe: RouterRecipe, phases: Phases) -> Made:
    """Take turns, judge and balance as a recipe says; return what was made.

    What an earlier start finished is not done again, and no answer of a model is paid for twice. Raises UsageError,
    InputError, BusyError, EmptyResultError, and DataError where a judge stopped early or a ratio can't be reached.
    """
    if recipe.dataset is None:
        raise UsageError("dataset: name the folder of a curated data set, as turnsmith export made it")
    if recipe.out is None:
        raise UsageError("out: name the folder that gets the files")
    if not recipe.routers:
        raise UsageError("routers: name at least one, such as {name: datav3, unit: first}")
    out = Path(recipe.out)
    if out.exists() and not out.is_dir():
        raise UsageError(f"out: {out} is no folder")
    try:
        files = data_files(Path(recipe.dataset))
    except UsageError as error:
        raise UsageError(f"dataset: {error}") from error
    state = [str(Path(recipe.dataset).resolve()), *_state(files)]
    with runs.hold(out / LABELS, runs.fingerprint([state, versions()])) as run:
        run.prepare({})
        job = _Job(recipe, run, phases, out)
        for router in recipe.routers:
            job.claim(router)
        made = Made(out, {}, {}, {})
        for router in recipe.routers:
            unit = router.unit.value
            made.turns[unit] = job.turns(router.unit)
            write_json(out / REPORTS / f"{unit}.turns.json", made.turns[unit])
            made.labels[router.labels] = job.labels(router)
            made.routers[router.name] = job.files(router)
        run.finish()
    return made


def _state(files: list[Path]) -> list[list[Any]]:
    """Return what tells files from others, or from what they were before."""
    told = ((path, path.stat()) for path in files)
    return [[str(path), stat.st_size, stat.st_mtime_ns] for path, stat in told]


class _Job:
    """Hold one run of a recipe: turns go to the run's folder, which goes away; labels and files to `out`."""

    def __init__(self, recipe: RouterRecipe, run: Run, phases: Phases, out: Path) -> None:
        self._recipe = recipe
        self._run = run
        self._phases = phases
        self._out = out

    def claim(self, router: Router) -> None:
        """Make a router's file names this run's own; raises UsageError where another run's files have them."""

        def refuse(_: str) -> Result:
            there = [] if self._recipe.force else own_files(self._out, router.name)
            if there:
                raise UsageError(
                    f"{there[0]}: is there already; give the router another name, or set force: true"
                )
            return {}

        self._run.once("claim", router.name, refuse)

    def _turns_key(self, unit: Unit) -> str:
        return f"{unit.value}-with-tools-only" if self._recipe.keep_tools_only else unit.value

    def _turns_file(self, unit: Unit) -> Path:
        return self._run.path / "turns" / f"{self._turns_key(unit)}.jsonl.zst"

    def turns(self, unit: Unit) -> Result:
        """Write the turns of a unit, unless that is done; return the report."""
        dataset, target = str(self._recipe.dataset), self._turns_file(unit)
        target.parent.mkdir(exist_ok=True)

        def work(_: str) -> Result:
            with self._phases.phase(f"Turns: {unit.value}", size_of(dataset), "conversations") as advance:
                return write_turns(
                    dataset,
                    str(target),
                    unit,
                    keep_tools_only=self._recipe.keep_tools_only,
                    on_progress=advance,
                ).as_json()

        return self._run.once("turns", self._turns_key(unit), work)

    def labels(self, router: Router) -> Result:
        """Judge the turns that a router needs, unless that is done; return the judge's report."""
        folder = self._out / LABELS / router.labels

        def files() -> list[Path]:
            return sorted(folder.glob(f"{labeled_set.PREFIX}*/*/*.jsonl"))

        return self._once("judge", router.labels, self._judging(router), files, partial(self._judge, router))

    def _judging(self, router: Router) -> list[Any]:
        """Return all that decides about labels."""
        told = self._recipe.judge
        prompt = load_prompt(JUDGE, told.prompt).hash
        return [
            self._turns_key(router.unit),
            router.labels,
            prompt,
            told.model_dump(mode="json", exclude={"budget_usd"}),
        ]

    def _judge(self, router: Router) -> Result:
        told = self._recipe.judge
        source, folder = str(self._turns_file(router.unit)), self._out / LABELS / router.labels
        count = self.turns(router.unit)["account"]["kept"]
        with self._phases.phase(f"Judging: {router.labels}", count, "turns") as advance:
            gather = seldom(advance)

            def done(_size: int, spent: str) -> None:
                gather(1, 1, f", ${spent}" if spent else "")

            if told.kind == WEAK:
                report = judge_weakly(source, folder, router.strategy, on_done=done)
            else:
                options = told.options(router.strategy, router.history, self._budget_left(folder))
                report = judge(source, folder, options, on_done=done, on_note=self._phases.note)
        return _finished(report)

    def _budget_left(self, folder: Path) -> Decimal | None:
        """Return what this folder's labels may cost in all: the budget less what all others did cost."""
        budget = self._recipe.judge.budget_usd
        if budget is None:
            return None
        left = budget
        for cache in sorted((self._out / LABELS).glob(f"*/{FILE}")):
            if cache.parent != folder:
                with contextlib.closing(Cache(cache)) as answers:
                    left -= spent_before(answers)
        if left <= 0:
            raise DataError(
                f"the budget of {budget} US dollars is used up; give a higher budget_usd to go on"
            )
        return left

    def files(self, router: Router) -> Result:
        """Write a router's training files, unless that is done; return its manifest, and warnings."""
        prompt = router.system_prompt.read_text(encoding="utf-8") if router.system_prompt else None
        settings = [self._judging(router), router.model_dump(mode="json"), prompt, self._recipe.seed]
        files = partial(own_files, self._out, router.name)
        return self._once("balance", router.name, settings, files, partial(self._balance, router))

    def _balance(self, router: Router) -> Result:
        folder = Path(self.labels(router)["folder"])
        options = router.options(str(self._turns_file(router.unit)), self._recipe.seed)
        with stages(self._phases, f": {router.name}") as on_stage:
            report = balance(folder, router.name, self._out, options, on_stage)
        return {"manifest": report.manifest, "warnings": report.warnings}

    def _once(
        self,
        step: str,
        name: str,
        settings: Any,
        files: Callable[[], list[Path]],
        work: Callable[[], Result],
    ) -> Result:
        """Do a step, unless it was done with these settings and nobody changed its files since."""
        key = f"{name}.{runs.fingerprint(settings)}"

        def do(_: str) -> Result:
            try:
                result = work()
            except TurnsmithError as error:
                raise type(error)(f"{name}: {as_keys(error)}") from error
            return {"result": result, "files": _state(files())}

        done = self._run.once(step, key, do)
        if done["files"] != _state(files()):
            self._run.forget(step, key)
            done = self._run.once(step, key, do)
        result: Result = done["result"]
        return result


def _finished(report: JudgeReport) -> Result:
    """Return a judge's report with the folder of the labels; raises DataError where it stopped early."""
    if report.stopped:
        raise DataError(
            f"the judge stopped early: {report.stopped}. All answers are kept; run the same recipe again to go on."
        )
    return {**report.as_json(), "folder": str(report.folder)}
