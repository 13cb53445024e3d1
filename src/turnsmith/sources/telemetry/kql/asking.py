"""Ask until the answer is whole: what may pass is tried again with back-off, the rest goes to the caller."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from turnsmith.core.errors import DataError
from turnsmith.core.retrying import Patience, StoppedError
from turnsmith.sources.telemetry.kql.answer import Answer
from turnsmith.sources.telemetry.kql.catalog import Query
from turnsmith.sources.telemetry.kql.client import Client
from turnsmith.sources.telemetry.kql.failures import NoConnectionError, TryAgainError
from turnsmith.sources.telemetry.kql.parameters import Value
from turnsmith.sources.telemetry.kql.result import schema_differences

FIRST_TRIES = 4


@dataclass
class Asker:
    """Ask a cluster with patience; `now` is what now() says in every query.

    Until it has answered for the first time, patience is short: the address may be wrong.
    """

    client: Client
    now: datetime
    patience: Patience = field(default_factory=Patience)
    reached: bool = False

    def ask(self, query: Query, values: Mapping[str, Value]) -> Answer:
        """Return the answer to a query, with the columns that its header declares.

        `values` may hold more than the query declares. Raises TooMuchError for a question that is too large or
        too slow, UsageError and DataError where asking again is in vain.
        """
        given = {name: value for name, value in values.items() if name in query.declares}
        failures = 0
        while True:
            if self.patience.stop.is_set():
                raise StoppedError
            try:
                answer = self.client.ask(query, given, self.now)
                self.reached = True
                return _checked(query, answer)
            except TryAgainError as error:
                failures += 1
                hopeless = isinstance(error, NoConnectionError) and not self.reached
                if failures >= (FIRST_TRIES if hopeless else self.patience.tries):
                    raise DataError(
                        f"{query.name}: {error}, {failures} times in a row. "
                        "What is finished is kept: run the same command again to go on from there."
                    ) from error
                asked = error.asked
            self.patience.wait(failures, asked)

    def stop(self) -> None:
        """End all that is under way, in whichever thread."""
        self.patience.stop.set()
        self.client.cut()


def _checked(query: Query, answer: Answer) -> Answer:
    differences = schema_differences(query, answer.columns)
    if differences:
        raise DataError(f"{query.name} returned another result than declared: {'; '.join(differences)}")
    return answer
