"""The tables of rules in docs/scrubbing.md are those of the program."""

from pathlib import Path

from turnsmith.curate.scrub.rules import PACK, PERSONAL, SECRETS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "scrubbing.md"


def test_rules_are_described() -> None:
    """docs/scrubbing.md has every rule with its type and what it finds, in order, under its heading."""
    text = PAGE.read_text(encoding="utf-8")
    for heading, group in (("### Secrets", SECRETS), ("### Personal data", PERSONAL)):
        section = text.partition(heading)[2].partition("\n#")[0]
        rows = [line for line in section.splitlines() if line.startswith("| `")]
        assert rows == [
            f"| `{rule.name}` | `{rule.kind}` | {rule.what} |" for rule in PACK if rule.group == group
        ]
