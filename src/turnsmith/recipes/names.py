"""Names that become parts of paths."""

import re


def safe_name(text: str) -> str:
    """Return a name that is fit for a file; raises ValueError for others."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", text):
        raise ValueError(f"must be letters, digits, dots, dashes or underscores, not {text!r}")
    return text
