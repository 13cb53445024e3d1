"""Run a judge over a file of turns: stream them, ask what is not known yet, write the labeled set.

A turn passes once. With all answers in the cache it gets its label at once; otherwise a worker asks for the rest.
Labels wait in a file without a name, so that memory does not grow with the turns.
"""

import asyncio
import contextlib
import signal
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import msgspec

from turnsmith.core import runs
from turnsmith.core.errors import DataError, UsageError
from turnsmith.core.lines import STANDARD, open_input
from turnsmith.curate.clean.spooling import Lines, replayable
from turnsmith.labels.judge.answer import LABELED, Answer, parse
from turnsmith.labels.judge.asking import Asker, HaltError, Ledger
from turnsmith.labels.judge.batch.state import Batches
from turnsmith.labels.judge.cache import FILE, Cache
from turnsmith.labels.judge.client import Client, endpoint_of
from turnsmith.labels.judge.deciding import NOT_ASKED, hard_label, label_of, soft_label, state_of
from turnsmith.labels.judge.finishing import finish
from turnsmith.labels.judge.gate import Gate
from turnsmith.labels.judge.job import Job, OnDone
from turnsmith.labels.judge.options import REASON_TOKENS, JudgeOptions
from turnsmith.labels.judge.planning import Item, TurnReader, plan, planned_canaries, with_answers
from turnsmith.labels.judge.pricing import OverBudgetError, Price, Purse, load_prices
from turnsmith.labels.judge.probing import Found, find_out
from turnsmith.labels.judge.prompts import JUDGE, RATIONALE, load_prompt
from turnsmith.labels.judge.report import JudgeReport, spent_before
from turnsmith.labels.judge.request import Request, RequestBuilder
from turnsmith.labels.records import encode

_QUEUED_FOR_EACH = 2  # turns that wait for a worker
_GRACE = 5.0  # seconds that requests under way get after Ctrl-C


def judge(
    source: str,
    out: Path,
    options: JudgeOptions,
    *,
    on_done: OnDone = lambda _size, _spent: None,
    on_note: Callable[[str], None] = lambda _text: None,
) -> JudgeReport:
    """Judge the turns of a file and write the labeled set to `out`, with a report; return the report.

    Answers are kept in `out`/judge.sqlite: a run that was stopped goes on where it was. Raises KeyboardInterrupt
    after Ctrl-C, with all finished answers kept, EmptyResultError where no turn got a label.
    """
    # What is wrong with the options shows before anything is asked.
    load_prompt(JUDGE, options.prompt)
    price_of(options)
    if source != STANDARD:
        with open_input(source):
            pass
    with (
        runs.hold(out, "judge"),
        _told(out / FILE),
        contextlib.closing(Cache(out / FILE)) as cache,
        replayable(source, out) as lines,
        tempfile.TemporaryFile(dir=out) as labels,
    ):
        Batches(cache).refuse_open()
        reader = TurnReader(source)
        job = asyncio.run(_run(options, cache, reader, lines(), labels, on_done, on_note))
        if job.stop.interrupted:
            raise KeyboardInterrupt
        report = JudgeReport.of(
            job.options, job.endpoint, job.cache, job.asker, job.found, job.builder, job.tally
        )
        report.account = reader.account
        report.stopped = job.stop.reason
        return finish(out, job, reader, report)


@contextlib.contextmanager
def _told(cache: Path) -> Iterator[None]:
    """Name the file of answers where the database fails, as on a full disk."""
    try:
        yield
    except sqlite3.Error as error:
        raise DataError(f"{cache}: can't be used: {error}; what it holds is kept") from error


async def _run(
    options: JudgeOptions,
    cache: Cache,
    reader: TurnReader,
    lines: Lines,
    labels: IO[bytes],
    on_done: OnDone,
    on_note: Callable[[str], None],
) -> Job:
    endpoint = endpoint_of(options.endpoint)
    client = Client(endpoint, timeout=options.timeout, most=options.concurrency)
    try:
        gate = Gate(options.concurrency, lambda seconds: _note_pause(seconds, on_note))
        purse = Purse(price_of(options), options.budget, spent_before(cache))
        asker = Asker(client, gate, Ledger(cache), purse)
        try:
            found = await find_out(asker, cache, endpoint, options.model)
        except OverBudgetError:
            raise HaltError(over_budget(options)) from None
        builder = builder_of(options, found, cache.secret)
        job = Job(options, endpoint, cache, asker, found, builder, labels, on_done)
        await _work(job, reader, lines)
        return job
    finally:
        await client.close()


def builder_of(options: JudgeOptions, found: Found, secret: bytes) -> RequestBuilder:
    """Return what builds a job's requests, with the parameters that the server takes."""
    return RequestBuilder(
        model=options.model,
        prompt=load_prompt(JUDGE, options.prompt),
        parameters=found.voting(options.votes),
        secret=secret,
        strategy=options.strategy,
        history=options.history,
        request_chars=options.request_chars,
    )


def price_of(options: JudgeOptions) -> Price | None:
    """Return the model's price, None where the table has none. Raises UsageError where a budget needs one."""
    price = load_prices(options.prices).of(options.model)
    if price is None and options.budget is not None:
        raise UsageError(
            f"--budget-usd: no price for {options.model} in the table; give one with --prices, see docs/judging.md"
        )
    return price


def _note_pause(seconds: float, on_note: Callable[[str], None]) -> None:
    if seconds >= 5:
        on_note(f"The server asks to wait {seconds:,.0f} s.")


