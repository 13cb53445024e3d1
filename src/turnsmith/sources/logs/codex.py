"""Codex: rollout files, `~/.codex/sessions/<year>/<month>/<day>/rollout-<time>-<session>.jsonl`.

A line is `{timestamp, type, payload}`; files of the first versions hold the bare payloads. What went to and from
the model are the `response_item` records; the `event_msg` records repeat them for the screen. But only what a
person typed has a `user_message` event, which tells it from the context that the client adds in the same role.
"""

import re
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

from turnsmith.core.chat import text_of
from turnsmith.curate.account import Account
from turnsmith.sources.logs.documents import first_records, read_records
from turnsmith.sources.logs.drafts import Draft, settle
from turnsmith.sources.logs.transcript import Message, ToolCall, Transcript, Usage
from turnsmith.sources.logs.values import Record, as_json, count, instant, items, shown, string, table

SOURCE = "codex"

ENVELOPES = frozenset({"session_meta", "turn_context", "response_item", "event_msg", "compacted"})
CALLS = frozenset({"function_call", "custom_tool_call", "local_shell_call"})
RESULTS = frozenset({"function_call_output", "custom_tool_call_output"})
REPEATS = frozenset({"agent_message", "agent_reasoning", "agent_reasoning_raw_content", "user_message"})

# What the client writes in the role of the user.
CONTEXT = re.compile(
    r"\s*(?:# AGENTS\.md instructions|<(?:environment_context|user_instructions|instructions|permissions instructions"
    r"|turn_aborted|collaboration_mode|skills?|skills_instructions|subagent_notification|user_shell_command"
    r"|user_action|model_switch|personality_spec)\b)",
    re.IGNORECASE,
)
# Editors put the open files in front of the request, under a heading of its own.
EDITOR_CONTEXT = "# Context from my IDE setup:"
REQUEST = re.compile(r"^## My request for [^\n]{1,40}:[ \t]*\n", re.MULTILINE)
IMAGE_TAG = re.compile(r"\s*</?image\b[^>]*>\s*")
EXIT_CODE = re.compile(r'^Exit code: (\d+)|"metadata":\{"exit_code":(\d+)')


