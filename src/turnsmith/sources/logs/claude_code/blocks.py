"""Read the blocks of a record: texts, tool calls and results, token counts."""

from turnsmith.core.chat import decode, encode
from turnsmith.sources.logs.claude_code.records import Block, Record, TokenCounts, plain
from turnsmith.sources.logs.claude_code.wrappers import without_last_reminders
from turnsmith.sources.logs.transcript import Usage


def parts_of(record: Record) -> list[Block]:
    """Return the content of a record as blocks; a plain text is one."""
    content = record.message.content if record.message else None
    if not content:
        return []
    if isinstance(content, str):
        return [Block("text", content)]
    return [Block("text", part) if isinstance(part, str) else part for part in content]


def result_text(content: str | list[Block | str] | None) -> tuple[str, list[str]]:
    """Return a tool result's text, with marks such as [image] for what is no text, and what was marked."""
    if not isinstance(content, list):
        return without_last_reminders(content or ""), []
    texts, marked = [], []
    for part in content:
        if isinstance(part, str):
            texts.append(part)
        elif part.text is not None:
            texts.append(part.text)
        else:
            marked.append(plain(part.type))
            texts.append(f"[{marked[-1]}]")
    return without_last_reminders("\n".join(texts)), marked


def arguments_of(block: Block) -> str:
    """Return a call's arguments as JSON text, as they were written."""
    raw = bytes(block.input)
    if b"\\ud" in raw or b"\\uD" in raw:  # half of a surrogate pair would break whoever reads the text
        raw = encode(decode(raw)).rstrip()
    return raw.decode()


def usage_of(counts: TokenCounts | None) -> Usage | None:
    """Return the tokens of one call; the prompt is what was sent fresh, read from and written to the cache."""
    if counts is None:
        return None
    prompt = (counts.input_tokens, counts.cache_read_input_tokens, counts.cache_creation_input_tokens)
    known = [count for count in prompt if count is not None]
    return Usage(sum(known) if known else None, counts.output_tokens, counts.cache_read_input_tokens)


def widened(usage: Usage | None, other: Usage | None) -> Usage | None:
    """Return the larger counts of two records of one message: they repeat or grow, so a sum would be wrong."""
    if usage is None or other is None:
        return usage or other
    return Usage(
        _larger(usage.prompt_tokens, other.prompt_tokens),
        _larger(usage.completion_tokens, other.completion_tokens),
        _larger(usage.cached_tokens, other.cached_tokens),
    )


def _larger(one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return other if one is None else one
    return max(one, other)
