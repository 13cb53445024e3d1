"""What mining did, for people and for machines."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from turnsmith.curate.account import Account
from turnsmith.sources.code.licenses import OTHER_LICENSE, UNKNOWN, UNKNOWN_LICENSE, Verdict

MANY_UNPARSED = 0.1


@dataclass(slots=True)
class RepositoryReport:
    """Hold what became of one repository or folder; `denied` is why it was left out, "" if it was not."""

    name: str
    place: str
    commit: str = ""
    license: Verdict = field(default_factory=Verdict)
    denied: str = ""
    files: int = 0
    examples: int = 0

    @property
    def why_denied(self) -> str:
        """Return why it was left out, for a person; with what is known of the license where that is the reason."""
        by_license = self.denied in (UNKNOWN_LICENSE, OTHER_LICENSE)
        return f"{self.denied}: {self.license.told()}" if by_license else self.denied

    def as_json(self) -> dict[str, Any]:
        """Return the repository for a report."""
        return {
            "name": self.name,
            "place": self.place,
            "commit": self.commit,
            "license": self.license.as_json(),
            "denied": self.denied,
            "files": self.files,
            "examples": self.examples,
        }


@dataclass(slots=True)
class LanguageReport:
    """Hold a language's files: read, of broken syntax, used, the bytes of those read, and the examples."""

    read: int = 0
    unparsed: int = 0
    used: int = 0
    bytes: int = 0
    examples: int = 0

    def as_json(self) -> dict[str, int]:
        """Return the language for a report."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(slots=True)
class FimReport:
    """Hold the accounts of repositories and files, and counts of examples by language, span, license and order."""

    out: str
    repositories: list[RepositoryReport] = field(default_factory=list)
    places: Account = field(default_factory=Account)
    files: Account = field(default_factory=Account)
    languages: dict[str, LanguageReport] = field(default_factory=dict)
    examples: int = 0
    thinned_folders: int = 0
    spans: Counter[str] = field(default_factory=Counter)
    orders: Counter[str] = field(default_factory=Counter)
    licenses: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)

    def language(self, name: str) -> LanguageReport:
        """Return the counts of a language."""
        return self.languages.setdefault(name, LanguageReport())

    def rows(self) -> list[tuple[str, int]]:
        """Return the funnel as (label, count), losses indented."""
        return [
            ("repositories", self.places.read),
            *((f"  {reason}", count) for reason, count in sorted(self.places.dropped.items())),
            ("files", self.files.read),
            *((f"  {reason}", count) for reason, count in sorted(self.files.dropped.items())),
            ("files used", self.files.kept),
            ("examples", self.examples),
            *((f"  of {kind}", count) for kind, count in sorted(self.spans.items())),
        ]

    def warnings(self) -> list[str]:
        """Return what a person should know: repositories left out, licenses unknown, grammars that fail."""
        found = [f"{each.name}: left out: {each.why_denied}" for each in self.denied]
        if count := self.licenses[UNKNOWN]:
            found.append(f"{count:,} examples are of code whose license is unknown")
        found += [
            f"{name}: {each.unparsed:,} of {each.read:,} files do not parse; their syntax may be newer than the grammar"
            for name, each in sorted(self.languages.items())
            if each.unparsed > MANY_UNPARSED * each.read
        ]
        return found

    @property
    def denied(self) -> list[RepositoryReport]:
        """Return the repositories that were left out."""
        return [each for each in self.repositories if each.denied]

    def as_json(self) -> dict[str, Any]:
        """Return the report, the same for the same input and settings."""
        return {
            "out": self.out,
            "repositories": [each.as_json() for each in self.repositories],
            "repositories_account": self.places.as_json(),
            "files": self.files.as_json(),
            "bytes": sum(each.bytes for each in self.languages.values()),
            "languages": {name: each.as_json() for name, each in sorted(self.languages.items())},
            "examples": self.examples,
            "thinned_folders": self.thinned_folders,
            "spans": dict(sorted(self.spans.items())),
            "orders": dict(sorted(self.orders.items())),
            "licenses": dict(sorted(self.licenses.items())),
            "holes_missed": dict(sorted(self.missed.items())),
        }
