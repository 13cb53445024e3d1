"""The portable hash (contract §3): the same 60-bit integer in Python, DuckDB, Spark and Kusto."""

import hashlib

HEX_DIGITS = 15


def portable_hash(text: str) -> int:
    """Return the first 15 hex digits of the SHA-256 of `text` in UTF-8, as an integer below 2**60."""
    return int(hashlib.sha256(text.encode()).hexdigest()[:HEX_DIGITS], 16)
