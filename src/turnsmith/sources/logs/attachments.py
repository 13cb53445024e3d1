"""How files that came with a message stand in its text."""

import re

_TICKS = re.compile(r"`{3,}")


def fenced(name: str, content: str) -> str:
    """Return a file's content in a fence under its name."""
    return f"{named(name)}\n{fenced_code('', content)}"


def fenced_code(language: str, content: str) -> str:
    """Return code in a fence that nothing within can close; "" for blank code."""
    if not content.strip():
        return ""
    longest = max((len(ticks) for ticks in _TICKS.findall(content)), default=2)
    fence = "`" * (longest + 1)
    end = "" if content.endswith("\n") else "\n"
    return f"{fence}{' '.join(language.split())}\n{content}{end}{fence}"


def named(name: str) -> str:
    """Return the line that stands for a file; a name is one line, whatever it holds."""
    return f"[Attached file: {' '.join(name.split())}]"