def over_budget(options: JudgeOptions) -> str:
    """Say that the budget is used up, and what to do."""
    return f"the budget of {options.budget} US dollars is used up; give a higher --budget-usd to go on"


async def _work(job: Job, reader: TurnReader, lines: Lines) -> None:
    """Ask for all that is missing, and label every turn that has its answers."""
    loop = asyncio.get_running_loop()
    most = job.options.concurrency
    queue: asyncio.Queue[Item | None] = asyncio.Queue(_QUEUED_FOR_EACH * most)
    workers = [loop.create_task(_worker(job, queue)) for _ in range(most)]
    with _until_interrupted(loop, job):
        try:
            await _ask_canaries(job)
            await _feed(job, reader, lines, queue)
            if job.stop.interrupted:
                await asyncio.wait(workers, timeout=_GRACE)
            else:
                await asyncio.gather(*workers)
            if job.stop.error is not None:
                raise job.stop.error
        finally:
            for task in [*workers, *job.under_way.values()]:
                task.cancel()
            await asyncio.gather(*workers, return_exceptions=True)


@contextlib.contextmanager
def _until_interrupted(loop: asyncio.AbstractEventLoop, job: Job) -> Iterator[None]:
    def interrupt() -> None:
        job.stop.reason, job.stop.interrupted = job.stop.reason or "interrupted", True
        job.asker.gate.shut(HaltError(job.stop.reason))

    signals = (signal.SIGINT, signal.SIGTERM)
    try:
        for each in signals:
            loop.add_signal_handler(each, interrupt)
    except (ValueError, RuntimeError):  # not the main thread
        yield
        return
    try:
        yield
    finally:
        for each in signals:
            loop.remove_signal_handler(each)


async def _feed(
    job: Job,
    reader: TurnReader,
    lines: Lines,
    queue: asyncio.Queue[Item | None],
) -> None:
    votes = job.options.votes
    items = (plan(job.builder, votes, number, size, turn) for number, size, turn in reader.read(lines))
    for batch in with_answers(items, job.cache.answers):
        for item in batch:
            if job.stop.interrupted:
                break
            incomplete = len(item.answers) < len(item.requests)
            needs_rationale = job.options.rationales and state_of(item) == LABELED
            if job.stop.reason is None and (incomplete or needs_rationale):
                await queue.put(item)
            else:
                await _finish(job, item)
        if job.stop.interrupted:
            break
        await asyncio.sleep(0)
    for _ in range(job.options.concurrency):
        await queue.put(None)


async def _worker(job: Job, queue: asyncio.Queue[Item | None]) -> None:
    while (item := await queue.get()) is not None:
        try:
            for request in item.missing:
                answer = await _asked(job, request)
                if answer is not None:
                    item.answers[request.key] = answer
            if not job.stop.interrupted:
                await _finish(job, item)
        except Exception as error:  # noqa: BLE001 - raised by `_work`; the queue must go on being emptied
            job.stop.error = job.stop.error or error
            job.stop.reason = job.stop.reason or "an error"


async def _asked(job: Job, request: Request) -> Answer | None:
    """Return the answer to a request, None where the run has come to its end."""
    if job.stop.reason is not None:
        return None
    try:
        return await job.answer(request)
    except HaltError as halt:
        job.stop.reason = job.stop.reason or str(halt)
    except OverBudgetError:
        job.stop.reason = job.stop.reason or over_budget(job.options)
        job.asker.gate.shut(HaltError(job.stop.reason))
    return None


async def _finish(job: Job, item: Item) -> None:
    """Label a turn, or note why it has no label."""
    state = state_of(item)
    label = None
    if state == LABELED:
        rationale = await _rationale(job, item) if job.options.rationales else None
        label = label_of(
            item,
            model=job.options.model,
            strategy=job.options.strategy,
            prompt=job.builder.prompt,
            rationale=rationale,
        )
        job.labels.write(encode(label))
    elif state != NOT_ASKED:
        turn = item.turn
        ids = {
            "conversationId": turn.conversation_id,
            "messageId": turn.message_id,
            "turnIndex": turn.turn_index,
        }
        line = msgspec.json.encode({**ids, "split": turn.split, "bucket": turn.bucket, "state": state})
        job.unlabeled.append((item.number, line + b"\n"))
    job.tally.add(item, state, label)
    job.on_done(item.size, f"{job.asker.purse.spent:.2f}" if job.asker.purse.price else "")


async def _rationale(job: Job, item: Item) -> str | None:
    prompt = load_prompt(RATIONALE)
    parameters = job.found.explaining(REASON_TOKENS)
    request = job.builder.explaining(item.shown, hard_label(soft_label(item)), prompt, parameters)
    if not job.cache.answers([request.key]):
        await _asked(job, request)
    body = job.cache.body(request.key)
    return (parse(body, request.kind).text.strip() or None) if body is not None else None


async def _ask_canaries(job: Job) -> None:
    async def one(requests: list[Request]) -> list[int | None]:
        labels: list[int | None] = []
        for request in requests:
            answer = await _asked(job, request)
            known = answer is not None and answer.state == LABELED
            labels.append(hard_label(answer.soft_label(request.flipped)) if answer and known else None)
        return labels

    planned = planned_canaries(job.builder)
    answered = await asyncio.gather(*(one(requests) for _, requests in planned))
    for (canary, _), labels in zip(planned, answered, strict=True):
        job.tally.add_canary(canary, labels)
