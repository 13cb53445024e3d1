"""The cleaning of a file of examples: scrub, quality rules, exact duplicates."""

import contextlib
import json
from collections.abc import Callable
from pathlib import Path

from turnsmith.core.chat import Example, encode, examples_in
from turnsmith.core.errors import UsageError
from turnsmith.core.lines import STANDARD, Write, writing_lines
from turnsmith.curate.clean import rules
from turnsmith.curate.clean.exact import fingerprint
from turnsmith.curate.clean.options import CleanOptions
from turnsmith.curate.clean.report import CleanReport
from turnsmith.curate.clean.rules.parts import is_code
from turnsmith.curate.clean.rules.rule import Rule
from turnsmith.curate.clean.scrubbing import Scrub, scrub_nothing, scrubber
from turnsmith.curate.clean.spooling import Lines, replayable

OnProgress = Callable[[int, int], object]
"""Takes the bytes and the lines that were read since the last call."""
LINES_PER_REPORT = 256


def clean(
    source: str,
    out: str,
    options: CleanOptions | None = None,
    *,
    report: str | None = None,
    rejected: str | None = None,
    label: str | None = None,
    on_progress: OnProgress | None = None,
) -> CleanReport:
    """Write the good examples of a JSON Lines file, scrubbed and each once, in their order.

    What a rule takes goes to `rejected`, scrubbed too, as `{"rule", "place", "example"}`. Files appear when all
    is done; `-` stands for the standard streams. `label` is what places call the input instead of its path.
    Raises UsageError for wrong settings and paths, InputError for a file that can't be read.
    """
    options = options or CleanOptions()
    _refuse_same_paths(source, [out, report, rejected])
    chosen = rules.chosen(options)
    tests = rules.build(options)
    parameters = {rule.name: rule.parameters for rule in tests}
    if rules.DUPLICATE in chosen:
        parameters[rules.DUPLICATE] = {}
    result = CleanReport(
        label or without_home(source),
        without_home(out),
        options.scrub,
        options.key_file is not None,
        parameters,
    )
    folder = Path(out).parent if out != STANDARD else None
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    with replayable(source, folder) as lines, contextlib.ExitStack() as files:
        scrub = _scrub(lines, options, on_progress) if options.scrub else scrub_nothing
        keep = files.enter_context(writing_lines(out))
        reject = files.enter_context(writing_lines(rejected)) if rejected else None
        _filter(watched(lines(), on_progress), scrub, tests, result, keep, reject)
    if report:
        with writing_lines(report) as write:
            write(json.dumps(result.as_json(), ensure_ascii=False, indent=2).encode() + b"\n")
    return result


def _refuse_same_paths(source: str, outputs: list[str | None]) -> None:
    if outputs.count(STANDARD) > 1:
        raise UsageError("-: standard output takes one of --out, --rejected and --report")
    named = [Path(path).resolve() for path in [source, *outputs] if path and path != STANDARD]
    for path in named:
        if named.count(path) > 1:
            raise UsageError(f"{path}: named twice; input, output, report and rejected need a file each")


def without_home(name: str) -> str:
    """Return a path with the home folder, which names a person, as `~`."""
    home = str(Path.home())
    return "~" + name[len(home) :] if name.startswith(home + "/") else name


def _scrub(lines: Callable[[], Lines], options: CleanOptions, on_progress: OnProgress | None) -> Scrub:
    examples = examples_in("", watched(lines(), on_progress), lambda *_: None)
    return scrubber((example for _, example in examples), options.key_file)


def watched(lines: Lines, on_progress: OnProgress | None) -> Lines:
    """Yield lines as they are and tell `on_progress` about them now and then."""
    size = count = 0
    for number, line in lines:
        size += len(line) + 1
        count += 1
        if on_progress and count == LINES_PER_REPORT:
            on_progress(size, count)
            size = count = 0
        yield number, line
    if on_progress:
        on_progress(size, count)


def _filter(
    lines: Lines, scrub: Scrub, tests: list[Rule], result: CleanReport, keep: Write, reject: Write | None
) -> None:
    account = result.account
    seen: set[bytes] | None = set() if rules.DUPLICATE in result.parameters else None
    for number, original in examples_in(result.source, lines, account.spoil):
        account.read += 1
        place = f"{result.source}:{number}"
        example, found = scrub(original)
        rule = _first_rule(original, example, tests, seen)
        if rule is None:
            account.kept += 1
            result.scrubbed.update(found)
            keep(encode(example))
            continue
        account.drop(rule, place)
        result.scrubbed_of_dropped.update(found)
        if reject:
            reject(encode({"rule": rule, "place": place, "example": example}))


def _first_rule(
    original: Example, example: Example, tests: list[Rule], seen: set[bytes] | None
) -> str | None:
    """Return the name of the first rule that takes an example; one that none takes is remembered in `seen`."""
    is_chat, code = "messages" in example, is_code(example)
    for rule in tests:
        if (
            (is_chat or rule.any_shape)
            and not (code and rule.prose)
            and rule.drops(original if rule.before_scrub else example)
        ):
            return rule.name
    if seen is None:
        return None
    mark = fingerprint(example)
    if mark in seen:
        return rules.DUPLICATE
    seen.add(mark)
    return None
