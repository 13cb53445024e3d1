"""Gemini CLI: sessions, `~/.gemini/tmp/<project>/chats/session-<time>-<id>.json` or `.jsonl`.

Two layouts, whatever the file is called: one document `{sessionId, projectHash, startTime, messages}`, or lines
that build it up: a head, messages (one with a known id replaces it), `{"$set": {...}}` and `{"$rewindTo": id}`.
"""

from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

from turnsmith.core.chat import text_of
from turnsmith.core.lines import read_lines
from turnsmith.curate.account import Account
from turnsmith.sources.logs.documents import first_records, read_document, read_records, top_fields
from turnsmith.sources.logs.drafts import Draft, settle
from turnsmith.sources.logs.transcript import Message, ToolCall, Transcript, Usage
from turnsmith.sources.logs.values import Record, as_json, count, instant, items, string, table

SOURCE = "gemini"

# The client says this when it thinks that the model stopped too early.
NUDGE = "System: Please continue."
NOTICES = frozenset({"info", "warning", "error"})

Entry = tuple[Any, str | None]  # a message as it stands there, and its place


def looks_like(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is a session."""
    return any(_is_head(fields) for fields in (top_fields(head), *first_records(head)))


def _is_head(fields: dict[str, str]) -> bool:
    return "sessionId" in fields and ("projectHash" in fields or {"startTime", "messages"} <= fields.keys())


def read(path: str, account: Account) -> Iterator[Transcript]:
    """Yield the session of a file, a transcript for each part that compression cut it into.

    A record of the account is a message of a document, or a line. Memory is bounded by the document, or by the
    texts of the session. Raises InputError for a file that can't be read.
    """
    session = _Session(path, account)
    if _is_lines(path):
        for place, line in read_records(path, account):
            session.take_line(line, place)
    else:
        session.take_document(read_document(path, account))
    yield from session.transcripts()


def _is_lines(path: str) -> bool:
    """Say whether the first line is a record of its own; a document is one line without messages, or many."""
    for _, line in read_lines(path):
        return line.endswith(b"}") and b'"messages":[{' not in line.replace(b" ", b"")
    return False


class _Session:
    """Replay what the records of one session say, in their order."""

    def __init__(self, path: str, account: Account) -> None:
        self.path, self.account = path, account
        self.head: Record = {}
        self.segments: list[dict[str, Entry]] = [{}]

    def take_document(self, document: Any) -> None:
        """Take in a session in one piece."""
        self.head = table(document)
        messages = self.head.get("messages")
        if document is not None and not isinstance(messages, list):
            self.account.read += 1
            self.account.spoil(self.path, "session without a list of messages")
        for index, message in enumerate(items(messages)):
            self.account.read += 1
            place = f"{self.path}:messages[{index}]"
            if isinstance(message, dict):
                self.segments[0][place] = message, place
            else:
                self.account.spoil(place, "no JSON object")

    def take_line(self, line: Record, place: str) -> None:
        """Take in one line of a session that was written step by step."""
        if "$rewindTo" in line:
            self._rewind(string(line["$rewindTo"]))
        elif "type" in line:
            key = string(line.get("id")) or place
            before = self.segments[-1].get(key)
            if before and before[1]:
                self.account.drop("earlier state of a message", before[1])
            self.segments[-1][key] = line, place
            return
        else:
            changes = table(line.get("$set")) or line
            self.head |= {key: value for key, value in changes.items() if key != "messages"}
            if isinstance(changes.get("messages"), list):
                self._replace(changes["messages"], place)
        self.account.kept += 1

    def _rewind(self, target: str) -> None:
        """Take back the message of this id and all after it, or all where it is not known."""
        now = self.segments[-1]
        keys = list(now)
        for key in keys[keys.index(target) if target in now else 0 :]:
            self._take_back(now.pop(key))

    def _take_back(self, entry: Entry) -> None:
        if entry[1]:
            self.account.drop("taken back by a rewind", entry[1])

    def _replace(self, messages: list[Any], place: str) -> None:
        """Go on from another history: fewer of the same messages are a rewind, others a compression."""
        history = {
            string(message.get("id")) or f"{place}[{index}]": message
            for index, message in enumerate(messages)
            if isinstance(message, dict)
        }
        now = self.segments[-1]
        if now and not history.keys() <= now.keys() and not now.keys() <= history.keys():
            self.segments.append({key: (message, None) for key, message in history.items()})
            return
        for key in [key for key in now if key not in history]:
            self._take_back(now.pop(key))
        for key, message in history.items():
            now[key] = message, now[key][1] if key in now else None

    def transcripts(self) -> Iterator[Transcript]:
        """Yield the parts that hold a message."""
        for number, entries in enumerate(self.segments):
            before = self.segments[number - 1] if number else entries
            messages = settle(self._drafts(entries, before), self.account)
            if messages:
                yield Transcript(
                    source=SOURCE,
                    id=string(self.head.get("sessionId")) or PurePath(self.path).name.split(".")[0],
                    messages=messages,
                    place=self.path,
                    segment=number,
                    title=string(self.head.get("summary")) or None,
                )

    def _drafts(self, entries: dict[str, Entry], before: dict[str, Entry]) -> list[Draft]:
        drafts: list[Draft] = []
        for key, (value, place) in entries.items():
            reason, more = _read_message(value, [place] if place else [])
            if reason and place:
                self.account.drop(reason, place)
            if more and not place and key not in before:  # the summary, which a compression put there
                more[0].message.generated = more[0].message.role == "user"
            if drafts and more and _is_rest(more[0].message, drafts[-1].message):
                rest = more.pop(0)
                drafts[-1].message.tool_calls = rest.message.tool_calls
                drafts[-1].places += rest.places
            drafts += more
        return drafts


def _is_rest(message: Message, before: Message) -> bool:
    """Say whether a message holds the tool calls of the answer before it, which a notice has cut in two."""
    calls_only = bool(message.tool_calls) and not (message.text or message.reasoning or message.usage)
    return calls_only and before.role == "assistant" and not before.tool_calls


def _read_message(value: Record, places: list[str]) -> tuple[str | None, list[Draft]]:
    """Return (why a message is of no use, the drafts it makes): a message with tool calls brings their results."""
    kind, time = string(value.get("type")), instant(value.get("timestamp"))
    identity = string(value.get("id")) or None
    text = text_of(value.get("content"))
    if kind == "user":
        if text.strip() == NUDGE:
            return "prompt of the client", []
        user = Draft(Message("user", text, time=time, id=identity), places)
        return (None, [user]) if text else ("empty message", [])
    if kind != "gemini":
        return "notice of the client" if kind in NOTICES else "record of an unknown kind", []
    calls = [call for call in map(table, items(value.get("toolCalls"))) if string(call.get("id"))]
    answer = Message(
        "assistant",
        text,
        tool_calls=[
            ToolCall(string(call["id"]), string(call.get("name")), as_json(call.get("args")))
            for call in calls
        ],
        reasoning="\n\n".join(filter(None, map(_thought, items(value.get("thoughts"))))),
        model=string(value.get("model")) or None,
        time=time,
        usage=_usage(table(value.get("tokens"))),
        id=identity,
    )
    results = [
        Draft(
            Message(
                "tool",
                _result_text(call),
                tool_call_id=string(call["id"]),
                is_error=call.get("status") in ("error", "cancelled"),
                time=instant(call.get("timestamp")),
            )
        )
        for call in calls
        if call.get("result") or call.get("resultDisplay")
    ]
    return None, [Draft(answer, places), *results]


def _thought(value: Any) -> str:
    thought = table(value)
    parts = (string(thought.get("subject")), string(thought.get("description")))
    return "\n".join(filter(None, parts))


def _usage(tokens: Record) -> Usage | None:
    """Return the tokens of a call; `input` holds what came from the cache, thoughts are tokens of the answer."""
    if not any(map(count, tokens.values())):
        return None
    prompt, answer = count(tokens.get("input")), count(tokens.get("output"))
    return Usage(
        prompt_tokens=None if prompt is None else prompt + (count(tokens.get("tool")) or 0),
        completion_tokens=None if answer is None else answer + (count(tokens.get("thoughts")) or 0),
        cached_tokens=count(tokens.get("cached")),
    )


def _result_text(call: Record) -> str:
    """Return what the model was given: the response's output or error, other parts as they are."""
    texts = []
    for part in items(call.get("result")):
        response = table(table(part).get("functionResponse")).get("response")
        if response is None:
            texts.append(text_of([part]))
        else:
            answer = table(response)
            texts.append(string(answer.get("output")) or string(answer.get("error")) or as_json(response))
    return "\n".join(filter(None, texts)) or string(call.get("result")) or string(call.get("resultDisplay"))
