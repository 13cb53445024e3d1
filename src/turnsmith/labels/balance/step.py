"""From a labeled set to balanced training files and their manifest."""

import contextlib
import hashlib
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from turnsmith.core.errors import DataError, EmptyResultError, UsageError
from turnsmith.core.files import write_json
from turnsmith.core.hashing import portable_hash
from turnsmith.core.runs import hold
from turnsmith.curate.merge.mixing import Mixer
from turnsmith.labels import labeled_set
from turnsmith.labels.balance.choosing import Draw, Stratum, draw, without_near_duplicates
from turnsmith.labels.balance.correction import explained
from turnsmith.labels.balance.options import PROMPT, SOURCE, BalanceOptions, Format, name_of
from turnsmith.labels.balance.rows import SPLITS, Natural, Table, collect, read_rows, spool
from turnsmith.labels.balance.writing import file_name, line_of, write_file
from turnsmith.labels.checks import WORST_AUC, Probe, probes

TRAIN = "train"
OnStage = Callable[[str, int], object]
"""Takes the name of a stage and the rows that it finished since the last call."""


@dataclass(slots=True)
class SplitFile:
    """Hold one written file: rows and labels, whether it is balanced, and what probes find in it."""

    name: str
    rows: int
    labels: dict[str, int]
    balanced: bool
    probes: dict[str, Probe]
    strata: list[Stratum]
    most_copies: int
    checksum: dict[str, str | int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the file for the manifest."""
        return {
            "file": self.name,
            "rows": self.rows,
            "labels": self.labels,
            "reasoning_share": round(self.labels["0"] / self.rows, 6),
            "balanced": self.balanced,
            "most_copies_of_a_row": self.most_copies,
            "probes": {name: probe.auc for name, probe in self.probes.items()},
            "probe_intervals": {name: [probe.low, probe.high] for name, probe in self.probes.items()},
            "strata": [each.as_json() for each in self.strata],
            **self.checksum,
        }


@dataclass(slots=True)
class BalanceReport:
    """Hold what was written, as the manifest says it."""

    manifest: dict[str, Any]
    files: dict[str, SplitFile]
    warnings: list[str]


def balance(
    folder: Path, name: str, out: Path, options: BalanceOptions | None = None, on_stage: OnStage | None = None
) -> BalanceReport:
    """Write `<name>_<split>_<R>r_<N>n_sft.jsonl` for each split and `<name>.manifest.json` to the folder `out`.

    Train has the ratio exactly, as a whole and in every stratum but for rounding; val and test keep their natural
    rate, unless `balance_eval`. Splits are those of the labels. Raises UsageError for files that are there
    already, DataError where the total can't be reached or a probe predicts the label; nothing is written then.
    """
    options = options or BalanceOptions()
    name = name_of(name)
    labeled_set.find(folder)
    stage = on_stage or (lambda _name, _rows: None)
    prompt, prompt_facts = _prompt(options)
    with _work_folder(out, name) as work:
        _refuse_existing(out, name, options)
        mixers, natural = collect(folder, options, work, lambda rows: stage("Reading labels", rows))
        table = spool(mixers, work / "rows")
        kept, near_gone = without_near_duplicates(
            table, work / "rows", options.near, work, lambda rows: stage("Near duplicates", rows)
        )
        copies, files = _plan(table, kept, options, name)
        _refuse_probes(files[TRAIN], options)
        outputs = {split: Mixer(work / f"{split}.out", (work / "rows").stat().st_size * 2) for split in files}
        _send(table, copies, work / "rows", outputs, options, prompt, stage)
        for split, file in files.items():
            file.checksum = write_file(work / file.name, outputs[split], options.format)
        duplicates = {"exact": table.exact_duplicates, "near": near_gone, "other_label": table.conflicts}
        duplicates["empty"] = table.empty
        manifest = _manifest(name, options, natural, duplicates, files, prompt_facts)
        _publish(work, out, name, files, manifest)
    return BalanceReport(manifest, files, _warnings(manifest, files))


def _prompt(options: BalanceOptions) -> tuple[str, dict[str, str]]:
    """Return the system prompt without the line end of its file, and its version and hash."""
    if options.system_prompt is None:
        text = (resources.files("turnsmith.labels") / "prompts" / f"{PROMPT}.txt").read_text(encoding="utf-8")
        version = PROMPT
    else:
        try:
            text = options.system_prompt.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"--system-prompt: {options.system_prompt} can't be read as text") from error
        version = options.system_prompt.stem
    text = text.removesuffix("\n")
    return text, {"version": version, "sha256": hashlib.sha256(text.encode()).hexdigest(), "text": text}


@contextlib.contextmanager
def _work_folder(out: Path, name: str) -> Iterator[Path]:
    """Give an empty folder in `out` while no other run has it; what a killed run left there goes."""
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out}: is no folder")
    with hold(out, f"balance-{name}"):
        work = out / f".{name}.balance.part"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        try:
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)


def _refuse_existing(out: Path, name: str, options: BalanceOptions) -> None:
    there = [path for path in own_files(out, name) if not options.force]
    if there:
        raise UsageError(
            f"{there[0]}: is there already; give another --name or --out, or --force to replace it"
        )


def own_files(out: Path, name: str) -> list[Path]:
    """Return the files in `out` that a run under this name made."""
    data = rf"_(?:{'|'.join(SPLITS)})_\d+r_\d+n(?:_sft\.jsonl|\.jsonl|\.parquet)"
    made = re.compile(rf"{re.escape(name)}(?:{data}|\.manifest\.json)")
    return [path for path in sorted(out.iterdir()) if made.fullmatch(path.name)]


def _plan(table: Table, kept: Any, options: BalanceOptions, name: str) -> tuple[Any, dict[str, SplitFile]]:
    """Return how often each row is written, and the files with their counts and probes."""
    copies = np.zeros(len(table), np.int64)
    files: dict[str, SplitFile] = {}
    for number, split in enumerate(SPLITS):
        rows = np.flatnonzero(kept & (table.splits == number))
        if split == TRAIN and not len(rows):
            raise EmptyResultError("the train split has no label; was the set split?")
        if not len(rows):
            continue
        balanced = split == TRAIN or options.balance_eval
        if balanced:
            drawn = draw(table, rows, options.total if split == TRAIN else None, options, split)
        else:
            drawn = Draw(np.ones(len(rows), np.int64), [])
        copies[rows] = drawn.copies
        files[split] = _file(table, rows, drawn, options, name, split, balanced=balanced)
    return copies, files


def _file(
    table: Table, rows: Any, drawn: Draw, options: BalanceOptions, name: str, split: str, *, balanced: bool
) -> SplitFile:
    written = np.repeat(rows, drawn.copies)
    labels = table.labels[written]
    ones = int(labels.sum())
    zeros = len(labels) - ones
    properties = {
        name: codes[written] for name, codes in table.codes.items() if name != SOURCE or options.turns
    }
    return SplitFile(
        name=file_name(name, split, zeros, ones, options.format),
        rows=len(written),
        labels={"0": zeros, "1": ones},
        balanced=balanced,
        probes=probes(labels, table.lengths[written], properties, _repeats(drawn.copies)),
        strata=drawn.strata,
        most_copies=int(drawn.copies.max()),
    )


def _repeats(copies: Any) -> float:
    """Return how many rows say what one would (Kish's design effect); 1 where no row is written again."""
    return float((copies**2).sum() / copies.sum())


def _refuse_probes(train: SplitFile, options: BalanceOptions) -> None:
    telling = {
        name: probe
        for name, probe in train.probes.items()
        if probe.tells and name not in options.allow_probes
    }
    if telling:
        found = ", ".join(
            f"{name} (AUC {probe.auc:.3f}, at least {probe.low:.3f})" for name, probe in telling.items()
        )
        missing = [name for name in telling if name not in options.within]
        way = (
            f"add {', '.join(missing)} to --within" if missing else "lower --total, which leaves more choice"
        )
        raise DataError(
            f"after balancing, the label is told without the text by {found}; at most {WORST_AUC} is allowed: {way}, "
            f"or allow it with {' '.join(f'--allow-probe {name}' for name in telling)}"
        )


def _send(
    table: Table,
    copies: Any,
    rows: Path,
    outputs: dict[str, Mixer],
    options: BalanceOptions,
    prompt: str,
    stage: OnStage,
) -> None:
    """Hand each chosen row to its split's mixer, as often as it is written."""
    for row, split, times in zip(read_rows(rows), table.splits.tolist(), copies.tolist(), strict=True):
        stage("Writing", 1)
        if not times:
            continue
        line = line_of(row, options.format, prompt)
        outputs[SPLITS[split]].add(row.order, line)
        for copy in range(1, times):
            outputs[SPLITS[split]].add(portable_hash(f"{row.order}:{copy}"), line)


def _manifest(
    name: str,
    options: BalanceOptions,
    natural: Natural,
    duplicates: dict[str, Any],
    files: dict[str, SplitFile],
    prompt: dict[str, str],
) -> dict[str, Any]:
    train = files[TRAIN]
    before = natural.labels[TRAIN]
    settings = asdict(options)
    for key in ("force", "system_prompt", "turns", "ratio"):
        del settings[key]
    counts = {split: {"0": each[0], "1": each[1]} for split, each in sorted(natural.labels.items())}
    return {
        "name": name,
        "labels": {**natural.judge, "votes_used": int(natural.votes_used)},
        "settings": {"ratio": options.ratio_text, **settings},
        "system_prompt": prompt if options.format == Format.openai else None,
        "natural": {
            split: {**each, "reasoning_share": round(each["0"] / (each["0"] + each["1"]), 6)}
            for split, each in counts.items()
        },
        "duplicates": {
            "exact": _by_split(duplicates["exact"]),
            "near": _by_split(duplicates["near"]),
            "exact_with_another_label": duplicates["other_label"],
            "empty": _by_split(duplicates["empty"]),
        },
        "correction": explained(before[1] / before.total(), train.labels["1"] / train.rows),
        "files": {split: file.as_json() for split, file in files.items()},
    }


def _by_split(counts: Counter[str]) -> dict[str, int]:
    return {split: counts[split] for split in SPLITS}


def _publish(work: Path, out: Path, name: str, files: dict[str, SplitFile], manifest: dict[str, Any]) -> None:
    """Move finished files to their place; the manifest goes first and comes last, so that it always fits."""
    (out / f"{name}.manifest.json").unlink(missing_ok=True)
    wanted = {file.name for file in files.values()}
    for old in own_files(out, name):
        if old.name not in wanted:
            old.unlink()
    for file in files.values():
        (work / file.name).replace(out / file.name)
    write_json(out / f"{name}.manifest.json", manifest)


def _warnings(manifest: dict[str, Any], files: dict[str, SplitFile]) -> list[str]:
    warnings = []
    if manifest["labels"].get("judge") == "weak":
        warnings.append("these are weak labels, made by rules; a model learns the rules from them")
    if empty := sum(manifest["duplicates"]["empty"].values()):
        warnings.append(f"{empty:,} labels have an empty text, which is left out")
    missing = [split for split in SPLITS if split not in files]
    if missing:
        warnings.append(f"no labels in {' and '.join(missing)}, so no file")
    if manifest["duplicates"]["exact_with_another_label"]:
        count = manifest["duplicates"]["exact_with_another_label"]
        warnings.append(f"{count:,} repeated texts had another label than the copy that was kept")
    return warnings
