"""How much of a file stands around a hole."""

from turnsmith.sources.code.fim.holes import Hole

BEFORE = 0.6
"""The share of the room that goes to what stands before the hole."""


def window(text: str, hole: Hole, begin: int, budget: int) -> tuple[int, int] | None:
    """Return the characters (start, end) of a file that an example shows, the hole included, within a budget.

    Both are line borders, or the ends of the file (from `begin` on). What one side can't use goes to the other.
    None where the lines that the hole stands in don't fit.
    """
    room = budget - (hole.end - hole.start)
    after = len(text) - hole.end
    if room < 0:
        return None
    start = _line_start(text, hole, begin, max(int(room * BEFORE), room - after))
    if start is None:
        return None
    end = _line_end(text, hole, room - (hole.start - start))
    if end is None:
        return None
    # The end stands at a line border, too, and may have left room for one more line at the start.
    return _line_start(text, hole, begin, room - (end - hole.end)) or begin, end


def _line_start(text: str, hole: Hole, begin: int, room: int) -> int | None:
    """Return the first line start within `room` characters before the hole."""
    earliest = hole.start - room
    if earliest <= begin:
        return begin
    border = text.find("\n", earliest - 1, hole.start)
    return border + 1 if border >= 0 else None


def _line_end(text: str, hole: Hole, room: int) -> int | None:
    """Return the last line end within `room` characters behind the hole."""
    latest = hole.end + room
    if latest >= len(text):
        return len(text)
    border = text.rfind("\n", hole.end, latest)
    return border + 1 if border >= 0 else None
