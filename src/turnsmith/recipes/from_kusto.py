"""The cluster as a source: what a recipe asks of it, and the job that makes a data set of the answers."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from turnsmith.core.errors import UsageError
from turnsmith.core.runs import fingerprint
from turnsmith.curate.scrub.pseudonyms import key_id, read_key
from turnsmith.engines.duckdb import connect
from turnsmith.publish.metadata import Origin, versions
from turnsmith.recipes.job import DUCKDB_SHARE, Job
from turnsmith.recipes.telemetry import TelemetryRecipe, parse_size, parse_timeout, parse_window
from turnsmith.sources.telemetry.kql.asking import Asker
from turnsmith.sources.telemetry.kql.chunked import ChunkedExtractor
from turnsmith.sources.telemetry.kql.client import Client, Place
from turnsmith.sources.telemetry.kql.question import CANDIDATES, Question, digest

CHUNKS = 40
# What the answers depend on, and how they are kept as candidates.
ASKED = {
    "as_of", "window", "chunks", "model_text", "failed_turn_end_reasons", "buckets", "splits", "layout", "seed",
}  # fmt: skip
# What only the reader of the events could tell.
_EVENTS_UNKNOWN: dict[str, Any] = {
    "events_read": None,
    "malformed_rows": None,
    "malformed_samples": [],
    "events": {},
    "event_times": {"first": None, "last": None},
    "wrong_values": {},
}


def check_options(recipe: TelemetryRecipe) -> None:
    """Raise UsageError where options of the two sources are missing or mixed."""
    if recipe.source == "kusto":
        for key in ("cluster", "database"):
            if not getattr(recipe, key):
                raise UsageError(f"--{key}: --source kusto needs --cluster URI and --database DB")
        if recipe.events:
            raise UsageError("--events: --source kusto reads from the cluster; leave --events out")
        if recipe.max_bad_rows is not None:
            raise UsageError("--max-bad-rows: a cluster does not tell of malformed rows; leave it out")
        return
    if recipe.cluster or recipe.database:
        raise UsageError("--cluster and --database go with --source kusto")


def place_of(recipe: TelemetryRecipe) -> Place:
    """Return the cluster that a recipe names."""
    assert recipe.cluster is not None
    assert recipe.database is not None
    timeouts = parse_timeout(recipe.server_timeout), parse_timeout(recipe.client_timeout)
    return Place(recipe.cluster.rstrip("/"), recipe.database, *timeouts)


def origin_of(recipe: TelemetryRecipe) -> Origin:
    """Return what metadata says of the cluster."""
    place = place_of(recipe)
    return Origin("kusto", (), f"production/{CANDIDATES}.kql", place.host, place.database)


def identity_of(recipe: TelemetryRecipe) -> list[str]:
    """Return what tells one source of answers from another: the database and the texts of the queries."""
    place = place_of(recipe)
    return [place.uri, place.database, digest()]


def run_key_of(recipe: TelemetryRecipe) -> str:
    """Return what names the folder of a run: other targets, formats and names go on with the same chunks."""
    settings = recipe.model_dump(mode="json", include=ASKED)
    key = key_id(read_key(Path(recipe.pseudonymize))) if recipe.pseudonymize is not None else None
    return fingerprint([settings, key, recipe.dropped is not None, identity_of(recipe), versions()])


def question_of(recipe: TelemetryRecipe, as_of: datetime) -> Question:
    """Return what is asked of every chunk."""
    return Question(
        as_of, parse_window(recipe.window), recipe.model_text, tuple(recipe.failed_turn_end_reasons),
        tuple(recipe.bucket_ranges), include_filtered=recipe.dropped is not None,
    )  # fmt: skip


@contextmanager
def asking(recipe: TelemetryRecipe, as_of: datetime) -> Iterator[Asker]:
    """Give what asks the cluster."""
    with Client(place_of(recipe)) as client:
        yield Asker(client, as_of)


def make(job: Job, target: Path) -> None:
    """Make the data set out of the cluster's answers."""
    recipe = job.recipe
    question = question_of(recipe, job.as_of)
    with asking(recipe, job.as_of) as asker:
        extractor = ChunkedExtractor(
            job.run, job.phases, asker, question, job.rules(), job.parts, recipe.parallel
        )
        candidates = extractor.pull()
    with connect(parse_size(recipe.memory_limit) // DUCKDB_SHARE, job.run.spill) as connection:
        job.complete(connection, job.threads, _EVENTS_UNKNOWN, None, candidates, target)
