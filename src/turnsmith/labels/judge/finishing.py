"""The end of a run: the labeled set, its checks, the turns without a label, and the report."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from turnsmith.core.errors import EmptyResultError
from turnsmith.core.files import write_json, writing
from turnsmith.labels import labeled_set
from turnsmith.labels.checks import Checks
from turnsmith.labels.judge.job import Job
from turnsmith.labels.judge.planning import TurnReader
from turnsmith.labels.judge.report import REPORT, JudgeReport
from turnsmith.labels.records import Label

UNLABELED = "unlabeled.jsonl"
CHECKED = 10_000  # labels that the checks look at, which takes longer than all else


def checked(lines: Iterable[bytes], checks: Checks, total: int) -> Iterator[tuple[Label, bytes]]:
    """Yield labels with their lines, and let the checks see up to about CHECKED of them, evenly spread."""
    decode = msgspec.json.Decoder(Label).decode
    every = max(1, total // CHECKED)
    for number, line in enumerate(lines):
        label = decode(line)
        if number % every == 0:
            checks.add(label)
        yield label, line


def finish(out: Path, job: Job, reader: TurnReader, report: JudgeReport) -> JudgeReport:
    """Write labels, report and the turns without a label; raises EmptyResultError where there is no label."""
    with writing(out / UNLABELED) as part, part.open("wb") as file:
        file.writelines(line for _, line in sorted(job.unlabeled))
    try:
        if not job.tally.labels:
            raise EmptyResultError(
                f"no turn got a label: {report.stopped or report.states_in_words()}; see {out / REPORT}"
            )
        job.labels.seek(0)
        checks = Checks()
        labels = checked(job.labels, checks, job.tally.labels.total())
        report.folder = labeled_set.write_encoded(out, reader.dataset or "", labels, report.job, replace=True)
        report.checks = checks.finish()
    finally:
        write_json(out / REPORT, report.as_json())
    return report
