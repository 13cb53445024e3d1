"""What came of mining: the account of commits and of examples, by repository."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from turnsmith.curate.account import Account
from turnsmith.sources.code.licenses import OTHER_LICENSE, UNKNOWN_LICENSE, Verdict

MERGE = "merge"
OUTSIDE = "outside the window"
SHOWN = 3
MOST = 5


@dataclass(slots=True)
class RepositoryReport:
    """Hold what came of one repository; `denied` is the reason why it was left out.

    `counted` is git's own count of the commits behind the revision, None where git can't count them.
    """

    name: str
    commit: str = ""
    license: Verdict = field(default_factory=Verdict)
    denied: str = ""
    shallow: bool = False
    counted: int | None = None
    stopped: str = ""
    commits: Account = field(default_factory=Account)

    @property
    def why_denied(self) -> str:
        """Return why it was left out, for a person; with what is known of the license where that is the reason."""
        by_license = self.denied in (UNKNOWN_LICENSE, OTHER_LICENSE)
        return f"{self.denied}: {self.license.told()}" if by_license else self.denied

    @property
    def seen(self) -> int:
        """Return the number of commits that were met."""
        return self.commits.read + self.commits.bad.total()

    def count_unseen(self, merges: int, outside: int) -> None:
        """Count commits that the list of ids alone is enough to drop."""
        for reason, count in ((MERGE, merges), (OUTSIDE, outside)):
            if count:
                self.commits.read += count
                self.commits.dropped[reason] += count

    def as_json(self) -> dict[str, Any]:
        """Return the report of a repository."""
        return {
            "name": self.name,
            "commit": self.commit,
            "license": self.license.as_json(),
            "denied": self.denied,
            "shallow": self.shallow,
            "rev_list_count": self.counted,
            "seen": self.seen,
            "stopped": self.stopped,
            "commits": self.commits.as_json(),
        }


@dataclass(slots=True)
class MineReport:
    """Hold what came of all repositories: examples by kind and class, and why a kind was not built of a commit."""

    out: str
    repositories: list[RepositoryReport] = field(default_factory=list)
    examples: Counter[str] = field(default_factory=Counter)
    classes: Counter[str] = field(default_factory=Counter)
    not_built: Counter[str] = field(default_factory=Counter)

    @property
    def written(self) -> int:
        """Return the number of examples."""
        return self.examples.total()

    def rows(self) -> Iterator[tuple[str, int]]:
        """Yield (label, count) as a funnel: commits of all repositories, then examples."""
        accounts = [each.commits for each in self.repositories]
        bad = sum((each.bad for each in accounts), Counter[str]())
        dropped = sum((each.dropped for each in accounts), Counter[str]())
        yield "commits", sum(each.read for each in accounts) + bad.total()
        for reason, count in [*bad.most_common(), *dropped.most_common()]:
            yield f"  {reason}", count
        yield "used", sum(each.kept for each in accounts)
        for name, count in sorted(self.classes.items()):
            yield f"  {name}", count
        yield "examples", self.written
        for kind, count in sorted(self.examples.items()):
            yield f"  {kind}", count

    def warnings(self) -> Iterator[str]:
        """Yield what a person should know of each repository."""
        for each in self.repositories:
            if each.denied:
                yield f"{each.name}: left out: {each.why_denied}"
            elif not each.license.is_known:
                yield f"{each.name}: its license is unknown: {each.license.told()}"
            if each.shallow:
                yield f"{each.name}: is a shallow clone; what lies before it can't be seen"
            if each.stopped:
                yield f"{each.name}: git could not list all commits: {each.stopped}"
            elif not each.denied and each.counted != each.seen:
                yield f"{each.name}: {each.seen:,} commits were seen, git counts {each.counted:,}"
            for reason, count in each.commits.bad.items():
                yield f"{each.name}: {count:,} x {reason}: {', '.join(each.commits.samples[reason][:SHOWN])}"

    def why_nothing(self) -> str:
        """Return what took the most, for a person: repositories left out, then reasons by their counts."""
        denied = [f"{each.name}: {each.why_denied}" for each in self.repositories if each.denied]
        reasons: Counter[str] = Counter()
        for each in self.repositories:
            reasons += each.commits.bad + each.commits.dropped
        most = [f"{reason} ({count:,})" for reason, count in reasons.most_common(MOST)]
        return "; ".join([*denied[:MOST], *most]) or "nothing, there are no commits"

    def as_json(self) -> dict[str, Any]:
        """Return the report as it is written to a file."""
        return {
            "out": self.out,
            "written": self.written,
            "examples": dict(sorted(self.examples.items())),
            "classes": dict(sorted(self.classes.items())),
            "not_built": dict(sorted(self.not_built.items())),
            "repositories": [each.as_json() for each in self.repositories],
        }
