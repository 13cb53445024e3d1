"""The report of a judge's run, for a person, for machines, and beside the labels."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from turnsmith.curate.account import Account
from turnsmith.labels.checks import Checked
from turnsmith.labels.judge.answer import GARBAGE, LABELED
from turnsmith.labels.judge.asking import Asker
from turnsmith.labels.judge.cache import Cache
from turnsmith.labels.judge.options import JudgeOptions
from turnsmith.labels.judge.probing import Found
from turnsmith.labels.judge.request import RequestBuilder
from turnsmith.labels.judge.tally import Tally
from turnsmith.labels.records import WEAK

REPORT = "judge.report.json"
MOST_GARBAGE = 0.05


def spent_before(cache: Cache) -> Decimal:
    """Return what all attempts in the cache have cost, US dollars."""
    costs = cache.query("SELECT cost FROM attempts WHERE cost IS NOT NULL")
    return sum((Decimal(cost) for (cost,) in costs), Decimal(0))


@dataclass
class JudgeReport:
    """Hold what a run did: `job` says how it asked, `tally` what came out, `traffic` what was sent and paid."""

    job: dict[str, Any]
    server: dict[str, Any]
    traffic: dict[str, Any]
    tally: Tally
    account: Account = field(default_factory=Account)
    stopped: str | None = None
    folder: Path | None = None
    checks: Checked | None = None

    @classmethod
    def of(
        cls,
        options: JudgeOptions,
        endpoint: str,
        cache: Cache,
        asker: Asker,
        found: Found,
        builder: RequestBuilder,
        tally: Tally,
    ) -> "JudgeReport":
        """Return the report of a run that has ended."""
        job = {
            "judge": "llm",
            "model": options.model,
            "endpoint": endpoint,
            "strategy": options.strategy,
            "votes": options.votes,
            "prompt_version": builder.prompt.version,
            "prompt_hash": builder.prompt.hash,
        }
        return cls(job, msgspec.to_builtins(found), _traffic(cache, asker), tally)

    @property
    def warnings(self) -> list[str]:
        """Return what a person should know before the labels are used."""
        found = [f"the server {note}" for note in self.server.get("notes", [])]
        if bare := self.server.get("logprobs") and self.tally.without_probabilities:
            found.append(
                f"{bare:,} labels came without the probabilities that the server gave at the start; "
                "their soft labels are bare digits"
            )
        states = self.tally.states
        done = sum(states.values())
        if done and states[GARBAGE] / done > MOST_GARBAGE:
            found.append(f"{states[GARBAGE] / done:.0%} of the turns got an answer that is no digit")
        return [*found, *self.tally.warnings(), *(self.checks.warnings if self.checks else ())]

    def states_in_words(self) -> str:
        """Return the turns by state in a line."""
        return (
            ", ".join(f"{count:,} {state}" for state, count in self.tally.states.items())
            or "there are no turns"
        )

    def rows(self) -> list[tuple[str, int]]:
        """Return (label, count) as a funnel."""
        bad = [(f"  {reason}", count) for reason, count in self.account.bad.items()]
        states = [
            (f"  {state}", count) for state, count in sorted(self.tally.states.items()) if state != LABELED
        ]
        return [("read", self.account.read), *bad, *states, ("labeled", self.tally.states[LABELED])]

    def sentences(self) -> list[str]:
        """Return what a person wants to know, a sentence each."""
        tally, said = self.tally, []
        if total := tally.labels.total():
            said.append(
                f"Labels: {tally.labels[0]:,} reasoning ({tally.labels[0] / total:.1%}), {tally.labels[1]:,} not."
            )
        if self.job["judge"] == WEAK:
            return [*said, "These labels are weak: rules made them, no model and no person."]
        known, ordered = tally.canary_rate(order=False), tally.canary_rate(order=True)
        if known is not None and ordered is not None:
            said.append(
                f"Canaries: {known:.0%} of the known ones right, {ordered:.0%} of those with an order to the judge."
            )
        if tally.twice:
            said.append(
                f"Judged twice: {tally.twice:,} turns, {tally.twice_same / tally.twice:.0%} with the same label."
            )
        if tally.position_bias is not None:
            said.append(f"Position bias: {tally.position_bias:+.3f} (0 is none).")
        if tally.neutralized_tokens:
            turns = tally.neutralized_turns
            said.append(f"Control tokens made harmless: {tally.neutralized_tokens:,} in {turns:,} turns.")
        retries = sum(self.traffic["retries"].values())
        said.append(f"Sent: {self.traffic['attempts']:,} requests, {retries:,} of them again.")
        cost = self.traffic["all_runs"]["cost_usd"]
        said.append(
            f"Cost of this folder so far: {cost} US dollars."
            if cost
            else "Cost: unknown, the price table does not have this model."
        )
        return said

    def as_json(self) -> dict[str, Any]:
        """Return the report as it is kept."""
        return {
            **self.job,
            "turns": {
                "read": self.account.read,
                "bad": dict(self.account.bad),
                "samples": self.account.samples,
            },
            **self.tally.as_json(),
            "checks": self.checks.as_json() if self.checks else None,
            "server": self.server,
            "traffic": self.traffic,
            "stopped": self.stopped,
            "warnings": self.warnings,
        }


def _traffic(cache: Cache, asker: Asker) -> dict[str, Any]:
    """Return what was sent in this run, and what all runs of the folder sent and paid together."""
    kinds = cache.query(
        "SELECT kind, count(*), sum(prompt_tokens), sum(cached_tokens), sum(completion_tokens) FROM attempts "
        "GROUP BY kind ORDER BY kind"
    )
    price = asker.purse.price
    return {
        "attempts": asker.traffic.attempts,
        "retries": dict(sorted(asker.traffic.retries.items())),
        "pauses": asker.gate.pauses,
        "all_runs": {
            "attempts": {kind: count for kind, count, *_ in kinds},
            "prompt_tokens": _sum(row[2] for row in kinds),
            "cached_tokens": _sum(row[3] for row in kinds),
            "completion_tokens": _sum(row[4] for row in kinds),
            "cost_usd": f"{spent_before(cache):f}" if price else None,
        },
    }


def _sum(values: Iterable[int | None]) -> int:
    return sum(value or 0 for value in values)