def looks_like(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is a rollout."""
    return any(
        ("payload" in fields and fields.get("type") in ENVELOPES)
        or ({"id", "timestamp", "instructions"} <= fields.keys() and "type" not in fields)
        for fields in first_records(head)
    )


def read(path: str, account: Account) -> Iterator[Transcript]:
    """Yield the session of a rollout, a transcript for each part that compaction cut it into.

    A record of the account is a line. Memory is bounded by the texts of the session. Raises InputError for a file
    that can't be read.
    """
    session = _Session(path, account)
    for place, line in read_records(path, account):
        reason = session.take(line, place)
        if reason:
            account.drop(reason, place)
    yield from session.transcripts()


class _Session:
    """Gather what the records of one rollout say, in their order."""

    def __init__(self, path: str, account: Account) -> None:
        self.path, self.account = path, account
        self.meta: Record = {}
        self.model: str | None = None
        self.typed: set[str] = set()
        self.segments: list[list[Draft]] = [[]]
        self.open: Draft | None = None  # the answer that the next item of the model belongs to
        self.usage: tuple[Usage, str] | None = None  # reported before the answer it is about
        self.totals: Any = None
        self.aborted = False

    def take(self, line: Record, place: str) -> str | None:
        """Take a record in; return why it is of no use, or None."""
        kind, payload = line.get("type"), line.get("payload")
        if not isinstance(payload, dict):  # the first versions wrote no envelope
            kind = "response_item" if "type" in line else "session_meta" if "instructions" in line else None
            payload = line
        if kind == "response_item":
            return self._item(payload, place, instant(line.get("timestamp") or payload.get("timestamp")))
        if kind == "event_msg":
            return self._event(payload, place)
        if kind == "turn_context":
            self.open = None
            self.model = string(payload.get("model")) or self.model
        elif kind == "session_meta":
            if self.meta:  # a fork carries the head of the session that it comes from
                return "head of another session"
            self.meta = payload
        elif kind == "compacted":
            self._compact(payload, instant(line.get("timestamp")))
        else:
            return "record of an unknown kind"
        self.account.kept += 1
        return None

    def _event(self, event: Record, place: str) -> str | None:
        kind = string(event.get("type"))
        if kind == "token_count":
            return self._tokens(event, place)
        if kind == "turn_aborted":
            self.aborted = True  # what the model had said by then may still come
        if kind == "user_message":
            self.typed |= {string(event.get("message")).strip()} - {""}
        return "event that repeats a message" if kind in REPEATS else "notice of the client"

    def _tokens(self, event: Record, place: str) -> str | None:
        info = table(event.get("info"))
        last = table(info.get("last_token_usage"))
        if not last:
            return "notice of the client"
        totals = info.get("total_token_usage")
        if totals is not None and totals == self.totals:
            return "token count sent again"
        self.totals = totals
        usage = Usage(
            prompt_tokens=count(last.get("input_tokens")),
            completion_tokens=count(last.get("output_tokens")),
            cached_tokens=count(last.get("cached_input_tokens")),
        )
        if self.open and self.open.message.usage is None:
            self.open.message.usage = usage
            self.open.places.append(place)
        else:  # up to version 0.4x the count comes before the items of its call
            self._forget_usage()
            self.usage = usage, place
        return None

    def _forget_usage(self) -> None:
        if self.usage:
            self.account.drop("token count of no answer", self.usage[1])
        self.usage = None

    def _item(self, item: Record, place: str | None, time: str | None) -> str | None:
        kind = string(item.get("type"))
        if kind == "message":
            return self._message(item, place, time)
        if kind == "reasoning":
            answer = self._answer(place, time)
            thought = text_of(item.get("content")) or text_of(item.get("summary"))
            answer.reasoning = _joined(answer.reasoning, thought)
        elif kind in CALLS:
            call = _call(item)
            if not call.id:
                return "tool call without an id"
            self._answer(place, time).tool_calls.append(call)
        elif kind in RESULTS:
            text, failed = _result(item.get("output"))
            call_id = string(item.get("call_id"))
            self._add(Message("tool", text, tool_call_id=call_id, is_error=failed, time=time), place)
        else:
            return "record of an unknown kind"
        return None

    def _message(self, item: Record, place: str | None, time: str | None) -> str | None:
        role = item.get("role")
        if role == "assistant":
            thought, said = _spoken(item.get("content"))
            answer = self._answer(place, time)
            answer.reasoning = _joined(answer.reasoning, thought)
            answer.text = _joined(answer.text, said)
        elif role == "user":
            self._forget_usage()
            self._add(Message("user", self._user_text(item.get("content")), time=time), place)
        else:
            return "instructions of the client"
        return None

    def _user_text(self, content: Any) -> str:
        images = sum(table(part).get("type") == "input_image" for part in items(content))
        if images:
            self.account.note("images left out", images)
        parts = [part for part in items(content) if not IMAGE_TAG.fullmatch(text_of([part]))]
        return string(content) or text_of(parts)

    def _answer(self, place: str | None, time: str | None) -> Message:
        """Return the answer that is being written, a new one after anything else came in between."""
        if self.open is None:
            self.open = self._add(Message("assistant", model=self.model, time=time), None)
            if self.usage:
                self.open.message.usage, where = self.usage
                self.open.places.append(where)
                self.usage = None
        if place:
            self.open.places.append(place)
        return self.open.message

    def _add(self, message: Message, place: str | None) -> Draft:
        self.open = None
        if message.role == "user":
            self._mark_cut()
        draft = Draft(message, [place] if place else [])
        self.segments[-1].append(draft)
        return draft

    def _mark_cut(self) -> None:
        """Mark the turn that ends here, if a person broke it off."""
        if self.aborted:
            for draft in reversed(self.segments[-1]):
                draft.message.cut = True
                if draft.message.role == "user":
                    break
        self.aborted = False

    def _compact(self, payload: Record, time: str | None) -> None:
        """Begin a new part with the history that the model was left with, or the summary of it."""
        self._forget_usage()
        self._mark_cut()
        self.open = None
        asked = {
            draft.message.text for part in self.segments for draft in part if draft.message.role == "user"
        }
        self.segments.append([])
        history = items(payload.get("replacement_history"))
        for item in history:
            if self._item(table(item), None, time):
                self.account.note("items of a compacted history left out")
        summary = string(payload.get("message"))
        if summary and not history:
            self._add(Message("user", summary, time=time), None)
        for draft in self.segments[-1]:
            draft.message.generated = draft.message.role == "user" and draft.message.text not in asked
        self.open = None

    def transcripts(self) -> Iterator[Transcript]:
        """Yield the parts that hold a message; account for what turned out to be of no use."""
        self._forget_usage()
        self._mark_cut()
        git = table(self.meta.get("git"))
        for number, drafts in enumerate(self.segments):
            messages = settle(self._without_context(drafts), self.account)
            if messages:
                yield Transcript(
                    source=SOURCE,
                    id=string(self.meta.get("id")) or PurePath(self.path).name.split(".")[0],
                    messages=messages,
                    place=self.path,
                    segment=number,
                    parent=_parent(self.meta),
                    repo=string(git.get("repository_url")) or None,
                    branch=string(git.get("branch")) or None,
                    version=string(self.meta.get("cli_version")) or None,
                )

    def _without_context(self, drafts: list[Draft]) -> Iterator[Draft]:
        for draft in drafts:
            message = draft.message
            if message.role == "user":
                # What compaction kept has no place of its own, nor an event.
                known = not self.typed or not draft.places or message.text.strip() in self.typed
                message.text = _request(message.text) if known else ""
                if not message.text:
                    draft.drop(self.account, "context of the client")
                    continue
            yield draft


def _request(text: str) -> str:
    """Return what the person wrote of a user message, which may be nothing."""
    if CONTEXT.match(text):
        return ""
    if text.lstrip().startswith(EDITOR_CONTEXT):
        return REQUEST.split(text)[-1].strip() if REQUEST.search(text) else ""
    return text.strip()


def _spoken(content: Any) -> tuple[str, str]:
    """Return (what the model thought, what it said): some versions keep both in one message."""
    thoughts = [part for part in items(content) if table(part).get("type") == "reasoning"]
    said = [part for part in items(content) if table(part).get("type") != "reasoning"]
    return text_of(thoughts), string(content) or text_of(said)


def _joined(before: str, more: str) -> str:
    return f"{before}\n\n{more}" if before and more else before or more


def _call(item: Record) -> ToolCall:
    kind, identity = item.get("type"), string(item.get("call_id")) or string(item.get("id"))
    if kind == "custom_tool_call":  # its input is free text
        return ToolCall(identity, string(item.get("name")), as_json({"input": string(item.get("input"))}))
    if kind == "local_shell_call":
        return ToolCall(identity, "local_shell", as_json(table(item.get("action"))))
    return ToolCall(identity, string(item.get("name")), as_json(item.get("arguments")))


def _result(output: Any) -> tuple[str, bool]:
    """Return (text as the model read it, whether the tool failed)."""
    failed = table(output).get("success") is False
    if isinstance(output, dict) and "content" in output:
        output = output["content"]
    text = shown(output)
    code = EXIT_CODE.search(text[:200] + text[-200:])
    return text, failed or bool(code and (code[1] or code[2]).strip("0"))


def _parent(meta: Record) -> str | None:
    """Return the session that this one was started by or forked from: they share texts."""
    spawn = table(table(table(meta.get("source")).get("subagent")).get("thread_spawn"))
    return string(spawn.get("parent_thread_id")) or string(meta.get("forked_from_id")) or None
