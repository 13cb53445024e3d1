"""What a cleaning did, for people and for machines."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from turnsmith.curate.account import Account


@dataclass(slots=True)
class CleanReport:
    """Hold the account of a cleaning: each line ends as a bad one, under one rule, or in `kept`.

    `scrubbed` and `scrubbed_of_dropped` count the values that were replaced, by type, in what was kept and in
    what was dropped; `parameters` says what each applied rule was told, in the order of the rules.
    """

    source: str
    out: str
    scrub: bool
    pseudonyms: bool
    parameters: Mapping[str, Mapping[str, Any]]
    account: Account = field(default_factory=Account)
    scrubbed: Counter[str] = field(default_factory=Counter)
    scrubbed_of_dropped: Counter[str] = field(default_factory=Counter)

    def rows(self) -> list[tuple[str, int]]:
        """Return the funnel as (label, count), losses indented, every applied rule with its row."""
        account = self.account
        assert account.read == account.kept + sum(account.dropped.values()), "an example was counted twice"
        return [
            ("lines", account.read + sum(account.bad.values())),
            *((f"  {reason}", count) for reason, count in sorted(account.bad.items())),
            ("examples", account.read),
            *((f"  {rule}", account.dropped[rule]) for rule in self.parameters),
            ("kept", account.kept),
        ]

    def as_json(self) -> dict[str, Any]:
        """Return the report, the same for the same input and settings."""
        account = self.account
        return {
            "input": self.source,
            "output": self.out,
            "lines": account.read + sum(account.bad.values()),
            "bad": dict(sorted(account.bad.items())),
            "read": account.read,
            "dropped": {rule: account.dropped[rule] for rule in self.parameters},
            "kept": account.kept,
            "samples": account.samples,
            "rules": {rule: dict(parameters) for rule, parameters in self.parameters.items()},
            "scrub": {
                "on": self.scrub,
                "pseudonyms": self.pseudonyms,
                "kept": dict(sorted(self.scrubbed.items())),
                "dropped": dict(sorted(self.scrubbed_of_dropped.items())),
            },
        }
