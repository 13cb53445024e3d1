"""Sessions as one document: `chatSessions/<id>.json` (versions 1 to 3), what an operation log leaves, Export Chat.

What really went to and from the model are `result.metadata.toolCallRounds` and `toolCallResults`. The parts of
`response` are what the panel showed; they stand in where there are no rounds.
"""

import hashlib
from collections.abc import Iterator
from typing import Any

from turnsmith.core.chat import encode
from turnsmith.curate.account import Account
from turnsmith.sources.logs.copilot_chat.parts import (
    FAILED_TOOL,
    after_tools,
    call_id,
    joined,
    result_text,
    spoken,
    thoughts,
)
from turnsmith.sources.logs.documents import top_fields
from turnsmith.sources.logs.transcript import Message, ToolCall, Transcript, Usage
from turnsmith.sources.logs.values import Record, as_json, count, instant, items, string, table

SOURCE = "copilot-chat"

UNFINISHED, CANCELLED, FAILED = "unfinished request", "cancelled request", "failed request"
ENDINGS = {0: UNFINISHED, 2: CANCELLED, 3: FAILED, 4: UNFINISHED}


def looks_like(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is a session or an export of one."""
    fields = top_fields(head)
    known = fields.keys() & {"responderUsername", "requesterUsername", "initialLocation", "creationDate"}
    return "requests" in fields and (bool(known) or b'"requestId"' in head)


def read(document: Any, path: str, account: Account) -> Iterator[Transcript]:
    """Yield the conversation of a session, if any request of it has an answer."""
    session = table(document)
    requests = session.get("requests")
    if not isinstance(requests, list):
        if document is not None:
            account.read += 1
            account.spoil(path, "session without a list of requests")
        return
    messages: list[Message] = []
    for index, request in enumerate(requests):
        account.read += 1
        place = f"{path}:requests[{index}]"
        if not isinstance(request, dict):
            account.spoil(place, "no JSON object")
            continue
        reason, turn = _turn(request, account)
        messages += turn
        if reason:
            account.drop(reason, place)
        else:
            account.kept += 1
    if messages:
        yield Transcript(
            source=SOURCE,
            id=string(session.get("sessionId")) or _id_of(requests),
            messages=messages,
            place=path,
            title=string(session.get("customTitle")) or None,
            version=_version(requests),
        )


def _id_of(requests: list[Any]) -> str:
    """Return the id of an export, which carries none of its own: the session's, or one made of the first request.

    So a chat that is exported again, when it has grown, keeps its id.
    """
    first = next(request for request in requests if isinstance(request, dict))
    session = string(table(table(first.get("result")).get("metadata")).get("sessionId"))
    if session:
        return session
    content = {key: first.get(key) for key in ("requestId", "timestamp", "message")}
    return hashlib.sha256(encode(content)).hexdigest()[:32]


def _version(requests: list[Any]) -> str | None:
    versions = (string(table(table(request).get("agent")).get("extensionVersion")) for request in requests)
    return next(filter(None, versions), None)


def _turn(request: Record, account: Account) -> tuple[str | None, list[Message]]:
    """Return (why a request is left out, its messages)."""
    if request.get("shouldBeRemovedOnSend"):
        return "request taken back by the user", []
    text = _request_text(request)
    if not text:
        return "empty request", []
    user = Message(
        "user", text, time=instant(request.get("timestamp")), id=string(request.get("requestId")) or None
    )
    answer = _rounds(request, account)
    ending = _ending(request)
    if ending:
        # What was asked stays part of the chat if a person cut the answer off; the next request builds on it.
        answer = _whole_rounds(answer)
        if not answer and ending != CANCELLED:
            return ending, []
        user.cut = True
        account.note(f"{ending}, kept up to its last whole round")
    else:
        answer += _rest(request, bool(answer), account)
        if not any(message.text or message.tool_calls for message in answer):
            return "request without an answer", []
        answer[-1 if answer[-1].role == "assistant" else 0].usage = _usage(request)
    _note(request, answer, account)
    return None, [user, *answer]


def _request_text(request: Record) -> str:
    message = request.get("message")
    parts = items(table(message).get("parts"))
    typed = string(message) or string(table(message).get("text"))
    return (typed or "".join(string(table(part).get("text")) for part in parts)).strip()


def _ending(request: Record) -> str | None:
    """Return how a request ended, where it was not as it should."""
    result = table(request.get("result"))
    error = table(result.get("errorDetails"))
    state = count(table(request.get("modelState")).get("value"))
    if request.get("isCanceled") is True or error.get("code") == "canceled":
        return CANCELLED
    return FAILED if error else ENDINGS.get(1 if state is None else state)


def _rounds(request: Record, account: Account) -> list[Message]:
    """Return an assistant message for each call of the model, each followed by the results of its tools."""
    metadata = table(table(request.get("result")).get("metadata"))
    results = table(metadata.get("toolCallResults"))
    messages: list[Message] = []
    for value in items(metadata.get("toolCallRounds")):
        step = table(value)
        time = instant(step.get("timestamp"))
        calls = [call for call in map(table, items(step.get("toolCalls"))) if string(call.get("id"))]
        if step.get("summary"):
            account.note("rounds that began from a summary")
        answer = Message(
            "assistant",
            joined(step.get("response")).strip(),
            tool_calls=[_call(call) for call in calls],
            reasoning=joined(table(step.get("thinking")).get("text")).strip(),
            model=_model(request),
            time=time,
            id=string(step.get("id")) or None,
        )
        if answer.text or answer.tool_calls:
            messages.append(answer)
        for call in calls:
            if call["id"] in results:
                text = result_text(results[call["id"]])
                failed = text.startswith(FAILED_TOOL)
                messages.append(
                    Message("tool", text, tool_call_id=call_id(call["id"]), is_error=failed, time=time)
                )
    return messages


def _call(call: Record) -> ToolCall:
    return ToolCall(call_id(call["id"]), string(call.get("name")), as_json(call.get("arguments")))


def _model(request: Record) -> str | None:
    return string(request.get("modelId")).removeprefix("copilot/") or None


def _whole_rounds(messages: list[Message]) -> list[Message]:
    """Return the rounds up to the last one whose calls all have results."""
    results = {message.tool_call_id for message in messages if message.role == "tool"}
    end = 0
    for index, message in enumerate(messages):
        if message.role == "assistant":
            if not message.tool_calls or any(call.id not in results for call in message.tool_calls):
                break
            end = index + 1 + len(message.tool_calls)
    return messages[:end]


def _rest(request: Record, has_rounds: bool, account: Account) -> list[Message]:
    """Return the answer as the panel showed it, where the rounds hold none or end with a tool."""
    response = request.get("response")
    parts = response if isinstance(response, list) else [response]
    rounds = items(table(table(request.get("result")).get("metadata")).get("toolCallRounds"))
    if has_rounds and not items(table(rounds[-1]).get("toolCalls")):
        return []
    if has_rounds:
        parts = after_tools(parts)
    text = spoken(parts, account)
    if not text:
        return []
    time = instant(table(request.get("modelState")).get("completedAt"))
    return [Message("assistant", text, reasoning=thoughts(parts), model=_model(request), time=time)]


def _usage(request: Record) -> Usage | None:
    """Return the tokens of the last call of the model, from wherever this version keeps them."""
    result = table(request.get("result"))
    for holder in (table(result.get("usage")), result, table(result.get("metadata"))):
        prompt = count(holder.get("promptTokens"))
        answer = count(holder.get("completionTokens", holder.get("outputTokens")))
        if prompt is not None or answer is not None:
            return Usage(prompt_tokens=prompt, completion_tokens=answer)
    return None


def _note(request: Record, answer: list[Message], account: Account) -> None:
    calls = sum(len(message.tool_calls) for message in answer)
    missing = calls - sum(message.role == "tool" for message in answer)
    attached = len(items(table(request.get("variableData")).get("variables")))
    for what, number in (("tool calls without a result", missing), ("attachments left out", attached)):
        if number > 0:
            account.note(what, number)
