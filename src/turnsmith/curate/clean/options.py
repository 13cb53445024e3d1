"""What a cleaning may be told."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class CleanOptions:
    """Hold the settings of a cleaning.

    `only` names the rules to apply (all by default), `skip` those to leave out. The token rule needs
    `max_tokens`, the language rule needs `languages` (ISO 639-1 codes). `key_file` makes pseudonyms stable
    across runs. Lengths are in characters (Unicode code points), `noise_share` is a part of 1.
    """

    scrub: bool = True
    key_file: Path | None = None
    max_tokens: int | None = None
    tokenizer: str | None = None
    chat_template: str | None = None
    languages: tuple[str, ...] = ()
    min_user_chars: int = 80
    noise_share: float = 0.5
    refusal_max_chars: int = 1000
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
