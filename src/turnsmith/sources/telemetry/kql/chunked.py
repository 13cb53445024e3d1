"""From a cluster to candidate files, chunk by chunk: each asked once, counted, split where it is too large.

A finished chunk is a Parquet file with its checksum and its counts, kept in the run's folder; so is the word
that a chunk had to be split. A resumed run asks neither again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from turnsmith.core.errors import DataError
from turnsmith.core.files import checksum
from turnsmith.core.hashing import portable_hash
from turnsmith.core.progress import Phases
from turnsmith.core.runs import Run
from turnsmith.curate.candidates import write_candidates
from turnsmith.sources.telemetry import accounting
from turnsmith.sources.telemetry.assembly import Rules
from turnsmith.sources.telemetry.chunks import ChunkCounts, judge
from turnsmith.sources.telemetry.extract import Candidates
from turnsmith.sources.telemetry.kql.answer import Answer
from turnsmith.sources.telemetry.kql.asking import Asker
from turnsmith.sources.telemetry.kql.counting import Counts, ask_counts, by_reason, count
from turnsmith.sources.telemetry.kql.failures import TooMuchError
from turnsmith.sources.telemetry.kql.question import MOST_HALVINGS, Chunk, Question
from turnsmith.sources.telemetry.kql.records import to_conversation
from turnsmith.sources.telemetry.schema import FILTERS

PHASE = "chunks"
OUTSIDE = "outside_buckets"
CHECKS = 3  # of a row count, before the chunk is split
ROUNDS = 3  # of all chunks, while events still arrive


@dataclass(slots=True)
class ChunkedExtractor:
    """Pull all chunks of a question, `parallel` at a time; `parts` is how many there are to begin with."""

    run: Run
    phases: Phases
    asker: Asker
    question: Question
    rules: Rules
    parts: int
    parallel: int

    def pull(self) -> Candidates:
        """Return the candidates of all chunks and what became of the other conversations.

        Chunks are believed when each has the rows that the counting query promised, and when together they
        have the conversations that it counts in the whole window. Raises DataError where they never do.
        """
        (self.run.path / PHASE).mkdir(exist_ok=True)
        for _ in range(ROUNDS):
            results = self._pull_chunks()
            total = _sum(result["asked"] for result in results.values())
            if by_reason(count(self.asker, self.question)) == total:
                counts = accounting.sum_chunks(list(results.values()))
                return Candidates([self._file(chunk) for chunk in results], counts)
            self._forget_changed(results)
        raise DataError(
            f"{self.asker.client.place.host}: the chunks do not add up to what the cluster counts in the whole "
            "window. Events of that window may still be arriving: give an --as-of some hours back."
        )

    def _pull_chunks(self) -> dict[Chunk, dict[str, Any]]:
        """Pull what is not pulled yet and return the results of all chunks, in the order of their keys."""
        done: dict[Chunk, dict[str, Any]] = {}
        pending = [Chunk(number, self.parts) for number in range(self.parts)]
        with self.phases.phase("Pulling chunks", 1, "conversations") as advance:

            def on_done(key: str, result: dict[str, Any], earlier: bool) -> None:
                if "split" not in result:
                    advance(1 / int(key.partition("-")[0]), 0 if earlier else sum(result["asked"].values()))

            while pending:
                by_key = {chunk.key: chunk for chunk in pending}
                results = self.run.each(
                    PHASE, by_key, self._step, self.parallel, on_done, self.asker.stop, self._is_intact
                )
                split = [by_key[key] for key in results if "split" in results[key]]
                done |= {by_key[key]: results[key] for key in results if "split" not in results[key]}
                pending = [half for chunk in split for half in chunk.halves()]
        return dict(sorted(done.items(), key=lambda item: item[0].key))

    def _step(self, key: str) -> dict[str, Any]:
        """Pull one chunk; return its counts, or that it is to be split and why."""
        chunk = Chunk.of_key(key)
        try:
            counts, answer = self._believed(chunk)
        except TooMuchError as error:
            reason = self._reason_to_split(chunk, error)
            self.phases.note(f"{chunk} is split in two: {reason}.")
            return {"split": reason}
        found = self._write(chunk, answer, counts)
        return {**found, "asked": counts, **checksum(self._file(chunk))}

    def _believed(self, chunk: Chunk) -> tuple[Counts, Answer]:
        """Return a chunk's counts and its rows, once their number is what was counted.

        Raises TooMuchError where it never is: a proxy may answer a query that takes too long with no rows.
        """
        for tries in range(1, CHECKS + 1):
            counts = by_reason(ask_counts(self.asker, self.question, chunk))
            answer = self.asker.ask(self.question.candidates, self.question.values(chunk))
            expected = sum(counts.values()) if self.question.include_filtered else counts.get("", 0)
            if len(answer.rows) == expected:
                return counts, answer
            if tries < CHECKS:
                self.asker.patience.wait(tries, None)
        raise TooMuchError(f"{len(answer.rows):,} rows came where {expected:,} were counted")

    def _reason_to_split(self, chunk: Chunk, error: TooMuchError) -> str:
        """Return why a chunk is split; raises DataError where that has been done often enough."""
        if chunk.of >= self.parts << MOST_HALVINGS:
            raise DataError(
                f"{chunk} is still too much for {self.asker.client.place.host}: {error}. "
                "Give a shorter --window, more --chunks or, if it takes too long, a longer --server-timeout; "
                "or have the cluster's query limits raised"
            ) from error
        return str(error)

    def _write(self, chunk: Chunk, answer: Answer, asked: Counts) -> dict[str, Any]:
        """Write a chunk's candidates; return what became of its conversations."""
        counts = ChunkCounts(conversations=sum(asked.values()))
        counts.filtered.update({name: asked[name] for name in FILTERS if asked.get(name)})
        kept = []
        seen = set()
        for row in answer.rows:
            values = answer.decoded(row)
            record = to_conversation(values)
            seen.add(record.conversation_id)
            bucket = next((b for b in self.rules.buckets if b.min <= record.turn_count <= b.max), None)
            record.bucket = bucket.full_name if bucket else None
            reason = values["reason"] or None
            if reason is None and bucket is None:  # in a gap between buckets, which the cluster does not know
                reason = OUTSIDE
                counts.filtered[OUTSIDE] += 1
            if reason is not None and not self.rules.keep_dropped:
                continue
            candidate = judge(record, reason, self.rules, counts)
            if candidate is not None:
                kept.append(candidate)
        self._check_ids(chunk, seen, len(answer.rows))
        counts.invalid.sort(key=lambda entry: entry["conversationId"])
        write_candidates(self._file(chunk), kept)
        plain: dict[str, Any] = msgspec.to_builtins(counts)
        return plain

    def _check_ids(self, chunk: Chunk, ids: set[str], rows: int) -> None:
        """Raise DataError where a chunk's conversations are not its own, or not all different."""
        if len(ids) != rows or any(portable_hash(each) % chunk.of != chunk.number for each in ids):
            raise DataError(
                f"{self.asker.client.place.host}: the answer for {chunk} holds conversations twice, or of another "
                "chunk. Does something between here and the cluster keep answers?"
            )

    def _forget_changed(self, results: dict[Chunk, dict[str, Any]]) -> None:
        """Let chunks be asked again whose conversations are not those that were counted before."""
        for chunk, result in results.items():
            if by_reason(count(self.asker, self.question, chunk)) != result["asked"]:
                self.run.forget(PHASE, chunk.key)

    def _is_intact(self, key: str, result: dict[str, Any]) -> bool:
        """Tell whether the file of an earlier start is still what it was."""
        if "split" in result:
            return True
        found = checksum(self.run.path / PHASE / f"{key}.parquet")
        return all(result[name] == value for name, value in found.items())

    def _file(self, chunk: Chunk) -> Path:
        return self.run.path / PHASE / f"{chunk.key}.parquet"


def _sum(all_counts: Iterable[Counts]) -> Counts:
    total: Counter[str] = Counter()
    for counts in all_counts:
        total.update(counts)
    return dict(sorted(total.items()))
