"""Judge turns by the built-in rules: no model, no key; every label is marked `weak`."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

from turnsmith.core import runs
from turnsmith.core.files import write_json
from turnsmith.core.lines import read_lines
from turnsmith.labels import labeled_set, weak
from turnsmith.labels.checks import Checks
from turnsmith.labels.judge.answer import LABELED
from turnsmith.labels.judge.deciding import hard_label
from turnsmith.labels.judge.planning import TurnReader
from turnsmith.labels.judge.report import REPORT, JudgeReport
from turnsmith.labels.judge.tally import Tally
from turnsmith.labels.records import WEAK, Label, Turn


def judge_weakly(
    source: str, out: Path, strategy: str, *, on_done: Callable[[int, str], None] = lambda _size, _spent: None
) -> JudgeReport:
    """Label the turns of a file by rules and write the labeled set to `out`; return the report.

    Raises EmptyResultError where the file holds no turn, UsageError where `out` holds labels of a model.
    """
    reader, tally, checks = TurnReader(source), Tally(), Checks()
    rules = weak.rules_hash()

    def labels() -> Iterator[Label]:
        for _, size, turn in reader.read(read_lines(source)):
            label = _label(turn, strategy, rules)
            tally.count(label)
            checks.add(label)
            tally.states[LABELED] += 1
            on_done(size, "")
            yield label

    job = {"judge": WEAK, "model": weak.VERSION, "strategy": strategy, "prompt_hash": rules}
    report = JudgeReport(job, {}, {}, tally, reader.account)
    with runs.hold(out, "judge"):
        stream = labels()
        first = list(itertools.islice(stream, 1))  # tells the data set
        report.folder = labeled_set.write(
            out, reader.dataset or "none", itertools.chain(first, stream), job, replace=True
        )
        report.checks = checks.finish()
        write_json(out / REPORT, report.as_json())
    return report


def _label(turn: Turn, strategy: str, rules: str) -> Label:
    probability, _ = weak.judge(turn, strategy)
    return Label(
        conversation_id=turn.conversation_id,
        message_id=turn.message_id,
        turn_index=turn.turn_index,
        split=turn.split,
        bucket=turn.bucket,
        request=turn.request,
        llm_vote=hard_label(probability),
        soft_label=probability,
        vote=None,
        strategy=strategy,
        judge_model=weak.VERSION,
        prompt_version=weak.VERSION,
        judge=WEAK,
        prompt_hash=rules,
    )
