"""Text from outside, made harmless for a terminal."""

from rich.text import Text


def shown(text: str, style: str = "") -> Text:
    """Return a text from outside as it may be shown: no markup, control characters as escapes."""
    return Text("".join(char if char.isprintable() else repr(char)[1:-1] for char in text), style=style)
