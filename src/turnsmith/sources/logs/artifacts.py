"""Artifacts of claude.ai: what the assistant wrote for the user beside the chat, put into its text.

They come as calls of a tool, as blocks of their own, or, from the first models that had them, in tags in the text.
"""

import re
from typing import Any

from turnsmith.curate.account import Account
from turnsmith.sources.logs.attachments import fenced_code
from turnsmith.sources.logs.values import joined, string

TOOLS = ("artifacts", "create_artifact")
_PROSE = ("text/markdown", "text/plain")
_LANGUAGES = {
    "application/vnd.ant.react": "jsx",
    "application/vnd.ant.mermaid": "mermaid",
    "image/svg+xml": "svg",
    "application/javascript": "javascript",
    "application/json": "json",
}
_LANGUAGE = re.compile(r"[\w+#.-]{1,30}")  # what may stand behind a fence
# An artifact without an end was cut by a token limit. Every repetition is bound or takes all it can get, so that
# no text takes long.
_TAG = re.compile(
    r'<(antArtifact|[a-z]{1,30}:artifact)((?:\s++[a-z]{1,30}="[^"]{0,500}+")++)\s*+>(.*?)(?:</\1>|\Z)',
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r'([a-z]{1,30})="([^"]*)"')


class Artifacts:
    """Write the artifacts of one conversation as text; a change names its artifact only by the id."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._known: dict[str, dict[str, str]] = {}

    def written(self, record: dict[str, Any]) -> str:
        """Return an artifact's content, or the change to it, under its title; "" where the record has neither."""
        name = string(record.get("id")) or string(record.get("identifier"))
        known = self._known.get(name, {})
        about = {key: string(record.get(key)) or known.get(key, "") for key in ("title", "type", "language")}
        content = string(record.get("content")) or string(record.get("text"))
        old, new = string(record.get("old_str")), string(record.get("new_str"))
        changes = bool(old.strip() or new.strip())
        if changes and (record.get("command") == "update" or not content.strip()):
            shown = _change(about, old, new)
        elif content.strip():
            shown = _whole(about, content)
        else:
            return ""
        self._known[name] = about
        self._account.note("artifacts taken into the text")
        return shown

    def in_place(self, said: str) -> str:
        """Return a text with the artifacts in its tags written out."""
        parts, end = [], 0
        for tag in _TAG.finditer(said):
            record = dict(_ATTRIBUTE.findall(tag[2])) | {"content": tag[3].strip("\n")}
            parts += [said[end : tag.start()].strip(), self.written(record)]
            end = tag.end()
        return joined(*parts, said[end:].strip()) if parts else said


def _whole(about: dict[str, str], content: str) -> str:
    prose = about["type"] in _PROSE or (not about["type"] and about["language"] == "markdown")
    title = _line(about["title"])
    return joined(
        f"**{title}**" if title else "", content.strip() if prose else fenced_code(_language(about), content)
    )


def _change(about: dict[str, str], old: str, new: str) -> str:
    verb = "replace" if old.strip() and new.strip() else "remove" if old.strip() else "add"
    title, language = _line(about["title"]), _language(about)
    return joined(
        f"In **{title}**, {verb}:" if title else f"{verb.capitalize()}:",
        fenced_code(language, old),
        "with:" if verb == "replace" else "",
        fenced_code(language, new),
    )


def _line(title: str) -> str:
    return " ".join(title.split())


def _language(about: dict[str, str]) -> str:
    """Return what to name the fence: the language given, else the one that the type tells; "" for none."""
    family, _, kind = about["type"].partition("/")
    told = kind.removeprefix("x-") if family == "text" and kind != "plain" else ""
    language = about["language"] or _LANGUAGES.get(about["type"], told)
    return language if _LANGUAGE.fullmatch(language) else ""


def tagged_in(flat: str, name: str) -> str:
    """Return the artifact with this identifier as it stands in a text, tags included; "" for none."""
    return next((tag[0] for tag in _TAG.finditer(flat) if f'identifier="{name}"' in tag[2]), "")


def text_behind(flat: str, said: list[str]) -> str:
    """Return what the flat text of a message has behind the texts of its blocks; "" where it has not all of these.

    Some exports have only there what the assistant says after an artifact.
    """
    end = 0
    for each in said:
        start = flat.find(each.strip(), end)
        if start < 0:
            return ""
        end = start + len(each.strip())
    return flat[end:].strip() if said else ""
