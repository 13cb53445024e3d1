"""Show transcripts and accounts as text that a person can read and compare."""

from collections.abc import Iterable

from turnsmith.curate.account import Account
from turnsmith.sources.logs.transcript import Message, Transcript


def show(transcripts: Iterable[Transcript], account: Account) -> str:
    """Return transcripts with their messages, a line each, and what became of the records."""
    parts = [
        "\n".join([_heading(transcript), *map(_line, transcript.messages)]) for transcript in transcripts
    ]
    counts = [("read", account.read), ("kept", account.kept)]
    counts += [(f"dropped, {reason}", count) for reason, count in account.dropped.items()]
    counts += [(f"bad, {reason}", count) for reason, count in account.bad.items()]
    counts += [(f"note, {what}", count) for what, count in account.notes.items()]
    return "\n\n".join([*parts, "\n".join(f"{name}: {count}" for name, count in counts)]) + "\n"


def _heading(transcript: Transcript) -> str:
    parent = f", sub-agent of {transcript.parent}" if transcript.parent else ""
    line = transcript.place.rpartition(":")[2]
    return f"{transcript.id}, segment {transcript.segment}{parent}, from line {line}"


def _line(message: Message) -> str:
    marks = "".join(f" ({name})" for name in ("generated", "cut", "is_error") if getattr(message, name))
    who = f"{message.role} {message.tool_call_id}" if message.tool_call_id else message.role
    text = message.text.replace("\n", "\\n")
    thought = f" [thinks: {message.reasoning}]" if message.reasoning else ""
    calls = "".join(f" -> {call.id} {call.name} {call.arguments}" for call in message.tool_calls)
    usage = message.usage
    counts = (
        f" {{{usage.prompt_tokens}, {usage.cached_tokens} cached, {usage.completion_tokens}}}"
        if usage
        else ""
    )
    return f"  {who}{marks}: {text}{thought}{calls}{counts}"
