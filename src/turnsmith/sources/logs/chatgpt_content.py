"""What a message of ChatGPT's holds, by its `content_type`; types that are new are read by where text tends to be."""

import json
import re
from typing import Any

from turnsmith.curate.account import Account
from turnsmith.sources.logs.attachments import fenced_code, named
from turnsmith.sources.logs.values import items, joined, string, table, tables

THINKING = ("thoughts", "reasoning_recap")
_KNOWN = {
    "text",
    "multimodal_text",
    "code",
    "execution_output",
    "model_editable_context",
    "tether_quote",
    "tether_browsing_display",
    "sonic_webpage",
    "system_error",
    "computer_output",
    "citable_code_output",
}
# Where the text is, the first that has some: of the model and the user, of tools, of web pages, of memory.
_TEXTS = ("text", "result", "output_str", "content", "snippet", "summary", "model_set_context")
_MEDIA = (("image", "[image]"), ("audio", "[audio]"), ("video", "[video]"))
# What the page shows as a link to a result, between two private characters.
_CITATION = re.compile("[ \\t]?\ue200(?:cite|filecite)\ue202[^\ue200\ue201]*\ue201")
_DURATION = re.compile(r"(Thought|Reasoned|Worked|Stopped|Skipped)\b.{0,60}", re.DOTALL)


def text_of(body: dict[str, Any], account: Account) -> str:
    """Return the text of a content; images and sounds are marked and counted, titles and addresses go first."""
    kind = string(body.get("content_type"))
    if kind not in _KNOWN:
        account.note("contents of an unknown type, their text taken")
    if kind == "code":
        return fenced_code(_code_language(body), string(body.get("text")))
    parts = [_part(part, account) for part in items(body.get("parts"))]
    found = joined(*parts) or next((said for key in _TEXTS if (said := string(body.get(key))).strip()), "")
    if kind == "computer_output":
        account.note("images and sounds, marked as such")
        found = joined(found, "[image]")
    heading = "\n".join(filter(None, (string(body.get("title")), string(body.get("url")))))
    return joined(heading, found) if found else ""


def without_citations(said: str, account: Account) -> str:
    """Return a text without the marks of its citations, which name results by numbers."""
    said, count = _CITATION.subn("", said)
    if count:
        account.note("marks of citations, taken out", count)
    return said


def arguments(body: dict[str, Any], account: Account) -> str:
    """Return the arguments of a tool call as JSON text: what the model wrote where that is a JSON object."""
    if body.get("content_type") == "code":
        key, written = "code", string(body.get("text"))
    else:
        key, written = "input", text_of(body, account)
    try:
        if isinstance(json.loads(written), dict):
            return written
    except (ValueError, RecursionError):
        pass
    return json.dumps({key: written}, ensure_ascii=False)


def reasoning(body: dict[str, Any]) -> str:
    """Return what the model thought; a recap that only tells how long that took is nothing."""
    thoughts = [
        joined(string(thought.get("summary")), string(thought.get("content")))
        for thought in tables(body.get("thoughts"))
    ]
    parts = [part for part in items(body.get("parts")) if isinstance(part, str)]
    found = joined(*thoughts) or joined(*parts) or string(body.get("content"))
    if body.get("content_type") == "reasoning_recap" and _DURATION.fullmatch(found.strip()):
        return ""
    return found.strip()


def custom_instructions(body: dict[str, Any], metadata: dict[str, Any]) -> str:
    """Return what the user has told the model about themselves and their wishes, older exports' place included."""
    data = table(metadata.get("user_context_message_data"))
    profile = string(body.get("user_profile")) or string(data.get("about_user_message"))
    wishes = string(body.get("user_instructions")) or string(data.get("about_model_message"))
    return joined(profile, wishes)


def attached(metadata: dict[str, Any], body: dict[str, Any], account: Account) -> list[str]:
    """Return a line for each attached file, whose content no export has; images among the parts are marked there."""
    marked = any(isinstance(part, dict) for part in items(body.get("parts")))
    lines = []
    for file in tables(metadata.get("attachments")):
        name = string(file.get("name"))
        mime = string(file.get("mime_type")) or string(file.get("mimeType"))
        if name and not (marked and mime.startswith("image/")):
            account.note("files without content, named")
            lines.append(named(name))
    return lines


def is_error(body: dict[str, Any], metadata: dict[str, Any]) -> bool:
    """Say whether a tool's result tells of a failure."""
    result = table(metadata.get("aggregate_result"))
    return (
        body.get("content_type") == "system_error"
        or bool(result.get("in_kernel_exception"))
        or bool(result.get("system_exception"))
    )


def was_cut(metadata: dict[str, Any]) -> bool:
    """Say whether a limit cut the model's text, which the next node goes on with ("Continue generating")."""
    return table(metadata.get("finish_details")).get("type") == "max_tokens"


def _code_language(body: dict[str, Any]) -> str:
    language = string(body.get("language"))
    return "" if language == "unknown" else language


def _part(part: Any, account: Account) -> str:
    if isinstance(part, str):
        return part
    kind = string(table(part).get("content_type"))
    if kind == "audio_transcription":
        return string(part.get("text"))
    for medium, mark in _MEDIA:
        if medium in kind:
            account.note("images and sounds, marked as such")
            return mark
    account.note("parts of an unknown type, left out")
    return ""
