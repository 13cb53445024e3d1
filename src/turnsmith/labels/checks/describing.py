"""What a turn is beside its text: bucket, position, language, length. A label should not hide in any of it."""

from turnsmith.curate.clean.rules.language import possible_languages

BUCKET, POSITION, LANGUAGE, LENGTH = "bucket", "position", "language", "length"
PROPERTIES = (BUCKET, POSITION, LANGUAGE, LENGTH)
UNSURE = "unsure"
_LOOK = 1_000
_POSITIONS = ((1, "1"), (2, "2"), (3, "3"), (5, "4 to 5"), (10, "6 to 10"))
LATE = "11 and later"


def position_of(turn_index: int) -> str:
    """Return where in its conversation a turn stands, late turns together."""
    return next((name for last, name in _POSITIONS if turn_index <= last), LATE)


def language_of(text: str) -> str:
    """Return the ISO 639-1 code of a request's language, `unsure` where it can't be told from its beginning."""
    possible = possible_languages(text[:_LOOK])
    return next(iter(possible)) if possible is not None and len(possible) == 1 else UNSURE
