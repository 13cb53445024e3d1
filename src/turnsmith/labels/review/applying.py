"""Write people's votes into the labeled set that they are about."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from turnsmith.core.errors import EmptyResultError
from turnsmith.curate.account import Account
from turnsmith.labels import labeled_set
from turnsmith.labels.records import Label
from turnsmith.labels.review.voting import Votes, consensus


@dataclass(slots=True)
class ApplyReport:
    """Hold the account of the vote files' rows, and what became of the turns that were voted on."""

    account: Account = field(default_factory=Account)
    turns: int = 0
    applied: int = 0
    tied: int = 0
    not_in_the_set: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return the report."""
        return {
            "account": self.account.as_json(),
            "turns": self.turns,
            "applied": self.applied,
            "tied": self.tied,
            "not_in_the_set": self.not_in_the_set,
        }


def apply(folder: Path, votes: Votes) -> ApplyReport:
    """Set `vote` of each label that was voted on to what most raters said; a tie leaves it as it was.

    `llm_vote` and `soft_label` stay. The set is replaced as a whole. Raises EmptyResultError, and changes
    nothing, where no vote is about a turn of the set.
    """
    place = labeled_set.find(folder)
    told = labeled_set.report(place)
    report = ApplyReport(votes.account, turns=len(votes.by_turn))
    met = sum((each.conversation_id, each.message_id) in votes.by_turn for each in labeled_set.read(place))
    if not met:
        raise EmptyResultError(
            f"{place}: none of the {len(votes.by_turn)} turns that were voted on is in this set"
        )
    report.not_in_the_set = report.turns - met
    about = {key: value for key, value in told.items() if key not in labeled_set.COUNTED}
    name = place.name.removeprefix(labeled_set.PREFIX)
    labeled_set.write(place.parent, name, _voted(place, votes, report), about, replace=True)
    return report


def _voted(place: Path, votes: Votes, report: ApplyReport) -> Iterator[Label]:
    for label in labeled_set.read(place):
        given = votes.by_turn.get((label.conversation_id, label.message_id))
        vote = consensus(given) if given else None
        report.applied += vote is not None
        report.tied += given is not None and vote is None
        yield label if vote is None else msgspec.structs.replace(label, vote=vote)
